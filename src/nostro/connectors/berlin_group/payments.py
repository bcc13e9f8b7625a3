"""Payment initiation: SEPA credit transfers, one or many, and the steps to sign them (Berlin Group XS2A 1.3, 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from nostro.connectors.berlin_group import embedded
from nostro.connectors.berlin_group.client import Client, Received, header_value, is_safe_for_browser, protocol_error
from nostro.connectors.berlin_group.fields import account_number_of, href_of, text_of
from nostro.connectors.contract import (
    UNATTENDED,
    AuthorisationStep,
    Clock,
    Configuration,
    Failed,
    NewRequestId,
    PsuContext,
    PsuInput,
    Redirect,
)
from nostro.connectors.errors import NotSupported, ProtocolError, ScaCancelled, ScaFailed, ScaRequired
from nostro.connectors.payments import (
    CreditTransfer,
    PaymentOrder,
    PaymentState,
    PaymentStatus,
    PreparedPayment,
    SigningRequest,
)
from nostro.http import Door

PRODUCT = "sepa-credit-transfers"
REDIRECT_LIFETIME = dt.timedelta(minutes=30)
MAX_PAYMENT_ID_LENGTH = 512

#: One person has signed, another one must.
SECOND_PERSON = "PATC"
_WITH_PASSWORD, _WITH_NAME = "startAuthorisationWithPsuAuthentication", "startAuthorisationWithPsuIdentification"
_STARTS = ("startAuthorisation", _WITH_NAME, _WITH_PASSWORD)

#: ISO 20022 ExternalPaymentTransactionStatus1Code. What is not listed here is still on its way.
STATUSES: dict[str, PaymentStatus] = {
    "RCVD": "unsigned",
    SECOND_PERSON: "unsigned",
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
        offers no way to sign that Nostro knows."""
        _require_present(psu)
        received = self._client.send(
            configuration,
            "POST",
            f"/v1/{_service(order.is_bulk)}/{PRODUCT}",
            psu=psu,
            subject="payment",
            headers=_tpp_headers(order.redirect_uri, order.psu_id),
            body=_bulk(order) if order.is_bulk else {**_debtor(order), **_transfer(order.transfers[0]), **_date(order)},
            feature="payments",
        )
        data = received.data if isinstance(received.data, Mapping) else {}
        payment_id = data.get("paymentId")
        if not isinstance(payment_id, str) or not 0 < len(payment_id) <= MAX_PAYMENT_ID_LENGTH:
            raise protocol_error(received.raw, "The bank took a payment without telling its id.")
        links = data.get("_links")
        start = {name: href for name in _STARTS if (href := href_of(links, name)) is not None}
        if start and href_of(links, "scaRedirect") is None:
            return PreparedPayment(payment_id, None, start)
        about = {"paymentId": payment_id, "isBulk": order.is_bulk}
        dialogue = embedded.Dialogue(self._client, configuration, psu, about, order.psu_id, received)
        return PreparedPayment(payment_id, self._next(dialogue), start)

    def start_signing(
        self, configuration: Configuration, request: SigningRequest, psu: PsuContext
    ) -> AuthorisationStep:
        """Ask for password or name where the bank wants them with the start; else POST the authorisation."""
        _require_present(psu)
        about = {"paymentId": request.payment_id, "isBulk": request.is_bulk}
        state = {"version": embedded.STATE_VERSION, **about, "psuId": request.psu_id, "verb": "POST"}
        ends_at = self._client.clock() + embedded.STEP_LIFETIME
        if (href := request.start.get(_WITH_PASSWORD)) is not None:
            return embedded.ask_for_password({**state, "href": href}, ends_at)
        if (href := request.start.get(_WITH_NAME)) is not None and not request.psu_id:
            return embedded.ask_for_name({**state, "href": href}, ends_at)
        path = f"{_path(request.payment_id, request.is_bulk)}/authorisations"
        href = next((request.start[name] for name in _STARTS if name in request.start), path)
        received = self._client.send(
            configuration, "POST", href, psu=psu, subject="payment",
            headers=_tpp_headers(request.redirect_uri, request.psu_id), feature="payments",
        )  # fmt: skip
        return self._next(embedded.Dialogue(self._client, configuration, psu, about, request.psu_id, received))

    def _next(self, dialogue: embedded.Dialogue) -> AuthorisationStep:
        """The links of the answer decide; a redirect needs nothing typed into Nostro, so it comes first."""
        url = href_of(dialogue.data.get("_links"), "scaRedirect")
        if url is None:
            step = embedded.next_step(dialogue)
            if step is None:
                raise NotSupported(
                    "This bank offers no way to sign payments that Nostro knows.",
                    feature="payments",
                    raw=dialogue.received.raw,
                )
            return step
        if not is_safe_for_browser(url, self._client.door.settings.allow_loopback_http):
            raise protocol_error(dialogue.received.raw, "The bank wants to send you to an address that is not secure.")
        return Redirect(url, self._client.clock() + REDIRECT_LIFETIME, dialogue.state())

    def continue_signing(
        self, configuration: Configuration, state: Mapping[str, Any], answer: PsuInput, psu: PsuContext
    ) -> AuthorisationStep | None:
        """Send what the person typed, if anything; then the status of the payment decides."""
        if not isinstance(state.get("paymentId"), str) or state.get("version") != embedded.STATE_VERSION:
            raise ProtocolError("The state of this authorisation is damaged.", reached_bank=False)
        if answer.kind == "cancel":
            return Failed(ScaCancelled(reached_bank=False), may_retry=True)
        if answer.kind != "poll":
            step = embedded.answer(self._client, configuration, state, answer, psu)
            if step is not None:
                return step
        now = self.get_state(configuration, state["paymentId"], is_bulk=bool(state.get("isBulk")))
        if now.status in {"pending", "accepted"} or now.bank_status == SECOND_PERSON:
            return None
        if now.status != "unsigned":
            kind = ScaCancelled if now.status == "canceled" else ScaFailed
            return Failed(kind(text=now.bank_status), may_retry=True)
        self._require_not_failed(configuration, state.get("scaStatus"))
        return embedded.wait(self._client, state, "The bank has not confirmed the signature yet.")

    def _require_not_failed(self, configuration: Configuration, href: object) -> None:
        """A bank may keep a payment whose signature failed. Raises :class:`ScaFailed`."""
        if isinstance(href, str):
            received = self._client.send(configuration, "GET", href, psu=UNATTENDED, subject="payment")
            status = received.data.get("scaStatus") if isinstance(received.data, Mapping) else None
            if status == "failed":
                raise ScaFailed(text=status, status=received.raw.status, request_id=received.raw.request_id)

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
        path = _path(payment_id, is_bulk)
        return self._client.send(configuration, verb, path, psu=UNATTENDED, subject="payment", feature="payments")


def _require_present(psu: PsuContext) -> None:
    if not psu.present or not psu.ip:
        raise ScaRequired("A payment can only be prepared while you are present.", reached_bank=False)


def _tpp_headers(redirect_uri: str, psu_id: str | None) -> dict[str, str]:
    headers = {
        "TPP-Redirect-URI": redirect_uri,
        "TPP-Nok-Redirect-URI": redirect_uri,
        "TPP-Redirect-Preferred": "true",
        # A bank that knows the person would ask in its app at once, before the hub has stored the payment's id.
        "TPP-Explicit-Authorisation-Preferred": "true" if psu_id else "false",
    }
    return {**headers, "PSU-ID": header_value(psu_id)} if psu_id else headers


def _path(payment_id: str, is_bulk: bool) -> str:
    return f"/v1/{_service(is_bulk)}/{PRODUCT}/{quote(payment_id, safe='')}"


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
