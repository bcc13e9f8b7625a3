"""What the bank or the customer does to a consent behind the service's back."""

from __future__ import annotations

import datetime as dt

from werkzeug.wrappers import Response

from nostro.sandbox import unfolding
from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import FINAL, Authorisation
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.payments import Payments
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object, truth_value, whole_number


def expire(bank: Bank, request: BankRequest, consent_id: str) -> Response:
    """``POST /consents/{c}/expire``."""
    del request
    return _ended(bank, consent_id, "expired")


def revoke(bank: Bank, request: BankRequest, consent_id: str) -> Response:
    """``POST /consents/{c}/revoke``: the customer took it back at the bank."""
    del request
    return _ended(bank, consent_id, "revokedByPsu")


def limit(bank: Bank, request: BankRequest, consent_id: str) -> Response:
    """``POST /consents/{c}/limit {days}``: good for so many days from today."""
    days = whole_number(json_object(request), "days", None, 0, 180)
    last_day = bank.clock.today() + dt.timedelta(days=days)
    bank.consents.limit(bank.consents.require(consent_id, 404).id, last_day)
    return json_reply({"validUntil": last_day.isoformat()})


def authorisation(bank: Bank, request: BankRequest, authorisation_id: str) -> Response:
    """``POST /authorisations/{x} {approve|deny|ignore: true, psu?, after_s?}``: plays the customer, now or later.

    Everything that is offered is approved. ``psu`` is needed where the customer is not known yet.
    """
    body = json_object(request)
    found = bank.consents.authorisation(authorisation_id)
    if found is None:
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank has no such authorisation.")
    psu_hint, is_open = _matter(bank, found)
    if found.status in FINAL or not is_open:
        raise Refusal(409, "STATUS_INVALID", "This authorisation is over.")
    verdicts = [word for word in ("approve", "deny", "ignore") if truth_value(body, word, False)]
    if len(verdicts) != 1:
        raise format_error("One of approve, deny and ignore must be true.", "approve")
    after_s = whole_number(body, "after_s", 0, 0, 86_400)
    if "psu" in body:
        if not isinstance(body["psu"], str) or bank.customers.find(body["psu"]) is None:
            raise format_error("psu must be a customer of the bank.", "psu")
        bank.consents.set_authorisation(found.id, found.status, psu=body["psu"])
    elif verdicts == ["approve"] and bank.customers.find(found.psu or psu_hint) is None:
        raise format_error("psu is needed: nobody has logged in yet.", "psu")
    due_at = bank.clock.now() + dt.timedelta(seconds=after_s)
    if verdicts == ["ignore"]:
        bank.consents.plan_verdict(found.id, None, None)
    else:
        bank.consents.plan_verdict(found.id, verdicts[0], due_at)
        unfolding.settle(bank)
    return json_reply({"scaStatus": bank.consents.known_authorisation(found.id).status})


def _matter(bank: Bank, found: Authorisation) -> tuple[str, bool]:
    """The customer as the service named them, and whether the consent or the payment still waits."""
    if found.payment:
        payment = Payments(bank).known(found.payment)
        return payment.psu_hint, payment.status == "RCVD"
    consent = bank.consents.require(found.consent, 404)
    return consent.psu_hint, consent.status == "received"


def _ended(bank: Bank, consent_id: str, status: str) -> Response:
    bank.consents.end(bank.consents.require(consent_id, 404).id, status)
    return json_reply({"consentStatus": bank.consents.require(consent_id, 404).status})
