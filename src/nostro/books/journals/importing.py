"""Lines, their entries and aliases in one transaction of a handful of statements (books.md 10 step 7, 14.1, 14.2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Max

from nostro.books.companies.models import Company, LockType
from nostro.books.journals.grouping import Placing
from nostro.books.journals.models import Alias, Journal, Line, LineStatus, Source
from nostro.books.ledger.bulk import Text, column_names, copy_texts
from nostro.books.ledger.models import Entry, EntryItem
from nostro.books.ledger.posting import Draft, Lock, Side, draft_entry, hold_locks, lock_for, post
from nostro.books.ledger.rates import Rates
from nostro.core.identity import Alias as ExternalId
from nostro.core.ids import new_id_text
from nostro.people.audit import record
from nostro.people.models import User

#: Lines of one transaction at most (books.md 10 step 7).
BATCH_LIMIT = 500


class LineValues(msgspec.Struct, frozen=True, gc=False):
    """What a bank said about a transaction, in the columns of :class:`Line`. A struct, because there are many."""

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


_VALUE_NAMES = LineValues.__struct_fields__
_values_of = attrgetter(*_VALUE_NAMES)
#: The places of those that are no text by themselves.
_NOT_TEXT = tuple(place for place, field in enumerate(msgspec.structs.fields(LineValues)) if field.type is not str)


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to import. ``duplicate_of`` holds it as a possible duplicate of that line."""

    values: LineValues
    source: Source
    fingerprint: str
    occurrence: int
    alias: ExternalId | None = None
    duplicate_of: UUID | None = None


class Imported(NamedTuple):
    """A line that was stored; ``id`` is the text of its UUID."""

    id: str
    status: LineStatus


@transaction.atomic
def import_lines(
    journal: Journal,
    batch: Sequence[NewLine],
    *,
    identity: str,
    run_id: UUID | None,
    today: dt.date,
    actor: User | None = None,
) -> list[Imported]:
    """Store at most :data:`BATCH_LIMIT` lines, given oldest first, with entries, aliases and statements.

    ``identity`` is the account's, for the aliases. An external id that is known already makes the whole batch fail
    with ``IntegrityError``; the identity step before has taken those out.
    """
    assert len(batch) <= BATCH_LIMIT
    if not batch:
        return []
    hold_locks(journal.company)  # before the journal, as who moves a lock does
    # Two imports into one journal go one after the other; imports into others are not held up.
    journal = Journal.objects.select_for_update(no_key=True, of=("self",)).select_related("company").get(pk=journal.pk)
    dated = [(journal.accounting_day(new.values.booking_date, new.values.value_date), new) for new in batch]
    dated.sort(key=itemgetter(0))
    rows = _Rows(journal, run_id, identity, today, since=dated[0][0])
    for day, new in dated:
        rows.add(day, new)
    rows.store()
    record(
        tenant_id=journal.company_id,
        actor=actor,
        action="lines.imported",
        obj=journal,
        sentence=f"{len(batch)} lines were imported into {journal.code}.",
        after={"run": str(run_id), "lines": len(batch), "posted": len(rows.entries)},
    )
    return rows.imported


class _Rows:
    """The rows of one batch as text, built line by line: status, amounts, entry and statement of each."""

    def __init__(self, journal: Journal, run_id: UUID | None, identity: str, today: dt.date, *, since: dt.date) -> None:
        self.journal, self.company = journal, journal.company
        self.run_id, self.identity = str(run_id) if run_id else None, identity
        self.rates = Rates(self.company)
        self.lock = lock_for(self.company, LockType.BANK)
        self.placing = Placing(journal, today=today, since=since, run_ids=[self.run_id])
        # Places only count within a day, and no line of this batch comes to lie before ``since``.
        newest = Line.objects.filter(journal=journal, order_date__gte=since).aggregate(newest=Max("day_seq"))["newest"]
        self.day_seq = newest or 0
        self.company_id, self.journal_id = str(self.company.id), str(journal.id)
        self.bank_account, self.suspense = str(journal.bank_account_id), str(journal.suspense_account_id)
        self.imported: list[Imported] = []
        self.lines: list[tuple[Text, ...]] = []
        self.entries: list[tuple[Text, ...]] = []
        self.items: list[tuple[Text, ...]] = []
        self.aliases: list[tuple[Text, ...]] = []

    def add(self, day: dt.date, new: NewLine) -> None:
        values, line_id = new.values, new_id_text()
        own = company_amount(self.journal, self.company, self.rates, values, day)
        status, reason = self._status(new, own, day)
        entry_id: str | None = None
        statement_id, order_date, late = None, day, False
        if status == LineStatus.POSTED:
            assert own is not None
            entry_id = self._enter(values, own, day.isoformat())
            statement_id, order_date, late = self.placing.place(day, self.run_id, values.amount)
        self.day_seq += 1
        self.imported.append(Imported(line_id, status))
        self.lines.append(
            (
                *_value_texts(values),
                line_id,
                self.company_id,
                self.journal_id,
                order_date.isoformat(),
                str(self.day_seq),
                _text(own),
                entry_id,
                status.value,
                reason,
                _text(values.amount) if entry_id else "0",
                new.source.value,
                new.fingerprint,
                str(new.occurrence),
                str(new.duplicate_of) if new.duplicate_of else None,
                self.run_id,
                statement_id,
                "t" if late else "f",
                *_LINE_CONSTANTS,
            )
        )
        if new.alias is not None:
            source, external_id, epoch = new.alias
            self.aliases.append((self.company_id, self.identity, source, external_id, str(epoch), line_id))

    def _status(self, new: NewLine, own: Decimal | None, day: dt.date) -> tuple[LineStatus, str]:
        if new.duplicate_of is not None:
            return LineStatus.HELD_DUPLICATE, "Possible duplicate"
        return status_by_figures(self.journal, new.values, own, day, self.lock)

    def _enter(self, values: LineValues, own: Decimal, day: str) -> str:
        """The entry of a posted line: bank against suspense (books.md 14.1)."""
        entry_id, currency, label = new_id_text(), values.currency, values.label
        self.entries.append((entry_id, self.company_id, "bank", day, label, self.journal_id, None))
        for account, sign in ((self.bank_account, 1), (self.suspense, -1)):
            amount, amount_currency = _text(sign * own), _text(sign * values.amount)
            head = (new_id_text(), self.company_id, entry_id, account, None, day, None, label, "")
            self.items.append((*head, amount, currency, amount_currency, None, None))
        return entry_id

    def store(self) -> None:
        self.placing.store()
        copy_texts(Entry, column_names(Entry), self.entries)
        copy_texts(EntryItem, column_names(EntryItem), self.items)
        copy_texts(Line, _LINE_NAMES, self.lines)
        copy_texts(Alias, column_names(Alias), self.aliases)


#: What a new line never has: the names and the values that go with them.
_LINE_CONSTANTS: tuple[Text, ...] = ("", "", None, "f", "f")
_LINE_NAMES = (
    *_VALUE_NAMES, "id", "company_id", "journal_id", "order_date", "day_seq", "company_amount", "entry_id", "status",
    "status_reason", "suspense_residual", "source", "fingerprint", "occurrence", "duplicate_of_id", "run_id",
    "statement_id", "late", "counterparty_bic", "transaction_type", "partner_id", "reconciled", "to_check",
)  # fmt: skip


def _value_texts(values: LineValues) -> list[Text]:
    """The columns of :data:`_VALUE_NAMES` as PostgreSQL reads them."""
    texts: list[Any] = list(_values_of(values if _foreign_is_whole(values) else _without_foreign(values)))
    for place in _NOT_TEXT:
        texts[place] = _text(texts[place])
    return texts


def _foreign_is_whole(values: LineValues) -> bool:
    """Whether it says no foreign amount, or all of one (books.md 14.2: both or none, another currency)."""
    if values.foreign_amount is None and not values.foreign_currency:
        return True
    return values.foreign_amount is not None and values.foreign_currency not in ("", values.currency)


def _without_foreign(values: LineValues) -> LineValues:
    return msgspec.structs.replace(values, foreign_amount=None, foreign_currency="")


def _text(value: str | dt.date | Decimal | None) -> Text:
    """A value as PostgreSQL reads it."""
    return value if value is None or isinstance(value, str) else str(value)


def status_by_figures(
    journal: Journal, line: LineValues | Line, own: Decimal | None, day: dt.date, lock: Lock | None
) -> tuple[LineStatus, str]:
    """Whether a line can be posted: held for its currency, for a lock, informational when zero, else posted.

    ``own`` is its amount in the company's currency, where that is known.
    """
    if line.currency != journal.currency:
        return LineStatus.HELD_CURRENCY, f"The bank sent {line.currency}, the journal is in {journal.currency}."
    if own is None:
        return LineStatus.HELD_CURRENCY, f"No exchange rate for {line.currency} is known."
    if line.amount == 0:
        return LineStatus.INFORMATIONAL, "The amount is zero."
    if lock is not None and day <= lock.until:
        return LineStatus.HELD_LOCKED, f"{lock.name} are locked until {lock.until.isoformat()}."
    return LineStatus.POSTED, ""


def company_amount(
    journal: Journal, company: Company, rates: Rates, line: LineValues | Line, day: dt.date
) -> Decimal | None:
    """C of books.md 14.2: J, else F where it is in the company's currency, else J converted at the accounting date."""
    if line.currency != journal.currency:
        return None
    if line.currency != company.currency and line.foreign_currency == company.currency:
        return line.foreign_amount
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


def book_held_line(line: Line, *, entry_day: dt.date | None = None) -> None:
    """Post a line that was held or removed, if nothing holds it any more; stores the line.

    ``entry_day`` dates the entry where the line's own day is locked; the line keeps its bank date.
    """
    journal, company = line.journal, line.company
    day = entry_day or journal.accounting_day(line.booking_date, line.value_date)
    if line.company_amount is None:
        line.company_amount = company_amount(journal, company, Rates(company), line, day)
    lock = lock_for(company, LockType.BANK)
    line.status, line.status_reason = status_by_figures(journal, line, line.company_amount, day, lock)
    if line.status == LineStatus.POSTED:
        post([enter(line, journal, company, day)])
    line.save()
