"""Taking a match back (books.md 16.9, I-11): in any order, with all that came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from nostro.books.companies.models import LockType, Role
from nostro.books.journals.explained import set_unexplained
from nostro.books.journals.models import Line
from nostro.books.ledger.models import EntryItem, Payment, PaymentState
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
from nostro.books.reconcile.automation import something_changed
from nostro.books.reconcile.models import MatchGroup, MatchPart
from nostro.books.reconcile.queries import access_match_group
from nostro.books.reconcile.writing import Suspense, edits
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

#: Matches that are taken back at once, because they depend on each other.
MAX_UNDONE = 500


def undo(user: User, group_id: UUID, *, now: dt.datetime) -> MatchGroup:
    """Take a whole match back, in any order: counterparts return to suspense, residuals are restored, write-off and
    exchange entries are reversed. The other half of a transfer goes with it, and so do later matches of what this one
    left open on an account of customers or suppliers."""
    undo_together(user, [group_id], now=now)
    return access_match_group(user, group_id)


@transaction.atomic
def undo_together(user: User, group_ids: Iterable[UUID], *, now: dt.datetime) -> int:
    """The same for several, all or none; how many of them were live.

    All lines are locked before all open items, each in the order of their ids, as matching does: two people whose
    matches overlap wait for each other, but never in a ring.
    """
    seen = {group_id: access_match_group(user, group_id, role=Role.CLERK) for group_id in group_ids}
    companies = {group.company_id: group.company for group in seen.values()}
    for company_id in sorted(companies):
        hold_locks(companies[company_id])
    mirrors = [group.mirror_id for group in seen.values() if group.mirror_id is not None]
    halves = MatchGroup.objects.filter(Q(pk__in=[*seen, *mirrors]) | Q(mirror_id__in=seen))
    ids = _with_later(dict(halves.order_by("line_id", "id").values_list("id", "line_id")))
    lines = Line.objects.select_for_update(no_key=True, of=("self",)).select_related("journal", "company", "entry")
    locked = {line.id: line for line in lines.filter(pk__in=ids.values()).order_by("id")}
    for line in locked.values():
        line.company = companies[line.company_id]
    groups = MatchGroup.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "second_entry", "write_off_entry", "exchange_entry"
    )
    live = {group.id: group for group in groups.filter(pk__in=ids, undone_at=None).order_by("id")}
    _hold_items(ids)
    for each in reversed(ids):
        if (group := live.get(each)) is not None:
            _undo(user, locked[group.line_id], group, now)
    for company in companies.values():
        something_changed(company, now=now)
    return len(live.keys() & seen.keys())


def _with_later(ids: dict[UUID, UUID]) -> dict[UUID, UUID]:
    """These matches and their lines, each before the live ones that paid what it had left open."""
    found, newest = dict(ids), list(ids)
    while newest:
        opened = MatchPart.objects.filter(group_id__in=newest, open_item=None).values("counterpart_id")
        later = MatchPart.objects.filter(open_item_id__in=opened, group__undone_at=None)
        pairs = later.order_by("group_id").values_list("group_id", "group__line_id").distinct()
        newest = [group_id for group_id, _ in pairs]
        for group_id, line_id in pairs:
            found.pop(group_id, None)  # it stands behind what it depends on, also where both were asked for
            found[group_id] = line_id
        if len(found) > MAX_UNDONE:
            raise Problem(
                "Too many later matches depend on this one.", what_to_do="Undo some of them first.", code="undoTooMuch"
            )
    return found


def _hold_items(ids: dict[UUID, UUID]) -> None:
    """Lock what the matches paid and what they left open, so that nobody pays it meanwhile; who did so just now is
    told."""
    parts = MatchPart.objects.filter(group_id__in=ids)
    paid = [item_id for item_id in parts.values_list("open_item_id", flat=True) if item_id is not None]
    opened = set(parts.filter(open_item=None).values_list("counterpart_id", flat=True))
    locked = EntryItem.objects.select_for_update(no_key=True).filter(pk__in=[*paid, *opened]).exclude(residual=None)
    held = [item_id for item_id in locked.order_by("id").values_list("id", flat=True) if item_id in opened]
    payments = [payment_id for payment_id in parts.values_list("payment_id", flat=True) if payment_id is not None]
    list(Payment.objects.select_for_update(no_key=True).filter(pk__in=payments).order_by("id"))
    if Payment.objects.filter(open_item_id__in=held, state=PaymentState.OUTSTANDING).exists():
        raise Problem(
            "A payment of what the match left open is on its way.", what_to_do="Cancel the payment first.",
            code="paymentOutstanding",
        )  # fmt: skip
    if set(_with_later(ids)) != set(ids):
        raise Problem(
            "Meanwhile what the match left open was matched.",
            why="Somebody else was faster.",
            what_to_do="Reload the page and undo again.",
            code="proposalStale",
        )


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
    locked = EntryItem.objects.select_for_update(no_key=True).filter(pk__in=[part.open_item_id for part in paid])
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
    for payment in Payment.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("id"):
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
    """Counterparts return to suspense: out of the bank entry, or by an entry that reverses. What was matched or paid
    as an open item before stays in its entry for the record, with nothing open."""
    entry = line.entry
    assert entry is not None
    made = EntryItem.objects.filter(pk__in=[part.counterpart_id for part in parts]).order_by("id")
    is_known = made.filter(Q(match_parts__isnull=False) | Q(payments__isnull=False)).exists()
    if group.second_entry is not None or is_known or not edits(line.company, entry.date):
        set_residuals({item.id: (Decimal(0), Decimal(0)) for item in made if item.residual is not None})
    if group.second_entry is not None:
        return [reversal_of(line.company, group.second_entry)]
    amount = sum((part.amount for part in parts), Decimal(0))
    amount_currency = sum((part.amount_currency for part in parts), Decimal(0))
    if edits(line.company, entry.date) and not is_known:
        suspense = Suspense([line])
        suspense.add(line, -amount, -amount_currency)
        change_items({}, delete=[part.counterpart_id for part in parts])
        suspense.store()
        return []
    sides = [
        Side(item.account_id, -item.amount, item.currency, -item.amount_currency, item.partner_id, label=item.label)
        for item in made
    ]
    sides.append(Side(line.journal.suspense_account_id, -amount, line.currency, -amount_currency))
    date = first_open_day(line.company, entry.date, LockType.BANK)
    return [draft_entry(line.company, kind="reversal", date=date, label=line.label, sides=sides)]


def _reversals(line: Line, group: MatchGroup) -> list[Draft]:
    entries = (group.write_off_entry, group.exchange_entry)
    return [reversal_of(line.company, entry) for entry in entries if entry is not None]
