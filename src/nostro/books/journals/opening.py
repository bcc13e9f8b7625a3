"""Changing the opening balance of a journal after it was linked (books.md 13.1)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.journals.balances import settle_opening
from nostro.books.journals.grouping import refresh_statements
from nostro.books.journals.models import Journal, OpeningOrigin, Statement
from nostro.books.journals.queries import access_journal
from nostro.books.ledger.posting import post, require_open, reversal_of
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


@transaction.atomic
def take_back_opening(user: User, journal: Journal) -> None:
    """A journal in which nothing is left to open has no opening: the entry is reversed, on the first open day."""
    journal = Journal.objects.select_for_update(of=("self",)).select_related("company", "opening_entry").get(
        pk=journal.pk
    )  # fmt: skip
    before = {"origin": journal.opening_origin, "amount": str(journal.opening_amount)}
    if journal.opening_entry is not None:
        post([reversal_of(journal.company, journal.opening_entry)])
    journal.opening_entry, journal.opening_date = None, None
    journal.opening_origin, journal.opening_amount = OpeningOrigin.NONE, Decimal(0)
    journal.save()
    record(
        tenant_id=journal.company_id, actor=user, action="journal.opening_changed", obj=journal,
        sentence=f"{user} took the opening of {journal.code} back.", before=before,
        after={"origin": OpeningOrigin.NONE, "amount": "0"},
    )  # fmt: skip
    refresh_statements(journal)


@transaction.atomic
def change_opening(user: User, journal_id: UUID, *, origin: str, amount: Decimal | None) -> Journal:
    """Ask for another opening. One that was posted is reversed, never deleted, and the new one is posted.

    ``amount`` is needed for *typed*. The same opening again changes nothing. Raises :class:`Problem` for a locked day
    and for a journal with a confirmed statement, whose figures never change.
    """
    access_journal(user, journal_id, role=Role.ACCOUNTANT)
    journal = Journal.objects.select_for_update(of=("self",)).select_related("company", "opening_entry").get(
        pk=journal_id
    )  # fmt: skip
    typed = origin == OpeningOrigin.TYPED
    if origin not in OpeningOrigin.values or (typed and amount is None):
        raise Problem("The opening balance is missing.", what_to_do="Type the opening balance.", code="invalid",
                      field="opening_amount")  # fmt: skip
    if origin == journal.opening_origin and (not typed or amount == journal.opening_amount):
        return journal
    if Statement.objects.filter(journal=journal, confirmed_at__isnull=False).exists():
        raise Problem("A statement of this journal is confirmed, and its figures never change.",
                      what_to_do="Reopen the statement first.", code="statementConfirmed", field="opening")  # fmt: skip
    before = {"origin": journal.opening_origin, "amount": str(journal.opening_amount)}
    if journal.opening_entry is not None:
        require_open(journal.company, journal.opening_entry.date)
        post([reversal_of(journal.company, journal.opening_entry)])
    journal.opening_entry, journal.opening_date = None, None
    journal.opening_origin = origin
    journal.opening_amount = amount if typed and amount is not None else Decimal(0)
    journal.save()
    record(
        tenant_id=journal.company_id, actor=user, action="journal.opening_changed", obj=journal,
        sentence=f"{user} changed the opening of {journal.code}.", before=before,
        after={"origin": origin, "amount": str(journal.opening_amount)},
    )  # fmt: skip
    settle_opening(journal, actor=user)
    refresh_statements(journal)
    return Journal.objects.get(pk=journal.pk)
