"""The pages of payments: who sees which, what they say, and that no form leads to the bank by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser, make_payment, make_world
from tests.hub.payments.bank import BankWorld

from nostro.hub.integrations.models import Integration
from nostro.hub.payments.models import ActivationRequest, Kind, Payment, Status


def listed(world: World, mode: str = "sandbox") -> str:
    return reverse("hub:payments", kwargs={"organization_id": world.organization.id, "mode": mode})


def page(name: str, payment: Payment) -> str:
    return reverse(f"hub:{name}", kwargs={"payment_id": payment.id})


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_list_says_what_waits_and_offers_to_sign(world: World) -> None:
    shown = text(browser(world.owner), listed(world))
    assert "1 payment" in shown and "Alex Creditor" in shown and "12.34" in shown and "Not signed" in shown
    assert "Sign the payment to Alex Creditor" in shown
    assert "Sign the payment to" not in text(browser(world.member), listed(world))
    assert "Live payments are not possible yet" in text(browser(world.owner), listed(world, "live"))


def test_without_payments_the_list_says_how_they_come(world: World) -> None:
    Payment.objects.all().delete()
    assert "No payment yet" in text(browser(world.owner), listed(world))


def test_the_list_has_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        make_payment(world.account, world.integration)
    monkeypatch.setattr("nostro.hub.pages.payments.PAGE", 2)
    monkeypatch.setattr("nostro.hub.payments.queries.PAGE", 2)
    client = browser(world.owner)
    first = text(client, listed(world))
    oldest = Payment.objects.order_by("id").first()
    assert oldest is not None and page("payment", oldest) not in first
    last_shown = Payment.objects.order_by("id")[1]
    assert f"?before={last_shown.id}" in first
    assert page("payment", oldest) in text(client, f"{listed(world)}?before={last_shown.id}")
    assert client.get(f"{listed(world)}?before=nonsense").status_code == 200


@pytest.mark.parametrize("status", Status.values)
@pytest.mark.parametrize("kind", Kind.values)
def test_every_status_of_every_kind_has_its_page(world: World, kind: str, status: str) -> None:
    signed = None if status in {"unsigned", "canceled"} else factories.NOW
    payment = make_payment(world.account, world.integration, Kind(kind), status=status, signed_at=signed)
    shown = text(browser(world.owner), page("payment", payment))
    assert "12.34" in shown and ("Sign at the bank" in shown) == (status == "unsigned" and kind != "paymentRequest")


def test_the_address_given_to_software_shows_the_same_page(world: World) -> None:
    payment = world.payment
    address = (
        f"/authorize/organizations/{world.organization.id}/sandbox/integrations/{world.integration.id}"
        f"/accounts/{world.account.id}/payments/{payment.id}"
    )
    assert "Sign at the bank" in text(browser(world.owner), address)
    assert browser(world.neighbour).get(address).status_code == 404
    assert browser().get(address).status_code == 302
    other = address.replace(str(world.integration.id), str(payment.id))
    assert browser(world.owner).get(other).status_code == 404


def test_refusing_is_final_and_a_second_click_harmless(world: World) -> None:
    client = browser(world.admin)
    for _ in range(2):
        assert client.post(page("decline_payment", world.payment)).status_code == 302
    assert "Canceled" in text(client, page("payment", world.payment))
    assert client.post(page("sign_payment", world.payment)).status_code == 302


def test_a_request_is_not_signed_or_refused_by_its_own_organization(world: World) -> None:
    request = make_payment(world.account, world.integration, Kind.PAYMENT_REQUEST)
    for name in ("sign_payment", "decline_payment"):
        assert browser(world.owner).post(page(name, request)).status_code == 404


def pay_page(world: World, payment: Payment) -> str:
    return reverse("pay", kwargs={"organization_id": world.organization.id, "payment_id": payment.id})


def test_everybody_with_the_address_sees_the_payment_request_and_nothing_else(world: World) -> None:
    request = make_payment(
        world.account, world.integration, Kind.PAYMENT_REQUEST, redirect_uri="https://shop.example/thanks"
    )  # fmt: skip
    shown = text(browser(), pay_page(world, request))
    assert "12.34" in shown and "Pay at the bank" in shown and "Back to shop.example" in shown
    assert world.owner.email not in shown and "Books of Acme" not in shown
    assert browser().get(pay_page(world, world.payment)).status_code == 404  # a payment is not a request
    other = factories.organization()
    foreign = reverse("pay", kwargs={"organization_id": other.id, "payment_id": request.id})
    assert browser().get(foreign).status_code == 404
    Payment.objects.filter(id=request.id).update(deleted_at=factories.NOW)
    assert browser().get(pay_page(world, request)).status_code == 404


@pytest.mark.parametrize("is_sandbox", [True, False])
@pytest.mark.parametrize("kind", [Kind.PAYMENT, Kind.PAYMENT_REQUEST])
def test_activation_tells_how_it_stands(world: World, kind: Kind, is_sandbox: bool) -> None:
    asked = ActivationRequest.objects.create(
        organization=world.organization, integration_id=world.integration.id, kind=kind, is_sandbox=is_sandbox,
        redirect_uri="https://vendor.example/back", created_at=factories.NOW,
    )  # fmt: skip
    segment = "payment-activation-requests" if kind == Kind.PAYMENT else "payment-request-activation-requests"
    address = (
        f"/authorize/organizations/{world.organization.id}{'/sandbox' if is_sandbox else ''}"
        f"/integrations/{world.integration.id}/{segment}/{asked.id}"
    )
    shown = text(browser(world.owner), address)
    assert ("everything is active" in shown) == is_sandbox and "https://vendor.example/back" in shown
    assert browser(world.neighbour).get(address).status_code == 404


def test_hostile_texts_are_shown_as_text(world: World) -> None:
    hostile = "<script>alert(1)</script>"
    world.payment.transfers.update(creditor_name=hostile, remittance_information=hostile)
    Payment.objects.filter(id=world.payment.id).update(reference=hostile)
    for address in (listed(world), page("payment", world.payment)):
        assert hostile not in text(browser(world.owner), address)


def test_an_integration_may_be_made_with_payments(world: World) -> None:
    address = reverse("hub:add_integration", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    form: dict[str, Any] = {"name": "Pays", "accounts": [str(world.account.id)], "payments": "on"}
    shown = browser(world.owner).post(address, form, follow=True)
    assert shown.status_code == 200
    assert Integration.objects.get(name="Pays").scope == "ai pi"


def test_the_way_to_the_bank_and_back(bank_world: BankWorld) -> None:
    """From the button to the bank by a link, and back to the payment's own page."""
    payment = bank_world.prepare("payments", {"amount": 1, **_CREDITOR})
    client = browser(bank_world.owner.user)
    answer = client.post(page("sign_payment", payment))
    url = next(part for part in answer.content.decode().split('"') if "/sca/payments/" in part)
    assert answer.status_code == 200  # a page with a link: a form may lead nowhere else
    handle = bank_world.at_the_bank(url)
    back = browser().get(reverse("payment_return"), {"state": handle})
    assert (back.status_code, back["Location"]) == (302, page("payment", payment))
    assert "It is signed." in text(client, page("payment", payment))
    assert browser().get(reverse("payment_return"), {"state": "made up"}).status_code == 404


def test_a_stranger_pays_a_request_and_comes_back(bank_world: BankWorld) -> None:
    request = bank_world.prepare("payment-requests", {"amount": 7})
    address = f"/pay/organizations/{request.organization_id}/payment-requests/{request.id}"
    answer = browser().post(address)
    url = next(part for part in answer.content.decode().split('"') if "/sca/payments/" in part)
    handle = bank_world.at_the_bank(url, account=1)
    back = browser().get(reverse("payment_return"), {"state": handle})
    assert back["Location"] == address
    assert "You have signed." in text(browser(), address)
    assert browser().post(address).status_code == 200


def test_live_worlds_have_pages_too(db: None) -> None:
    live = make_world(is_sandbox=False)
    assert "Live payments are not possible yet" in text(browser(live.owner), listed(live, "live"))


_CREDITOR = {
    "currency": "EUR", "creditorName": "Alex Creditor", "creditorAccountReference": "BE84732645584359",
    "creditorAccountReferenceType": "IBAN",
}  # fmt: skip
