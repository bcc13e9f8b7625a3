"""Payments, bulk payments, payment requests and requests to activate them (hub-api.md 7.5 to 7.8)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

from nostro.hub.accounts.models import Account
from nostro.hub.api import documents as d
from nostro.hub.api import payment_documents as p
from nostro.hub.api.connect import may_return
from nostro.hub.api.errors import validation
from nostro.hub.api.payment_input import Attributes, require_euro_account
from nostro.hub.api.request import Request, attributes, parse_id
from nostro.hub.api.responses import Answer
from nostro.hub.integrations.queries import access_granted_account
from nostro.hub.payments.models import Kind, Payment
from nostro.hub.payments.queries import access_payment_of_integration, connection_that_pays
from nostro.hub.payments.services import PaymentsNotActivated, create_payment, delete_payment, request_activation

_SEGMENTS = {Kind.PAYMENT: "payments", Kind.BULK_PAYMENT: "bulk-payments"}


# --- create ---------------------------------------------------------------------------------------------------


def create_single_payment(request: Request) -> Answer:
    account, given = _account(request), Attributes(attributes(request))
    draft, redirect_uri = given.transfer(), _redirect_uri(request, given)
    payment = create_payment(
        account, request.integration.integration_id, Kind.PAYMENT, [draft], redirect_uri=redirect_uri,
        requested_execution_date=draft.requested_execution_date, now=request.now,
    )  # fmt: skip
    return _created(request, payment)


def create_bulk_payment(request: Request) -> Answer:
    account, given = _account(request), Attributes(attributes(request))
    payment = create_payment(
        account, request.integration.integration_id, Kind.BULK_PAYMENT,
        reference=given.text("reference", 140, required=True),
        drafts=given.transfers(),
        batch_booking_preferred=given.flag("batchBookingPreferred"),
        requested_execution_date=given.day("requestedExecutionDate"),
        redirect_uri=_redirect_uri(request, given), now=request.now,
    )  # fmt: skip
    return _created(request, payment)


def create_payment_request(request: Request) -> Answer:
    account, given = _account(request), Attributes(attributes(request))
    draft, redirect_uri = given.asked(account), given.redirect_uri(required=False)
    _require_own(request, redirect_uri)
    payment = create_payment(
        account, request.integration.integration_id, Kind.PAYMENT_REQUEST, [draft], redirect_uri=redirect_uri,
        now=request.now,
    )  # fmt: skip
    return _created(request, payment)


def _account(request: Request) -> Account:
    """The account that pays or is paid. Whether it can at all comes before what is asked of it."""
    account = access_granted_account(request.integration.integration_id, parse_id(request.parameters[0]) or UUID(int=0))
    if connection_that_pays(account) is None:
        raise PaymentsNotActivated
    require_euro_account(account)
    return account


def _redirect_uri(request: Request, given: Attributes) -> str:
    """Optional at the root, where people sign in the Hub; a vendor's person always comes back (7.5)."""
    redirect_uri = given.redirect_uri(required=bool(request.mount))
    _require_own(request, redirect_uri)
    return redirect_uri


def _require_own(request: Request, redirect_uri: str) -> None:
    if request.mount and redirect_uri and not may_return(redirect_uri, request):
        raise validation("redirectUri must be an address that the application registered.", "redirectUri")


def _created(request: Request, payment: Payment) -> Answer:
    document = _document(request, payment)
    if isinstance(document, p.PaymentRequest):
        uri = document.attributes.signing_uri
        links: Any = p.SigningLinks(uri, uri)
    else:
        links = d.RedirectLinks(_signing_address(request, payment))
    return Answer(201, d.One(msgspec.structs.replace(document, links=links)))


def _signing_address(request: Request, payment: Payment) -> str:
    return (
        f"{request.host}/authorize/organizations/{payment.organization_id}{_sandbox(request)}"
        f"/integrations/{payment.integration_id}/accounts/{payment.account_id}"
        f"/{_SEGMENTS[Kind(payment.kind)]}/{payment.id}"
    )


def _sandbox(request: Request) -> str:
    return "/sandbox" if request.integration.is_sandbox else ""


# --- read and delete ------------------------------------------------------------------------------------------


def get_single_payment(request: Request) -> Answer:
    return _get(request, Kind.PAYMENT)


def get_bulk_payment(request: Request) -> Answer:
    return _get(request, Kind.BULK_PAYMENT)


def get_payment_request(request: Request) -> Answer:
    return _get(request, Kind.PAYMENT_REQUEST)


def delete_single_payment(request: Request) -> Answer:
    return _delete(request, Kind.PAYMENT)


def delete_bulk_payment(request: Request) -> Answer:
    return _delete(request, Kind.BULK_PAYMENT)


def delete_payment_request(request: Request) -> Answer:
    return _delete(request, Kind.PAYMENT_REQUEST)


def _get(request: Request, kind: Kind) -> Answer:
    payment = access_payment_of_integration(request.integration.integration_id, *_ids(request), kind=kind)
    return Answer(200, d.One(_document(request, payment)))


def _delete(request: Request, kind: Kind) -> Answer:
    account_id, payment_id = _ids(request)
    delete_payment(request.integration.integration_id, account_id, payment_id, kind=kind, now=request.now)
    return Answer(200, d.One(d.Identifier(kind.value, str(payment_id))))


def _ids(request: Request) -> tuple[UUID, UUID]:
    """Account and payment; ids that are none lead nowhere."""
    account_id, payment_id = (parse_id(text) or UUID(int=0) for text in request.parameters)
    return account_id, payment_id


# --- documents ------------------------------------------------------------------------------------------------


def _document(request: Request, payment: Payment) -> p.Payment | p.BulkPayment | p.PaymentRequest:
    status: Any = payment.status
    if payment.kind == Kind.BULK_PAYMENT:
        return p.BulkPayment("bulkPayment", str(payment.id), p.BulkPaymentAttributes(
            status, payment.reference, _day(payment.requested_execution_date), payment.batch_booking_preferred
        ))  # fmt: skip
    transfer = payment.transfers.all()[0]
    kind: Any = transfer.remittance_information_type
    texts = transfer.remittance_information or None, kind, transfer.end_to_end_id or None
    if payment.kind == Kind.PAYMENT:
        return p.Payment("payment", str(payment.id), p.PaymentAttributes(
            status, transfer.amount, transfer.currency, transfer.creditor_name, transfer.creditor_account_reference,
            "IBAN", transfer.creditor_agent or None, "BIC" if transfer.creditor_agent else None, *texts,
            _day(payment.requested_execution_date),
        ))  # fmt: skip
    debtor = payment.debtor_account_reference or None
    uri = f"{request.host}/pay/organizations/{payment.organization_id}/payment-requests/{payment.id}"
    return p.PaymentRequest("paymentRequest", str(payment.id), p.PaymentRequestAttributes(
        transfer.amount, transfer.currency, *texts, transfer.creditor_account_reference, payment.account.reference_type,
        debtor, "IBAN" if debtor else None, _moment(payment.closed_at), _moment(payment.signed_at), uri,
        payment.redirect_uri or None,
    ))  # fmt: skip


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _moment(value: datetime | None) -> str | None:
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- activation, under /ponto-connect (7.8) -------------------------------------------------------------------


def create_payment_activation_request(request: Request) -> Answer:
    return _ask_to_activate(request, Kind.PAYMENT, "payment-activation-requests")


def create_payment_request_activation_request(request: Request) -> Answer:
    return _ask_to_activate(request, Kind.PAYMENT_REQUEST, "payment-request-activation-requests")


def _ask_to_activate(request: Request, kind: Kind, segment: str) -> Answer:
    """The answer leads a person of the organization to the page that tells how payments are activated."""
    redirect_uri = Attributes(attributes(request)).redirect_uri(required=True)
    _require_own(request, redirect_uri)
    caller = request.integration
    row = request_activation(
        caller.organization_id, caller.integration_id, kind, is_sandbox=caller.is_sandbox, redirect_uri=redirect_uri,
        now=request.now,
    )  # fmt: skip
    redirect = (
        f"{request.host}/authorize/organizations/{caller.organization_id}{_sandbox(request)}"
        f"/integrations/{caller.integration_id}/{segment}/{row.id}"
    )
    resource: Any = f"{kind.value}ActivationRequest"
    attributes_now = d.RedirectAttributes(caller.is_sandbox)
    return Answer(201, d.One(p.ActivationRequest(resource, str(row.id), d.RedirectLinks(redirect), attributes_now)))
