"""The page of one connection: what it says of its accounts, and what may be done in the state it is in (books.md 6)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.books.conftest import NOW
from tests.books.pages.conftest import House

from nostro.books.links.models import OnlineAccount
from nostro.books.links.services import disconnect
from nostro.people.models import User


def page_of(browser: Client, house: House) -> str:
    return browser.get(reverse("books:connection", args=[house.connection.id])).content.decode()


def test_an_account_is_shown_with_its_newest_transaction(house: House, browser: Client) -> None:
    page = page_of(browser, house)
    assert "11 Nov 2026" in page
    assert "Link accounts" in page
    assert "Connect again" not in page


def test_a_connection_that_ended_offers_to_be_connected_again_and_nothing_that_is_refused(
    house: House, browser: Client, owner: User
) -> None:
    disconnect(owner, house.connection.id, now=NOW)
    page = page_of(browser, house)
    assert "Connect again" in page
    for refused in ("Link accounts", "Update Accounts", "Switch off", "Pause fetching"):
        assert refused not in page


@pytest.mark.parametrize(("ago", "told"), [(2, "Consent ended"), (-1, "0 days of consent left")])
def test_a_card_does_not_give_days_to_a_consent_that_is_over(
    house: House, browser: Client, ago: int, told: str
) -> None:
    OnlineAccount.objects.update(consent_expires_at=timezone.now() - dt.timedelta(days=ago))
    page = browser.get(reverse("books:company", args=[house.company.id])).content.decode()
    assert told in page
