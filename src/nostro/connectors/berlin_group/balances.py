"""The balances of one account."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from nostro.connectors.berlin_group.accounts import require_same_account
from nostro.connectors.berlin_group.client import Client, interpreting, protocol_error
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
        f"/v1/accounts/{quote(account.resource_id, safe='')}/balances",
        psu=psu,
        subject="account",
        consent_id=connection.consent.consent_id,
        access_token=connection.access_token,
    )
    require_same_account(received.raw, received.data, account)
    items = received.data.get("balances") if isinstance(received.data, Mapping) else None
    if not isinstance(items, list) or len(items) > MAX_BALANCES:
        raise protocol_error(received.raw, "The bank's answer has no list of balances.")
    with interpreting(received.raw):
        return tuple(map_balance(item, Warnings()) for item in items), received.raw
