"""Signing at the sandbox bank over real HTTP, and following what becomes of a payment (hub-api.md 7.5, 7.7)."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest
from tests import factories
from tests.hub.payments.bank import NOW, PSU, BankWorld
from tests.hub.payments.test_api import BULK, PAYMENT, REQUEST

from nostro.hub.events.models import Event
from nostro.hub.organizations.models import Role
from nostro.hub.payments import signing, tasks
from nostro.hub.payments.models import Payment
from nostro.hub.payments.queries import access_payment
from nostro.hub.payments.services import AlreadySigned, decline_payment
from nostro.hub.sync.models import Synchronization
from nostro.web.errors import Forbidden, NotFound, Problem


def come_back(handle: str) -> Payment:
    return signing.come_back(handle, PSU, NOW)


def test_a_signed_payment_is_pending_then_accepted_and_fetched(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", {**PAYMENT, "amount": "12.34"})
    assert bank_world.status(payment) == "unsigned"
    handle = bank_world.at_the_bank(bank_world.open(payment))
    assert bank_world.status(payment) == "unsigned"  # the redirect proves nothing: nobody has asked the bank yet
    assert come_back(handle).status == "pending" and bank_world.movements() == []
    bank_world.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert bank_world.status(payment) == "accepted" and bank_world.movements() == ["-12.34"]
    assert Synchronization.objects.get(account=bank_world.account).trigger == "schedule"
    done = Payment.objects.get(id=payment.id)
    assert done.closed_at == done.signed_at == NOW and done.next_look_at is None and done.bank_status == "ACSC"
    # Whoever asks again changes nothing.
    come_back(handle)
    tasks.follow_payment(payment.id, NOW)
    assert Synchronization.objects.count() == 1 and bank_world.movements() == ["-12.34"]


def test_a_bulk_payment_is_signed_once_as_a_whole(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("bulk-payments", {**BULK, "batchBookingPreferred": False})
    come_back(bank_world.at_the_bank(bank_world.open(payment)))
    bank_world.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert bank_world.status(payment) == "accepted" and bank_world.movements() == ["-1.00", "-1.00"]


def test_opened_twice_it_is_the_same_payment_at_the_bank(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    url = bank_world.open(payment)
    assert bank_world.open(payment) == url
    come_back(bank_world.at_the_bank(url))
    with pytest.raises(signing.NotToSign):
        bank_world.open(payment)
    bank_world.bank_executes()
    assert bank_world.movements() == ["-1.00"]


def test_while_one_hands_it_over_nobody_else_does(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    Payment.objects.filter(id=payment.id).update(claimed_until=NOW + dt.timedelta(seconds=1))
    with pytest.raises(Problem) as refused:
        bank_world.open(payment)
    assert refused.value.code == "paymentInUse"
    # The process that claimed it was killed: the next one may.
    Payment.objects.filter(id=payment.id).update(claimed_until=NOW - dt.timedelta(seconds=1))
    assert bank_world.open(payment).startswith("http")


def test_more_money_than_there_is_is_rejected(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", {**PAYMENT, "amount": "999999999.99"})
    come_back(bank_world.at_the_bank(bank_world.open(payment)))
    bank_world.bank_executes()
    tasks.follow_payment(payment.id, NOW)
    assert bank_world.status(payment) == "rejected" and bank_world.movements() == []
    assert not Synchronization.objects.exists()


def test_refused_at_the_bank_it_is_canceled(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    assert come_back(bank_world.at_the_bank(bank_world.open(payment), act="deny")).status == "canceled"
    with pytest.raises(signing.NotToSign):
        bank_world.open(payment)
    reply = bank_world.caller.call("DELETE", f"/accounts/{bank_world.account.id}/payments/{payment.id}")
    assert reply.code == "paymentAlreadySigned"


def test_left_lying_at_the_bank_it_expires(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    bank_world.open(payment)
    tasks.follow_payment(payment.id, NOW)
    assert bank_world.status(payment) == "unsigned"
    bank_world.bank.control("POST", "/clock", {"advance": 16 * 60})
    tasks.follow_payment(payment.id, NOW)
    assert bank_world.status(payment) == "canceled"


def test_what_nobody_signs_within_a_day_is_taken_back_at_the_bank(bank_world: BankWorld) -> None:
    payment, request = bank_world.prepare("payments", PAYMENT), bank_world.prepare("payment-requests", REQUEST)
    address = bank_world.open(payment)
    bank_world.open(request)
    # The bank's own clock stands still: it would let the payment be signed.
    tasks.follow_payment(payment.id, NOW + signing.SIGNED_WITHIN - dt.timedelta(seconds=1))
    assert bank_world.status(payment) == "unsigned"
    for each in (payment, request):
        tasks.follow_payment(each.id, NOW + signing.SIGNED_WITHIN)
    assert bank_world.status(payment) == "canceled"
    closed = Payment.objects.get(id=payment.id)
    assert closed.bank_status == "CANC" and closed.next_look_at is None
    with httpx.Client() as browser:  # whoever comes back to the bank's page is led away from it
        assert browser.post(address, data={"act": "log-in", "psu": "user_good", "password": "sandbox"}).is_redirect
    assert bank_world.open(Payment.objects.get(id=request.id)).startswith("http")  # may be tried again


def test_of_a_bank_that_never_answers_the_attempt_ends_after_a_month(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    bank_world.open(payment)
    bank_world.account.institution.routes.update(base_url="http://127.0.0.1:9")
    day, at = dt.timedelta(days=1), NOW
    while (at := at + day) < NOW + signing.GIVEN_UP_AFTER:
        tasks.follow_payment(payment.id, at)
        assert bank_world.status(payment) == "unsigned"
        Payment.objects.filter(id=payment.id).update(next_look_at=at)
        assert tasks.follow_due(at) == 1
        assert at < (Payment.objects.get(id=payment.id).next_look_at or at) <= at + day
    Payment.objects.filter(id=payment.id).update(next_look_at=at)
    assert tasks.follow_due(at) == 1
    tasks.follow_payment(payment.id, at)
    ended = Payment.objects.get(id=payment.id)
    assert ended.status == "canceled" and ended.closed_at == at and ended.next_look_at is None
    signing.give_up(payment.id, at)  # a second job changes nothing
    assert tasks.follow_due(at + day) == 0


def test_a_person_may_refuse_before_the_bank_has_it_and_not_after(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    assert decline_payment(bank_world.owner.user, payment.id, NOW).status == "canceled"
    opened = bank_world.prepare("payments", PAYMENT)
    bank_world.open(opened)
    with pytest.raises(AlreadySigned):
        decline_payment(bank_world.owner.user, opened.id, NOW)


def test_members_see_strangers_do_not_and_only_administrators_decide(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    member = factories.membership(bank_world.owner.organization, role=Role.MEMBER)
    stranger = factories.membership()
    assert access_payment(member.user, payment.id).id == payment.id
    with pytest.raises(Forbidden):
        decline_payment(member.user, payment.id, NOW)
    for role in (None, Role.ADMIN):
        with pytest.raises(NotFound):
            access_payment(stranger.user, payment.id, role=role)


def test_a_payment_request_is_paid_by_a_third_person_and_closes_with_one_event(bank_world: BankWorld) -> None:
    request = bank_world.prepare("payment-requests", {**REQUEST, "amount": 7})
    path = f"/accounts/{bank_world.account.id}/payment-requests/{request.id}"
    handle = bank_world.at_the_bank(bank_world.open(request), account=1)
    come_back(handle)
    signed = bank_world.caller.get(path).json["data"]["attributes"]
    assert signed["signedAt"] and signed["closedAt"] is None
    payer = [each for each in bank_world.bank.application.bank.ledger.accounts("user_good") if each.currency == "EUR"][
        1
    ]
    assert (signed["debtorAccountReference"], signed["debtorAccountReferenceType"]) == (payer.iban, "IBAN")
    assert bank_world.caller.call("DELETE", path).code == "paymentAlreadySigned"
    bank_world.bank_executes()
    for _ in range(2):
        tasks.follow_payment(request.id, NOW)
    assert bank_world.caller.get(path).json["data"]["attributes"]["closedAt"] == "2026-11-25T09:30:00.000Z"
    event = Event.objects.get(event_type="paymentRequest.closed")
    assert (event.account_id, event.payment_request_id) == (bank_world.account.id, request.id)
    assert bank_world.movements() == ["7.00"]


@pytest.mark.parametrize("amount", ["7", "999999999.99"], ids=["refused", "rejected"])
def test_a_payer_who_turned_back_may_try_again(bank_world: BankWorld, amount: str) -> None:
    request = bank_world.prepare("payment-requests", {**REQUEST, "amount": amount})
    first = bank_world.open(request)
    handle = bank_world.at_the_bank(first, act="deny" if amount == "7" else "approve", account=1)
    come_back(handle)
    bank_world.bank_executes()
    tasks.follow_payment(request.id, NOW)
    shown = bank_world.caller.get(f"/accounts/{bank_world.account.id}/payment-requests/{request.id}").json["data"][
        "attributes"
    ]
    assert shown["signedAt"] is shown["closedAt"] is shown["debtorAccountReference"] is None
    assert bank_world.open(Payment.objects.get(id=request.id)) != first
    assert not Event.objects.filter(event_type="paymentRequest.closed").exists()


def test_a_bank_that_is_down_changes_nothing_and_is_asked_again(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    routes = bank_world.account.institution.routes
    address = routes.get().base_url
    routes.update(base_url="http://127.0.0.1:9")
    with pytest.raises(Problem):
        bank_world.open(payment)
    assert not Payment.objects.get(id=payment.id).sealed_bank_payment
    routes.update(base_url=address)
    handle = bank_world.at_the_bank(bank_world.open(payment))
    routes.update(base_url="http://127.0.0.1:9")
    assert come_back(handle).status == "unsigned"
    tasks.follow_payment(payment.id, NOW)
    routes.update(base_url=address)
    assert Payment.objects.get(id=payment.id).next_look_at is not None
    tasks.follow_payment(payment.id, NOW)
    assert bank_world.status(payment) == "pending"


@pytest.mark.parametrize("handle", ["", "x", "\x00", "é" * 300], ids=["none", "made-up", "nul", "long"])
def test_an_unknown_handle_is_not_found(bank_world: BankWorld, handle: str) -> None:
    with pytest.raises(NotFound):
        come_back(handle)


def test_followed_each_minute_then_each_hour_for_three_days(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    bank_world.open(payment)
    assert tasks.follow_due(NOW) == 0
    later = NOW + dt.timedelta(minutes=1)
    assert tasks.follow_due(later) == 1 and tasks.follow_due(later) == 0
    payment.refresh_from_db()
    assert payment.next_look_at == later + dt.timedelta(minutes=1)
    assert signing.next_look(payment, NOW + dt.timedelta(hours=2)) == NOW + dt.timedelta(hours=3)
    # Signed or not makes the difference after three days.
    later = NOW + dt.timedelta(days=3)
    assert signing.next_look(payment, later) == later + dt.timedelta(days=1)
    payment.signed_at = NOW
    assert signing.next_look(payment, later) is None


def test_what_opens_the_payment_is_not_in_the_database(bank_world: BankWorld) -> None:
    payment = bank_world.prepare("payments", PAYMENT)
    url = bank_world.open(payment)
    stored = repr(Payment.objects.filter(id=payment.id).values().get())
    assert url not in stored and url.rsplit("/", 1)[1] not in stored
