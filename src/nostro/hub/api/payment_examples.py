"""Calls about payments with their answers for the documentation: verb, path, answer and attributes sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from nostro.hub.api import documents as d
from nostro.hub.api import payment_documents as p

HOST = "{host}"
_ID, _ORGANIZATION = "6c0350b5-a724-42e5-b4ce-ca3a6994df3d", "6680437c-8ed8-425b-84b7-2c31e5ca625d"
_ACCOUNT, _INTEGRATION = "8804e34f-12b0-4b70-86bf-265f013ca232", "236d8f5c-7a1e-4f57-9c6b-0b8d9a5c1f21"
_TRANSFER: dict[str, Any] = {
    "amount": 12.34, "currency": "EUR", "creditorName": "Alex Creditor",
    "creditorAccountReference": "BE84732645584359", "creditorAccountReferenceType": "IBAN",
    "remittanceInformation": "Invoice 42", "endToEndId": "E2E-42",
}  # fmt: skip
_BACK = "https://shop.example/back"


def _links(segment: str) -> d.RedirectLinks:
    start = f"{HOST}/authorize/organizations/{_ORGANIZATION}/sandbox/integrations/{_INTEGRATION}"
    return d.RedirectLinks(f"{start}/accounts/{_ACCOUNT}/{segment}/{_ID}")


def _payment() -> p.Payment:
    return p.Payment(
        "payment", _ID,
        p.PaymentAttributes(
            "unsigned", Decimal("12.34"), "EUR", "Alex Creditor", "BE84732645584359", "IBAN", None, None, "Invoice 42",
            "unstructured", "E2E-42", None,
        ),
        _links("payments"),
    )  # fmt: skip


def _bulk_payment() -> p.BulkPayment:
    attributes = p.BulkPaymentAttributes("unsigned", "Suppliers of November", None, True)
    return p.BulkPayment("bulkPayment", _ID, attributes, _links("bulk-payments"))


def _payment_request() -> p.PaymentRequest:
    uri = f"{HOST}/pay/organizations/{_ORGANIZATION}/payment-requests/{_ID}"
    return p.PaymentRequest(
        "paymentRequest", _ID,
        p.PaymentRequestAttributes(
            Decimal("12.34"), "EUR", "Order 1001", "unstructured", None, "BE53586671384412", "IBAN", None, None, None,
            None, uri, _BACK,
        ),
        p.SigningLinks(uri, uri),
    )  # fmt: skip


def _calls(segment: str, name: str, made: Any, body: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """POST with the way to sign, GET without it, DELETE with what is gone."""
    path = f"/accounts/{{accountId}}/{segment}"
    read = msgspec.structs.replace(made, links=UNSET)
    one, gone = f"{path}/{{{name}}}", d.Identifier(made.type, made.id)
    return [("POST", path, d.One(made), body), ("GET", one, d.One(read), None), ("DELETE", one, d.One(gone), None)]


CALLS = (
    *_calls("payments", "paymentId", _payment(), {**_TRANSFER, "redirectUri": _BACK}),
    *_calls(
        "bulk-payments", "bulkPaymentId", _bulk_payment(),
        {"reference": "Suppliers of November", "batchBookingPreferred": True, "payments": [_TRANSFER]},
    ),
    *_calls(
        "payment-requests", "paymentRequestId", _payment_request(),
        {"amount": 12.34, "remittanceInformation": "Order 1001", "redirectUri": _BACK},
    ),
)  # fmt: skip
