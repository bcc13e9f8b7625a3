"""The audit page verifies the chain, and no record holds a secret (books.md 14.6, I-22, I-23)."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.hub_server import ScriptedHub
from tests.books.pages.conftest import House

from nostro.books.links.credentials import connect_with_token, update_credentials
from nostro.people.audit_chain import seal_records
from nostro.people.models import AuditRecord, User


def test_the_page_verifies_the_chain_and_says_where_it_is_broken(house: House, browser: Client) -> None:
    seal_records()
    url = reverse("books:audit", args=[house.company.id])
    head = AuditRecord.objects.latest("sequence").hash

    page = browser.get(url, {"verify": "1"}).content.decode()
    assert "The chain is unbroken" in page
    assert head in page
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE people_auditrecord SET sentence = 'Nothing.' WHERE sequence = 2")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert "The chain is broken" in browser.get(url, {"verify": "1"}).content.decode()


def test_no_record_holds_a_secret(house: House, owner: User, hub: ScriptedHub) -> None:
    hub.valid_tokens.add("an-old-api-token")
    token = connect_with_token(owner, house.company.id, hub_url=hub.url, token="an-old-api-token", now=NOW)
    hub.client_id, hub.secret = "client-2", "secret-2"
    update_credentials(owner, token.id, client_id="client-2", secret="secret-2", now=NOW)

    told = "".join(str(values) for values in AuditRecord.objects.values())
    for secret in ("secret-1", "secret-2", "an-old-api-token", "token-1"):
        assert secret not in told
