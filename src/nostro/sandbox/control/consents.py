"""What the bank or the customer does to a consent behind the service's back."""

from __future__ import annotations

import datetime as dt

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object, whole_number


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


def _ended(bank: Bank, consent_id: str, status: str) -> Response:
    bank.consents.end(bank.consents.require(consent_id, 404).id, status)
    return json_reply({"consentStatus": bank.consents.require(consent_id, 404).status})
