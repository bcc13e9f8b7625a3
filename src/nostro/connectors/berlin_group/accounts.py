"""The list of accounts of a consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from nostro.connectors.berlin_group.client import Client, Received, interpreting, protocol_error
from nostro.connectors.berlin_group.fields import reference_of
from nostro.connectors.berlin_group.mapping import AGGREGATE_CURRENCY, map_account
from nostro.connectors.contract import ConnectionHandle, PsuContext, RawAnswer
from nostro.connectors.errors import (
    AccessExceeded,
    AccountUnavailable,
    AspspTimeout,
    AspspUnavailable,
    ConnectorError,
    TokenExpired,
)
from nostro.core.account_keys import normalise_account_number as _number
from nostro.core.transactions import Account

MAX_ACCOUNTS = 1000
CARDS = "/v1/card-accounts"
#: Card accounts have addresses of their own, so the resource id that the hub keeps says which they are.
CARD_PREFIX = "card-accounts/"


def list_accounts(client: Client, connection: ConnectionHandle, psu: PsuContext) -> tuple[Account, ...]:
    """All accounts of the consent, in the bank's order, then its card accounts.

    A multi-currency account (currency ``XXX``) is left out in favour of its sub-accounts. An account that cannot be
    read is a :class:`ProtocolError`: leaving it out would make it vanish without a word.
    """
    received = client.send(
        connection.configuration,
        "GET",
        "/v1/accounts",
        psu=psu,
        subject="consent",
        consent_id=connection.consent.consent_id,
        access_token=connection.access_token,
    )
    accounts = _mapped(received, "accounts")
    readable = tuple(account for account in accounts if account.currency != AGGREGATE_CURRENCY)
    if accounts and not readable:
        raise AccountUnavailable("The bank shows a multi-currency account without its sub-accounts.", raw=received.raw)
    return readable + _list_cards(client, connection, psu)


def _list_cards(client: Client, connection: ConnectionHandle, psu: PsuContext) -> tuple[Account, ...]:
    """The card accounts of the consent; none at banks that have no such list, in whichever way they say so.

    The list of accounts came through the same consent just before, so a refusal here is about cards. A bank that is
    down, a quota and a token are no refusal: without them the cards of a renewed consent would vanish.
    """
    try:
        received = client.send(
            connection.configuration,
            "GET",
            CARDS,
            psu=psu,
            subject="account",
            consent_id=connection.consent.consent_id,
            access_token=connection.access_token,
        )
    except (AccessExceeded, TokenExpired, AspspTimeout, AspspUnavailable):
        raise
    except ConnectorError:
        return ()
    if not isinstance(received.data, Mapping) or "cardAccounts" not in received.data:
        return ()
    return tuple(map(_as_card, _mapped(received, "cardAccounts")))


def _as_card(account: Account) -> Account:
    return replace(
        account,
        resource_id=CARD_PREFIX + account.resource_id,
        cash_account_type=account.cash_account_type or "CARD",
    )


def path_of(account: Account) -> str:
    """The address of an account below the base URL, of a card account among the card accounts."""
    root, resource_id = "/v1/accounts", account.resource_id
    if resource_id.startswith(CARD_PREFIX):
        root, resource_id = CARDS, resource_id.removeprefix(CARD_PREFIX)
    return f"{root}/{quote(resource_id, safe='')}"


def _mapped(received: Received, name: str) -> list[Account]:
    items = received.data.get(name) if isinstance(received.data, Mapping) else None
    if not isinstance(items, list):
        raise protocol_error(received.raw, "The bank's answer has no list of accounts.")
    if len(items) > MAX_ACCOUNTS:
        raise protocol_error(received.raw, f"The bank shows more than {MAX_ACCOUNTS} accounts.")
    with interpreting(received.raw):
        return [map_account(item) for item in items]


def require_same_account(raw: RawAnswer, data: Any, account: Account) -> None:
    """An answer that names its account must name the one that was asked for.

    Raises :class:`ProtocolError` for another account's data, which nothing may be stored of. A reference that is
    missing or masked says nothing.
    """
    named = data.get("account", data.get("cardAccount")) if isinstance(data, Mapping) else None
    if not isinstance(named, Mapping):
        return
    iban = reference_of(named.get("iban")) or ""
    is_masked = not iban or "*" in iban or "XXX" in iban.upper()
    is_other = bool(account.iban and not is_masked) and _number(iban) != _number(account.iban or "")
    currency = named.get("currency")
    is_aggregate = AGGREGATE_CURRENCY in {currency, account.currency}
    if isinstance(currency, str) and len(currency) == 3 and not is_aggregate:
        is_other = is_other or currency.upper() != account.currency
    if is_other:
        raise protocol_error(raw, "The bank sent the data of another account.")
