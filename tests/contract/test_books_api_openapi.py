"""Requests that schemathesis generates from the OpenAPI document of the Books, with all checks, in bounded time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from nostro.books.api.openapi import document
from nostro.books.api.tokens import create_token
from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.services import create_journal
from nostro.books.ledger.services import create_document
from nostro.people.models import User

#: They ask a Hub over the network, which tests may not.
OF_THE_NETWORK = {"create_connection", "connect_with_token"}


@pytest.fixture
def company(db: None) -> Company:
    owner = User.objects.create_user("owner@example.test", "a long password")
    company = create_company(owner, name="Nostro NV", country="BE")
    create_journal(owner, company, name="Bank", currency="EUR")
    return company


@pytest.fixture
def token(company: Company) -> str:
    owner = User.objects.get()
    moment = dt.datetime(2026, 11, 12, 9, 0, tzinfo=dt.UTC)
    create_document(
        owner, company, kind="bill", partner_name="Supplier", number="1", date=moment.date(), amount=Decimal(100)
    )
    return create_token(owner, company, name="x", now=moment)[1]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The handler ends the connection to the database after each request; here it holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def api_schema(company: Company, one_connection: None) -> Any:
    # What is well-formed and names nothing of this company, or makes no sense in its books, is refused.
    expected = {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404", "409"]}}
    config = schemathesis.Config.from_dict({"checks": expected})
    return schemathesis.openapi.from_wsgi("/books/api/openapi.json", WSGIHandler(), config=config)


def _calls() -> list[tuple[str, str, GenerationMode]]:
    """Every operation with valid requests, and with invalid ones where something can be wrong."""
    return [
        (path, verb, mode)
        for path, operations in sorted(document()["paths"].items())
        for verb, operation in operations.items()
        for mode in GenerationMode
        if operation["operationId"] not in OF_THE_NETWORK
        and (mode.is_positive or operation["parameters"] or "requestBody" in operation)
    ]


@pytest.mark.parametrize(("path", "verb", "mode"), _calls())
def test_generated_requests(path: str, verb: str, mode: GenerationMode, api_schema: Any, token: str) -> None:
    """Statuses, media types and bodies are the declared ones, tokens are asked for, nothing is a 5xx."""

    @settings(max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=api_schema[path][verb].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

    check()
