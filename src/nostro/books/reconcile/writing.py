"""Write plans: entries, residuals, matches and the trail, each kind of row in one statement (books.md 14.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from nostro.books.companies.models import Company, LockType, ReconcileMode
from nostro.books.journals.explained import set_unexplained
from nostro.books.journals.models import Line
from nostro.books.ledger.bulk import copy_rows
from nostro.books.ledger.models import Entry, EntryItem, LedgerAccount, PartnerBankAccount, Payment
from nostro.books.ledger.posting import (
    Draft,
    Side,
    change_items,
    draft_entry,
    first_open_day,
    item_of,
    lock_of,
    post,
    set_residuals,
)
from nostro.books.reconcile.applications import Pay
from nostro.books.reconcile.models import MatchGroup, MatchPart
from nostro.books.reconcile.planning import Plan, PlannedPart, State
from nostro.people.audit import Entry as Trail
from nostro.people.audit import record_many
from nostro.people.models import User


def write_plans(state: State, plans: Sequence[Plan], *, actor: User | None, now: dt.datetime) -> list[MatchGroup]:
    """Store plans, in the caller's transaction; a match for each."""
    rows = _Rows(state, plans, actor, now)
    groups = [rows.add(plan) for plan in plans]
    _join_halves(plans, groups)
    post(rows.drafts)
    copy_rows(rows.items)
    rows.suspense.store()
    copy_rows(groups)
    copy_rows(rows.parts)
    _store_payments(plans)
    set_residuals({item_id: state.residuals[item_id] for item_id in rows.paid})
    lines = {plan.line.id: plan.line for plan in plans}
    for line in lines.values():
        line.suspense_residual = state.amounts[line.id].rest
        line.reconciled = line.suspense_residual == 0
    set_unexplained(lines.values())
    to_check = [plan.line.id for plan in plans if plan.application.to_check]
    if to_check:
        Line.objects.filter(pk__in=to_check).update(to_check=True)
    _remember_accounts(state.company, plans)
    record_many([_trail(plan.line, group) for plan, group in zip(plans, groups, strict=True)], actor=actor)
    return groups


def _remember_accounts(company: Company, plans: Sequence[Plan]) -> None:
    """The payers' accounts are stored on the partners as seen, never as trusted (books.md 16.3).

    In one order, so that two who see the same accounts at once never wait for each other in a ring.
    """
    seen: set[tuple[UUID, str]] = set()
    for plan in plans:
        item, number = plan.parts[0].item, plan.line.counterparty_account
        is_payment = isinstance(plan.application.moves[0], Pay)
        if is_payment and item is not None and item.partner_id is not None and number:
            seen.add((item.partner_id, number))
    rows = [
        PartnerBankAccount(company=company, partner_id=partner_id, account_number=number)
        for partner_id, number in sorted(seen)
    ]
    PartnerBankAccount.objects.bulk_create(rows, ignore_conflicts=True)


def _store_payments(plans: Sequence[Plan]) -> None:
    payments = {part.payment.id: part.payment for plan in plans for part in plan.parts if part.payment is not None}
    if payments:
        Payment.objects.bulk_update(payments.values(), ["state"])


class _Rows:
    """The rows of all plans, collected."""

    def __init__(self, state: State, plans: Sequence[Plan], actor: User | None, now: dt.datetime) -> None:
        self.company, self.actor, self.now = state.company, actor, now
        self.suspense = Suspense([plan.line for plan in plans])
        self.drafts: list[Draft] = []
        self.items: list[EntryItem] = []
        self.parts: list[MatchPart] = []
        self.paid: set[UUID] = set()
        booked = {part.account_id for plan in plans for part in plan.parts if part.item is None}
        opens = LedgerAccount.objects.filter(pk__in=booked, reconcilable=True)
        self.opens: set[UUID] = set(opens.values_list("id", flat=True)) if booked else set()

    def add(self, plan: Plan) -> MatchGroup:
        """The match of a plan; its other rows are collected."""
        application, line = plan.application, plan.line
        group = MatchGroup(
            company=self.company,
            line=line,
            step=application.step,
            automatic=application.automatic,
            evidence=application.evidence,
            explanation=application.explanation[:2000],
            rule_version_id=application.rule_version_id,
            actor=self.actor,
            created_at=self.now,
        )
        for part, counterpart in zip(plan.parts, self._move(plan, group), strict=True):
            self.parts.append(_part(group, part, counterpart, line))
            if part.item is not None:
                self.paid.add(part.item.id)
        if plan.write_off_sides:
            group.write_off_entry = self._draft("write_off", line, plan.write_off_sides).entry
        if plan.exchange_sides:
            group.exchange_entry = self._draft("exchange", line, plan.exchange_sides).entry
        return group

    def _move(self, plan: Plan, group: MatchGroup) -> Sequence[EntryItem]:
        """Take the slices out of suspense: inside the bank entry, or by a second one."""
        line = plan.line
        assert line.entry is not None
        sides = [_side(part, is_open=part.item is None and part.account_id in self.opens) for part in plan.parts]
        moved = sum((part.piece.company_amount for part in plan.parts), Decimal(0))
        moved_currency = sum((part.piece.journal_amount for part in plan.parts), Decimal(0))
        if edits(self.company, line.entry.date):
            items = [item_of(line.entry, side) for side in sides]
            self.items.extend(items)
            self.suspense.add(line, moved, moved_currency)
            return items
        back = Side(line.journal.suspense_account_id, moved, line.currency, moved_currency)
        draft = self._draft("match", line, [*sides, back])
        group.second_entry = draft.entry
        return draft.items[: len(sides)]

    def _draft(self, kind: str, line: Line, sides: Sequence[Side]) -> Draft:
        """Another entry for a line, on its day or the first open one after it."""
        assert line.entry is not None
        date = first_open_day(self.company, line.entry.date)
        draft = draft_entry(self.company, kind=kind, date=date, label=line.label, sides=sides)
        self.drafts.append(draft)
        return draft


def _side(part: PlannedPart, *, is_open: bool) -> Side:
    """What is booked to an account of customers or suppliers without paying an item is open itself (books.md 16.1)."""
    piece = part.piece
    return Side(
        part.account_id, -piece.company_amount, part.currency, -piece.paid, part.partner_id, label=part.label,
        is_open=is_open, analytic=part.analytic,
    )  # fmt: skip


def _part(group: MatchGroup, part: PlannedPart, counterpart: EntryItem, line: Line) -> MatchPart:
    return MatchPart(
        group=group,
        account_id=part.account_id,
        partner_id=part.partner_id,
        open_item=part.item,
        payment=part.payment,
        counterpart_id=counterpart.id,
        label=part.label,
        amount=part.piece.company_amount,
        currency=line.currency,
        amount_currency=part.piece.journal_amount,
        foreign_amount=part.piece.foreign_amount,
        item_amount=part.item_amount,
        item_amount_currency=part.item_amount_currency,
    )


def _join_halves(plans: Sequence[Plan], groups: Sequence[MatchGroup]) -> None:
    by_line = {plan.line.id: group for plan, group in zip(plans, groups, strict=True)}
    for plan, group in zip(plans, groups, strict=True):
        if plan.application.mirror_of is not None:
            group.mirror = by_line[plan.application.mirror_of]


def _trail(line: Line, group: MatchGroup) -> Trail:
    return Trail(
        tenant_id=line.company_id,
        action="line.reconciled",
        obj=line,
        sentence=group.explanation,
        after={"group": str(group.id), "unexplained": str(line.suspense_residual)},
    )


def edits(company: Company, date: dt.date) -> bool:
    """Edit mode, unless the entry lies in a locked period (books.md 14.3)."""
    locked = lock_of(company, LockType.BANK)
    return company.reconcile_mode == ReconcileMode.EDIT and (locked is None or date > locked)


class Suspense:
    """The suspense items of bank entries: what is added to them is stored at once. At zero an item goes, and it is made
    where it is missing, because an entry has at most one (books.md 14.1)."""

    def __init__(self, lines: Sequence[Line]) -> None:
        entries = {line.entry_id: line.journal.suspense_account_id for line in lines}
        found = (
            EntryItem.objects.select_for_update()
            .filter(entry_id__in=list(entries), account_id__in=set(entries.values()))
            .only("entry_id", "account_id", "amount", "amount_currency")
        )
        items = found.order_by("id")
        self._items = {item.entry_id: item for item in items if item.account_id == entries[item.entry_id]}
        self._new: set[UUID] = set()
        self._touched: dict[UUID, EntryItem] = {}

    def add(self, line: Line, amount: Decimal, amount_currency: Decimal) -> None:
        """Signed as the ledger sees it: debit +."""
        entry: Entry | None = line.entry
        assert entry is not None
        item = self._items.get(entry.id)
        if item is None:
            item = item_of(entry, Side(line.journal.suspense_account_id, Decimal(0), line.currency, Decimal(0)))
            self._items[entry.id] = item
            self._new.add(item.id)
        item.amount += amount
        item.amount_currency += amount_currency
        self._touched[item.id] = item

    def store(self) -> None:
        """Write what was added."""
        live = [item for item in self._touched.values() if item.amount or item.amount_currency]
        copy_rows([item for item in live if item.id in self._new])
        gone = [item.id for item in self._touched.values() if not item.amount and not item.amount_currency]
        change_items(
            {item.id: (item.amount, item.amount_currency) for item in live if item.id not in self._new},
            delete=[item_id for item_id in gone if item_id not in self._new],
        )
