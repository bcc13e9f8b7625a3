"""A stranger reaches nothing of a company, and a low role may not do what it should not (books.md 14.5, I-22)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import fetch, linked

from nostro.books.companies.models import Company, CompanyMember, Role
from nostro.books.companies.queries import access_company, companies_of
from nostro.books.journals.models import Line, Statement
from nostro.books.journals.queries import access_journal, access_line, access_statement, lines_of
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Purpose
from nostro.books.ledger.queries import access_account, access_document
from nostro.books.ledger.services import create_document
from nostro.books.links.models import Connection, Run
from nostro.books.links.queries import access_connection, access_link, access_online_account, access_run
from nostro.books.reconcile.queries import access_match_group
from nostro.books.reconcile.services import reconcile_with_account
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound


@pytest.fixture
def things(owner: User, company: Company, hub: ScriptedHub) -> dict[object, object]:
    """Every access function with the id of something of the owner's company."""
    hub.accounts = [ScriptedAccount(transactions=[Booked("x", "2026-11-10", "5.00")])]
    link = linked(owner, company, hub)
    fetch(link)
    sales = account_for(company, Purpose.SALES)
    document = create_document(
        owner, company, kind="invoice", partner_name="X", number="1", date=dt.date(2026, 11, 1), amount=Decimal(1)
    )
    line = Line.objects.get()
    group = reconcile_with_account(owner, line.id, sales.id, now=NOW)
    return {
        access_company: company.id,
        access_journal: link.journal_id,
        access_line: line.id,
        access_statement: Statement.objects.get().id,
        access_account: sales.id,
        access_document: document.id,
        access_connection: link.online_account.connection_id,
        access_online_account: link.online_account_id,
        access_link: link.id,
        access_run: Run.objects.get().id,
        access_match_group: group.id,
    }


def test_a_stranger_reaches_nothing(owner: User, stranger: User, things: dict[object, object]) -> None:
    for access, thing in things.items():
        assert access(owner, thing) is not None  # type: ignore[operator]
        with pytest.raises(NotFound):
            access(stranger, thing)  # type: ignore[operator]
    assert companies_of(stranger) == []


def test_a_reader_sees_but_may_not_change(
    owner: User, stranger: User, company: Company, things: dict[object, object]
) -> None:
    CompanyMember.objects.create(company=company, user=stranger, role=Role.READER)
    for access, thing in things.items():
        assert access(stranger, thing) is not None  # type: ignore[operator]
        with pytest.raises(Forbidden):
            access(stranger, thing, role=Role.CLERK)  # type: ignore[operator]


def test_an_account_of_another_company_cannot_be_booked(
    owner: User, company: Company, things: dict[object, object]
) -> None:
    from nostro.books.companies.services import create_company

    other = create_company(owner, name="Other", country="BE")
    line = lines_of(company).items[0]
    with pytest.raises(NotFound):
        access_account(owner, line.id)
    foreign = account_for(other, Purpose.SALES)
    Line.objects.update(reconciled=False, suspense_residual=Decimal(5))
    with pytest.raises(NotFound):
        reconcile_with_account(owner, line.id, foreign.id, now=NOW)


def test_the_secret_is_sealed(owner: User, company: Company, things: dict[object, object]) -> None:
    connection = Connection.objects.get()
    assert b"secret-1" not in bytes(connection.sealed_secret)
