"""A company that lives: a linked journal with lines, an invoice, a match; and browsers of the people around it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from tests.books.conftest import NOW, found_company
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import fetch, linked
from tests.remembered import remembered

from nostro.books.companies.models import Company, CompanyMember
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, Purpose
from nostro.books.ledger.services import create_document
from nostro.books.links.models import Connection, JournalLink
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.services import reconcile_with_account
from nostro.people.models import User

HOSTILE = '<script>alert("x")</script> \u202eevil\u202c'
REFERENCE = "+++020/3430/57642+++"


@dataclass
class House:
    """One of everything that has an address."""

    company: Company
    connection: Connection
    link: JournalLink
    journal: Journal
    lines: list[Line]
    document: Document
    group: MatchGroup

    def line(self, amount: str) -> Line:
        return Line.objects.get(journal=self.journal, amount=Decimal(amount))


@pytest.fixture
def lived(db: None, hub: ScriptedHub) -> tuple[User, House]:
    """A person, and the house of the company they are the owner of."""

    def make() -> tuple[User, House, dict[str, Any]]:
        person, company = found_company()
        return person, make_house(person, company, hub), vars(hub)

    person, house, said = remembered("a house", make)
    vars(hub).update(said)
    return person, house


@pytest.fixture
def house(lived: tuple[User, House]) -> House:
    return lived[1]


@pytest.fixture
def founded(db: None, request: pytest.FixtureRequest) -> tuple[User, Company]:
    """The owner and the company of ``house``, where there is one."""
    if "house" in request.fixturenames:
        person, house = request.getfixturevalue("lived")
        return person, house.company
    return remembered("a company and its owner", found_company)


def make_house(owner: User, company: Company, hub: ScriptedHub) -> House:
    """The company with a linked journal, whose lines came from ``hub``, an invoice and a match."""
    hub.accounts = [
        ScriptedAccount(
            balance="1071.00",
            balance_date="2026-11-11",
            expires_at="2027-03-01T00:00:00.000Z",
            transactions=[
                Booked("t4", "2026-11-11", "-50.00", "Paper", counterparty_name=HOSTILE),
                Booked("t3", "2026-11-10", "121.00", REFERENCE, structured=True),
                Booked("t2", "2026-11-05", "-100.00", HOSTILE),
                Booked("t1", "2026-11-02", "1100.00", "Capital"),
            ],
            pending=[Booked("p1", "2026-11-12", "-7.00", "Parking")],
        )
    ]
    link = linked(owner, company, hub)
    fetch(link)
    journal = Journal.objects.get(pk=link.journal_id)
    document = create_document(
        owner, company, kind="invoice", partner_name="Acme NV", number="INV/2026/0007", date=dt.date(2026, 11, 1),
        amount=Decimal("121.00"), structured_reference=REFERENCE,
    )  # fmt: skip
    capital = Line.objects.get(journal=journal, amount=Decimal(1100))
    group = reconcile_with_account(owner, capital.id, account_for(company, Purpose.OPENING).id, now=NOW)
    lines = list(Line.objects.filter(journal=journal))
    return House(company, link.online_account.connection, link, journal, lines, document, group)


@pytest.fixture
def browser(owner: User) -> Client:
    """The owner's browser."""
    return signed_in(owner)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def member(db: None) -> Callable[[Company, str], Client]:
    """A browser of a person with a role in a company."""

    def make(company: Company, role: str) -> Client:
        user = User.objects.create_user(f"member-{role}@example.test", "a long password")
        CompanyMember.objects.create(company=company, user=user, role=role)
        return signed_in(user)

    return make
