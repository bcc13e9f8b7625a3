"""An organization whose account is one at the real sandbox bank, and the person who signs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from tests import factories
from tests.hub.api.client import Caller
from tests.sandbox.customer import Customer

from nostro.connectors.contract import PsuContext
from nostro.hub.accounts.models import Account
from nostro.hub.organizations.models import Membership
from nostro.hub.payments import signing
from nostro.hub.payments.models import Payment, Signing

NOW = factories.NOW
PSU = PsuContext(present=True, ip="192.0.2.7", observed_at=NOW)


@dataclass
class BankWorld:
    """An organization whose account is that of ``user_good`` at the bank, and a program that may pay from it."""

    bank: Customer
    owner: Membership
    account: Account
    caller: Caller
    psu: str = "user_good"

    def prepare(self, segment: str, attributes: Any) -> Payment:
        reply = self.caller.call(
            "POST", f"/accounts/{self.account.id}/{segment}", {"data": {"attributes": attributes}}
        )  # fmt: skip
        assert reply.status == 201, reply.body
        return Payment.objects.get(id=reply.json["data"]["id"])

    def open(self, payment: Payment) -> str:
        """What the button does; returns the address at the bank."""
        person = self.owner.user if payment.kind != "paymentRequest" else None
        url = signing.start_signing(payment, person, PSU, NOW)
        assert isinstance(url, str)
        return url

    def begin(self, payment: Payment, psu_id: str = "") -> Signing:
        """The same at a bank that asks in its app, or has code and password typed here."""
        person = self.owner.user if payment.kind != "paymentRequest" else None
        begun = signing.start_signing(payment, person, PSU, NOW, psu_id)
        assert isinstance(begun, Signing)
        return begun

    def at_the_bank(self, url: str, act: str = "approve", psu: str = "user_good", account: int = 0) -> str:
        """The person signs or refuses; returns the handle that comes back."""
        with httpx.Client() as browser:
            browser.post(url, data={"act": "log-in", "psu": psu, "password": "sandbox"})
            chosen = self.accounts_in_euro(psu)[account].resource_id
            form = {"act": act, "account": chosen, "code": "123456"}
            answer = browser.post(url, data=form)
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]

    def accounts_in_euro(self, psu: str) -> list[Any]:
        """A person's accounts as the bank keeps them."""
        return [each for each in self.bank.application.bank.ledger.accounts(psu) if each.currency == "EUR"]

    def status(self, payment: Payment) -> str:
        segment = {"payment": "payments", "bulkPayment": "bulk-payments"}[payment.kind]
        reply = self.caller.get(f"/accounts/{self.account.id}/{segment}/{payment.id}")
        return str(reply.json["data"]["attributes"]["status"])

    def bank_executes(self) -> None:
        assert self.bank.control("POST", "/clock", {"advance": 10}).status_code == 200

    def movements(self) -> list[str]:
        ledger = self.bank.application.bank.ledger
        own = next(each for each in ledger.accounts(self.psu) if each.iban == self.account.reference)
        return [row["amount"] for row in self.bank.truth(own.id)["rows"] if ":added:" in row["truthId"]]
