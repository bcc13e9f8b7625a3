"""What is exported can be imported elsewhere, and re-imported here as a no-op."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import apply, row
from tests.hub.files.factories import (
    IBANS,
    NOW,
    OPENING,
    camt,
    entry,
    imported,
    live,
    make_account,
    make_member,
    make_organization,
    statement,
)

from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.files.exporting import balance_after, export_formats, export_statements
from nostro.hub.files.models import FileAccount
from nostro.people.models import User
from nostro.web.errors import Problem

pytestmark = pytest.mark.django_db
OCTOBER = Window(dt.date(2026, 10, 1), dt.date(2026, 10, 31))
ROWS = [
    entry("-3.50", 10, "Café ☕ Élysée"),
    entry("-3.50", 10, "Café ☕ Élysée"),
    entry("121.00", 11, "Invoice 7", debtor_name="Müller & Söhne", debtor_account=IBANS[1], end_to_end_id="E2E-7"),
    entry("-20.00", 12, "+++090/9337/55493+++", creditor_name="Energy", creditor_account=IBANS[2], mandate_id="M1"),
]


@pytest.fixture
def account() -> Account:
    return make_account(bic="NSTRBEB0XXX", holder_name="Acme")


@pytest.fixture
def user(account: Account) -> User:
    return make_member(account.organization)


def exported(account: Account, form: str, window: Window = OCTOBER) -> bytes:
    return b"".join(export_statements(account, form, window, NOW).chunks)


@pytest.mark.parametrize("form", export_formats())
def test_re_importing_ones_own_export_is_a_no_op(account: Account, user: User, form: str) -> None:
    imported(user, camt(statement(ROWS)), account)
    account.refresh_from_db()
    before = list(Transaction.objects.order_by("id").values())
    file = imported(user, exported(account, form), account)
    found = FileAccount.objects.get(file=file)
    assert found.rows == 4
    assert (found.new, found.restored) == (0, 0)
    assert list(Transaction.objects.order_by("id").values()) == before
    account.refresh_from_db()
    assert (account.proof, account.current_balance) == ("green", OPENING + Decimal("94.00"))


@pytest.mark.parametrize("form", export_formats())
def test_an_export_is_a_file_for_others(account: Account, user: User, form: str) -> None:
    imported(user, camt(statement(ROWS)), account)
    account.refresh_from_db()
    data = exported(account, form)
    elsewhere = make_account(make_organization("Elsewhere"))
    imported(make_member(elsewhere.organization), data, elsewhere)
    assert [each[:2] for each in live(elsewhere)] == [each[:2] for each in live(account)]


def test_an_export_of_a_part_counts_from_the_stated_balance(account: Account, user: User) -> None:
    imported(user, camt(statement(ROWS)), account)
    account.refresh_from_db()
    assert balance_after(account, dt.date(2026, 10, 10)) == OPENING - Decimal("7.00")
    assert balance_after(account, dt.date(2026, 10, 31)) == OPENING + Decimal("94.00")
    data = exported(account, "camt.053", Window(dt.date(2026, 10, 11), dt.date(2026, 10, 11)))
    assert b"993.00" in data
    assert b"1114.00" in data


def test_the_export_of_an_account_with_a_connection(account: Account) -> None:
    apply(account, row("-10.00", 5), row("-5.00", 20))
    account.current_balance, account.synchronized_at = Decimal("85.00"), NOW
    account.save()
    assert balance_after(account, dt.date(2026, 10, 5)) == Decimal("90.00")
    assert b"85.00" in exported(account, "camt.053")


def test_many_rows_are_read_a_page_at_a_time(account: Account, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.hub.files.exporting.ROWS_AT_ONCE", 2)
    imported(user, camt(statement(ROWS)), account)
    account.refresh_from_db()
    assert exported(account, "camt.053").count(b"<Ntry>") == 4


def test_what_a_format_cannot_hold_is_said_before(account: Account, user: User) -> None:
    imported(user, camt(statement(ROWS)), account)
    account.refresh_from_db()
    assert "remittance_information_unstructured" in export_statements(account, "mt940", OCTOBER, NOW).lossy


def test_refusals(account: Account) -> None:
    with pytest.raises(Problem, match="cannot be written"):
        export_statements(account, "qif", OCTOBER, NOW)
    with pytest.raises(Problem, match="before it begins"):
        export_statements(account, "camt.053", Window(OCTOBER.date_to, OCTOBER.date_from), NOW)
    with pytest.raises(Problem, match="cannot be written in this format"):
        export_statements(account, "camt.053", OCTOBER, NOW)  # no balance is known
