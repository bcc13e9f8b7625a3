"""Entries that a person makes by hand: any accounts but those of bank journals, balanced, numbered like documents.

Items on accounts that are reconciled, such as customers and suppliers, are open items and matched like documents
(books.md 14.1, 16.1).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.ledger.models import Entry, EntryItem, LedgerAccount, MiscEntry, SeriesKind
from nostro.books.ledger.numbering import next_number
from nostro.books.ledger.posting import Side, draft_entry, hold_locks, post, require_open
from nostro.books.ledger.rates import Rates
from nostro.books.ledger.services import check_amount, checked_currency, get_partner, index_references
from nostro.books.ledger.suspense import is_of_a_journal
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Sides of one entry.
MAX_SIDES = 100


@dataclass(frozen=True, slots=True)
class MiscSide:
    """One side of an entry: ``amount`` is debit +, credit −, in the entry's currency.

    A partner is needed on accounts that are reconciled. ``reference`` is a structured one that a payment may carry.
    """

    account_id: UUID
    amount: Decimal
    partner_name: str = ""
    label: str = ""
    due_date: dt.date | None = None
    reference: str = ""
    analytic: str = ""


@dataclass(frozen=True, slots=True)
class MiscFacts:
    """What an entry says; all its sides are in one currency, the company's where it is empty."""

    date: dt.date
    label: str
    sides: tuple[MiscSide, ...]
    currency: str = ""


def access_misc(user: User, misc_id: UUID, *, role: Role | None = None) -> MiscEntry:
    """An entry made by hand of one of the person's companies, else :class:`NotFound`."""
    found = MiscEntry.objects.select_related("company", "entry", "entry__reverses").filter(pk=misc_id).first()
    if found is None:
        raise NotFound("entry")
    require_role(user, found.company_id, role, "entry")
    return found


def misc_entries_of(company: Company, limit: int = 500) -> list[MiscEntry]:
    """Entries made by hand, newest first."""
    found = MiscEntry.objects.filter(company=company).select_related("entry", "entry__reversed_by__misc")
    return list(found.order_by("-entry__date", "-id")[:limit])


@transaction.atomic
def post_misc(user: User, company: Company, facts: MiscFacts) -> MiscEntry:
    """Post an entry under the next number of its series. The caller has checked the person's role.

    Raises :class:`Problem` for sides that do not balance, accounts of bank journals, and locked days.
    """
    label = clean(facts.label, 200)
    sides, references = _sides(company, facts)
    hold_locks(company)
    require_open(company, facts.date)
    made, items = store_misc(company, facts.date, label, sides)
    for item, reference in zip(items, references, strict=True):
        if reference and item.residual is not None:
            index_references(item, reference)
    record(
        tenant_id=company.id, actor=user, action="entry.posted", obj=made,
        sentence=f"{made.number} of {facts.date:%d %b %Y}: {label or 'without a label'}.",
        after={"number": made.number, "date": facts.date.isoformat(), "sides": [
            {"account": str(side.account_id), "amount": str(side.amount_currency), "currency": side.currency}
            for side in sides
        ]},
    )  # fmt: skip
    return made


def store_misc(
    company: Company, date: dt.date, label: str, sides: Sequence[Side], *, reverses: Entry | None = None
) -> tuple[MiscEntry, tuple[EntryItem, ...]]:
    """Write an entry that was checked, with its number."""
    number = next_number(company, SeriesKind.MISC, date.year)
    named = f"{number.text} {label}".strip()
    draft = draft_entry(company, kind="misc", date=date, label=named, sides=sides, reverses=reverses)
    post([draft])
    made = MiscEntry.objects.create(
        company=company, number=number.text, series_year=number.year, series_number=number.place, entry=draft.entry
    )
    return made, draft.items


def _sides(company: Company, facts: MiscFacts) -> tuple[list[Side], list[str]]:
    """Sides in both currencies, and their references. The last side takes what rounding leaves."""
    currency = checked_currency(facts.currency or company.currency)
    if not 2 <= len(facts.sides) <= MAX_SIDES:
        raise _unbalanced(f"An entry has 2 to {MAX_SIDES} sides.")
    total = sum((side.amount for side in facts.sides), Decimal(0))
    if total:
        raise _unbalanced(f"Debit and credit differ by {abs(total)} {currency}.")
    accounts = _accounts(company, facts.sides, currency)
    rates, result, rest = Rates(company), list[Side](), Decimal(0)
    for place, side in enumerate(facts.sides, 1):
        check_amount(abs(side.amount), currency)
        own = rates.company_amount(side.amount, currency, facts.date)
        if own is None:
            raise Problem(
                f"No exchange rate from {currency} to {company.currency} is known.",
                what_to_do="Enter a rate for this date first.",
                code="rateMissing",
                field="currency",
            )
        own = -rest if place == len(facts.sides) else own
        rest += own
        result.append(_side(company, accounts[side.account_id], side, own, currency, facts.date))
    return result, [side.reference for side in facts.sides]


def _side(  # noqa: PLR0917 - one side with both of its amounts
    company: Company, account: LedgerAccount, side: MiscSide, own: Decimal, currency: str, date: dt.date
) -> Side:
    if account.reconcilable and not side.partner_name.strip():
        raise Problem(
            f"On {account} it must be said who owes it.",
            what_to_do="Type the customer or supplier.",
            code="partnerMissing",
            field="partner",
        )
    partner = get_partner(company, side.partner_name) if side.partner_name.strip() else None
    due = side.due_date or (date if account.reconcilable else None)
    return Side(
        account.id, own, currency, side.amount, partner.id if partner else None, due, clean(side.label, 200),
        is_open=account.reconcilable, analytic=side.analytic,
    )  # fmt: skip


def _accounts(company: Company, sides: Sequence[MiscSide], currency: str) -> dict[UUID, LedgerAccount]:
    ids = {side.account_id for side in sides}
    accounts = LedgerAccount.objects.filter(company=company, pk__in=ids, active=True).in_bulk()
    if len(accounts) != len(ids):
        raise NotFound("account")
    for account in accounts.values():
        if is_of_a_journal(account):
            raise Problem(
                f"{account} belongs to a bank journal.",
                why="It holds what the bank says, and nothing else.",
                what_to_do="Choose another account, or add a line to the journal.",
                code="accountInvalid",
                field="account",
            )
        if account.currency and account.currency != currency:
            raise Problem(
                f"{account} is in {account.currency}.",
                what_to_do=f"Choose an account that takes {currency}.",
                code="accountInvalid",
                field="account",
            )
    return accounts


def _unbalanced(what: str) -> Problem:
    return Problem(
        what, what_to_do="Correct the amounts; debit and credit must be equal.", code="entryUnbalanced", field="sides"
    )
