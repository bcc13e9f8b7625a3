"""The pages on which a payment is signed by code or in an app: the steps of linking, with what is paid above them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import browser
from tests.hub.payments.bank import BankWorld
from tests.hub.payments.conftest import make_bank_world
from tests.hub.payments.test_api import PAYMENT, REQUEST
from tests.hub.payments.test_sca import DECOUPLED, EMBEDDED, wait
from tests.sandbox.customer import Customer

from nostro.hub.organizations.models import Role
from nostro.hub.payments.models import Payment, Signing


@pytest.fixture
def by_code(db: None, bank: Customer) -> BankWorld:
    return make_bank_world(bank, EMBEDDED, EMBEDDED)


@pytest.fixture
def in_app(db: None, bank: Customer) -> BankWorld:
    return make_bank_world(bank, DECOUPLED, DECOUPLED)


def text(response: Any) -> str:
    return str(response.content.decode())


def page(name: str, payment: Payment) -> str:
    return reverse(f"hub:{name}", kwargs={"payment_id": payment.id})


def begin(client: Client, payment: Payment) -> str:
    return text(client.post(page("sign_payment", payment), follow=True))


def send(client: Client, shown: str, **typed: str) -> str:
    action, step = re.search(r'action="([^"]+/answer/)"', shown), re.search(r'name="step" value="(\d+)"', shown)
    assert action and step, shown
    return text(client.post(action[1], {"step": step[1], **typed}, follow=True))


def leave(client: Client, shown: str) -> str:
    action = re.search(r'action="([^"]+/leave/)"', shown)
    assert action, shown
    return text(client.post(action[1], follow=True))


def step_page(name: str = "signing") -> str:
    return reverse(name, kwargs={"signing_id": Signing.objects.get().id})


def test_password_method_and_code_are_typed_under_what_is_paid(by_code: BankWorld) -> None:
    payment, client = by_code.prepare("payments", PAYMENT), browser(by_code.owner.user)
    shown = begin(client, payment)
    assert 'type="password"' in shown and "You pay" in shown and "Alex Creditor" in shown
    assert "Nothing is paid before you confirm." in shown
    methods = send(client, shown, password="sandbox")
    assert methods.count('name="scaMethodId"') == 3
    assert "answered already" in send(client, shown, password="wrong")  # the back button
    challenge = send(client, methods, scaMethodId="photo")
    assert "data:image/png;base64," in challenge and "You pay" in challenge
    assert "digits only" in send(client, challenge, code="abc")
    wrong = send(client, challenge, code="000000")
    assert "The code was wrong." in wrong
    signed = send(client, wrong, code="123456")
    assert "It is signed. The bank is executing it" in signed
    assert client.get(step_page()).status_code == 302  # reloaded, it leads to the payment


def test_a_failed_attempt_is_told_and_may_be_repeated_or_refused(by_code: BankWorld) -> None:
    payment, client = by_code.prepare("payments", PAYMENT), browser(by_code.owner.user)
    failed = send(client, begin(client, payment), password="wrong")
    assert "It was not signed." in failed and "The bank refused the login." in failed
    assert "PSU_CREDENTIALS_INVALID" in failed and "Sign again" in failed and "Refuse the payment" in failed
    assert 'type="password"' in begin(client, payment)
    left = leave(client, begin(client, payment))
    assert "It waits at the bank for a signature." in left and "It was not signed." not in left
    assert "Canceled" in text(client.post(page("decline_payment", payment), follow=True))


def test_the_page_waits_for_the_app_by_itself(in_app: BankWorld) -> None:
    payment, client = in_app.prepare("payments", PAYMENT), browser(in_app.owner.user)
    shown = begin(client, payment)
    assert "You pay 1.00 EUR to Alex Creditor." in shown and "What nobody confirms is not paid" in shown
    live = client.post(step_page("ask_signing"), headers={"HX-Request": "true"})
    assert live.status_code == 200 and "hx-trigger" in text(live) and "<html" not in text(live)
    wait(in_app, 10)
    Signing.objects.update(asked_at=factories.NOW)
    done = client.post(step_page("ask_signing"), headers={"HX-Request": "true"})
    assert done["HX-Redirect"] == step_page()
    assert "It is signed." in text(client.get(done["HX-Redirect"], follow=True))


def test_colleagues_see_who_signs_and_neighbours_nothing(by_code: BankWorld) -> None:
    payment = by_code.prepare("payments", PAYMENT)
    begin(browser(by_code.owner.user), payment)
    colleague = browser(factories.membership(by_code.owner.organization, role=Role.ADMIN).user)
    seen = text(colleague.get(page("payment", payment)))
    assert "is signing it at this moment" in seen and "Go on signing" not in seen
    assert "paymentInUse" in text(colleague.post(page("sign_payment", payment)))
    assert "Go on signing" in text(browser(by_code.owner.user).get(page("payment", payment)))
    for name in ("signing", "answer_signing", "ask_signing", "cancel_signing"):
        verb = "get" if name == "signing" else "post"
        assert getattr(colleague, verb)(step_page(name)).status_code == 403
        for stranger in (browser(factories.membership().user), browser()):
            assert getattr(stranger, verb)(step_page(name)).status_code == 404


def test_a_stranger_pays_by_code_and_another_one_with_the_address_cannot_meddle(bank_world: BankWorld) -> None:
    request = bank_world.prepare("payment-requests", {**REQUEST, "amount": 7})
    address = reverse("pay", kwargs={"organization_id": request.organization_id, "payment_id": request.id})
    payer, other = browser(), browser()
    assert 'name="psu_id"' in text(payer.get(address))
    shown = text(payer.post(address, {"psu_id": EMBEDDED}, follow=True))
    assert 'type="password"' in shown and "7.00" in shown and bank_world.account.reference[:4] in shown
    assert other.get(step_page()).status_code == 404
    busy = other.post(address, {"psu_id": EMBEDDED})
    assert busy.status_code == 400 and "paymentInUse" in text(busy)
    assert "Go on signing" in text(payer.get(address)) and "Go on signing" not in text(other.get(address))
    shown = send(payer, shown, password="sandbox")
    shown = send(payer, send(payer, shown, scaMethodId="sms"), code="123456")
    assert "You have signed." in shown


def test_a_payer_who_goes_away_leaves_the_request_to_others(bank_world: BankWorld) -> None:
    request = bank_world.prepare("payment-requests", {**REQUEST, "amount": 7})
    address = reverse("pay", kwargs={"organization_id": request.organization_id, "payment_id": request.id})
    payer = browser()
    left = leave(payer, text(payer.post(address, {"psu_id": DECOUPLED}, follow=True)))
    assert "Pay at the bank" in left
    assert "/sca/payments/" in text(browser().post(address))  # another one, on the bank's pages
