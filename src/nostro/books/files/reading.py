"""A file's events become staged lines of one journal (books.md 11.5, formats.md 2.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from nostro.books.files.models import JournalFile, JournalFileStatement, StagedLine
from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import Journal
from nostro.books.ledger.bulk import copy_rows
from nostro.core.account_keys import normalise_account_number
from nostro.core.identity import books_fingerprint
from nostro.core.identity.file_rows import complete_days
from nostro.formats import Entry, FileHead, Hints, Problem, StatementHead, StatementTail, read, sentence, survey
from nostro.formats.problems import fail

#: Rows that one file may bring to a journal, and remarks that are kept.
MAX_ROWS = 100_000
MAX_PROBLEMS = 200


def stage(file: JournalFile, chunks: list[bytes]) -> None:
    """Read all of a file and stage the rows of its journal's account; nothing is stored elsewhere.

    Raises ``FormatError`` for a file that cannot be used or that tells about other accounts only. Called within a
    transaction, which makes it all or nothing.
    """
    journal = file.journal
    hints = Hints(account=journal.account_number or None, currency=journal.currency)
    stager = _Stager(file)
    for event in read(iter(chunks), survey(iter(chunks)), hints):
        stager.take(event)
    stager.end()


class _Stager:
    def __init__(self, file: JournalFile) -> None:
        self._file, self._journal = file, file.journal
        self._statement: JournalFileStatement | None = None
        self._head: StatementHead | None = None
        self._statements: list[JournalFileStatement] = []
        self._rows: list[StagedLine] = []
        self._others: set[str] = set()
        self._problems: list[dict[str, Any]] = []

    def take(self, event: object) -> None:
        if isinstance(event, Entry):
            self._row(event)
        elif isinstance(event, StatementHead):
            self._begin(event)
        elif isinstance(event, StatementTail):
            self._finish(event)
        elif isinstance(event, Problem):
            self._file.quarantined = self._file.quarantined or event.severity == "quarantine"
            if len(self._problems) < MAX_PROBLEMS:
                self._problems.append(problem_json(event))
        elif isinstance(event, FileHead):
            self._file.format = event.format[:20]

    def end(self) -> None:
        if not self._statements:
            numbers = ", ".join(sorted(self._others)[:5])
            raise fail("F-ACCOUNT", f"the file tells about {numbers}, not about this journal's account")
        self._file.problems = self._problems
        JournalFileStatement.objects.bulk_create(self._statements)
        copy_rows(self._rows)

    def _begin(self, head: StatementHead) -> None:
        self._head, self._statement = head, None
        if not _is_own(self._journal, head):
            self._others.add(f"{head.account.number} {head.account.currency}")
            return
        self._statement = JournalFileStatement(
            company_id=self._file.company_id,
            file=self._file,
            index=head.index,
            number=(head.sequence or head.legal_sequence or head.statement_id or "")[:70],
            proof="unproved",
        )
        self._statements.append(self._statement)

    def _row(self, entry: Entry) -> None:
        if self._statement is None or entry.booking_status != "booked" or entry.provisional:
            self._file.left_out += 1
            return
        self._file.rows += 1
        if self._file.rows > MAX_ROWS:
            raise fail("F-TOO-LARGE", f"a journal takes at most {MAX_ROWS} rows of one file", entry.position)
        values = line_values(entry)
        self._rows.append(
            StagedLine(
                file_id=self._file.pk,
                statement_id=self._statement.pk,
                number=self._file.rows,
                position=str(entry.position)[:120],
                fingerprint=fingerprint_of(self._journal, values),
                values=msgspec.json.encode(values).decode(),
                held="",
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
        statement.credit_sum, statement.debit_sum = proof.credit_sum, proof.debit_sum
        statement.proof, statement.difference = proof.state, proof.difference


def _is_own(journal: Journal, head: StatementHead) -> bool:
    number = normalise_account_number(head.account.number)
    same = not number or not journal.account_number or number == journal.account_number
    return same and head.account.currency == journal.currency


def problem_json(found: Problem) -> dict[str, Any]:
    """A problem of a file as it is kept."""
    return {"severity": found.severity, "code": found.code, "sentence": sentence(found)[:1000]}


def line_values(entry: Entry) -> LineValues:
    """The columns of a line (formats.md 2.9); texts as the Hub serves them, so that both give equal lines."""
    assert entry.booking_date is not None, "readers give every booked row a date"
    structured = next(iter(entry.remittance_information_structured), "")
    name, remittance = entry.counterparty_name or "", entry.remittance_information
    return LineValues(
        booking_date=entry.booking_date,
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


def fingerprint_of(journal: Journal, values: LineValues) -> str:
    """The fingerprint of books.md 11.1, as for lines of a feed of the same account."""
    return books_fingerprint(
        reference=journal.account_number,
        currency=journal.currency,
        booking_date=values.booking_date,
        amount=values.amount,
        counterparty_account=values.counterparty_account,
        remittance=values.remittance_text,
        end_to_end_id=values.end_to_end_id,
    )


def staged_values(file: JournalFile) -> Iterator[tuple[StagedLine, LineValues]]:
    """The staged lines of a file in its order."""
    decode = msgspec.json.Decoder(LineValues).decode
    for row in StagedLine.objects.filter(file=file).order_by("number").iterator(chunk_size=2_000):
        yield row, decode(row.values)
