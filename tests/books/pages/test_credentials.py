"""Updating credentials and migrating a token on pages: looked at first, then done (books.md 6)."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.hub_server import ScriptedAccount, ScriptedHub

from nostro.books.companies.models import Company
from nostro.books.links.credentials import connect_with_token
from nostro.books.links.models import Connection, CredentialKind
from nostro.people.models import User


@pytest.fixture
def old(owner: User, company: Company, hub: ScriptedHub) -> Connection:
    hub.accounts = [ScriptedAccount(), ScriptedAccount(reference="BE71096123456769")]
    hub.valid_tokens.add("old-token")
    return connect_with_token(owner, company.id, hub_url=hub.url, token="old-token", now=NOW)


def test_a_token_is_migrated_in_two_steps(old: Connection, hub: ScriptedHub, browser: Client, company: Company) -> None:
    url = reverse("books:update_accounts", args=[old.id])
    assert "H-TOKEN-OLD" in browser.get(reverse("books:company", args=[company.id])).content.decode()
    assert "create an integration" in browser.get(url).content.decode()

    del hub.accounts[1]
    preview = browser.post(url, {"do": "preview", "client_id": hub.client_id, "secret": hub.secret}).content.decode()
    assert "Not covered" in preview
    assert hub.secret not in preview
    assert Connection.objects.get().credential_kind == CredentialKind.API_TOKEN
    assert hub.secret not in str(dict(browser.session))

    done = browser.post(url, {"do": "update"}).content.decode()
    assert "No longer visible" in done
    assert Connection.objects.get().credential_kind == CredentialKind.CLIENT
    assert "H-TOKEN-OLD" not in browser.get(reverse("books:company", args=[company.id])).content.decode()
    again = browser.post(url, {"do": "update"}).content.decode()
    assert "no longer here" in again


def test_refused_credentials_are_said_beside_the_form(old: Connection, browser: Client) -> None:
    url = reverse("books:update_accounts", args=[old.id])
    page = browser.post(url, {"do": "preview", "client_id": "x", "secret": "y"}).content.decode()

    assert "refuses the Client ID and Secret ID" in page
    assert Connection.objects.get().credential_kind == CredentialKind.API_TOKEN


def test_the_token_can_be_taken_back(old: Connection, hub: ScriptedHub, browser: Client) -> None:
    url = reverse("books:update_accounts", args=[old.id])
    browser.post(url, {"do": "preview", "client_id": hub.client_id, "secret": hub.secret})
    browser.post(url, {"do": "update"})
    page = browser.get(reverse("books:connection", args=[old.id])).content.decode()
    assert "Go back to the API token" in page

    assert browser.post(reverse("books:take_token_back", args=[old.id])).status_code == 302
    assert Connection.objects.get().credential_kind == CredentialKind.API_TOKEN


def test_a_second_click_or_a_slower_person_is_told(old: Connection, hub: ScriptedHub, browser: Client) -> None:
    url = reverse("books:update_accounts", args=[old.id])
    preview = {"do": "preview", "client_id": hub.client_id, "secret": hub.secret}
    page = browser.post(url, preview).content.decode()
    (seen_at,) = re.findall(r'name="seen_at" value="([^"]*)"', page)
    update = {"do": "update", "seen_at": html.unescape(seen_at)}
    assert "are stored" in browser.post(url, update).content.decode()
    again = browser.post(url, update, follow=True).content.decode()
    assert "stored a moment ago already" in again

    hub.client_id = "client-2"
    browser.post(url, {**preview, "client_id": "client-2"})
    slower = browser.post(url, update).content.decode()
    assert "were replaced meanwhile" in slower
    assert Connection.objects.get().client_id == "client-1"
