"""Reads a file into the staging tables: statements with their proof, accounts, rows (formats.md 9).

Rows are committed ten thousand at a time, so that memory stays flat and a person sees how far it is. Nothing of it is
seen elsewhere; a reading that was broken off begins anew.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction

from nostro.core.identity import read_row
from nostro.core.identity.file_rows import complete_days
from nostro.core.ids import new_id
from nostro.core.transactions import Balance
from nostro.formats import Entry, FileHead, Problem, StatementHead, StatementTail, Survey, read
from nostro.formats.problems import fail, problem
from nostro.hub.accounts.rows import BANK_COLUMNS, copy_rows, copyable_bank_values
from nostro.hub.files import leases
from nostro.hub.files.answers import hints_of
from nostro.hub.files.limits import MAX_ACCOUNTS, MAX_PROBLEMS, STAGE_ROWS
from nostro.hub.files.models import FileAccount, FileImport, FileStatement, StagedRow
from nostro.hub.files.problems import as_json
from nostro.hub.files.receiving import bytes_of

_COLUMNS = (
    "id",
    "file_id",
    "statement_id",
    "number",
    "position",
    "fingerprint",
    "own_id",
    "held",
    "standing",
    *BANK_COLUMNS,
)
_DIGEST = BANK_COLUMNS.index("digest")


class NoReferences:
    """Files are compared by ``core.identity.file_rows``: their references are no identity of a connection's rows."""

    reference_fields: tuple[str, ...] = ()
    verify = True


_POLICY = NoReferences()


def clear(file: FileImport) -> None:
    """Forget what an earlier reading of the file staged."""
    StagedRow.objects.filter(file=file)._raw_delete("default")
    FileStatement.objects.filter(file=file).delete()
    FileAccount.objects.filter(file=file).delete()


def stage(file: FileImport, found: Survey, clock: Callable[[], dt.datetime], reached: Callable[[str], None]) -> None:
    """Read the surveyed file. Raises ``FormatError`` if it cannot be used, ``LeaseLost`` when another took over."""
    stager = _Stager(file, clock, reached)
    for event in read(stager.counted(bytes_of(file)), found, hints_of(file)):
        stager.take(event)
    stager.end(found.encoding)


class _Stager:
    def __init__(self, file: FileImport, clock: Callable[[], dt.datetime], reached: Callable[[str], None]) -> None:
        self._file, self._clock, self._reached = file, clock, reached
        self._accounts: dict[tuple[str, str], FileAccount] = {}
        self._statements: list[FileStatement] = []  # not stored yet
        self._open: FileStatement | None = None
        self._head: StatementHead | None = None
        self._rows: list[list[Any]] = []
        self._number = 0
        self._problems: list[dict[str, Any]] = []
        self._bytes = 0

    def counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._bytes += len(chunk)
            yield chunk

    def take(self, event: object) -> None:
        # Most events are rows.
        if isinstance(event, Entry):
            self._row(event)
        elif isinstance(event, StatementHead):
            self._begin(event)
        elif isinstance(event, StatementTail):
            self._finish(event)
        elif isinstance(event, Problem):
            self._note(event)
        elif isinstance(event, FileHead):
            self._file.format, self._file.version = event.format[:20], event.version[:60]

    def end(self, encoding: str) -> None:
        self._file.encoding = encoding[:40]
        self._file.problems = self._problems
        self._flush()
        for account in self._accounts.values():
            account.save()

    # --- parts of the file

    def _begin(self, head: StatementHead) -> None:
        self._head = head
        self._open = FileStatement(
            organization_id=self._file.organization_id,
            file=self._file,
            file_account=self._account(head),
            index=head.index,
            kind=head.kind,
            number=(head.sequence or head.legal_sequence or head.statement_id or "")[:70],
            position=str(head.position)[:120],
            proof="unproved",
            totals="unproved",
        )
        self._statements.append(self._open)

    def _account(self, head: StatementHead) -> FileAccount:
        told = head.account
        key = (told.number[:70], told.currency)
        if key not in self._accounts:
            if len(self._accounts) >= MAX_ACCOUNTS:
                raise fail("F-TOO-LARGE", f"the file tells about more than {MAX_ACCOUNTS} accounts", head.position)
            kinds = ("iban", "bban", "masked_pan", "other")
            self._accounts[key] = FileAccount.objects.create(
                organization_id=self._file.organization_id,
                file=self._file,
                position=len(self._accounts) + 1,
                number=key[0],
                number_kind=next((kind for kind in kinds if getattr(told, kind)), ""),
                currency=told.currency,
                bic=(told.bic or "")[:11],
                owner_name=(told.owner_name or "")[:200],
                display_name=(told.display_name or "")[:200],
            )
        return self._accounts[key]

    def _row(self, entry: Entry) -> None:
        statement = self._open
        assert statement is not None, "formats.read gives rows within statements only"
        account = statement.file_account
        self._file.rows_read += 1
        standing = entry.standing(statement.kind)
        if standing is None:
            account.left_out += 1
            return
        if standing == "booked":
            account.rows += 1
        elif standing == "notice":
            account.left_out += 1
        else:
            account.announced += 1
        self._number += 1
        row = read_row(entry, _POLICY, "file")
        values = copyable_bank_values(row, None)
        fingerprint = bytes.fromhex(row.fingerprint)
        values[_DIGEST] = fingerprint
        place = str(entry.position)[:120]
        self._rows.append(
            [
                new_id(),
                self._file.pk,
                statement.pk,
                self._number,
                place,
                fingerprint,
                _own_id(entry),
                "",
                standing,
                *values,
            ]
        )
        if len(self._rows) >= STAGE_ROWS:
            self._flush()

    def _finish(self, tail: StatementTail) -> None:
        statement, head, proof = self._open, self._head, tail.proof
        assert statement is not None
        assert head is not None
        assert proof is not None, "formats.read proves every statement"
        opening, closing, booked = proof.opening, proof.closing, tail.booked_days
        statement.first_day, statement.last_day = (booked.date_from, booked.date_to) if booked else (None, None)
        days = complete_days(
            head.kind,
            complete=tail.complete,
            stated=(head.from_date, head.to_date),
            booked=(statement.first_day, statement.last_day),
            opening_day=opening.reference_date if opening else None,
            closing_day=closing.reference_date if closing else None,
        )
        statement.complete_from, statement.complete_to = days or (None, None)
        if opening is not None:
            statement.opening, statement.opening_day = opening.amount, opening.reference_date
        if closing is not None:
            statement.closing, statement.closing_day = closing.amount, closing.reference_date
        statement.balances = [_balance_json(balance) for balance in tail.balances[:20]]
        statement.credits, statement.credit_sum = proof.credits, proof.credit_sum
        statement.debits, statement.debit_sum = proof.debits, proof.debit_sum
        statement.proof, statement.totals = proof.state, proof.totals
        statement.difference, statement.hints = proof.difference, list(proof.hints)
        if not statement._state.adding:
            statement.save()
        self._open = None

    def _note(self, found: Problem) -> None:
        self._file.quarantined = self._file.quarantined or found.severity == "quarantine"
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(as_json(found))

    def _flush(self) -> None:
        """Commit what waits, with how far the reading has come."""
        with transaction.atomic():
            FileStatement.objects.bulk_create(self._statements, batch_size=1_000)
            for statement in self._statements:
                statement._state.adding = False
            copy_rows(StagedRow._meta.db_table, _COLUMNS, self._rows)
            self._file.bytes_read = min(self._bytes, self._file.size)
            leases.note_progress(self._file, self._clock())
        self._statements, self._rows = [], []
        self._reached("rows staged")


#: Where our writers put the id of a transaction (formats.md 7).
_OWN_SCHEMES = frozenset(["ntryRef", "fitId", "tableId"])


def _own_id(entry: Entry) -> uuid.UUID | None:
    for scheme, value in entry.references:
        if scheme in _OWN_SCHEMES and len(value) in {32, 36}:
            try:
                return uuid.UUID(value)
            except ValueError:
                continue
    return None


def _balance_json(balance: Balance) -> dict[str, Any]:
    day = balance.reference_date
    return {
        "type": balance.balance_type,
        "amount": format(balance.amount, "f"),
        "currency": balance.currency,
        "credit_limit_included": balance.credit_limit_included,
        "day": day.isoformat() if day else None,
    }


def too_often() -> Problem:
    """The remark about a file whose reading never ended."""
    return problem("F-LOST", "reading this file was begun several times and never reached its end", severity="fatal")
