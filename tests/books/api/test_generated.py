"""Requests that schemathesis generates from the OpenAPI document of the Books, with all checks, in bounded time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from tests.books.conftest import NOW

from nostro.books.api.openapi import document
from nostro.books.api.tokens import create_token
from nostro.books.companies.models import Company
from nostro.people.models import User

#: They ask a Hub whose address is generated, which tests may not.
OF_THE_NETWORK = {"create_connection", "connect_with_token"}
Call = tuple[str, str, GenerationMode]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The handler ends the connection to the database after each request; here it holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def api_schema() -> Any:
    # What is well-formed and names nothing of this company, or makes no sense in its books, is refused.
    expected = {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404", "409"]}}
    config = schemathesis.Config.from_dict({"checks": expected})
    schema = schemathesis.openapi.from_dict(document(), config=config)
    schema.app = WSGIHandler()
    return schema


def _room(call: Call) -> str:
    return call[0].removeprefix("/books/api/").partition("/")[0]


def _calls() -> list[Call]:
    """Every operation with valid requests, and with invalid ones where something can be wrong."""
    calls = [
        (path, verb, mode)
        for path, operations in sorted(document()["paths"].items())
        for verb, operation in operations.items()
        for mode in GenerationMode
        if operation["operationId"] not in OF_THE_NETWORK
        and (mode.is_positive or operation["parameters"] or "requestBody" in operation)
    ]
    return sorted(calls, key=_room)


ROOMS = {room: list(calls) for room, calls in groupby(_calls(), key=_room)}


@pytest.mark.parametrize("room", ROOMS)
def test_generated_requests(
    room: str, api_schema: Any, owner: User, company: Company, keys: dict[str, uuid.UUID], one_connection: None
) -> None:
    """Statuses, media types and bodies are the declared ones, tokens are asked for, nothing is a 5xx.

    Valid requests are about something that is there; each operation finds it as it was before the others.
    """
    token = create_token(owner, company, name="x", now=NOW)[1]
    for path, verb, mode in ROOMS[room]:
        key = str(keys[room]) if mode.is_positive and room in keys else ""
        strategy = api_schema[path][verb].as_strategy(generation_mode=mode)
        with transaction.atomic():
            _attempt(strategy, token, key, 3 if mode.is_positive else 2)
            transaction.set_rollback(True)


def _attempt(strategy: Any, token: str, key: str, examples: int) -> None:
    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=strategy)
    def check(case: Any) -> None:
        if key and "key" in case.path_parameters:
            case.path_parameters["key"] = key
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

    check()
