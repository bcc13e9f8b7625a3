"""A company with an owner, and a scripted Hub."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from tests.books.hub_server import ScriptedHub, running

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.people.models import User

NOW = dt.datetime(2026, 11, 12, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner@example.test", "a long password")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger@example.test", "a long password")


@pytest.fixture
def company(owner: User) -> Company:
    return create_company(owner, name="Nostro NV", country="BE", currency="EUR")


@pytest.fixture
def hub() -> Iterator[ScriptedHub]:
    with running(ScriptedHub()) as scripted:
        yield scripted
