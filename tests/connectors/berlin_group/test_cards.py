"""Card accounts: a list, addresses, names and sometimes signs of their own (connectors.md 4.1)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.berlin_group.bank import CONSENT_ID, WINDOW, Reply, connector_for, refusal, running_bank

from nostro.connectors.berlin_group.balances import map_balances
from nostro.connectors.berlin_group.transactions import map_transactions
from nostro.connectors.contract import UNATTENDED, Configuration, ConnectionHandle, Consent, RawAnswer
from nostro.connectors.errors import AspspUnavailable, ConnectorError, TokenExpired
from nostro.core.transactions import UnmappedRow

CURRENT = {"resourceId": "a", "iban": "BE68539007547034", "currency": "EUR"}
DETAILS = {"bookingDate": "2026-10-05", "transactionDetails": "ICA SUPERMARKET"}
CARD = {"resourceId": "c/1", "maskedPan": "123456xxxxxx1234", "currency": "EUR", "name": "Business card"}


def listed(reply: Reply) -> Any:
    with running_bank() as bank, connector_for(bank) as connector:
        bank.on("GET /v1/accounts", Reply(json={"accounts": [CURRENT]}))
        bank.on("GET /v1/card-accounts", reply)
        handle = ConnectionHandle(Configuration(bank.base_url, "Bank"), Consent(CONSENT_ID, "valid"))
        return connector.list_accounts(handle, UNATTENDED)


def test_card_accounts_are_listed_behind_the_others_and_keep_where_they_are_read() -> None:
    current, card = listed(Reply(json={"cardAccounts": [CARD]}))
    assert (current.resource_id, card.resource_id) == ("a", "card-accounts/c/1")
    assert (card.cash_account_type, card.masked_pan, card.iban) == ("CARD", "123456xxxxxx1234", None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(405),
        Reply(500),
        refusal(401, "CONSENT_INVALID"),
        refusal(403, "RESOURCE_UNKNOWN"),
        refusal(400, "SERVICE_INVALID"),
        Reply(text="<html>", headers={"Content-Type": "text/html"}),
        Reply(json={}),
    ],
    ids=["404", "405", "500", "not-covered", "unknown", "service", "page", "nothing"],
)
def test_banks_without_a_list_of_cards_are_linked_all_the_same(reply: Reply) -> None:
    assert [account.resource_id for account in listed(reply)] == ["a"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(Reply(503), AspspUnavailable), (refusal(401, "TOKEN_EXPIRED"), TokenExpired)],
    ids=["down", "token"],
)
def test_cards_do_not_vanish_because_the_bank_is_down(reply: Reply, kind: type[ConnectorError]) -> None:
    with pytest.raises(kind):
        listed(reply)


@pytest.mark.parametrize(
    ("inverted", "amounts"),
    [({}, ["-12.30", "5", "-7.00"]), ({"debitAccounting": True}, ["12.30", "-5", "7.00"])],
    ids=["signed", "debits-positive"],
)
def test_rows_and_balances_are_signed_as_seen_from_the_account(inverted: dict[str, bool], amounts: list[str]) -> None:
    rows = [
        {"cardTransactionId": f"t{number}", "transactionAmount": {"amount": amount, "currency": "EUR"}, **DETAILS}
        for number, amount in enumerate(["-12.30", "+5"])
    ]
    balance = {"balanceType": "interimBooked", "balanceAmount": {"amount": "-7.00", "currency": "EUR"}}
    balances = map_balances(answer({**inverted, "balances": [balance]}))
    raw = answer({**inverted, "cardTransactions": {"booked": rows}})
    page = map_transactions(raw, WINDOW)
    assert [row.amount for row in (*page.rows, *balances)] == [Decimal(amount) for amount in amounts]
    mapped = [row.mapped() for row in page.rows if isinstance(row, UnmappedRow)]
    assert [row.transaction_id for row in mapped] == ["t0", "t1"]
    assert mapped[0].amount == page.rows[0].amount
    assert mapped[0].remittance_information_unstructured == ("ICA SUPERMARKET",)


def answer(values: dict[str, Any]) -> RawAnswer:
    body = json.dumps(values).encode()
    return RawAnswer("https://bank.example/v1/card-accounts/c", 200, "application/json", body, "request")
