"""Payment initiation: SEPA credit transfers, one or many, signed by redirect (Berlin Group XS2A 1.3, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from nostro.connectors.berlin_group.client import Client, Received, is_safe_for_browser, protocol_error
from nostro.connectors.berlin_group.fields import account_number_of, href_of, text_of
from nostro.connectors.contract import UNATTENDED, Clock, Configuration, NewRequestId, PsuContext
from nostro.connectors.errors import NotSupported, ScaRequired
from nostro.connectors.payments import CreditTransfer, PaymentOrder, PaymentState, PaymentStatus, PreparedPayment
from nostro.http import Door

PRODUCT = "sepa-credit-transfers"
MAX_PAYMENT_ID_LENGTH = 512

#: ISO 20022 ExternalPaymentTransactionStatus1Code. What is not listed here is still on its way.
STATUSES: dict[str, PaymentStatus] = {
    "RCVD": "unsigned",
    "PATC": "unsigned",  # a second person must sign
    "ACSC": "accepted",
    "ACCC": "accepted",
    "ACSP": "accepted",
    "ACWC": "accepted",
    "ACWP": "accepted",
    "RJCT": "rejected",
    "CANC": "canceled",
}
KNOWN = frozenset({*STATUSES, "ACTC", "ACCP", "ACFC", "PDNG", "PART", "PRES"})


class BerlinGroupPayments:
    """Prepares payments and asks what became of them."""

    def __init__(self, door: Door, clock: Clock, new_request_id: NewRequestId) -> None:
        self._client = Client(door, clock, new_request_id)

    def prepare(self, configuration: Configuration, order: PaymentOrder, psu: PsuContext) -> PreparedPayment:
        """POST the payment. Raises :class:`ScaRequired` without a present PSU, :class:`NotSupported` where the bank
        offers no redirect."""
        if not psu.present or not psu.ip:
            raise ScaRequired("A payment can only be prepared while you are present.", reached_bank=False)
        received = self._client.send(
            configuration,
            "POST",
            f"/v1/{_service(order.is_bulk)}/{PRODUCT}",
            psu=psu,
            subject="consent",
            headers={
                "TPP-Redirect-URI": order.redirect_uri,
                "TPP-Nok-Redirect-URI": order.redirect_uri,
                "TPP-Redirect-Preferred": "true",
                "TPP-Explicit-Authorisation-Preferred": "false",
            },
            body=_bulk(order) if order.is_bulk else {**_debtor(order), **_transfer(order.transfers[0]), **_date(order)},
            feature="payments",
        )
        return self._prepared(received)

    def _prepared(self, received: Received) -> PreparedPayment:
        data = received.data if isinstance(received.data, Mapping) else {}
        payment_id = data.get("paymentId")
        if not isinstance(payment_id, str) or not 0 < len(payment_id) <= MAX_PAYMENT_ID_LENGTH:
            raise protocol_error(received.raw, "The bank took a payment without telling its id.")
        url = href_of(data.get("_links"), "scaRedirect")
        if url is None:
            raise NotSupported(
                "This bank does not let payments be signed on its own pages.",
                feature="payments",
                raw=received.raw,
            )
        if not is_safe_for_browser(url, self._client.door.settings.allow_loopback_http):
            raise protocol_error(received.raw, "The bank wants to send you to an address that is not secure.")
        return PreparedPayment(payment_id, url)

    def get_state(self, configuration: Configuration, payment_id: str, *, is_bulk: bool) -> PaymentState:
        """GET the payment. A status that nobody knows is a ``ProtocolError`` with that word."""
        received = self._about(configuration, "GET", payment_id, is_bulk=is_bulk)
        data = received.data if isinstance(received.data, Mapping) else {}
        word = text_of(data.get("transactionStatus"), 4)
        if word not in KNOWN:
            raise protocol_error(received.raw, "The bank does not tell the status of the payment.")
        return PaymentState(STATUSES.get(word, "pending"), word, account_number_of(data.get("debtorAccount")))

    def cancel(self, configuration: Configuration, payment_id: str, *, is_bulk: bool) -> None:
        """DELETE the payment. Some banks want a cancellation to be signed as well; then nothing happens here."""
        self._about(configuration, "DELETE", payment_id, is_bulk=is_bulk)

    def _about(self, configuration: Configuration, verb: str, payment_id: str, *, is_bulk: bool) -> Received:
        path = f"/v1/{_service(is_bulk)}/{PRODUCT}/{quote(payment_id, safe='')}"
        return self._client.send(configuration, verb, path, psu=UNATTENDED, subject="consent", feature="payments")


def _service(is_bulk: bool) -> str:
    return "bulk-payments" if is_bulk else "payments"


def _debtor(order: PaymentOrder) -> dict[str, Any]:
    return {"debtorAccount": {"iban": order.debtor_account}} if order.debtor_account else {}


def _date(order: PaymentOrder) -> dict[str, str]:
    day = order.requested_execution_date
    return {"requestedExecutionDate": day.isoformat()} if day else {}


def _bulk(order: PaymentOrder) -> dict[str, Any]:
    payments = [_transfer(transfer) for transfer in order.transfers]
    wish = {"batchBookingPreferred": order.batch_booking_preferred, **_date(order)}
    return {**_debtor(order), **wish, "payments": payments}


def _transfer(transfer: CreditTransfer) -> dict[str, Any]:
    remittance = "remittanceInformationStructured" if transfer.remittance_is_structured else _UNSTRUCTURED
    optional = {
        "creditorAgent": transfer.creditor_agent,
        remittance: transfer.remittance_information,
        "endToEndIdentification": transfer.end_to_end_id,
    }
    return {
        "instructedAmount": {"currency": transfer.currency, "amount": f"{transfer.amount:f}"},
        "creditorAccount": {"iban": transfer.creditor_account},
        "creditorName": transfer.creditor_name,
        **{name: value for name, value in optional.items() if value},
    }


_UNSTRUCTURED = "remittanceInformationUnstructured"
