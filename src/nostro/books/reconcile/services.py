"""Reconciling a line (books.md 14.3, 16.4): the verbs of a person. Taking back is in :mod:`undoing`.

Edit mode replaces the suspense item inside the bank entry; keep mode, or a locked date, adds a second entry that moves
the amount out of suspense. Safe when two people act at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.journals.models import Line
from nostro.books.journals.queries import access_line
from nostro.books.ledger.models import EntryItem, LedgerAccount, Partner
from nostro.books.reconcile.applications import Application, BookTo, Pay
from nostro.books.reconcile.applying import amounts_of, apply_one, taken_of
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.netting import credits_for
from nostro.books.reconcile.planning import name_of
from nostro.books.reconcile.undoing import undo
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

__all__ = ["MAX_ITEMS", "reconcile_with_account", "reconcile_with_items", "set_to_check", "undo"]

#: Open items reconciled with one line at once.
MAX_ITEMS = 500


@transaction.atomic
def reconcile_with_account(
    user: User,
    line_id: UUID,
    account_id: UUID,
    *,
    amount: Decimal | None = None,
    partner_id: UUID | None = None,
    label: str = "",
    now: dt.datetime,
) -> MatchGroup:
    """Book what is unexplained of a line, or ``amount`` of it (signed like the line), to an account."""
    line = access_line(user, line_id, role=Role.CLERK)
    account = LedgerAccount.objects.filter(company=line.company, pk=account_id, active=True).first()
    if account is None:
        raise NotFound("account")
    if partner_id is not None and not Partner.objects.filter(company=line.company, pk=partner_id).exists():
        raise NotFound("partner")
    move = BookTo(account.id, amount, partner_id, label)
    application = Application(line.id, (move,), "manual", f"{user} chose the account {account}.")
    return apply_one(line.company, application, actor=user, now=now)


@transaction.atomic
def reconcile_with_items(
    user: User, line_id: UUID, item_ids: Sequence[UUID], *, step: str = "manual", now: dt.datetime
) -> MatchGroup:
    """Pay open items with a line, in the order given, each as far as the line reaches.

    Underpaid: the item stays open with its rest. Overpaid: the rest of the line stays in suspense. Credit notes of the
    same partner beside invoices are used as far as the line does not reach.
    """
    line = access_line(user, line_id, role=Role.CLERK)
    ids = list(dict.fromkeys(item_ids))
    if not 0 < len(ids) <= MAX_ITEMS:
        raise Problem("No open item is chosen.", what_to_do="Choose at least one.", code="itemsMissing")
    found = EntryItem.objects.select_related("document").filter(company=line.company, pk__in=ids)
    items = {item.id: item for item in found}
    if len(items) != len(ids):
        raise NotFound("open item")
    reasons = {candidate.item.id: candidate for candidate in candidates(line, limit=200)}
    chosen = [reasons[item_id].explanation for item_id in ids if item_id in reasons]
    names = ", ".join(name_of(items[item_id]) for item_id in ids)
    explanation = "; ".join(chosen) if chosen else f"{user} chose {names}."
    amounts = amounts_of(line.company, line, taken_of([line.id]).get(line.id))
    against = credits_for(amounts, [items[item_id] for item_id in ids])
    given = {move.item_id for move in against}
    moves = (*against, *(Pay(item_id) for item_id in ids if item_id not in given))
    application = Application(line.id, moves, step, explanation)
    return apply_one(line.company, application, actor=user, now=now)


@transaction.atomic
def set_to_check(user: User, line_id: UUID, value: bool) -> Line:
    """Mark a line for a second look; changes no amount (books.md 16.9)."""
    line = access_line(user, line_id, role=Role.CLERK)
    line.to_check = value
    line.save(update_fields=["to_check"])
    record(
        tenant_id=line.company_id,
        actor=user,
        action="line.to_check",
        obj=line,
        sentence="Marked to check." if value else "Checked.",
    )
    return line
