"""A file's events become staged lines of its accounts (books.md 11.5, formats.md 2.8 and 2.9)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from nostro.books.files.asking import MAX_ASKED, WHOLE, Asked, hints_of, hints_of_member, is_asked, keep_few
from nostro.books.files.identifying import identified
from nostro.books.files.models import JournalFile, JournalFileAccount, JournalFileStatement, StagedLine
from nostro.books.journals.importing import LineValues
from nostro.books.ledger.bulk import copy_rows
from nostro.core.account_keys import normalise_account_number
from nostro.core.identity import books_fingerprint
from nostro.core.identity.file_rows import complete_days
from nostro.formats import (
    Entry,
    FileAccount,
    FileHead,
    FormatError,
    Hints,
    Problem,
    StatementHead,
    StatementTail,
    Survey,
    read,
    sentence,
    survey,
)
from nostro.formats.containers import Member, members, require_no_archive
from nostro.formats.parts import stored_parts
from nostro.formats.problems import fail
from nostro.formats.values import NOWHERE
from nostro.web.tables.answers import TABLES

#: Rows that one file may bring, accounts it may tell about, and remarks that are kept.
MAX_ROWS = 100_000
MAX_ACCOUNTS = 500
MAX_PROBLEMS = 200


def stage(file: JournalFile, chunks: list[bytes], found: Survey) -> None:
    """Read all of a file, or of the files in an archive, and stage their rows; nothing is stored elsewhere.

    Raises ``Asked`` where a person can say what is missing, ``FormatError`` for a file that cannot be used or that
    tells about no account of this company. Called within a transaction, which makes it all or nothing.
    """
    stager = _Stager(file)
    if found.container is None:
        try:
            stager.read(iter(chunks), found, hints_of(file))
        except FormatError as error:
            if is_asked(file, WHOLE, error):
                raise Asked(error.problem, error.problems) from error
            raise
    else:
        file.format = found.container
        _stage_members(stager, chunks, found.container)
    stager.end()


#: What may lie beside statements in an archive, as a PDF or a note does; it is left out and said.
_NO_STATEMENT = frozenset({"F-EMPTY", "F-UNKNOWN", "F-REFUSED"})


def _stage_members(stager: _Stager, chunks: list[bytes], container: Literal["zip", "gzip"]) -> None:
    """The files of an archive as one: what is wrong with one of them is wrong with all.

    A table that lacks an answer does not end the reading, so that a person is asked about all of them at once.
    """
    surveys = []
    for member in members(iter(chunks), container):
        surveys.append(survey(member.chunks))
        require_no_archive(surveys[-1], member)
    asked: list[Problem] = []
    for member, found in zip(members(iter(chunks), container), surveys, strict=True):
        stager.member = f"{member.name or member.number}: "
        refusal = next((each for each in found.problems if each.severity == "fatal"), None)
        if refusal is not None and refusal.code in _NO_STATEMENT:
            stager.take(replace(refusal, severity="warning", position=NOWHERE, message=f"left out: {refusal.message}"))
            continue
        try:
            stager.read_member(member, found)
        except FormatError as error:
            named = [replace(each, message=f"{stager.member}{each.message}") for each in error.problems]
            if not is_asked(stager.file, member.number, error):
                raise FormatError(named[0], named) from error
            asked += named[:1]
            if len(asked) == MAX_ASKED:
                break
        stager.file.members += 1
    keep_few(stager.file)
    if asked:
        raise Asked(asked[0], asked)
    if not stager.file.members:
        raise fail("F-EMPTY", "there is no statement in this archive")


class _Stager:
    """Turns events into rows of the database. ``member`` names the file of an archive that is being read."""

    def __init__(self, file: JournalFile) -> None:
        self.file, self.member = file, ""
        self._account: JournalFileAccount | None = None
        self._statement: JournalFileStatement | None = None
        self._head: StatementHead | None = None
        self._accounts: list[JournalFileAccount] = []
        self._statements: list[JournalFileStatement] = []
        self._rows: list[StagedLine] = []
        self._problems: list[dict[str, Any]] = []

    def read(self, chunks: Iterable[bytes], found: Survey, hints: Hints) -> None:
        """Take all of one file."""
        for event in read(chunks, found, hints):
            self.take(event)

    def read_member(self, member: Member, found: Survey) -> None:
        """Take all of one file of an archive. A table is looked at before it is read, so its bytes are needed twice."""
        content = list(member.chunks) if found.format in TABLES else member.chunks
        looked_at = content if found.format in TABLES else ()
        self.read(content, found, hints_of_member(self.file, member.number, member.name, looked_at, found))

    def take(self, event: object) -> None:
        if isinstance(event, Entry):
            self._row(event)
        elif isinstance(event, StatementHead):
            self._begin(event)
        elif isinstance(event, StatementTail):
            self._finish(event)
        elif isinstance(event, Problem):
            self.file.quarantined = self.file.quarantined or event.severity == "quarantine"
            if len(self._problems) < MAX_PROBLEMS:
                self._problems.append(problem_json(event, self.member))
        elif isinstance(event, FileHead):
            self.file.format = event.format[:20] if not self.member else self.file.format

    def end(self) -> None:
        if all(account.refusal for account in self._accounts):
            raise fail("F-ACCOUNT", _refusal(self.file, self._accounts))
        if self.file.journal is not None and not any(each.decision == "import" for each in self._accounts):
            raise fail("F-ACCOUNT", _refusal(self.file, self._accounts))
        self.file.problems = self._problems
        JournalFileAccount.objects.bulk_create(self._accounts)
        JournalFileStatement.objects.bulk_create(self._statements)
        copy_rows(self._rows)

    def _begin(self, head: StatementHead) -> None:
        self._head, self._account = head, self._account_of(head.account)
        self._statement = JournalFileStatement(
            company_id=self.file.company_id,
            file=self.file,
            account=self._account,
            index=len(self._statements) + 1,
            number=(head.sequence or head.legal_sequence or head.statement_id or "")[:70],
            proof="unproved",
        )
        self._statements.append(self._statement)

    def _account_of(self, shown: FileAccount) -> JournalFileAccount:
        key = (normalise_account_number(shown.number)[:70], shown.currency)
        found = next((each for each in self._accounts if (each.number, each.currency) == key), None)
        if found is None:
            if len(self._accounts) >= MAX_ACCOUNTS:
                raise fail("F-TOO-LARGE", f"a file may tell about at most {MAX_ACCOUNTS} accounts")
            found = identified(self.file, shown, self._accounts)
            self._accounts.append(found)
        return found

    def _row(self, entry: Entry) -> None:
        assert self._statement is not None and self._account is not None, "rows come within statements"
        assert self._head is not None, "rows come within statements"
        standing = entry.standing(self._head.kind)
        # A notice only tells more of an entry that a statement brings.
        if standing is None or standing == "notice":
            self.file.left_out += 1
            return
        if self._account.refusal:
            return
        if standing == "booked":
            self._account.rows += 1
            self.file.rows += 1
        else:
            self._account.announced_count += 1
        if len(self._rows) >= MAX_ROWS:
            raise fail("F-TOO-LARGE", f"a file may bring at most {MAX_ROWS} rows", entry.position)
        values = line_values(entry, self.file.created_at.date())
        self._rows.append(
            StagedLine(
                file_id=self.file.pk,
                statement_id=self._statement.pk,
                number=len(self._rows) + 1,
                position=f"{self.member}{entry.position}"[:120],
                fingerprint=fingerprint_of(self._account, values),
                values=msgspec.json.encode(values).decode(),
                parts=json.dumps(stored_parts(entry.details)) if len(entry.details) > 1 else "",
                standing=standing,
                held="",
                changes=False,
            )
        )

    def _finish(self, tail: StatementTail) -> None:
        statement, head, proof = self._statement, self._head, tail.proof
        if statement is None or head is None or proof is None:
            return
        booked, opening, closing = tail.booked_days, proof.opening, proof.closing
        statement.first_day, statement.last_day = (booked.date_from, booked.date_to) if booked else (None, None)
        statement.complete_from, statement.complete_to = complete_days(
            head.kind,
            complete=tail.complete,
            stated=(head.from_date, head.to_date),
            booked=(statement.first_day, statement.last_day),
            opening_day=opening.reference_date if opening else None,
            closing_day=closing.reference_date if closing else None,
        ) or (None, None)
        statement.opening = opening.amount if opening else None
        statement.closing, statement.closing_day = (closing.amount, closing.reference_date) if closing else (None, None)
        if head.kind == "report":
            # It counts provisional rows and is no balance of the bank (formats.md 6.1): it proves its own report only.
            statement.closing_day = None
        statement.credit_sum, statement.debit_sum = proof.credit_sum, proof.debit_sum
        statement.proof, statement.difference = proof.state, proof.difference


def _refusal(file: JournalFile, accounts: Sequence[JournalFileAccount]) -> str:
    """Why no account of a file is taken, in a sentence."""
    if not accounts:
        return "the file tells about no account"
    first = accounts[0]
    if first.refusal == "no_number":
        return "the file names no account number; hand it in on the page of its journal"
    named = ", ".join(str(each) for each in accounts[:5])
    if first.refusal == "other_company":
        return f"the file tells about {named}, an account of your company {first.elsewhere}; hand it in there"
    if first.journal is not None:
        return f"the file tells about {named}, not about this journal's account; its journal is {first.journal}"
    return f"the file tells about {named}, not about this journal's account"


def problem_json(found: Problem, member: str = "") -> dict[str, Any]:
    """A problem of a file as it is kept; ``member`` names the file of an archive."""
    return {"severity": found.severity, "code": found.code, "sentence": f"{member}{sentence(found)}"[:1000]}


def line_values(entry: Entry, today: dt.date) -> LineValues:
    """The columns of a line (formats.md 2.9); texts as the Hub serves them, so that both give equal lines. An expected
    row that names no day is one of ``today``."""
    structured = next(iter(entry.remittance_information_structured), "")
    name, remittance = entry.counterparty_name or "", entry.remittance_information
    return LineValues(
        booking_date=entry.booking_date or entry.transaction_date or entry.value_date or today,
        value_date=entry.value_date,
        amount=entry.amount,
        currency=entry.currency,
        label=remittance or entry.additional_information or name,
        counterparty_name=name,
        counterparty_account=normalise_account_number(entry.counterparty_account or "")[:70],
        structured_reference=structured[:140],
        remittance_text=remittance,
        description=entry.additional_information or "",
        end_to_end_id=(entry.end_to_end_id or "")[:140],
        mandate_id=(entry.mandate_id or "")[:140],
        creditor_id=(entry.creditor_id or "")[:140],
        purpose_code=(entry.purpose_code or "")[:140],
        bank_code=(entry.bank_transaction_code or "")[:140],
        bank_reference=(entry.entry_reference or "")[:140],
        fee=entry.fee,
    )


def fingerprint_of(account: JournalFileAccount, values: LineValues) -> str:
    """The fingerprint of books.md 11.1, as for lines of a feed of the same account."""
    return books_fingerprint(
        reference=account.reference,
        currency=account.currency,
        booking_date=values.booking_date,
        amount=values.amount,
        counterparty_account=values.counterparty_account,
        remittance=values.remittance_text,
        end_to_end_id=values.end_to_end_id,
    )


def staged_values(account: JournalFileAccount) -> Iterator[tuple[StagedLine, LineValues]]:
    """The staged booked lines of an account in the order of the file."""
    found = StagedLine.objects.filter(statement__account=account, standing="booked").order_by("number")
    for row in found.iterator(chunk_size=2_000):
        yield row, values_of(row)


_decode = msgspec.json.Decoder(LineValues).decode


def values_of(row: StagedLine) -> LineValues:
    """What the bank said in a staged row."""
    return _decode(row.values)
