"""Lines, their entries and aliases in one transaction of a handful of statements (books.md 10 step 7, 14.1, 14.2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from nostro.books.companies.models import Company
from nostro.books.journals.models import AccountingDate, Alias, Journal, Line, LineStatus, Source
from nostro.books.ledger.bulk import copy_rows
from nostro.books.ledger.posting import Draft, Side, draft_entry, lock_of, post
from nostro.books.ledger.rates import Rates
from nostro.core.identity import Alias as ExternalId
from nostro.people.audit import record
from nostro.people.models import User

#: Lines of one transaction at most (books.md 10 step 7).
BATCH_LIMIT = 500


@dataclass(frozen=True, slots=True)
class LineValues:
    """What a bank said about a transaction, in the columns of :class:`Line`."""

    booking_date: dt.date
    value_date: dt.date | None
    amount: Decimal
    currency: str
    label: str = ""
    counterparty_name: str = ""
    counterparty_account: str = ""
    structured_reference: str = ""
    remittance_text: str = ""
    description: str = ""
    end_to_end_id: str = ""
    mandate_id: str = ""
    creditor_id: str = ""
    purpose_code: str = ""
    bank_code: str = ""
    bank_reference: str = ""
    fee: Decimal | None = None
    foreign_amount: Decimal | None = None
    foreign_currency: str = ""


_VALUE_NAMES = tuple(field.name for field in fields(LineValues))


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to import. ``duplicate_of`` holds it as a possible duplicate of that line."""

    values: LineValues
    source: Source
    fingerprint: str
    occurrence: int
    alias: ExternalId | None = None
    duplicate_of: UUID | None = None


def accounting_date(journal: Journal, booking_date: dt.date, value_date: dt.date | None) -> dt.date:
    """The day a line counts for, by the journal's option (books.md 1)."""
    if journal.accounting_date == AccountingDate.VALUE and value_date is not None:
        return value_date
    return booking_date


@transaction.atomic
def import_lines(
    journal: Journal,
    batch: Sequence[NewLine],
    *,
    identity: str,
    run_id: UUID | None,
    actor: User | None = None,
) -> list[Line]:
    """Store at most :data:`BATCH_LIMIT` lines, given oldest first, with entries, aliases and one audit record.

    ``identity`` is the account's, for the aliases. An external id that is known already makes the whole batch fail
    with ``IntegrityError``; the identity step before has taken those out.
    """
    assert len(batch) <= BATCH_LIMIT
    if not batch:
        return []
    # Two imports into one journal go one after the other; imports into others are not held up.
    Journal.objects.select_for_update(no_key=True).get(pk=journal.pk)
    company = Company.objects.get(pk=journal.company_id)
    builder = _Builder(journal, company, run_id)
    lines = [builder.line(new) for new in batch]
    post(builder.drafts)
    copy_rows(lines)
    copy_rows(
        [
            Alias(
                company_id=company.id,
                identity=identity,
                source=new.alias.source,
                external_id=new.alias.external_id,
                epoch=new.alias.epoch,
                line_id=line.id,
            )
            for new, line in zip(batch, lines, strict=True)
            if new.alias is not None
        ]
    )
    record(
        tenant_id=company.id,
        actor=actor,
        action="lines.imported",
        obj=journal,
        sentence=f"{len(lines)} lines were imported into {journal.code}.",
        after={"run": str(run_id), "lines": len(lines), "posted": len(builder.drafts)},
    )
    return lines


class _Builder:
    """Decides status, amounts and entry of each line of one batch."""

    def __init__(self, journal: Journal, company: Company, run_id: UUID | None) -> None:
        self.journal, self.company, self.run_id = journal, company, run_id
        self.rates = Rates(company)
        self.locked_until = lock_of(company)
        self.drafts: list[Draft] = []
        newest = Line.objects.filter(journal=journal).aggregate(newest=Max("day_seq"))["newest"]
        self.day_seq = newest or 0

    def line(self, new: NewLine) -> Line:
        values = new.values
        self.day_seq += 1
        day = accounting_date(self.journal, values.booking_date, values.value_date)
        line = Line(
            company_id=self.company.id,
            journal_id=self.journal.id,
            order_date=day,
            day_seq=self.day_seq,
            source=new.source,
            fingerprint=new.fingerprint,
            occurrence=new.occurrence,
            duplicate_of_id=new.duplicate_of,
            run_id=self.run_id,
            **{name: getattr(values, name) for name in _VALUE_NAMES},
        )
        line.company_amount = company_amount(self.journal, self.company, self.rates, line, day)
        line.status, line.status_reason = self._status(new, line, day)
        if line.status == LineStatus.POSTED:
            self.drafts.append(enter(line, self.journal, self.company, day))
        return line

    def _status(self, new: NewLine, line: Line, day: dt.date) -> tuple[LineStatus, str]:
        if new.duplicate_of is not None:
            return LineStatus.HELD_DUPLICATE, "Possible duplicate"
        return status_by_figures(self.journal, line, day, self.locked_until)


def status_by_figures(
    journal: Journal, line: Line, day: dt.date, locked_until: dt.date | None
) -> tuple[LineStatus, str]:
    """Whether a line can be posted: held for its currency, for a lock, informational when zero, else posted."""
    if line.currency != journal.currency:
        return LineStatus.HELD_CURRENCY, f"The bank sent {line.currency}, the journal is in {journal.currency}."
    if line.company_amount is None:
        return LineStatus.HELD_CURRENCY, f"No exchange rate for {line.currency} is known."
    if line.amount == 0:
        return LineStatus.INFORMATIONAL, "The amount is zero."
    if locked_until is not None and day <= locked_until:
        return LineStatus.HELD_LOCKED, f"The books are locked until {locked_until.isoformat()}."
    return LineStatus.POSTED, ""


def company_amount(journal: Journal, company: Company, rates: Rates, line: Line, day: dt.date) -> Decimal | None:
    """C of books.md 14.2: J, else F where it is in the company's currency, else J converted at the accounting date."""
    if line.currency != journal.currency:
        return None
    if line.currency != company.currency and line.foreign_currency == company.currency:
        foreign: Decimal | None = line.foreign_amount
        return foreign
    return rates.company_amount(line.amount, line.currency, day)


def enter(line: Line, journal: Journal, company: Company, day: dt.date) -> Draft:
    """The entry of a posted line: bank against suspense (books.md 14.1). Sets the line's entry and residual."""
    own = line.company_amount
    assert own is not None
    draft = draft_entry(
        company,
        kind="bank",
        date=day,
        label=line.label,
        journal_id=journal.id,
        sides=(
            Side(journal.bank_account_id, own, line.currency, line.amount),
            Side(journal.suspense_account_id, -own, line.currency, -line.amount),
        ),
    )
    line.entry_id = draft.entry.id
    line.suspense_residual = line.amount
    return draft


def book_held_line(line: Line) -> None:
    """Post a line that was held or removed, if nothing holds it any more; stores the line."""
    journal, company = line.journal, line.company
    day = accounting_date(journal, line.booking_date, line.value_date)
    if line.company_amount is None:
        line.company_amount = company_amount(journal, company, Rates(company), line, day)
    line.status, line.status_reason = status_by_figures(journal, line, day, lock_of(company))
    if line.status == LineStatus.POSTED:
        post([enter(line, journal, company, day)])
    line.save()


@transaction.atomic
def release_currency_holds(journal: Journal) -> int:
    """Post the lines that waited for an exchange rate; returns how many were posted."""
    held = (
        Line.objects.select_for_update(of=("self",))
        .select_related("journal", "company")
        .filter(journal=journal, status=LineStatus.HELD_CURRENCY, currency=journal.currency)
    )
    lines = list(held.order_by("booking_date", "day_seq"))
    for line in lines:
        book_held_line(line)
    return sum(line.status == LineStatus.POSTED for line in lines)
