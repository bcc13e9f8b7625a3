"""Programs that talk to the API of the Books, and a linked account for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import fetch, linked

from nostro.books.api.tokens import create_token
from nostro.books.companies.models import Company
from nostro.books.links.models import JournalLink
from nostro.people.models import User

Ask = Callable[..., tuple[int, Any]]


def asking(token: str) -> Ask:
    """A program with a token."""

    def ask(
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> tuple[int, Any]:
        content = raw if raw is not None else json.dumps({"data": {"attributes": body}}) if body is not None else ""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        response = Client().generic(
            method, f"/books/api/{path}", content, content_type=content_type,
            headers={"Authorization": f"Bearer {token}", **named},
        )  # fmt: skip
        return response.status_code, json.loads(response.content, parse_float=Decimal)

    return ask


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    hub.accounts = [ScriptedAccount(transactions=[
        Booked("c", "2026-11-11", "-50.10"), Booked("b", "2026-11-10", "121.00"), Booked("a", "2026-11-09", "7.00"),
    ], pending=[Booked("p", "2026-11-12", "-3.00")])]  # fmt: skip
    link = linked(owner, company, hub)
    fetch(link)
    return link


@pytest.fixture
def ask(owner: User, company: Company) -> Ask:
    return asking(create_token(owner, company, name="Test", now=NOW)[1])
