"""Card accounts: under addresses of their own, known by a masked number, with rows of another shape."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from tests.sandbox.customer import Customer, code_of

CARDS = "/v1/card-accounts"


def _read(customer: Customer, consent: str, path: str) -> Any:
    answer = customer.call("GET", path, consent)
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.fixture
def consent(customer: Customer) -> str:
    return customer.link("user_card")


@pytest.fixture
def card(customer: Customer, consent: str) -> dict[str, Any]:
    (found,) = _read(customer, consent, f"{CARDS}?withBalance=true")["cardAccounts"]
    assert isinstance(found, dict)
    return found


def _list(customer: Customer, consent: str, card: dict[str, Any], status: str = "both") -> list[dict[str, Any]]:
    path = f"{CARDS}/{card['resourceId']}/transactions?bookingStatus={status}&dateFrom=2023-01-01"
    pages = []
    while path:
        answer = _read(customer, consent, path)
        assert answer["cardAccount"] == {"maskedPan": card["maskedPan"], "currency": "EUR"}
        pages.append(answer["cardTransactions"])
        path = answer["cardTransactions"]["_links"].get("next", {}).get("href", "")
    return pages


def test_cards_and_accounts_are_apart(customer: Customer, consent: str, card: dict[str, Any]) -> None:
    (account,) = customer.accounts(consent)
    assert account["cashAccountType"] == "CACC"
    assert card["maskedPan"].startswith("557700xxxxxx")
    assert "iban" not in card
    for path in (f"/v1/accounts/{card['resourceId']}", f"{CARDS}/{account['resourceId']}/balances"):
        assert code_of(customer.call("GET", path, consent)) == (404, "RESOURCE_UNKNOWN")
    assert _read(customer, consent, f"{CARDS}/{card['resourceId']}")["cardAccount"]["maskedPan"] == card["maskedPan"]
    access = _read(customer, consent, f"/v1/consents/{consent}")["access"]
    assert {"maskedPan": card["maskedPan"], "currency": "EUR"} in access["transactions"]


def test_rows_are_the_truth_and_the_balance_is_their_sum(
    customer: Customer, consent: str, card: dict[str, Any]
) -> None:
    pages = _list(customer, consent, card)
    booked = [row for page in pages for row in page["booked"]]
    assert len(pages) > 2
    truth = customer.truth(card["resourceId"])
    assert Counter(row["transactionAmount"]["amount"] for row in booked) == Counter(
        row["amount"] for row in truth["rows"]
    )
    assert len({row["cardTransactionId"] for row in booked}) == len(booked)
    assert all(row["maskedPAN"] == card["maskedPan"] for row in booked)
    assert any(Decimal(row["transactionAmount"]["amount"]) > 0 for row in booked)
    balances = _read(customer, consent, f"{CARDS}/{card['resourceId']}/balances")["balances"]
    (interim,) = [each for each in balances if each["balanceType"] == "interimBooked"]
    assert Decimal(interim["balanceAmount"]["amount"]) == sum(Decimal(r["transactionAmount"]["amount"]) for r in booked)


def test_each_month_what_was_spent_before_is_paid_back(customer: Customer, consent: str, card: dict[str, Any]) -> None:
    booked = [row for page in _list(customer, consent, card, "booked") for row in page["booked"]]
    (settled,) = [row for row in booked if row["transactionDetails"] == "SETTLEMENT 2025-12"]
    spent = sum(
        Decimal(row["transactionAmount"]["amount"])
        for row in booked
        if row["bookingDate"].startswith("2025-11") and not row["transactionDetails"].startswith("SETTLEMENT")
    )
    assert spent < 0
    assert Decimal(settled["transactionAmount"]["amount"]) == -spent


def test_a_consent_may_name_the_card(customer: Customer, card: dict[str, Any]) -> None:
    reference = [{"maskedPan": card["maskedPan"], "currency": "EUR"}]
    consent = customer.link("user_card", {"accounts": reference, "balances": reference, "transactions": reference})
    assert _list(customer, consent, card)[0]["booked"]


def test_lists_of_accounts_and_of_cards_have_places_of_their_own(customer: Customer, consent: str) -> None:
    for path in ("/v1/accounts", CARDS):
        for _ in range(4):
            assert customer.call("GET", path, consent, attended=False).status_code == 200
        assert customer.call("GET", path, consent, attended=False).status_code == 429
