"""The standard's payment initiation: single and bulk SEPA credit transfers, signed by redirect.

Without ``debtorAccount`` the customer chooses the account while signing. ``requestedExecutionDate`` is accepted and not
simulated: every payment is executed a few seconds after it was signed (hub-api.md 7.5).
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.money import parse_minor
from nostro.sandbox.payments import CURRENCY, Payment, Payments, Transfer
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, iso_date, json_object, truth_value, web_address

PRODUCT = "sepa-credit-transfers"
MAX_TRANSFERS = 500
#: Fields of a transfer that are kept as they come, with their longest form.
TEXTS = {
    "creditorName": 70,
    "creditorAgent": 11,
    "endToEndIdentification": 35,
    "remittanceInformationUnstructured": 140,
    "remittanceInformationStructured": 140,
}


def create(bank: Bank, request: BankRequest, record: Record, *, service: str, product: str) -> Response:
    """``POST /v1/{service}/sepa-credit-transfers``: a payment that waits for its customer."""
    del record
    _require_offered(product)
    if not request.headers.get("PSU-IP-Address"):
        raise format_error("The header PSU-IP-Address is required.", "PSU-IP-Address")
    body = json_object(request)
    transfers = _bulk(body) if service == "bulk-payments" else [_transfer(body)]
    ok_uri = web_address(request.headers.get("TPP-Redirect-URI", ""), "TPP-Redirect-URI")
    nok_uri = web_address(request.headers.get("TPP-Nok-Redirect-URI") or ok_uri, "TPP-Nok-Redirect-URI")
    is_batch = service == "bulk-payments" and truth_value(body, "batchBookingPreferred", False)
    payment = Payments(bank).create(
        service, _debtor(bank, body), transfers, is_batch=is_batch, ways=(ok_uri, nok_uri)
    )  # fmt: skip
    here = _link(payment)
    links = {
        "scaRedirect": {"href": f"{request.host_url}sca/payments/{payment.sca}"},
        "self": {"href": here},
        "status": {"href": f"{here}/status"},
        "scaStatus": {"href": f"{here}/authorisations/{payment.sca}"},
    }
    reply = {"transactionStatus": payment.status, "paymentId": payment.id, "_links": links}
    headers = {"Location": request.host_url + here.removeprefix("/"), "ASPSP-SCA-Approach": "REDIRECT"}
    return json_reply(reply, 201, headers)


def read(bank: Bank, request: BankRequest, record: Record, *, service: str, product: str, payment_id: str) -> Response:
    """``GET …/{paymentId}``: its status and, once it is signed, the account that pays."""
    del request, record
    payment = _required(bank, service, product, payment_id)
    body: dict[str, Any] = {"transactionStatus": payment.status}
    account = bank.ledger.account(payment.debtor or "")
    if account is not None:
        body["debtorAccount"] = {"iban": account.iban}
    return json_reply(body)


def status(
    bank: Bank, request: BankRequest, record: Record, *, service: str, product: str, payment_id: str
) -> Response:
    """``GET …/{paymentId}/status``."""
    del request, record
    return json_reply({"transactionStatus": _required(bank, service, product, payment_id).status})


def authorisation_status(
    bank: Bank, request: BankRequest, record: Record, *, service: str, product: str, payment_id: str, sca: str
) -> Response:
    """``GET …/{paymentId}/authorisations/{authorisationId}``."""
    del request, record
    payment = _required(bank, service, product, payment_id)
    if payment.sca != sca:
        raise Refusal(403, "RESOURCE_UNKNOWN", "This payment has no such authorisation.")
    return json_reply({"scaStatus": payment.sca_status})


def cancel(
    bank: Bank, request: BankRequest, record: Record, *, service: str, product: str, payment_id: str
) -> Response:
    """``DELETE …/{paymentId}``: while nobody has signed."""
    del request, record
    payment = _required(bank, service, product, payment_id)
    if payment.status not in {"RCVD", "CANC"}:
        raise Refusal(405, "CANCELLATION_INVALID", f"A payment that is {payment.status} cannot be cancelled.")
    Payments(bank).cancel(payment)
    return Response(status=204)


def _link(payment: Payment) -> str:
    return f"/v1/{payment.service}/{PRODUCT}/{payment.id}"


def _required(bank: Bank, service: str, product: str, payment_id: str) -> Payment:
    _require_offered(product)
    found = Payments(bank).find(payment_id)
    if found is None or found.service != service:
        raise Refusal(403, "RESOURCE_UNKNOWN", "The bank knows no payment with this id.")
    return found


def _require_offered(product: str) -> None:
    if product != PRODUCT:
        raise Refusal(404, "PRODUCT_UNKNOWN", f"This bank offers {PRODUCT} only.")


def _debtor(bank: Bank, body: dict[str, Any]) -> str | None:
    """The account's own id. An account that is not in euro, or not here, cannot pay."""
    if "debtorAccount" not in body:
        return None
    iban = _iban(body["debtorAccount"], "debtorAccount")
    for account in bank.ledger.listed():
        if account.iban == iban and account.currency == CURRENCY:
            if account.status != "enabled":
                raise Refusal(403, "SERVICE_BLOCKED", "The bank has blocked the account.")
            return account.id
    raise Refusal(400, "PAYMENT_FAILED", "The bank keeps no account in euro with this number.", path="debtorAccount")


def _bulk(body: dict[str, Any]) -> list[Transfer]:
    if "requestedExecutionDate" in body:
        iso_date(body["requestedExecutionDate"], "requestedExecutionDate")
    items = body.get("payments")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_TRANSFERS:
        raise format_error(f"payments must be a list of 1 to {MAX_TRANSFERS} payments.", "payments")
    return [_transfer(item) for item in items]


def _transfer(body: object) -> Transfer:
    """A credit transfer, its texts in the names that account lists use."""
    if not isinstance(body, dict):
        raise format_error("A payment must be a JSON object.", "payments")
    if "requestedExecutionDate" in body:
        iso_date(body["requestedExecutionDate"], "requestedExecutionDate")
    kept: dict[str, Any] = {"creditorAccount": {"iban": _iban(body.get("creditorAccount"), "creditorAccount")}}
    for name, longest in TEXTS.items():
        text = body.get(name)
        if text is None:
            continue
        if not isinstance(text, str) or not 0 < len(text) <= longest:
            raise format_error(f"{name} must be a text of at most {longest} characters.", name)
        kept[_LISTED.get(name, name)] = {"reference": text} if name == "remittanceInformationStructured" else text
    if "creditorName" not in kept:
        raise format_error("creditorName is required.", "creditorName")
    return Transfer(_minor(body.get("instructedAmount")), kept)


_LISTED = {"endToEndIdentification": "endToEndId"}


def _minor(amount: object) -> int:
    try:
        if isinstance(amount, dict) and amount.get("currency") == CURRENCY:
            minor = parse_minor(amount.get("amount"), CURRENCY)
            if minor > 0:
                return minor
    except ValueError:
        pass
    raise format_error("instructedAmount must be a positive amount in EUR.", "instructedAmount")


def _iban(value: object, name: str) -> str:
    iban = value.get("iban") if isinstance(value, dict) else None
    if not isinstance(iban, str) or not 15 <= len(iban) <= 34 or not (iban.isascii() and iban.isalnum()):
        raise format_error("This bank knows accounts by iban.", name)
    return iban.upper()
