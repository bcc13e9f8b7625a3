"""The standard's card account endpoints: list, details, balances, transactions (connectors.md 5.1)."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.access import count, granted_account, require_open, valid_consent
from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Consent
from nostro.sandbox.ledger import Account, Entry
from nostro.sandbox.money import amount_object
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest
from nostro.sandbox.xs2a_accounts import balances, reference, wants_balance
from nostro.sandbox.xs2a_transactions import Kind, read_list

ROOT = "/v1/card-accounts"
CREDIT_LIMIT = 500_000
#: Fields of a row that a card transaction has too.
_KEPT = ("currencyExchange", "merchantCategoryCode", "proprietaryBankTransactionCode")


def list_accounts(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /v1/card-accounts``."""
    consent = valid_consent(bank, request, record)
    count(bank, record, consent)
    cards = [a for a in bank.ledger.accounts(consent.psu) if a.id in consent.granted["accounts"] and a.is_card]
    return json_reply({"cardAccounts": [_details(bank, request, consent, account) for account in cards]})


def read_account(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/card-accounts/{id}``."""
    consent, account = granted_account(bank, request, record, resource_id, "accounts", is_card=True)
    count(bank, record, consent)
    return json_reply({"cardAccount": _details(bank, request, consent, account)})


def read_balances(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/card-accounts/{id}/balances``."""
    consent, account = granted_account(bank, request, record, resource_id, "balances", is_card=True)
    require_open(account)
    count(bank, record, consent)
    return json_reply({"cardAccount": reference(account), "balances": balances(bank, account)})


def read_transactions(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/card-accounts/{id}/transactions``."""
    return read_list(bank, request, record, resource_id, _CARDS)


def _details(bank: Bank, request: BankRequest, consent: Consent, account: Account) -> dict[str, Any]:
    is_open = account.status == "enabled"
    scopes = [s for s in ("balances", "transactions") if is_open and account.id in consent.granted.get(s, ())]
    details: dict[str, Any] = {
        "resourceId": account.resource_id,
        **reference(account),
        "name": account.name,
        "ownerName": account.owner,
        "product": account.product,
        "debitAccounting": False,
        "status": account.status,
        "usage": "ORGA",
        "creditLimit": amount_object(CREDIT_LIMIT, account.currency),
    }
    if wants_balance(request) and "balances" in scopes:
        details["balances"] = balances(bank, account)
    return {**details, "_links": {scope: {"href": f"{ROOT}/{account.resource_id}/{scope}"} for scope in scopes}}


def _card_transaction(entry: Entry, accounts: dict[str, Account]) -> dict[str, Any]:
    """The standard's ``cardTransaction``. Its id is at most 35 characters long."""
    account = accounts[entry.account]
    shown: dict[str, Any] = {}
    if entry.is_booked and entry.transaction_id:
        shown["cardTransactionId"] = entry.transaction_id.replace("-", "")[:35]
    shown["transactionDate"] = entry.value_on
    if entry.is_booked:
        shown["bookingDate"] = entry.booked_on
    shown["transactionAmount"] = amount_object(entry.minor, account.currency)
    shown["maskedPAN"] = account.iban
    shown["transactionDetails"] = entry.body.get("remittanceInformationUnstructured", "")
    return shown | {name: entry.body[name] for name in _KEPT if name in entry.body}


_CARDS = Kind(ROOT, "cardAccount", "cardTransactions", _card_transaction, is_card=True)
