"""Reconciling a line and taking it back (books.md 14.3, 16.4, 16.9). Safe when two people act at once.

Edit mode replaces the suspense item inside the bank entry; keep mode, or a locked date, adds a second entry that moves
the amount out of suspense.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, ReconcileMode, Role
from nostro.books.journals.models import Line, LineStatus
from nostro.books.journals.queries import access_line
from nostro.books.ledger.bulk import copy_rows
from nostro.books.ledger.models import EntryItem, LedgerAccount, Partner, PartnerBankAccount
from nostro.books.ledger.posting import Side, draft_entry, first_open_day, item_of, lock_of, post
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.models import MatchGroup, MatchPart
from nostro.books.reconcile.queries import access_match_group
from nostro.core.money import decimals, quantize
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Open items reconciled with one line at once.
MAX_ITEMS = 500


@dataclass(frozen=True, slots=True)
class _Slice:
    """A part of the line, signed like it: ``amount_currency`` in the line's currency, ``amount`` in the company's."""

    account_id: UUID
    amount: Decimal
    amount_currency: Decimal
    partner_id: UUID | None
    label: str
    open_item: EntryItem | None = None


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
    line = _lock(user, line_id)
    account = LedgerAccount.objects.filter(company=line.company, pk=account_id, active=True).first()
    if account is None:
        raise NotFound("account")
    if account.id in {line.journal.bank_account_id, line.journal.suspense_account_id}:
        raise Problem(
            "This is the journal's own account.",
            what_to_do="Choose another account.",
            code="accountInvalid",
            field="account",
        )
    if partner_id is not None and not Partner.objects.filter(company=line.company, pk=partner_id).exists():
        raise NotFound("partner")
    part = line.suspense_residual if amount is None else amount
    _check_part(line, part)
    piece = _Slice(account.id, _share(line, part), part, partner_id or line.partner_id, clean(label, 200) or line.label)
    explanation = f"{user} chose the account {account}."
    return _apply(user, line, [piece], step="manual", explanation=explanation, now=now)


@transaction.atomic
def reconcile_with_items(
    user: User, line_id: UUID, item_ids: Sequence[UUID], *, step: str = "manual", now: dt.datetime
) -> MatchGroup:
    """Pay open items with a line, in the order given, each as far as the line reaches.

    Underpaid: the item stays open with its rest. Overpaid: the rest of the line stays in suspense.
    """
    line = _lock(user, line_id)
    ids = list(dict.fromkeys(item_ids))
    if not 0 < len(ids) <= MAX_ITEMS:
        raise Problem("No open item is chosen.", what_to_do="Choose at least one.", code="itemsMissing")
    reasons = {candidate.item.id: candidate for candidate in candidates(line, limit=200)}
    # Always locked in the same order, so that two people who choose the same items cannot block each other.
    locked = EntryItem.objects.select_for_update(of=("self",)).select_related("account", "partner", "document")
    items = {item.id: item for item in locked.filter(company=line.company, pk__in=ids).order_by("id")}
    if len(items) != len(ids):
        raise NotFound("open item")
    slices, rest, own_rest = [], line.suspense_residual, _share(line, line.suspense_residual)
    for item in (items[item_id] for item_id in ids):
        piece = _pay(line, item, rest, own_rest)
        slices.append(piece)
        rest -= piece.amount_currency
        own_rest -= piece.amount
    chosen = [reasons[item_id].explanation for item_id in ids if item_id in reasons]
    names = ", ".join(_name(items[item_id]) for item_id in ids)
    explanation = "; ".join(chosen) if chosen else f"{user} chose {names}."
    group = _apply(user, line, slices, step=step, explanation=explanation, now=now)
    _remember_account(line, items[ids[0]])
    return group


def _pay(line: Line, item: EntryItem, rest: Decimal, own_rest: Decimal) -> _Slice:
    if item.residual_currency is None or item.residual is None or item.residual_currency == 0:
        raise Problem(
            f"{_name(item)} is paid already.", what_to_do="Reload the page and choose again.", code="itemNotOpen"
        )
    if item.currency != line.currency or line.currency != line.company.currency:
        raise Problem(
            f"{_name(item)} is in {item.currency}, the line in {line.currency}, the books in {line.company.currency}.",
            what_to_do="Matching across currencies is not possible yet; choose an account instead.",
            code="currencyMismatch",
        )
    if not rest:
        raise Problem("The line does not reach for all chosen items.", what_to_do="Choose fewer.", code="amountUsedUp")
    if (item.residual_currency > 0) != (rest > 0):
        raise Problem(
            f"{_name(item)} goes the other way.",
            what_to_do="Choose items of the line's direction.",
            code="signMismatch",
        )
    part = min(abs(item.residual_currency), abs(rest)).copy_sign(rest)
    own = own_rest if part == rest else part
    return _Slice(item.account_id, own, part, item.partner_id, item.label, item)


def _lock(user: User, line_id: UUID) -> Line:
    """The line, locked, if it can be reconciled. The second of two people finds it changed and gets a Problem."""
    line_id = access_line(user, line_id, role=Role.CLERK).id
    line = Line.objects.select_for_update(of=("self",)).select_related("journal", "company", "entry").get(pk=line_id)
    if line.status not in {LineStatus.POSTED, LineStatus.WITHDRAWN} or line.entry is None:
        raise Problem("This line is not posted.", what_to_do="Decide about it first.", code="lineNotPosted")
    if not line.suspense_residual:
        raise Problem(
            "This line is reconciled already.",
            why="Somebody else may have been faster.",
            what_to_do="Reload the page; undo the match to choose again.",
            code="lineReconciled",
        )
    return line


def _check_part(line: Line, part: Decimal) -> None:
    exponent = part.as_tuple().exponent
    too_fine = (
        isinstance(exponent, int) and -exponent > max(decimals(line.currency), 0) and part != line.suspense_residual
    )
    wrong_way = part == 0 or (part > 0) != (line.suspense_residual > 0)
    if too_fine or wrong_way or abs(part) > abs(line.suspense_residual):
        raise Problem(
            f"{part} is not a part of the {line.suspense_residual} {line.currency} that are unexplained.",
            what_to_do="Type an amount of the same sign that is not larger.",
            code="amountInvalid",
            field="amount",
        )


def _share(line: Line, part: Decimal) -> Decimal:
    """``part`` of the line in the company's currency, by the line's own rate; the last part takes the remainder."""
    suspense = _suspense_in_company_currency(line)
    if part == line.suspense_residual:
        return suspense
    assert line.company_amount is not None
    return quantize(line.company_amount * part / line.amount, line.company.currency)


def _suspense_in_company_currency(line: Line) -> Decimal:
    """What is unexplained, signed like the line."""
    assert line.company_amount is not None
    explained = MatchPart.objects.filter(group__line=line, group__undone_at=None).values_list("amount", flat=True)
    rest: Decimal = line.company_amount - sum(explained, Decimal(0))
    return rest


def _apply(
    user: User, line: Line, slices: Sequence[_Slice], *, step: str, explanation: str, now: dt.datetime
) -> MatchGroup:
    group = MatchGroup(
        company=line.company, line=line, step=step, explanation=explanation[:2000], actor=user, created_at=now
    )
    counterparts = _move(line, slices, group)
    group.save()
    MatchPart.objects.bulk_create(
        [
            MatchPart(
                group=group,
                account_id=piece.account_id,
                partner_id=piece.partner_id,
                open_item=piece.open_item,
                counterpart_id=item.id,
                label=piece.label,
                amount=piece.amount,
                currency=line.currency,
                amount_currency=piece.amount_currency,
            )
            for piece, item in zip(slices, counterparts, strict=True)
        ]
    )
    for piece in slices:
        _reduce(piece.open_item, piece.amount, piece.amount_currency)
    _explain(line, sum((piece.amount_currency for piece in slices), Decimal(0)))
    record(
        tenant_id=line.company_id,
        actor=user,
        action="line.reconciled",
        obj=line,
        sentence=explanation[:2000],
        after={"group": str(group.id), "unexplained": str(line.suspense_residual)},
    )
    return group


def _move(line: Line, slices: Sequence[_Slice], group: MatchGroup) -> list[EntryItem]:
    """Take the slices out of suspense; returns one counterpart for each, already stored."""
    entry = line.entry
    assert entry is not None
    sides = [
        Side(
            piece.account_id, -piece.amount, line.currency, -piece.amount_currency, piece.partner_id, label=piece.label
        )
        for piece in slices
    ]
    moved = sum((piece.amount for piece in slices), Decimal(0))
    moved_currency = sum((piece.amount_currency for piece in slices), Decimal(0))
    if _edits(line.company, entry.date):
        items = [item_of(entry, side) for side in sides]
        copy_rows(items)
        _change_suspense(line, moved, moved_currency)
        return items
    suspense = Side(line.journal.suspense_account_id, moved, line.currency, moved_currency)
    date = first_open_day(line.company, entry.date)
    draft = draft_entry(line.company, kind="match", date=date, label=line.label, sides=[*sides, suspense])
    post([draft])
    group.second_entry = draft.entry
    return list(draft.items[: len(sides)])


def _edits(company: Company, date: dt.date) -> bool:
    """Edit mode, unless the entry lies in a locked period (books.md 14.3)."""
    locked = lock_of(company)
    return company.reconcile_mode == ReconcileMode.EDIT and (locked is None or date > locked)


def _change_suspense(line: Line, amount: Decimal, amount_currency: Decimal) -> None:
    """Add to the suspense item of the bank entry; at zero it goes, and it is made where it is missing."""
    entry = line.entry
    assert entry is not None
    account_id = line.journal.suspense_account_id
    item = EntryItem.objects.select_for_update().filter(entry=entry, account_id=account_id).first()
    if item is None:
        copy_rows([item_of(entry, Side(account_id, amount, line.currency, amount_currency))])
        return
    item.amount += amount
    item.amount_currency += amount_currency
    if item.amount or item.amount_currency:
        item.save(update_fields=["amount", "amount_currency"])
    else:
        item.delete()


def _reduce(item: EntryItem | None, amount: Decimal, amount_currency: Decimal) -> None:
    if item is None:
        return
    assert item.residual is not None and item.residual_currency is not None
    item.residual -= amount
    item.residual_currency -= amount_currency
    item.save(update_fields=["residual", "residual_currency"])


def _explain(line: Line, amount_currency: Decimal) -> None:
    line.suspense_residual -= amount_currency
    line.reconciled = line.suspense_residual == 0
    line.save(update_fields=["suspense_residual", "reconciled"])


@transaction.atomic
def undo(user: User, group_id: UUID, *, now: dt.datetime) -> MatchGroup:
    """Take a whole match back, in any order: counterparts return to suspense, residuals are restored."""
    seen = access_match_group(user, group_id, role=Role.CLERK)
    line = (
        Line.objects.select_for_update(of=("self",)).select_related("journal", "company", "entry").get(pk=seen.line_id)
    )
    group = MatchGroup.objects.select_for_update(of=("self",)).select_related("second_entry").get(pk=group_id)
    if group.undone_at is not None:
        return group
    parts = list(group.parts.order_by("open_item_id"))
    _take_back(line, group, parts)
    for part in parts:
        if part.open_item_id is not None:
            item = EntryItem.objects.select_for_update().get(pk=part.open_item_id)
            _reduce(item, -part.amount, -part.amount_currency)
    _explain(line, -sum((part.amount_currency for part in parts), Decimal(0)))
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
    return group


def _take_back(line: Line, group: MatchGroup, parts: Sequence[MatchPart]) -> None:
    entry = line.entry
    assert entry is not None
    amount = sum((part.amount for part in parts), Decimal(0))
    amount_currency = sum((part.amount_currency for part in parts), Decimal(0))
    if group.second_entry is None and _edits(line.company, entry.date):
        EntryItem.objects.filter(entry=entry, pk__in=[part.counterpart_id for part in parts]).delete()
        _change_suspense(line, -amount, -amount_currency)
        return
    sides = [Side(part.account_id, part.amount, part.currency, part.amount_currency, part.partner_id) for part in parts]
    sides.append(Side(line.journal.suspense_account_id, -amount, line.currency, -amount_currency))
    moved = group.second_entry
    date = first_open_day(line.company, (moved or entry).date)
    post([draft_entry(line.company, kind="reversal", date=date, label=line.label, sides=sides, reverses=moved)])


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


def _remember_account(line: Line, item: EntryItem) -> None:
    """The payer's account is stored on the partner as seen, never as trusted (books.md 16.3)."""
    if item.partner_id is not None and line.counterparty_account:
        PartnerBankAccount.objects.get_or_create(
            partner_id=item.partner_id,
            account_number=line.counterparty_account,
            defaults={"company_id": line.company_id},
        )


def _name(item: EntryItem) -> str:
    document = getattr(item, "document", None)
    return str(document.number) if document else item.label
