"""A company with an owner, and a scripted Hub."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from tests.books.hub_server import HubServer, ScriptedHub
from tests.remembered import remembered

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.people.models import User

NOW = dt.datetime(2026, 11, 12, 9, 0, tzinfo=dt.UTC)


def found_company() -> tuple[User, Company]:
    """A person and the company they are the owner of."""
    person = User.objects.create_user("owner@example.test", "a long password")
    return person, create_company(person, name="Nostro NV", country="BE", currency="EUR")


@pytest.fixture
def founded(db: None) -> tuple[User, Company]:
    return remembered("a company and its owner", found_company)


@pytest.fixture
def owner(db: None, request: pytest.FixtureRequest) -> User:
    """The owner of ``company``, where there is one."""
    if {"company", "house"} & set(request.fixturenames):
        person: User = request.getfixturevalue("founded")[0]
        return person
    return User.objects.create_user("owner@example.test", "a long password")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger@example.test", "a long password")


@pytest.fixture
def company(founded: tuple[User, Company]) -> Company:
    return founded[1]


@pytest.fixture(scope="session")
def hub_server() -> Iterator[HubServer]:
    server = HubServer()
    yield server
    server.stop()


@pytest.fixture
def hub(hub_server: HubServer) -> ScriptedHub:
    return hub_server.serve(ScriptedHub())
