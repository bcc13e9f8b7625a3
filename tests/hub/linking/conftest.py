"""An organization, its people, and the real sandbox bank."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.hub.linking.bank import Person, running_bank
from tests.hub.linking.life import Life
from tests.sandbox.customer import Customer
from tests.simulation.world import open_bank

from nostro.connectors.contract import AuthorisationStep, PsuContext, PsuInput, Redirect
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking.models import Authorisation, Connection
from nostro.hub.linking.services import choose_accounts, continue_authorisation, start_link
from nostro.hub.linking.signals import accounts_chosen
from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.hub.organizations.services import create_organization
from nostro.people.models import User

PSU = PsuContext(present=True, ip="192.0.2.7", user_agent="Mozilla/5.0 (test)")


def now() -> dt.datetime:
    """The sandbox bank keeps the real time, so these tests do too."""
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="session")
def bank_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_bank(tmp_path_factory.mktemp("sandbox-bank")) as address:
        yield address


@dataclass
class World:
    """One organization with two people in it, a stranger, and a bank."""

    owner: User
    colleague: User
    stranger: User
    organization: Organization
    institution: Institution
    chosen: list[list[Account]] = field(default_factory=list)

    def start(self, user: User | None = None) -> tuple[Authorisation, Redirect]:
        authorisation, step = start_link(
            user or self.owner, self.organization, self.institution, is_sandbox=True, psu=PSU, now=now()
        )
        assert isinstance(step, Redirect)
        return authorisation, step

    def come_back(self, values: dict[str, str], user: User | None = None) -> tuple[Authorisation, AuthorisationStep]:
        """The browser arrives with what the bank sent along."""
        return continue_authorisation(
            user or self.owner, state_token=values["state"], answer=PsuInput("callback", values), psu=PSU, now=now()
        )

    def link(self, psu: str = "user_good") -> tuple[Connection, list[Account]]:
        """The whole way: to the bank, back, and all accounts chosen."""
        authorisation, step = self.start()
        self.come_back(Person(psu).approve(step.url))
        offered = accounts_of_connection(authorisation.connection)
        accounts = choose_accounts(self.owner, authorisation.id, [each.id for each in offered], now(), psu=PSU)
        return Connection.objects.get(pk=authorisation.connection_id), accounts


def make_world(address: str) -> World:
    owner, colleague, stranger = (User.objects.create_user(f"{n}@example.org") for n in ("owner", "admin", "eve"))
    organization = create_organization(owner, name="Acme", country="BE", now=now())
    Membership.objects.create(organization=organization, user=colleague, role=Role.ADMIN)
    create_organization(stranger, name="Other", country="BE", now=now())
    institution = Institution.objects.create(
        name="Test Bank", folded_name="test bank", bic="NSTRBEB0XXX", country="BE", is_sandbox=True
    )
    Route.objects.create(institution=institution, connector="berlin_group", base_url=address)
    return World(owner, colleague, stranger, organization, institution)


@pytest.fixture
def world(db: None, bank_address: str) -> Iterator[World]:
    made = make_world(bank_address)

    def note(sender: Any, accounts: list[Account], **rest: Any) -> None:
        made.chosen.append(accounts)

    accounts_chosen.connect(note)
    yield made
    accounts_chosen.disconnect(note)


@pytest.fixture(scope="session")
def scenario_bank(tmp_path_factory: pytest.TempPathFactory) -> Customer:
    return open_bank(tmp_path_factory.mktemp("scenario-bank"))


#: Test users towards whom the bank breaks the contract on purpose.
BREAKS_THE_CONTRACT = {"user_bank_down", "user_flaky_401", "user_partial", "user_hostile_text"}


@pytest.fixture
def live(db: None, scenario_bank: Customer) -> Iterator[Callable[[str], Life]]:
    """Begins the life of a test user's hub; at the end, whatever hub and bank said to each other obeys the standard."""
    lives: list[tuple[Life, Any]] = []

    def begin(psu: str) -> Life:
        life = Life(scenario_bank, psu)
        running = life.running()
        running.__enter__()
        lives.append((life, running))
        life.forget()
        return life

    yield begin
    # The last one first: each put back what it found.
    for _life, running in reversed(lives):
        running.__exit__(None, None, None)
    for life, _running in lives:
        assert life.psu in BREAKS_THE_CONTRACT or life.faults == []
