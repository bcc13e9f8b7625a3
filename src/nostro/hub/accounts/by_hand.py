"""What a person decides about booked rows: a withdrawn one stays, two that look alike are one, or both are real.

Nothing is deleted and ids never change: a row that is set aside is a tombstone, every decision can be undone, is in the
trail, and is told to integrations as an event. The balance proof follows at once, without asking the bank.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from nostro.core.ids import new_id
from nostro.hub.accounts.booked import count_rows
from nostro.hub.accounts.changes import bring_back
from nostro.hub.accounts.models import Account, DuplicateDecision, Transaction, TransactionChange
from nostro.hub.accounts.queries import access_transaction
from nostro.hub.events.services import record_event
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_WITHDRAWN = 200


def withdrawn_of(account: Account) -> list[Transaction]:
    """The tombstones of an account, newest first, at most 200: rows the bank withdrew and rows set aside as doubles."""
    found = Transaction.objects.filter(account=account, removed_at__isnull=False)
    return list(found.order_by("-removed_at", "-sequence")[:MAX_WITHDRAWN])


def withdrawn_count(account: Account) -> int:
    """How many tombstones an account has."""
    return Transaction.objects.filter(account=account, removed_at__isnull=False).count()


def keep_withdrawn(user: User, transaction_id: uuid.UUID, now: datetime) -> Transaction:
    """Bring back a row that the bank withdrew; reads that go on not showing it remove it no more.

    A row that was set aside as a double is brought back by undoing that decision. Raises NotFound for strangers,
    Forbidden to plain members; a row that is no tombstone stays as it is.
    """
    row = _access(user, transaction_id)
    if row.same_as is not None:
        _separate(user, row, now)
        return row
    with transaction.atomic():
        account = _locked(row)
        if bring_back(account, row.pk, new_id(), now):
            _after_change(account, user, row, _BROUGHT_BACK, now)
    return row


def mark_same(user: User, kept_id: uuid.UUID, double_id: uuid.UUID, now: datetime) -> Account:
    """Say that two rows of one account are one: the second becomes a tombstone that no read brings back.

    Should the bank later show only the second one, the two change places by themselves. Raises Problem where they
    cannot be one: other accounts, other amounts, or one of them is set aside already.
    """
    kept, double = _access(user, kept_id), _access(user, double_id)
    with transaction.atomic():
        account = _locked(kept)
        kept.refresh_from_db()
        double.refresh_from_db()
        if double.same_as == kept.pk:
            return account
        if not _can_be_one(kept, double):
            raise Problem(
                "These two transactions cannot be one.",
                why="They belong to different accounts, have different amounts, or one of them is set aside already.",
                what_to_do="Reload the page; it shows how they stand now.",
                code="notTheSame",
            )
        _decide(user, kept, double, is_same=True, now=now)
        Transaction.objects.filter(pk=double.pk).update(same_as=kept.pk, removed_at=now, absences=0, updated_at=now)
        TransactionChange.objects.create(
            organization_id=double.organization_id, transaction=double, synchronization_id=new_id(), kind="removed",
            before={}, after={}, created_at=now,
        )  # fmt: skip
        _after_change(account, user, double, _SET_ASIDE, now)
        return account


def keep_both(user: User, first_id: uuid.UUID, second_id: uuid.UUID, now: datetime) -> Account:
    """Say that both rows are real; they are not asked about again."""
    first, second = _access(user, first_id), _access(user, second_id)
    if first.account_id != second.account_id or first.pk == second.pk:
        raise Problem("These are not two transactions of one account.", code="notTheSame")
    with transaction.atomic():
        account = _locked(first)
        for row, other in ((first, second), (second, first)):
            if row.same_as == other.pk:
                _separate(user, row, now)
        _decide(user, first, second, is_same=False, now=now)
        audit.record(
            tenant_id=first.organization_id,
            actor=user,
            action="transaction.kept_both",
            obj=first,
            sentence=f"Kept two transactions of {first.amount} {first.currency} that look alike.",
        )
        return account


def undo_decision(user: User, decision_id: int, now: datetime) -> Account:
    """Forget a decision: two rows are two again, or are asked about again. Raises NotFound for strangers."""
    decision = DuplicateDecision.objects.select_related("first", "second").filter(pk=decision_id).first()
    # An unknown decision is told like one of somebody else.
    row = _access(user, decision.first_id if decision else uuid.UUID(int=0))
    assert decision is not None
    for each in (decision.first, decision.second):
        if decision.is_same and each.same_as in {decision.first_id, decision.second_id}:
            _separate(user, each, now)
    DuplicateDecision.objects.filter(pk=decision.pk).delete()
    return row.account


def _separate(user: User, double: Transaction, now: datetime) -> None:
    with transaction.atomic():
        account = _locked(double)
        Transaction.objects.filter(pk=double.pk).update(same_as=None)
        if bring_back(account, double.pk, new_id(), now):
            _after_change(account, user, double, _BROUGHT_BACK, now)
        DuplicateDecision.objects.filter(Q(first=double) | Q(second=double), is_same=True).delete()


def _decide(user: User, one: Transaction, other: Transaction, *, is_same: bool, now: datetime) -> None:
    first, second = sorted((one, other), key=lambda row: row.sequence)
    DuplicateDecision.objects.update_or_create(
        first=first,
        second=second,
        defaults={
            "organization_id": one.organization_id,
            "is_same": is_same,
            "decided_by_name": str(user)[:254],
            "decided_at": now,
        },
    )


def _can_be_one(kept: Transaction, double: Transaction) -> bool:
    alive = kept.removed_at is None and double.removed_at is None
    alike = (kept.account_id, kept.amount, kept.currency) == (double.account_id, double.amount, double.currency)
    return alive and alike and kept.pk != double.pk


def _access(user: User, transaction_id: uuid.UUID) -> Transaction:
    row = access_transaction(user, transaction_id)
    access_organization(user, row.organization_id, role=Role.ADMIN)
    return row


def _locked(row: Transaction) -> Account:
    """One writer at a time, as in ``booked.apply_booked``."""
    return Account.objects.select_for_update(no_key=True).get(pk=row.account_id)


#: What is written into the trail, in its stable word and in a sentence's first ones.
_BROUGHT_BACK = ("transaction.brought_back", "Brought back")
_SET_ASIDE = ("transaction.set_aside", "Set aside as a double")


def _after_change(account: Account, user: User, row: Transaction, done: tuple[str, str], now: datetime) -> None:
    before = account.booked_total
    count_rows(account)
    _follow_proof(account, account.booked_total - before)
    record_event(
        account.organization_id,
        "account.transactionsUpdated",
        account_id=account.pk,
        attributes={"count": 1},
        now=now,
    )
    audit.record(
        tenant_id=account.organization_id,
        actor=user,
        action=done[0],
        obj=row,
        sentence=f"{done[1]}: a transaction of {row.amount} {row.currency} on {account}.",
    )


def _follow_proof(account: Account, added: Decimal) -> None:
    """The bank's balance is what it was, and the rows changed by ``added``: so did the difference of the proof."""
    if account.proof not in {"green", "red"} or not added:
        return
    difference = (account.proof_difference or Decimal(0)) - added
    account.proof, account.proof_difference = ("red" if difference else "green"), difference
    account.save(update_fields=["proof", "proof_difference"])
