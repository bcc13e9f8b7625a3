"""The payments of a batch are kept below its row, compared with it, and never counted (formats.md 2.7)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from tests.hub.files.factories import NOW, camt, entry, imported, notification, statement

from nostro.core.transactions import Window
from nostro.formats import Detail, Entry
from nostro.formats.parts import MAX_PARTS, parts_of, read_parts, stored_parts
from nostro.hub.accounts.models import Account, AnnouncedRow, Transaction
from nostro.hub.files.exporting import export_statements
from nostro.hub.files.services import undo
from nostro.people.models import User

pytestmark = pytest.mark.django_db


def part(index: int, amount: str | None, name: str = "An", **fields: Any) -> Detail:
    return Detail(
        index,
        None if amount is None else Decimal(amount),
        None if amount is None else "EUR",
        creditor_name=name,
        remittance_information_unstructured=(f"Wages {name}",),
        **fields,
    )


def batch(amount: str, *parts: Detail, **fields: Any) -> Entry:
    return entry(
        amount, 10, "Salaries", details=parts, batch_indicator=True, batch_number_of_transactions=len(parts), **fields
    )


WAGES = batch("-812.50", part(1, "-500.00", "An"), part(2, "-300.00", "Jan"), fee=Decimal("12.50"))


def only(account: Account) -> Transaction:
    return Transaction.objects.get(account=account)


def test_a_batch_is_one_row_with_parts_and_its_charges_explain_the_rest(account: Account, user: User) -> None:
    imported(user, camt(statement([WAGES])), account)
    found = parts_of(only(account))
    assert found is not None
    assert [(each.index, each.amount, each.creditor_name) for each in found.parts] == [
        (1, Decimal("-500.00"), "An"),
        (2, Decimal("-300.00"), "Jan"),
    ]
    assert (found.total, found.difference, found.is_explained) == (Decimal("-800.00"), Decimal("-12.50"), True)
    account.refresh_from_db()
    assert (account.proof, account.transaction_count, account.booked_total) == ("green", 1, Decimal("-812.50"))


def test_a_difference_that_nothing_explains_is_told(account: Account, user: User) -> None:
    rows = [batch("-812.50", part(1, "-500.00"), part(2, "-300.00", "Jan"))]
    imported(user, camt(statement(rows)), account)
    found = parts_of(only(account))
    assert found is not None
    assert (found.difference, found.is_explained) == (Decimal("-12.50"), False)


def test_parts_without_an_amount_are_not_added_up(account: Account, user: User) -> None:
    imported(user, camt(statement([batch("-800.00", part(1, None), part(2, "-300.00", "Jan"))])), account)
    found = parts_of(only(account))
    assert found is not None
    assert [each.amount for each in found.parts] == [None, Decimal("-300.00")]
    assert (found.total, found.difference) == (None, None)


def test_a_row_of_one_payment_has_no_parts(account: Account, user: User) -> None:
    imported(user, camt(statement([entry()])), account)
    assert only(account).details is None
    assert parts_of(only(account)) is None


def test_an_export_brings_the_parts_along(account: Account, user: User) -> None:
    imported(user, camt(statement([WAGES])), account)
    account.refresh_from_db()
    window = Window(dt.date(2026, 10, 1), dt.date(2026, 10, 31))
    data = b"".join(export_statements(account, "camt.053", window, NOW).chunks)
    assert data.count(b"<TxDtls>") == 2
    assert b"Wages Jan" in data


def test_what_is_kept_is_read_back_and_limited() -> None:
    detail = part(
        3, "-1.10", fee=Decimal("0.10"), transaction_date=dt.date(2026, 10, 9), references=(("instrId", "I1"),),
        currency_exchange=({"source_currency": "USD"},),
    )  # fmt: skip
    assert read_parts(stored_parts([detail])) == (detail,)
    assert len(stored_parts(part(index, "-1.00") for index in range(MAX_PARTS + 5))) == MAX_PARTS


# --- notifications

BOOKED = entry("-800.00", 10, "Salaries", entry_reference="B77")
NOTICE = batch("-800.00", part(1, "-500.00", "An"), part(2, "-300.00", "Jan"), entry_reference="B77")


@pytest.mark.parametrize("first", ["statement", "notification"])
def test_a_notification_brings_the_parts_of_a_booked_row(account: Account, user: User, first: str) -> None:
    files = [camt(statement([BOOKED])), notification([NOTICE])]
    for file in files if first == "statement" else reversed(files):
        imported(user, file, account)
    assert [each.creditor_name for each in read_parts(only(account).details)] == ["An", "Jan"]
    account.refresh_from_db()
    assert account.booked_total == Decimal("-800.00")


def test_a_notification_alone_is_no_transaction_and_is_undone(account: Account, user: User) -> None:
    imported(user, camt(statement([BOOKED])), account)
    notice = imported(user, notification([NOTICE]), account)
    undo(user, notice.pk, NOW)
    assert only(account).details is None
    assert not AnnouncedRow.objects.exists()


def test_a_notification_of_another_amount_says_nothing(account: Account, user: User) -> None:
    imported(user, camt(statement([BOOKED])), account)
    imported(
        user, notification([batch("-801.00", part(1, "-500.00"), part(2, "-301.00"), entry_reference="B77")]), account
    )
    assert only(account).details is None
