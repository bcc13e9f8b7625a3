"""The worked examples of books.md 14 with their figures; docs/contributing/ledger-examples.md lists them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from tests.books.conftest import NOW
from tests.books.examples.figures import entry_of, sides
from tests.books.reconcile.steps import DAY, line_of
from tests.books.steps import balance

from nostro.books.companies.models import Company, ReconcileMode
from nostro.books.companies.services import create_company
from nostro.books.journals.held import move_lock
from nostro.books.journals.models import Journal, LineStatus
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Entry, Purpose
from nostro.books.ledger.rates import set_rate
from nostro.books.reconcile.services import reconcile_with_account, undo
from nostro.people.models import User


@pytest.mark.parametrize(
    ("amount", "entry"),
    [("100", ["Dr Bank 100.00", "Cr Suspense 100.00"]), ("-100", ["Dr Suspense 100.00", "Cr Bank 100.00"])],
    ids=["inbound", "outbound"],
)
def test_a_line_is_one_posted_entry_of_two_items(journal: Journal, amount: str, entry: list[str]) -> None:
    """14.1: inbound 100: Dr Bank 100, Cr Suspense 100."""
    line = line_of(journal, amount)
    assert line.status == LineStatus.POSTED
    assert entry_of(journal, line) == entry


def test_suspense_is_the_sum_of_what_is_not_explained_and_zero_reconciles(
    owner: User, company: Company, journal: Journal
) -> None:
    """14.1: the suspense balance is always the sum of what is not yet explained."""
    first, _second = line_of(journal, "100"), line_of(journal, "-30")
    assert balance(journal.suspense_account) == -70
    fees = account_for(company, Purpose.BANK_FEES)
    reconcile_with_account(owner, first.id, fees.id, amount=Decimal(60), now=NOW)
    first.refresh_from_db()
    assert [balance(journal.suspense_account), first.suspense_residual, first.reconciled] == [-10, 40, False]
    reconcile_with_account(owner, first.id, fees.id, now=NOW)
    first.refresh_from_db()
    assert [balance(journal.suspense_account), first.suspense_residual, first.reconciled] == [30, 0, True]


@pytest.mark.parametrize(
    ("journal_currency", "foreign", "company_amount"),
    [
        ("EUR", {}, "100.00"),
        ("EUR", {"foreign_amount": Decimal("111.11"), "foreign_currency": "USD"}, "100.00"),
        ("USD", {"foreign_amount": Decimal("91.50"), "foreign_currency": "EUR"}, "91.50"),
        ("USD", {}, "90.00"),
        ("USD", {"foreign_amount": Decimal("80.00"), "foreign_currency": "GBP"}, "90.00"),
    ],
    ids=["own_currency", "own_with_foreign", "foreign_is_own", "converted", "converted_with_foreign"],
)
def test_the_company_amount_is_j_else_f_else_converted(
    owner: User, company: Company, journal_currency: str, foreign: dict[str, Any], company_amount: str
) -> None:
    """14.2: C = J if J's currency is the company's, else F if F's is, else J at the rate of the accounting date."""
    set_rate(company, "USD", DAY, Decimal("0.9"))
    set_rate(company, "USD", DAY + dt.timedelta(days=1), Decimal("0.8"))
    account = create_journal(owner, company, name="Other", currency=journal_currency)
    line = line_of(account, "100.00", **foreign)
    assert line.company_amount == Decimal(company_amount)
    assert (line.foreign_amount, line.foreign_currency) == (
        foreign.get("foreign_amount"),
        foreign.get("foreign_currency", ""),
    )


def test_amounts_are_never_recomputed(owner: User, company: Company) -> None:
    """14.2: fixed at import; another rate afterwards changes nothing."""
    set_rate(company, "USD", DAY, Decimal("0.9"))
    account = create_journal(owner, company, name="Dollars", currency="USD")
    line = line_of(account, "100.00")
    set_rate(company, "USD", DAY, Decimal("0.5"))
    assert entry_of(account, line) == ["Dr Bank 90.00 (USD 100.00)", "Cr Suspense 90.00 (USD 100.00)"]
    assert line.company_amount == 90


EDITED: tuple[list[str], list[str]] = (["Dr Bank 100.00", "Cr Bank fees 100.00"], [])
KEPT = (["Dr Bank 100.00", "Cr Suspense 100.00"], ["Dr Suspense 100.00", "Cr Bank fees 100.00"])


@pytest.mark.parametrize(
    ("mode", "is_locked", "expected"),
    [
        (ReconcileMode.EDIT, False, EDITED),
        (ReconcileMode.KEEP, False, KEPT),
        (ReconcileMode.EDIT, True, KEPT),
    ],
    ids=["edit", "keep", "edit_in_a_locked_period"],
)
def test_edit_replaces_suspense_and_keep_adds_an_entry(
    owner: User, company: Company, journal: Journal, mode: str, is_locked: bool, expected: tuple[list[str], list[str]]
) -> None:
    """14.3 with the line of 14.1. Default is edit; in a locked period keep is always used, on the first open day."""
    assert company.reconcile_mode == ReconcileMode.EDIT
    Company.objects.filter(pk=company.pk).update(reconcile_mode=mode)
    line = line_of(journal, "100")
    if is_locked:
        move_lock(owner, company, DAY, now=NOW)
    fees = account_for(company, Purpose.BANK_FEES)
    group = reconcile_with_account(owner, line.id, fees.id, now=NOW)
    first, second = expected
    assert entry_of(journal, line) == first
    assert (sides(journal, group.second_entry) if group.second_entry else []) == second
    if is_locked:
        assert group.second_entry is not None
        assert group.second_entry.date == DAY + dt.timedelta(days=1)
    undo(owner, group.id, now=NOW)
    assert [balance(journal.suspense_account), balance(fees)] == [-100, 0]


def test_a_locked_line_is_held_with_the_name_and_date_of_the_lock_and_keeps_its_own(
    owner: User, company: Company, journal: Journal
) -> None:
    """14.4: the remedies are tests of ``test_held``."""
    move_lock(owner, company, DAY, now=NOW)
    line = line_of(journal, "100")
    assert (line.status, line.entry, line.booking_date) == (LineStatus.HELD_LOCKED, None, DAY)
    assert line.status_reason == f"The books are locked until {DAY.isoformat()}."
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "100.00"), ("JPY", "100"), ("KWD", "0.001")], ids=["EUR", "JPY", "KWD"]
)
def test_entries_of_lines_balance_in_currencies_of_any_scale(owner: User, currency: str, amount: str) -> None:
    """14.1 in the currencies of section 1."""
    company = create_company(owner, name=currency, country="BE", currency=currency)
    journal = create_journal(owner, company, name="Bank", currency=currency)
    line = line_of(journal, amount)
    assert entry_of(journal, line) == [f"Dr Bank {amount}", f"Cr Suspense {amount}"]
