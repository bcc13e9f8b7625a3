"""The pages of an integration's webhook and of its requests, as people use them."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser

from nostro.hub.events.services import record_event
from nostro.hub.integrations.models import LoggedRequest
from nostro.hub.webhooks.models import Attempt, Delivery, Endpoint

NOW = factories.NOW


@pytest.fixture
def address(world: World) -> str:
    return reverse("hub:webhook", kwargs={"integration_id": world.integration.id})


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def test_an_administrator_sets_a_webhook_sees_what_was_sent_and_sends_it_again(world: World, address: str) -> None:
    client = browser(world.admin)
    assert "Delivery log" not in text_of(client.get(address))
    saved = client.post(address, {"url": "https://hooks.example.org/n", "is_active": "on"}, follow=True)
    assert "The webhook is saved." in text_of(saved)
    record_event(world.organization.id, "account.transactionsCreated", account_id=world.account.id,
                 attributes={"count": 2}, now=NOW)  # fmt: skip
    delivery = Delivery.objects.get()
    Attempt.objects.create(
        delivery=delivery, number=1, at=NOW, url="https://hooks.example.org/n", signature="a.b.c", status=500,
        response="<script>alert(1)</script>", duration_ms=12,
    )  # fmt: skip
    page = text_of(client.get(address))
    assert "account.transactionsCreated" in page and "500" in page and "12 ms" in page
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    replayed = client.post(address + "replay/", {"delivery": str(delivery.id)}, follow=True)
    assert "The event is on its way again." in text_of(replayed)
    assert Delivery.objects.filter(event_id=delivery.event_id).count() == 2
    assert client.post(address + "replay/", {"delivery": "nonsense"}).status_code == 404
    removed = client.post(address, {"remove": "1"}, follow=True)
    assert "The webhook is removed." in text_of(removed) and not Endpoint.objects.exists()


def test_a_wrong_address_is_told_beside_the_field_and_keeps_what_was_typed(world: World, address: str) -> None:
    page = text_of(browser(world.admin).post(address, {"url": "ftp://example.org", "is_active": "on"}))
    assert "https://" in page and 'value="ftp://example.org"' in page and not Endpoint.objects.exists()


def test_a_pause_is_told_with_what_to_do(world: World, address: str) -> None:
    browser(world.admin).post(address, {"url": "https://hooks.example.org/n", "is_active": "on"})
    for reason, words in (("gone", "410"), ("silent", "five days")):
        Endpoint.objects.update(is_active=False, paused_because=reason)
        assert words in text_of(browser(world.member).get(address))


def test_the_requests_of_the_software_are_shown_with_refusals_in_full(world: World) -> None:
    address = reverse("hub:integration_requests", kwargs={"integration_id": world.integration.id})
    client = browser(world.member)
    assert "Nothing was asked yet." in text_of(client.get(address))
    for status, body in ((200, ""), (400, '{"errors":[{"code":"validationError"}]}')):
        LoggedRequest.objects.create(
            organization=world.organization, integration_id=world.integration.id, at=NOW, verb="GET",
            target="/accounts?limit=<b>", status=status, request_id=world.integration.id, duration_us=1234,
            response_body=body,
        )  # fmt: skip
    page = text_of(client.get(address))
    assert "validationError" in page and "1.2 ms" in page and "limit=&lt;b&gt;" in page and "<b>" not in page
