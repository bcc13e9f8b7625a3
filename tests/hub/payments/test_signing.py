"""Signing at the sandbox bank over real HTTP, and following what becomes of a payment (hub-api.md 7.5, 7.7)."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests import factories
from tests.hub.api.client import Caller, caller_for, with_payments
from tests.hub.payments.test_api import BULK, PAYMENT, REQUEST
from tests.sandbox.customer import Customer
from werkzeug.serving import make_server

from nostro.connectors.contract import PsuContext
from nostro.hub.accounts.models import Account
from nostro.hub.events.models import Event
from nostro.hub.organizations.models import Membership, Role
from nostro.hub.payments import signing, tasks
from nostro.hub.payments.models import Payment
from nostro.hub.payments.queries import access_payment
from nostro.hub.payments.services import AlreadySigned, decline_payment
from nostro.hub.sync.models import Synchronization
from nostro.sandbox.server import create_application
from nostro.web.errors import Forbidden, NotFound, Problem

NOW = factories.NOW
PSU = PsuContext(present=True, ip="192.0.2.7", observed_at=NOW)


@pytest.fixture(scope="session")
def furnished_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bank-of-payments")
    create_application(directory, 42, "virtual").close()
    return directory


@pytest.fixture
def bank(furnished_directory: Path, tmp_path: Path) -> Iterator[Customer]:
    shutil.copytree(furnished_directory, tmp_path / "bank")
    application = create_application(tmp_path / "bank", 42, "virtual", control_token="control")
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    customer = Customer(application)
    customer.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield customer
    server.shutdown()
    thread.join()
    application.close()


@dataclass
class World:
    """An organization whose account is that of ``user_good`` at the bank, and a program that may pay from it."""

    bank: Customer
    owner: Membership
    account: Account
    caller: Caller

    def prepare(self, segment: str, attributes: Any) -> Payment:
        reply = self.caller.call(
            "POST", f"/accounts/{self.account.id}/{segment}", {"data": {"attributes": attributes}}
        )  # fmt: skip
        assert reply.status == 201, reply.body
        return Payment.objects.get(id=reply.json["data"]["id"])

    def open(self, payment: Payment) -> str:
        """What the button does; returns the address at the bank."""
        person = self.owner.user if payment.kind != "paymentRequest" else None
        return signing.start_signing(payment, person, PSU, NOW)

    def at_the_bank(self, url: str, act: str = "approve", psu: str = "user_good", account: int = 0) -> str:
        """The person signs or refuses; returns the handle that comes back."""
        with httpx.Client() as browser:
            browser.post(url, data={"act": "log-in", "psu": psu, "password": "sandbox"})
            own = [each for each in self.bank.application.bank.ledger.accounts(psu) if each.currency == "EUR"]
            form = {"act": act, "account": own[account].resource_id, "code": "123456"}
            answer = browser.post(url, data=form)
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]

    def status(self, payment: Payment) -> str:
        segment = {"payment": "payments", "bulkPayment": "bulk-payments"}[payment.kind]
        reply = self.caller.get(f"/accounts/{self.account.id}/{segment}/{payment.id}")
        return str(reply.json["data"]["attributes"]["status"])

    def bank_executes(self) -> None:
        assert self.bank.control("POST", "/clock", {"advance": 10}).status_code == 200

    def movements(self) -> list[str]:
        ledger = self.bank.application.bank.ledger
        own = next(each for each in ledger.accounts("user_good") if each.iban == self.account.reference)
        return [row["amount"] for row in self.bank.truth(own.id)["rows"] if ":added:" in row["truthId"]]


@pytest.fixture
def world(db: None, bank: Customer) -> World:
    owner = factories.membership()
    institution = factories.institution(is_sandbox=True)
    institution.routes.update(base_url=bank.url)  # type: ignore[attr-defined]
    own = next(each for each in bank.application.bank.ledger.accounts("user_good") if each.currency == "EUR")
    account = factories.account(owner.organization, institution, reference=own.iban)
    return World(bank, owner, account, with_payments(caller_for(owner, [account])))


def come_back(handle: str) -> Payment:
    return signing.come_back(handle, PSU, NOW)


def test_a_signed_payment_is_pending_then_accepted_and_fetched(world: World) -> None:
    payment = world.prepare("payments", {**PAYMENT, "amount": "12.34"})
    assert world.status(payment) == "unsigned"
    handle = world.at_the_bank(world.open(payment))
    assert world.status(payment) == "unsigned"  # the redirect proves nothing: nobody has asked the bank yet
    assert come_back(handle).status == "pending" and world.movements() == []
    world.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert world.status(payment) == "accepted" and world.movements() == ["-12.34"]
    assert Synchronization.objects.get(account=world.account).trigger == "schedule"
    done = Payment.objects.get(id=payment.id)
    assert done.closed_at == done.signed_at == NOW and done.next_look_at is None and done.bank_status == "ACSC"
    # Whoever asks again changes nothing.
    come_back(handle)
    tasks.follow_payment(payment.id, NOW)
    assert Synchronization.objects.count() == 1 and world.movements() == ["-12.34"]


def test_a_bulk_payment_is_signed_once_as_a_whole(world: World) -> None:
    payment = world.prepare("bulk-payments", {**BULK, "batchBookingPreferred": False})
    come_back(world.at_the_bank(world.open(payment)))
    world.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert world.status(payment) == "accepted" and world.movements() == ["-1.00", "-1.00"]


def test_opened_twice_it_is_the_same_payment_at_the_bank(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    url = world.open(payment)
    assert world.open(payment) == url
    come_back(world.at_the_bank(url))
    with pytest.raises(signing.NotToSign):
        world.open(payment)
    world.bank_executes()
    assert world.movements() == ["-1.00"]


def test_while_one_hands_it_over_nobody_else_does(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    Payment.objects.filter(id=payment.id).update(claimed_until=NOW + dt.timedelta(seconds=1))
    with pytest.raises(Problem) as refused:
        world.open(payment)
    assert refused.value.code == "paymentInUse"
    # The process that claimed it was killed: the next one may.
    Payment.objects.filter(id=payment.id).update(claimed_until=NOW - dt.timedelta(seconds=1))
    assert world.open(payment).startswith("http")


def test_more_money_than_there_is_is_rejected(world: World) -> None:
    payment = world.prepare("payments", {**PAYMENT, "amount": "999999999.99"})
    come_back(world.at_the_bank(world.open(payment)))
    world.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert world.status(payment) == "rejected" and world.movements() == []
    assert not Synchronization.objects.exists()


def test_refused_at_the_bank_it_is_canceled(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    assert come_back(world.at_the_bank(world.open(payment), act="deny")).status == "canceled"
    with pytest.raises(signing.NotToSign):
        world.open(payment)
    reply = world.caller.call("DELETE", f"/accounts/{world.account.id}/payments/{payment.id}")
    assert reply.code == "paymentAlreadySigned"


def test_left_lying_at_the_bank_it_expires(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    world.open(payment)
    tasks.follow_payment(payment.id, NOW)
    assert world.status(payment) == "unsigned"
    world.bank.control("POST", "/clock", {"advance": 16 * 60})
    tasks.follow_payment(payment.id, NOW)
    assert world.status(payment) == "canceled"


def test_a_person_may_refuse_before_the_bank_has_it_and_not_after(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    assert decline_payment(world.owner.user, payment.id, NOW).status == "canceled"
    opened = world.prepare("payments", PAYMENT)
    world.open(opened)
    with pytest.raises(AlreadySigned):
        decline_payment(world.owner.user, opened.id, NOW)


def test_members_see_strangers_do_not_and_only_administrators_decide(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    member = factories.membership(world.owner.organization, role=Role.MEMBER)
    stranger = factories.membership()
    assert access_payment(member.user, payment.id).id == payment.id
    with pytest.raises(Forbidden):
        decline_payment(member.user, payment.id, NOW)
    for role in (None, Role.ADMIN):
        with pytest.raises(NotFound):
            access_payment(stranger.user, payment.id, role=role)


def test_a_payment_request_is_paid_by_a_third_person_and_closes_with_one_event(world: World) -> None:
    request = world.prepare("payment-requests", {**REQUEST, "amount": 7})
    path = f"/accounts/{world.account.id}/payment-requests/{request.id}"
    handle = world.at_the_bank(world.open(request), account=1)
    come_back(handle)
    signed = world.caller.get(path).json["data"]["attributes"]
    assert signed["signedAt"] and signed["closedAt"] is None
    payer = [each for each in world.bank.application.bank.ledger.accounts("user_good") if each.currency == "EUR"][1]
    assert (signed["debtorAccountReference"], signed["debtorAccountReferenceType"]) == (payer.iban, "IBAN")
    assert world.caller.call("DELETE", path).code == "paymentAlreadySigned"
    world.bank_executes()
    for _ in range(2):
        tasks.follow_payment(request.id, NOW)
    assert world.caller.get(path).json["data"]["attributes"]["closedAt"] == "2026-11-25T09:30:00.000Z"
    event = Event.objects.get(event_type="paymentRequest.closed")
    assert (event.account_id, event.payment_request_id) == (world.account.id, request.id)
    assert world.movements() == ["7.00"]


@pytest.mark.parametrize("amount", ["7", "999999999.99"], ids=["refused", "rejected"])
def test_a_payer_who_turned_back_may_try_again(world: World, amount: str) -> None:
    request = world.prepare("payment-requests", {**REQUEST, "amount": amount})
    first = world.open(request)
    handle = world.at_the_bank(first, act="deny" if amount == "7" else "approve", account=1)
    come_back(handle)
    world.bank_executes()
    tasks.follow_payment(request.id, NOW)
    shown = world.caller.get(f"/accounts/{world.account.id}/payment-requests/{request.id}").json["data"]["attributes"]
    assert shown["signedAt"] is shown["closedAt"] is shown["debtorAccountReference"] is None
    assert world.open(Payment.objects.get(id=request.id)) != first
    assert not Event.objects.filter(event_type="paymentRequest.closed").exists()


def test_a_bank_that_is_down_changes_nothing_and_is_asked_again(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    routes = world.account.institution.routes
    address = routes.get().base_url
    routes.update(base_url="http://127.0.0.1:9")
    with pytest.raises(Problem):
        world.open(payment)
    assert not Payment.objects.get(id=payment.id).sealed_bank_payment
    routes.update(base_url=address)
    handle = world.at_the_bank(world.open(payment))
    routes.update(base_url="http://127.0.0.1:9")
    assert come_back(handle).status == "unsigned"
    tasks.follow_payment(payment.id, NOW)
    routes.update(base_url=address)
    assert Payment.objects.get(id=payment.id).next_look_at is not None
    tasks.follow_payment(payment.id, NOW)
    assert world.status(payment) == "pending"


@pytest.mark.parametrize("handle", ["", "x", "\x00", "é" * 300], ids=["none", "made-up", "nul", "long"])
def test_an_unknown_handle_is_not_found(world: World, handle: str) -> None:
    with pytest.raises(NotFound):
        come_back(handle)


def test_followed_each_minute_then_each_hour_for_three_days(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    world.open(payment)
    assert tasks.follow_due(NOW) == 0
    later = NOW + dt.timedelta(minutes=1)
    assert tasks.follow_due(later) == 1 and tasks.follow_due(later) == 0
    payment.refresh_from_db()
    assert payment.next_look_at == later + dt.timedelta(minutes=1)
    assert signing.next_look(payment, NOW + dt.timedelta(hours=2)) == NOW + dt.timedelta(hours=3)
    assert signing.next_look(payment, NOW + dt.timedelta(days=3)) is None


def test_what_opens_the_payment_is_not_in_the_database(world: World) -> None:
    payment = world.prepare("payments", PAYMENT)
    url = world.open(payment)
    stored = repr(Payment.objects.filter(id=payment.id).values().get())
    assert url not in stored and url.rsplit("/", 1)[1] not in stored
