"""What a line is booked to customers or suppliers is an open item, matched like a document and taken back (16.1)."""

from __future__ import annotations

import importlib
from decimal import Decimal

import pytest
from django.db import connection
from tests.books.conftest import NOW
from tests.books.invariants import checks
from tests.books.reconcile.steps import invoice_of, line_of, standing

from nostro.books.companies.models import Company, ReconcileMode
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import create_journal
from nostro.books.ledger.models import EntryItem, Purpose
from nostro.books.ledger.queries import open_items
from nostro.books.ledger.services import get_partner
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.choosing import book_to_partner, set_partner
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.payments import order_payments
from nostro.books.reconcile.services import reconcile_with_items, undo
from nostro.people.models import User
from nostro.web.errors import Problem


@pytest.fixture(params=list(ReconcileMode))
def journal(request: pytest.FixtureRequest, owner: User, company: Company) -> Journal:
    Company.objects.filter(pk=company.pk).update(reconcile_mode=request.param)
    company.reconcile_mode = request.param
    return create_journal(owner, company, name="Bank", currency="EUR", kind="bank")


def booked(owner: User, journal: Journal, amount: str, purpose: Purpose = Purpose.RECEIVABLE) -> MatchGroup:
    line = line_of(journal, amount, "advance")
    set_partner(owner, line.id, get_partner(line.company, "Customer NV").id)
    return book_to_partner(owner, line.id, purpose, now=NOW)


def opened(group: MatchGroup) -> EntryItem:
    return EntryItem.objects.get(pk=group.parts.get().counterpart_id)


def sound(company: Company) -> None:
    for check in checks.ALL:
        check(company)


def test_an_advance_is_open_and_used_beside_the_invoice(owner: User, company: Company, journal: Journal) -> None:
    advance = opened(booked(owner, journal, "50.00"))
    assert advance.residual_currency == Decimal("-50.00") and open_items(company).get() == advance
    invoice = invoice_of(owner, company)
    rest = line_of(journal, "71.00", "rest")
    group = reconcile_with_items(owner, rest.id, [invoice.open_item_id, advance.id], now=NOW)
    assert not open_items(company).exists()
    sound(company)
    undo(owner, group.id, now=NOW)
    assert {item.residual_currency for item in open_items(company)} == {Decimal("121.00"), Decimal("-50.00")}
    sound(company)


def test_an_advance_is_paid_back(owner: User, company: Company, journal: Journal) -> None:
    advance = opened(booked(owner, journal, "50.00"))
    back = line_of(journal, "-50.00", "Customer NV")
    assert [each.item for each in candidates(back)] == [advance]
    reconcile_with_items(owner, back.id, [advance.id], now=NOW)
    assert not open_items(company).exists()
    sound(company)


def test_undoing_it_leaves_nothing_open_and_it_may_be_matched_again(
    owner: User, company: Company, journal: Journal
) -> None:
    line = line_of(journal, "50.00", "advance")
    set_partner(owner, line.id, get_partner(company, "Customer NV").id)
    for _ in range(2):
        group = book_to_partner(owner, line.id, Purpose.RECEIVABLE, now=NOW)
        sound(company)
        undo(owner, group.id, now=NOW)
        assert not open_items(company).exists()
        sound(company)


def test_what_paid_it_is_taken_back_with_it(owner: User, company: Company, journal: Journal) -> None:
    line = line_of(journal, "50.00", "advance")
    set_partner(owner, line.id, get_partner(company, "Customer NV").id)
    back = line_of(journal, "-50.00", "back")
    before = standing(company)
    first = book_to_partner(owner, line.id, Purpose.RECEIVABLE, now=NOW)
    second = reconcile_with_items(owner, back.id, [opened(first).id], now=NOW)
    undo(owner, first.id, now=NOW)
    second.refresh_from_db()
    assert second.undone_at is not None and not open_items(company).exists()
    after = standing(company)
    assert (after[0], after[2]) == (before[0], before[2])
    sound(company)
    # And in the other order, with the same line again.
    first = book_to_partner(owner, line.id, Purpose.RECEIVABLE, now=NOW)
    second = reconcile_with_items(owner, back.id, [opened(first).id], now=NOW)
    undo(owner, second.id, now=NOW)
    undo(owner, first.id, now=NOW)
    assert not open_items(company).exists() and not Line.objects.filter(reconciled=True).exists()
    sound(company)


def test_it_is_not_taken_back_while_a_payment_of_it_is_on_its_way(
    owner: User, company: Company, journal: Journal
) -> None:
    group = booked(owner, journal, "50.00")
    order_payments(owner, journal.id, {opened(group).id: None}, date=NOW.date(), now=NOW)
    with pytest.raises(Problem) as problem:
        undo(owner, group.id, now=NOW)
    assert problem.value.code == "paymentOutstanding"


def test_what_was_booked_before_is_opened_by_the_migration(owner: User, company: Company, journal: Journal) -> None:
    live, undone = booked(owner, journal, "50.00"), booked(owner, journal, "60.00")
    undo(owner, undone.id, now=NOW)
    EntryItem.objects.filter(company=company).update(residual=None, residual_currency=None)  # as it was stored before
    migration = importlib.import_module("nostro.books.reconcile.migrations.0006_booked_to_partners_is_open")
    with connection.cursor() as cursor:
        cursor.execute(migration.FORWARD)
    assert open_items(company).get() == opened(live)
    sound(company)
