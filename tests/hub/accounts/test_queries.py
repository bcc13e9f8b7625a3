"""Who sees which account, the list of all transactions, its search box, its download, and the balance chart."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import IBANS, apply, make_account, make_member, make_organization, row

from nostro.hub.accounts.queries import (
    Cursor,
    Filters,
    Sort,
    access_account,
    access_transaction,
    accounts_of,
    balance_series,
    csv_rows,
    day_sums,
    parse_search,
    search_transactions,
)
from nostro.hub.accounts.services import rename_account
from nostro.web.errors import NotFound, Problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def account(organization):
    return make_account(organization)


def amounts(organization, text="", **fields):
    filters = parse_search(text, Filters(**fields))
    return sorted(each.amount for each in search_transactions(organization, filters).rows)


def test_members_see_their_accounts_and_strangers_learn_nothing(organization, account):
    assert access_account(make_member(organization, "member"), account.id) == account
    stranger = make_member(make_organization("Other"))
    with pytest.raises(NotFound) as foreign:
        access_account(stranger, account.id)
    with pytest.raises(NotFound) as unknown:
        access_account(stranger, uuid.uuid4())
    assert foreign.value.what == unknown.value.what
    with pytest.raises(NotFound):
        rename_account(stranger, account.id, "Mine")


def test_transactions_of_others_are_neither_listed_nor_opened(organization, account):
    other = make_account(make_organization("Other"))
    apply(other, row("-1"))
    apply(account, row("-2"))
    assert amounts(organization) == [-2]
    assert amounts(organization, account_ids=(other.id,)) == []
    with pytest.raises(NotFound):
        access_transaction(make_member(organization), other.transactions.get().id)


def test_live_and_sandbox_are_two_lists(organization):
    live, sandbox = make_account(organization), make_account(organization, is_sandbox=True, iban=IBANS[1])
    apply(live, row("-1"))
    apply(sandbox, row("-2"))
    assert (amounts(organization), amounts(organization, is_sandbox=True)) == ([-1], [-2])
    assert accounts_of(organization, is_sandbox=True) == [sandbox]


def test_the_search_box_understands_amounts_dates_words_and_references(organization, account):
    apply(
        account,
        row("-250.00", 5, creditor_name="KBC Bank", remittance_information_structured=("+++090/9337/55493+++",)),
        row("99.95", 6, debtor_name="Müller 100%", remittance_information_unstructured=("Invoice 2026_17",)),
        row("-100.00", dt.date(2026, 11, 1), creditor_name="Shop", creditor_account="BE43 0689 9999 9501"),
    )
    expected = {
        ">100": [-250],
        ">=100": [-250, -100],
        "<100": [Decimal("99.95")],
        "=99,95": [Decimal("99.95")],
        "90..100": [-100, Decimal("99.95")],
        "kbc": [-250],
        "KBC >300": [],
        "+++090/9337/55493+++": [-250],
        "090933755493": [-250],
        "2026-11": [-100],
        "2026-10-06": [Decimal("99.95")],
        "BE43068999999501": [-100],
        "müller": [Decimal("99.95")],
        "100%": [Decimal("99.95")],
        "2026_17": [Decimal("99.95")],
        "%": [Decimal("99.95")],
        "-": [-250, -100],
        "'; DROP TABLE x": [],
        "2026-13": [],
        "": [-250, -100, Decimal("99.95")],
    }
    assert {text: amounts(organization, text) for text in expected} == expected


@pytest.mark.parametrize(
    ("text", "figure"), [(">1.234,50", "1234.50"), (">1,234.50", "1234.50"), (">0,125", "125"), (">12.5", "12.5")]
)
def test_figures_are_read_as_people_write_them(text, figure):
    assert parse_search(text).amount_from == Decimal(figure)


@pytest.mark.parametrize("key", ["date", "amount"])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_lead_forth_and_back_without_loss_also_while_rows_arrive(organization, account, key, descending):
    apply(account, *(row(f"-{1 + number % 4}.5", 1 + number % 5) for number in range(23)))
    sort = Sort(key, descending)
    whole = [each.pk for each in search_transactions(organization, Filters(), sort, limit=500).rows]
    page = search_transactions(organization, Filters(), sort, limit=5)
    assert page.previous is None
    walked = [page]
    while page.next:
        page = search_transactions(organization, Filters(), sort, Cursor.parse(str(page.next), sort), limit=5)
        walked.append(page)
    assert [each.pk for each in (each for page in walked for each in page.rows)] == whole
    for earlier in reversed(walked[:-1]):
        page = search_transactions(organization, Filters(), sort, page.previous, limit=5)
        assert page.rows == earlier.rows
    assert page.previous is None


@pytest.mark.parametrize("text", ["x", "after:2026-10-01", "after:yesterday:3", "sideways:2026-10-01:3", "after:NaN:1"])
def test_a_forged_place_in_the_list_is_refused(text):
    for sort in (Sort("date"), Sort("amount")):
        with pytest.raises(Problem) as problem:
            Cursor.parse(text, sort)
        assert problem.value.code == "invalidCursor"


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "-12.30"), ("JPY", "1200"), ("KWD", "0.125")])
def test_the_download_has_exact_amounts_and_executes_nothing(organization, currency, amount):
    account = make_account(organization, currency=currency)
    apply(account, row(amount, currency=currency, creditor_name="=cmd|'/c calc'!A0", debtor_name="@SUM(A1)"))
    [line] = csv.DictReader(io.StringIO("".join(csv_rows(organization, Filters()))))
    assert (line["Amount"], line["Currency"], line["Account"]) == (amount, currency, IBANS[0])
    assert line["Counterparty"].startswith("'")


def test_the_balance_series_is_counted_back_from_the_current_balance(account):
    apply(account, row("-10", 30), row("25.50", 31), row("-5", 30))
    account.current_balance, account.covered_from = Decimal("100.00"), dt.date(2026, 10, 1)
    series = balance_series(account, 4, dt.date(2026, 11, 1))
    assert series == [
        (dt.date(2026, 10, 29), Decimal("89.50")),
        (dt.date(2026, 10, 30), Decimal("74.50")),
        (dt.date(2026, 10, 31), Decimal("100.00")),
        (dt.date(2026, 11, 1), Decimal("100.00")),
    ]
    account.current_balance = None
    assert balance_series(account, 4, dt.date(2026, 11, 1)) == []


def test_day_sums_count_whole_days_per_currency(organization):
    euro, yen = make_account(organization), make_account(organization, currency="JPY", iban=IBANS[1])
    apply(euro, row("-10", 5), row("2.50", 5), row("1", 6))
    apply(yen, row("700", 5, currency="JPY"))
    day = dt.date(2026, 10, 5)
    assert day_sums(organization, Filters(), [day]) == {(day, "EUR"): Decimal("-7.50"), (day, "JPY"): Decimal(700)}
