"""The standard's payment initiation: single and bulk SEPA credit transfers, signed by redirect, in an app of the bank
(decoupled), or with what the customer types at the service (embedded).

Without ``debtorAccount`` the customer chooses the account while signing. ``requestedExecutionDate`` is accepted and not
simulated: every payment is executed a few seconds after it was signed (hub-api.md 7.5).
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Authorisation
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.money import parse_minor
from nostro.sandbox.payments import CURRENCY, Payment, Payments, Transfer
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, iso_date, json_object, truth_value, ways_back
from nostro.sandbox.sca import steps
from nostro.sandbox.scenarios import Approach

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
    psu = request.headers.get("PSU-ID", "")[:70]
    approach = _way(bank, request, psu)
    is_batch = service == "bulk-payments" and truth_value(body, "batchBookingPreferred", False)
    payment = Payments(bank).create(
        service, _debtor(bank, body), transfers, is_batch=is_batch, psu_hint=psu, approach=approach,
        ways=ways_back(request, is_needed=approach == "redirect"),
    )  # fmt: skip
    matter = steps.matter_of_payment(bank, payment, PRODUCT, approach)
    step = steps.offer(bank, request, matter)
    links = {"self": {"href": matter.address}, "status": {"href": f"{matter.address}/status"}, **step.links}
    reply = {"transactionStatus": payment.status, "paymentId": payment.id, **step.more, "_links": links}
    location = request.host_url + matter.address.removeprefix("/")
    return json_reply(reply, 201, {"Location": location, "ASPSP-SCA-Approach": steps.HEADER[approach]})


def _way(bank: Bank, request: BankRequest, psu: str) -> Approach:
    """The way of SCA; a payment needs no access token, so OAuth is a redirect here."""
    approach = steps.choose(bank.customers.find(psu), request)
    return "redirect" if approach == "oauth" else approach


def start_authorisation(
    bank: Bank, request: BankRequest, record: Record, *, service: str, product: str, payment_id: str
) -> Response:
    """``POST …/{paymentId}/authorisations``: one more attempt to sign, in the way of the customer it names."""
    del record
    payment = _required(bank, service, product, payment_id)
    approach = _way(bank, request, request.headers.get("PSU-ID", "") or payment.psu_hint)
    Payments(bank).lead_back(payment, ways_back(request, is_needed=approach == "redirect" and not payment.ok_uri))
    return steps.started(bank, request, steps.matter_of_payment(bank, payment, PRODUCT, approach))


def update_authorisation(
    bank: Bank, request: BankRequest, record: Record, *, service: str, product: str, payment_id: str, sca: str
) -> Response:
    """``PUT …/authorisations/{authorisationId}``: what the customer typed at the service, or who the customer is."""
    del record
    payment, found = _required_authorisation(bank, service, product, payment_id, sca)
    return steps.updated(bank, request, steps.matter_of_payment(bank, payment, PRODUCT, payment.approach), found)


def list_authorisations(
    bank: Bank, request: BankRequest, record: Record, *, service: str, product: str, payment_id: str
) -> Response:
    """``GET …/{paymentId}/authorisations``."""
    del request, record
    payment = _required(bank, service, product, payment_id)
    return json_reply({"authorisationIds": bank.consents.authorisation_ids(payment.id)})


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
    payment, found = _required_authorisation(bank, service, product, payment_id, sca)
    return steps.status_of(steps.matter_of_payment(bank, payment, PRODUCT, payment.approach), found)


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


def _required_authorisation(
    bank: Bank, service: str, product: str, payment_id: str, sca: str
) -> tuple[Payment, Authorisation]:
    payment = _required(bank, service, product, payment_id)
    found = bank.consents.authorisation(sca)
    if found is None or found.payment != payment.id:
        raise Refusal(403, "RESOURCE_UNKNOWN", "This payment has no such authorisation.")
    return payment, found


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
