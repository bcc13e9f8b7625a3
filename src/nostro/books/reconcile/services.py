"""Reconciling a line and taking it back (books.md 14.3, 16.4, 16.9): the verbs of a person.

Edit mode replaces the suspense item inside the bank entry; keep mode, or a locked date, adds a second entry that moves
the amount out of suspense. Safe when two people act at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import LockType, Role
from nostro.books.journals.explained import set_unexplained
from nostro.books.journals.models import Line
from nostro.books.journals.queries import access_line
from nostro.books.ledger.models import EntryItem, LedgerAccount, Partner, PartnerBankAccount, Payment, PaymentState
from nostro.books.ledger.posting import (
    Draft,
    Side,
    change_items,
    draft_entry,
    first_open_day,
    hold_locks,
    post,
    reversal_of,
    set_residuals,
)
from nostro.books.reconcile.applications import Application, BookTo, Pay
from nostro.books.reconcile.applying import amounts_of, apply_one, taken_of
from nostro.books.reconcile.automation import something_changed
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.models import MatchGroup, MatchPart
from nostro.books.reconcile.netting import credits_for
from nostro.books.reconcile.planning import name_of
from nostro.books.reconcile.queries import access_match_group
from nostro.books.reconcile.writing import Suspense, edits
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

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
    group = apply_one(line.company, application, actor=user, now=now)
    remember_account(line, items[ids[0]])
    return group


@transaction.atomic
def undo(user: User, group_id: UUID, *, now: dt.datetime) -> MatchGroup:
    """Take a whole match back, in any order: counterparts return to suspense, residuals are restored, write-off and
    exchange entries are reversed. The other half of a transfer goes with it."""
    seen = access_match_group(user, group_id, role=Role.CLERK)
    hold_locks(seen.company)
    halves = MatchGroup.objects.filter(pk__in=[seen.id, seen.mirror_id or seen.id]) | MatchGroup.objects.filter(
        mirror_id=seen.id
    )
    ids = dict(halves.order_by("line_id").values_list("id", "line_id"))
    lines = Line.objects.select_for_update(of=("self",)).select_related("journal", "company", "entry")
    locked = {line.id: line for line in lines.filter(pk__in=ids.values()).order_by("id")}
    for line in locked.values():
        line.company = seen.company
    groups = MatchGroup.objects.select_for_update(of=("self",)).select_related(
        "second_entry", "write_off_entry", "exchange_entry"
    )
    for group in groups.filter(pk__in=ids, undone_at=None).order_by("id"):
        _undo(user, locked[group.line_id], group, now)
    something_changed(seen.company, now=now)
    return access_match_group(user, group_id)


def _undo(user: User, line: Line, group: MatchGroup, now: dt.datetime) -> None:
    parts = list(group.parts.order_by("open_item_id"))
    post([*_take_back(line, group, parts), *_reversals(line, group)])
    _reopen(parts)
    _payments_back(parts)
    line.suspense_residual += sum((part.amount_currency for part in parts), Decimal(0))
    line.reconciled = line.suspense_residual == 0
    set_unexplained([line])
    group.undone_at, group.undone_by = now, user
    group.save(update_fields=["undone_at", "undone_by"])
    record(
        tenant_id=line.company_id,
        actor=user,
        action="match.undone",
        obj=line,
        sentence=f"{user} took back: {group.explanation}"[:2000],
        before={"group": str(group.id)},
        after={"unexplained": str(line.suspense_residual)},
    )


def _reopen(parts: Sequence[MatchPart]) -> None:
    """Give open items back what the parts took of them."""
    paid = [part for part in parts if part.open_item_id is not None]
    locked = EntryItem.objects.select_for_update().filter(pk__in=[part.open_item_id for part in paid])
    residuals = {
        item.id: (item.residual_currency or Decimal(0), item.residual or Decimal(0)) for item in locked.order_by("id")
    }
    for part in paid:
        assert part.open_item_id is not None and part.item_amount is not None
        assert part.item_amount_currency is not None
        own, company = residuals[part.open_item_id]
        residuals[part.open_item_id] = (own + part.item_amount_currency, company + part.item_amount)
    set_residuals(residuals)


def _payments_back(parts: Sequence[MatchPart]) -> None:
    """Payments are as the matches that are left make them: settled where a return is taken back, else expected again,
    or cancelled where the item has another one on its way by now."""
    gone = {part.group_id for part in parts}
    ids = [part.payment_id for part in parts if part.payment_id is not None]
    for payment in Payment.objects.select_for_update().filter(pk__in=ids).order_by("id"):
        live = MatchPart.objects.filter(payment=payment, group__undone_at=None).exclude(group_id__in=gone)
        paid = live.filter(**{f"item_amount_currency__{'lt' if payment.amount < 0 else 'gt'}": 0})
        others = Payment.objects.filter(open_item=payment.open_item_id, state=PaymentState.OUTSTANDING)
        if paid.exists():
            payment.state = PaymentState.SETTLED
        elif others.exclude(pk=payment.pk).exists():
            payment.state = PaymentState.CANCELLED
        else:
            payment.state = PaymentState.OUTSTANDING
        payment.save(update_fields=["state"])


def _take_back(line: Line, group: MatchGroup, parts: Sequence[MatchPart]) -> list[Draft]:
    """Counterparts return to suspense: out of the bank entry, or by an entry that reverses."""
    entry = line.entry
    assert entry is not None
    if group.second_entry is not None:
        return [reversal_of(line.company, group.second_entry)]
    amount = sum((part.amount for part in parts), Decimal(0))
    amount_currency = sum((part.amount_currency for part in parts), Decimal(0))
    if edits(line.company, entry.date):
        suspense = Suspense([line])
        suspense.add(line, -amount, -amount_currency)
        change_items({}, delete=[part.counterpart_id for part in parts])
        suspense.store()
        return []
    counterparts = EntryItem.objects.filter(entry=entry, pk__in=[part.counterpart_id for part in parts]).order_by("id")
    sides = [
        Side(item.account_id, -item.amount, item.currency, -item.amount_currency, item.partner_id, label=item.label)
        for item in counterparts
    ]
    sides.append(Side(line.journal.suspense_account_id, -amount, line.currency, -amount_currency))
    date = first_open_day(line.company, entry.date, LockType.BANK)
    return [draft_entry(line.company, kind="reversal", date=date, label=line.label, sides=sides)]


def _reversals(line: Line, group: MatchGroup) -> list[Draft]:
    entries = (group.write_off_entry, group.exchange_entry)
    return [reversal_of(line.company, entry) for entry in entries if entry is not None]


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


def remember_account(line: Line, item: EntryItem) -> None:
    """The payer's account is stored on the partner as seen, never as trusted (books.md 16.3)."""
    if item.partner_id is not None and line.counterparty_account:
        PartnerBankAccount.objects.get_or_create(
            partner_id=item.partner_id,
            account_number=line.counterparty_account,
            defaults={"company_id": line.company_id},
        )
