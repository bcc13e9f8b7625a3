"""Lines that are held for a lock or a missing rate, and the ways out (books.md 14.2, 14.4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from nostro.books.companies.models import Company, LockType, Role
from nostro.books.companies.queries import require_role
from nostro.books.companies.services import set_lock_date
from nostro.books.journals.grouping import group_lines
from nostro.books.journals.importing import book_held_line
from nostro.books.journals.models import Journal, Line, LineStatus
from nostro.books.journals.services import locked_line, post_held
from nostro.books.ledger.models import Entry, EntryItem
from nostro.books.ledger.posting import first_open_day
from nostro.books.ledger.rates import set_rate
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

#: An entry booked by hand lies at most this far from the bank's date.
NEAR = dt.timedelta(days=31)
_WAITING = (LineStatus.HELD_LOCKED, LineStatus.HELD_CURRENCY)


@transaction.atomic
def retry_held(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """Post a held line now that nothing holds it. Raises :class:`Problem` where something still does."""
    line = locked_line(user, line_id)
    if line.status not in _WAITING:
        return line
    post_held(line, user, "line.retried", now)
    if line.status in _WAITING:
        code = "D-LOCKED" if line.status == LineStatus.HELD_LOCKED else "D-CURRENCY"
        raise Problem(line.status_reason, what_to_do="Unlock the period or enter the rate, then try again.", code=code)
    return line


@transaction.atomic
def post_on_first_open_day(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """Post a locked line with an entry of the first open day; the line keeps the bank's date. For accountants."""
    line = locked_line(user, line_id, Role.ACCOUNTANT)
    if line.status != LineStatus.HELD_LOCKED:
        return line
    day = first_open_day(line.company, line.journal.accounting_day(line.booking_date, line.value_date), LockType.BANK)
    book_held_line(line, entry_day=day)
    group_lines(line.journal, today=line.journal.today(now))
    record(
        tenant_id=line.company_id,
        actor=user,
        action="line.posted_later",
        obj=line,
        sentence=f"The locked line of {line.booking_date:%d %b %Y}, {line.amount} {line.currency}, "
        f"was posted on {day:%d %b %Y}.",
        after={"status": line.status, "entry_date": day.isoformat()},
    )
    line.refresh_from_db()
    return line


def entries_to_link(line: Line, limit: int = 20) -> list[Entry]:
    """Entries of the same amount on the journal's bank account that no line has, the nearest first."""
    items = EntryItem.objects.filter(
        company=line.company_id,
        account=line.journal.bank_account_id,
        currency=line.currency,
        amount_currency=line.amount,
        entry__line=None,
        entry__reverses=None,
        entry__reversed_by=None,
        date__range=(line.booking_date - NEAR, line.booking_date + NEAR),
    ).exclude(entry__kind="opening")
    entries = [item.entry for item in items.select_related("entry")[:200]]
    return sorted(entries, key=lambda entry: (abs((entry.date - line.booking_date).days), entry.id))[:limit]


@transaction.atomic
def link_to_entry(user: User, line_id: UUID, entry_id: UUID, *, now: dt.datetime) -> Line:
    """The held line was booked by hand already: that entry is its entry, and no other is made."""
    line = locked_line(user, line_id, Role.ACCOUNTANT)
    if line.status != LineStatus.HELD_LOCKED:
        return line
    entry = next((each for each in entries_to_link(line, limit=200) if each.id == entry_id), None)
    if entry is None:
        raise Problem(
            "This entry does not book the line.",
            why="It has another amount, another account, or a line of its own.",
            what_to_do="Choose one of the entries shown.",
            code="entryDoesNotFit",
            field="entry",
        )
    suspense = EntryItem.objects.filter(entry=entry, account=line.journal.suspense_account_id)
    residual: Decimal = -(suspense.aggregate(total=Sum("amount_currency"))["total"] or Decimal(0))
    own = EntryItem.objects.filter(entry=entry, account=line.journal.bank_account_id).aggregate(total=Sum("amount"))
    line.entry, line.company_amount = entry, own["total"]
    line.status, line.status_reason = LineStatus.POSTED, ""
    line.suspense_residual, line.reconciled = residual, residual == 0
    line.save()
    group_lines(line.journal, today=line.journal.today(now))
    record(
        tenant_id=line.company_id,
        actor=user,
        action="line.linked_to_entry",
        obj=line,
        sentence=f"The locked line of {line.booking_date:%d %b %Y}, {line.amount} {line.currency}, "
        f"was booked by hand on {entry.date:%d %b %Y}.",
        after={"entry": str(entry.id)},
    )
    line.refresh_from_db()
    return line


@transaction.atomic
def move_lock(
    user: User, company: Company, lock_date: dt.date | None, *, which: LockType = LockType.ALL, now: dt.datetime
) -> int:
    """Set a lock date and post what was held only for the old one; returns how many lines were posted."""
    company = set_lock_date(user, company, lock_date, which=which)
    journals = Journal.objects.filter(company=company, lines__status=LineStatus.HELD_LOCKED).distinct()
    return sum(release_holds(journal, today=journal.today(now)) for journal in journals)


@transaction.atomic
def enter_rate(
    user: User, company: Company, currency: str, day: dt.date, rate: Decimal, *, source: str = "", now: dt.datetime
) -> int:
    """Record what one unit is worth, and who says so, and post the lines that waited for it; returns how many."""
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    if rate <= 0:
        raise Problem("The rate is not above zero.", what_to_do="Type what one unit is worth.", code="L-RATE")
    if currency == company.currency:
        raise Problem(
            "This is the currency of the books.",
            what_to_do="Choose another currency.",
            code="currencyOwn",
            field="currency",
        )
    source = clean(source, 100)
    set_rate(company, currency, day, rate, source=source)
    record(
        tenant_id=company.id,
        actor=user,
        action="rate.entered",
        obj=company,
        sentence=f"One {currency} is worth {rate} {company.currency} from {day:%d %b %Y} on"
        + (f", as {source} says." if source else "."),
        after={"currency": currency, "from": day.isoformat(), "rate": str(rate), "source": source},
    )
    journals = Journal.objects.filter(company=company, currency=currency)
    return sum(release_holds(journal, today=journal.today(now)) for journal in journals)


@transaction.atomic
def release_holds(journal: Journal, *, today: dt.date) -> int:
    """Try all lines held for a lock or a rate again; returns how many were posted."""
    held = Line.objects.select_for_update(of=("self",)).select_related("journal", "company")
    lines = list(held.filter(journal=journal, status__in=_WAITING).order_by("booking_date", "day_seq"))
    for line in lines:
        book_held_line(line)
    posted = sum(line.status == LineStatus.POSTED for line in lines)
    if posted:
        group_lines(journal, today=today)
        record(
            tenant_id=journal.company_id,
            actor=None,
            action="lines.released",
            obj=journal,
            sentence=f"{posted} held lines of {journal.code} were posted, because nothing holds them any more.",
        )
    return posted
