"""The balances of one account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nostro.connectors.berlin_group.accounts import path_of, require_same_account
from nostro.connectors.berlin_group.client import Client, interpreting, parsed, protocol_error
from nostro.connectors.berlin_group.fields import Warnings
from nostro.connectors.berlin_group.mapping import map_balance
from nostro.connectors.contract import ConnectionHandle, PsuContext, RawAnswer
from nostro.core.transactions import Account, Balance

MAX_BALANCES = 100


def get_balances(
    client: Client, connection: ConnectionHandle, account: Account, psu: PsuContext
) -> tuple[tuple[Balance, ...], RawAnswer]:
    """What the bank states, in its order. One unreadable balance is a :class:`ProtocolError`: half a set misleads."""
    received = client.send(
        connection.configuration,
        "GET",
        f"{path_of(account)}/balances",
        psu=psu,
        subject="account",
        consent_id=connection.consent.consent_id,
        access_token=connection.access_token,
    )
    require_same_account(received.raw, received.data, account)
    return _read(received.raw, received.data), received.raw


def map_balances(raw: RawAnswer) -> tuple[Balance, ...]:
    """Interpret a stored answer again."""
    return _read(raw, parsed(raw))


def _read(raw: RawAnswer, data: Any) -> tuple[Balance, ...]:
    """The balances; a card's ``debitAccounting`` says that its debts are quoted positive."""
    items = data.get("balances") if isinstance(data, Mapping) else None
    if not isinstance(items, list) or len(items) > MAX_BALANCES:
        raise protocol_error(raw, "The bank's answer has no list of balances.")
    with interpreting(raw):
        balances = tuple(map_balance(item, Warnings()) for item in items)
    if data.get("debitAccounting") is True:
        return tuple(replace(balance, amount=-balance.amount) for balance in balances)
    return balances
