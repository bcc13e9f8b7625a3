"""Verbs on payments that were ordered at the bank: registered, sent together, rejected, cancelled (books.md 16.7).

A payment makes no entry. It is an expectation: the bank line that settles it does the booking.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from nostro.books.companies.models import Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.queries import access_journal
from nostro.books.ledger.models import EntryItem, Payment, PaymentBatch, PaymentState
from nostro.books.reconcile.automation import something_changed
from nostro.books.reconcile.planning import name_of
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Payments ordered at once, and shown on the page.
MAX_PAYMENTS, LIST_LIMIT = 500, 200

#: State → the states that a person may give it; the others come from bank lines.
_CHANGES: Mapping[str, set[str]] = {
    PaymentState.OUTSTANDING: {PaymentState.REJECTED, PaymentState.CANCELLED},
    PaymentState.REJECTED: {PaymentState.OUTSTANDING, PaymentState.CANCELLED},
}


def access_payment(user: User, payment_id: UUID, *, role: Role | None = None) -> Payment:
    """A payment of one of the person's companies, else :class:`NotFound`."""
    payment = Payment.objects.select_related("company").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound("payment")
    require_role(user, payment.company_id, role, "payment")
    return payment


def payments_of(company_id: UUID, *, waiting_only: bool = False) -> QuerySet[Payment]:
    """Payments with what they pay, newest first."""
    found = Payment.objects.filter(company_id=company_id).select_related(
        "batch", "open_item", "open_item__document", "open_item__partner"
    )
    if waiting_only:
        found = found.filter(state__in=_CHANGES)
    return found.order_by("-date", "-batch_id", "-id")


def payable_items(company_id: UUID) -> QuerySet[EntryItem]:
    """What is owed to suppliers and customers and has no payment on its way yet, the oldest first."""
    return (
        EntryItem.objects.filter(company_id=company_id, residual_currency__lt=0)
        .exclude(payments__state=PaymentState.OUTSTANDING)
        .select_related("document", "partner")
        .order_by("due_date", "id")
    )


@transaction.atomic
def order_payments(
    user: User, journal_id: UUID, amounts: Mapping[UUID, Decimal | None], *, date: dt.date, batch_reference: str = "",
    message_id: str = "", end_to_end_ids: Mapping[UUID, str] | None = None, now: dt.datetime,
) -> list[Payment]:  # fmt: skip
    """Register that open items are being paid from a journal, each wholly where its amount is ``None``.

    With ``batch_reference`` they are one batch, expected as one bank line. An end-to-end id that is not given is made.
    Raises :class:`Problem` for items of several currencies in a batch, paid ones, and ones with a payment on its way.
    """
    journal = access_journal(user, journal_id, role=Role.CLERK)
    company, batch_reference = journal.company, clean(batch_reference, 35)
    if not 0 < len(amounts) <= MAX_PAYMENTS:
        raise Problem("No open item is chosen.", what_to_do=f"Choose 1 to {MAX_PAYMENTS}.", code="itemsMissing")
    items = EntryItem.objects.select_for_update(of=("self",)).select_related("document")
    found = list(items.filter(company=company, pk__in=amounts, residual_currency__isnull=False).order_by("id"))
    if len(found) != len(amounts):
        raise NotFound("open item")
    _check_items(found, amounts, batch=bool(batch_reference))
    batch = None
    if batch_reference:
        if PaymentBatch.objects.filter(company=company, reference__iexact=batch_reference).exists():
            raise Problem(
                f"Batch {batch_reference} exists already.",
                what_to_do="Use another reference.",
                code="batchExists",
                field="batch_reference",
            )
        batch = PaymentBatch.objects.create(
            company=company,
            journal_id=journal.id,
            reference=batch_reference,
            message_id=clean(message_id, 35),
            date=date,
        )
    given = end_to_end_ids or {}
    payments = [
        Payment(
            company=company, journal_id=journal.id, batch=batch, open_item=item, date=date,
            amount=amounts[item.id] or item.residual_currency, reference=name_of(item)[:60],
            end_to_end_id=clean(given.get(item.id, ""), 35).upper(),
        )
        for item in found
    ]  # fmt: skip
    for payment in payments:
        payment.end_to_end_id = payment.end_to_end_id or payment.id.hex.upper()
    _check_identifiers(payments)
    Payment.objects.bulk_create(payments)
    record(
        tenant_id=company.id, actor=user, action="payments.ordered", obj=batch or payments[0],
        sentence=f"{len(payments)} payments were ordered{f' as batch {batch.reference}' if batch else ''}.",
        after={"payments": [str(payment.id) for payment in payments]},
    )  # fmt: skip
    something_changed(company, now=now)
    return payments


def _check_items(items: Sequence[EntryItem], amounts: Mapping[UUID, Decimal | None], *, batch: bool) -> None:
    if batch and len({item.currency for item in items}) > 1:
        raise Problem(
            "A batch has one currency.", what_to_do="Order a batch for each currency.", code="batchCurrencies"
        )  # fmt: skip
    busy = Payment.objects.filter(open_item__in=items, state=PaymentState.OUTSTANDING).select_related("open_item")
    for payment in busy[:1]:
        raise Problem(
            f"A payment of {name_of(payment.open_item)} is on its way already.",
            what_to_do="Cancel that one first, or leave it out.",
            code="paymentOutstanding",
        )
    for item in items:
        residual, amount = item.residual_currency or Decimal(0), amounts[item.id]
        part = residual if amount is None else amount
        if not part or (part > 0) != (residual > 0) or abs(part) > abs(residual):
            raise Problem(
                f"Of {name_of(item)} {residual} {item.currency} are open, and {part} is no part of it.",
                what_to_do="Take a smaller amount of the same sign.",
                code="amountInvalid",
            )


def _check_identifiers(payments: Sequence[Payment]) -> None:
    ids = [payment.end_to_end_id for payment in payments]
    taken = Payment.objects.filter(company_id=payments[0].company_id, end_to_end_id__in=ids)
    if len(set(ids)) < len(ids) or taken.exclude(state=PaymentState.CANCELLED).exists():
        raise Problem(
            "An end-to-end id is used twice.", what_to_do="Give each payment its own.", code="endToEndIdTaken"
        )  # fmt: skip


@transaction.atomic
def change_payment(user: User, payment_id: UUID, state: str, *, now: dt.datetime) -> Payment:
    """Mark a payment rejected, expected again, or cancelled. One that is on a bank line is undone there."""
    seen = access_payment(user, payment_id, role=Role.CLERK)
    EntryItem.objects.select_for_update().get(pk=seen.open_item_id)
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if payment.state == state:
        return payment
    if state not in _CHANGES.get(payment.state, set()):
        raise Problem(
            f"The payment is: {payment.get_state_display()}.",
            why="What a bank line settled or brought back is changed by undoing its match.",
            what_to_do="Undo the match of the line first.",
            code="paymentState",
        )
    others = Payment.objects.filter(Q(open_item=payment.open_item_id), state=PaymentState.OUTSTANDING)
    if state == PaymentState.OUTSTANDING and others.exists():
        raise Problem(
            "Another payment of the same document is on its way.",
            what_to_do="Cancel that one first.",
            code="paymentOutstanding",
        )
    before, payment.state = payment.state, state
    payment.save(update_fields=["state"])
    record(
        tenant_id=payment.company_id, actor=user, action="payment.changed", obj=payment,
        sentence=f"Payment {payment.reference}: {payment.get_state_display()}.",
        before={"state": before}, after={"state": state},
    )  # fmt: skip
    something_changed(seen.company, now=now)
    return payment
