"""From the standard's JSON to core values; hostile and odd fields."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.berlin_group.bank import row

from nostro.connectors.berlin_group.fields import UnreadableError, Warnings
from nostro.connectors.berlin_group.mapping import map_account, map_balance, map_transaction
from nostro.core.transactions import Transaction


def mapped(item: Any) -> tuple[Transaction, tuple[str, ...]]:
    warnings = Warnings()
    return map_transaction(item, "booked", warnings), warnings.as_tuple()


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("256.67", "EUR", "256.67"),
        ("-0.50", "EUR", "-0.50"),
        ("-1250", "JPY", "-1250"),
        ("3.125", "KWD", "3.125"),
        ("-3.125", "kwd", "-3.125"),
        ("+5", "EUR", "5"),
        (" 5.0 ", "EUR", "5.0"),
        (Decimal("12.10"), "EUR", "12.10"),
        (120, "JPY", "120"),
        ("1E+18", "EUR", "1000000000000000000"),
        ("1000000000000000000.01", "EUR", "1000000000000000000.01"),
        ("1.005", "EUR", "1.005"),
    ],
)
def test_amounts_are_exact_in_every_currency(amount: Any, currency: str, expected: str) -> None:
    transaction, _ = mapped(row(amount, currency))
    assert str(transaction.amount) == expected
    assert transaction.currency == currency.upper()


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "5.00 EUR",
        {"amount": "5.00"},
        {"currency": "EUR"},
        {"amount": None, "currency": "EUR"},
        {"amount": "five", "currency": "EUR"},
        {"amount": "1_000", "currency": "EUR"},
        {"amount": "1,000.00", "currency": "EUR"},
        {"amount": "٣", "currency": "EUR"},
        {"amount": "NaN", "currency": "EUR"},
        {"amount": "1e999", "currency": "EUR"},
        {"amount": "1" * 30, "currency": "EUR"},
        {"amount": True, "currency": "EUR"},
        {"amount": 1.5, "currency": "EUR"},
        {"amount": "5.00", "currency": "EURO"},
        {"amount": "5.00", "currency": 978},
    ],
)
def test_a_row_without_a_clear_amount_is_unreadable(value: Any) -> None:
    with pytest.raises(UnreadableError, match="transactionAmount"):
        mapped({**row("1"), "transactionAmount": value})


def test_all_fields_of_the_standard_arrive() -> None:
    transaction, warnings = mapped(
        row(
            "-256.67",
            entryReference="ref-1",
            endToEndId="e2e-1",
            mandateId="Mandate-2018-04-20-1234",
            creditorId="DE98ZZZ09999999999",
            checkId="check",
            creditorName="Creditor  Ltd",
            creditorAccount={"iban": "DE67 1001 0010 1306 1185 05", "currency": "EUR"},
            creditorAgent="AAAADEBBXXX",
            ultimateCreditor="Ultimate",
            debtorName="John Miles",
            debtorAccount={"bban": "BARC12345612345678"},
            remittanceInformationUnstructuredArray=["Example 1", "Example 2"],
            remittanceInformationStructured="RF18539007547034",
            remittanceInformationStructuredArray=[{"reference": "+++090/9337/55493+++", "referenceType": "OGM"}],
            additionalInformation="more",
            purposeCode="BKDF",
            bankTransactionCode="PMNT-RCDT-ESCT",
            proprietaryBankTransactionCode="prop",
            batchIndicator="true",
            batchNumberOfTransactions="3",
            currencyExchange={"sourceCurrency": "USD", "exchangeRate": "1.10"},
            balanceAfterTransaction={
                "balanceType": "interimBooked",
                "balanceAmount": {"currency": "EUR", "amount": "100.10"},
            },
        )
    )
    assert warnings == ()
    assert transaction.booking_date == dt.date(2025, 10, 25)
    assert transaction.value_date == dt.date(2025, 10, 26)
    assert (transaction.entry_reference, transaction.transaction_id) == ("ref-1", "1234567")
    assert transaction.creditor_name == "Creditor Ltd"
    assert transaction.counterparty_account == "DE67100100101306118505"
    assert transaction.debtor_account == "BARC12345612345678"
    assert transaction.remittance_information_unstructured == ("Example 1", "Example 2")
    assert transaction.remittance_information_structured == ("RF18539007547034", "+++090/9337/55493+++")
    assert (transaction.batch_indicator, transaction.batch_number_of_transactions) == (True, 3)
    assert transaction.currency_exchange == ({"sourceCurrency": "USD", "exchangeRate": "1.10"},)
    assert transaction.balance_after_transaction == Decimal("100.10")


def test_unknown_fields_stay_in_raw_with_a_warning() -> None:
    transaction, warnings = mapped(row("1", bankSpecific={"x": 1}))
    assert transaction.raw["bankSpecific"] == {"x": 1}
    assert warnings == ("unknown field bankSpecific (kept in raw)",)


def test_hostile_text_is_cleaned_and_capped() -> None:
    transaction, _ = mapped(row("1", creditorName="A\u202eB\x00\x07" + "x" * 10_000, entryReference="r" * 10_000))
    assert transaction.creditor_name is not None
    assert transaction.creditor_name.startswith("ABx")
    assert len(transaction.creditor_name) <= 280
    assert transaction.entry_reference is not None
    assert len(transaction.entry_reference) <= 256


def test_two_overlong_references_stay_distinct() -> None:
    first, _ = mapped(row("1", entryReference="r" * 5000 + "1"))
    second, _ = mapped(row("1", entryReference="r" * 5000 + "2"))
    assert first.entry_reference != second.entry_reference


def test_card_numbers_are_masked() -> None:
    transaction, _ = mapped(
        row(
            "-9.99",
            remittanceInformationUnstructured="CARD 4111 1111 1111 1111 SHOP",
            creditorAccount={"pan": "5500000000000004"},
            maskedPAN="497010******0014",
        )
    )
    assert transaction.remittance_information_unstructured == ("CARD 411111xxxxxx1111 SHOP",)
    assert transaction.creditor_account == "550000xxxxxx0004"
    assert transaction.masked_pan == "497010******0014"


@pytest.mark.parametrize(
    ("value", "expected", "warned"),
    [
        ("2025-12-31", dt.date(2025, 12, 31), False),
        ("2025-12-31T23:59:59-12:00", dt.date(2025, 12, 31), False),
        ("9999-12-31", None, True),
        ("0001-01-01", None, True),
        ("2025-02-30", None, True),
        ("31.12.2025", None, True),
        (20251231, None, True),
        (None, None, False),
    ],
)
def test_dates_are_taken_as_written_and_placeholders_count_as_missing(value: Any, expected: Any, warned: bool) -> None:
    transaction, warnings = mapped({**row("1"), "bookingDate": value})
    assert transaction.booking_date == expected
    assert bool(warnings) is warned


def test_numbers_where_text_belongs_are_written_out() -> None:
    transaction, _ = mapped(row("1", entryReference=12345, creditorName=7))
    assert (transaction.entry_reference, transaction.creditor_name) == ("12345", "7")


def test_fields_of_the_wrong_kind_are_left_empty() -> None:
    transaction, warnings = mapped(
        row("1", creditorName=["x"], creditorAccount="DE1", currencyExchange=7, balanceAfterTransaction={"a": 1})
    )
    assert transaction.creditor_name is None
    assert transaction.creditor_account is None
    assert transaction.currency_exchange == ()
    assert transaction.balance_after_transaction is None
    assert warnings == ()


@pytest.mark.parametrize(("amount", "currency"), [("500.05", "EUR"), ("-120", "JPY"), ("7.125", "KWD")])
def test_balances_in_three_currencies(amount: str, currency: str) -> None:
    balance = map_balance(
        {
            "balanceAmount": {"amount": amount, "currency": currency},
            "balanceType": "ITAV",
            "creditLimitIncluded": True,
            "referenceDate": "2026-01-05",
            "lastChangeDateTime": "2026-01-05T08:30:00.000Z",
        },
        Warnings(),
    )
    assert (balance.amount, balance.currency, balance.balance_type) == (Decimal(amount), currency, "interimAvailable")
    assert balance.credit_limit_included
    assert balance.reference_date == dt.date(2026, 1, 5)
    assert balance.last_change_at == dt.datetime(2026, 1, 5, 8, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("closingBooked", "closingBooked"),
        ("CLBD", "closingBooked"),
        ("nonInvoiced", "other:nonInvoiced"),
        (None, "other:unknown"),
    ],
)
def test_balance_types(word: Any, expected: str) -> None:
    item = {"balanceAmount": {"amount": "1", "currency": "EUR"}, "balanceType": word}
    assert map_balance(item, Warnings()).balance_type == expected


def test_an_account_of_the_standard() -> None:
    account = map_account(
        {
            "resourceId": "3dc3d5b3-7023-4848-9853-f5400a64e80f",
            "iban": "DE23 1001 0010 1234 5678 9",
            "currency": "eur",
            "product": "Girokonto",
            "cashAccountType": "CACC",
            "name": "Main Account",
            "ownerName": "Heike Mustermann",
            "bic": "AAAADEBBXXX",
            "usage": "ORGA",
            "status": "blocked",
            "pan": "4111111111111111",
            "new": 1,
        }
    )
    assert (account.iban, account.currency, account.status, account.usage) == (
        "DE2310010010123456789",
        "EUR",
        "blocked",
        "ORGA",
    )
    assert account.masked_pan == "411111xxxxxx1111"
    assert account.raw["new"] == 1


@pytest.mark.parametrize("item", [None, {}, {"resourceId": "", "currency": "EUR"}, {"resourceId": "a"}])
def test_an_account_without_id_or_currency_is_unreadable(item: Any) -> None:
    with pytest.raises(UnreadableError):
        map_account(item)
