"""The list of accounts of a consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nostro.connectors.berlin_group.client import Client, Received, interpreting, protocol_error
from nostro.connectors.berlin_group.fields import reference_of
from nostro.connectors.berlin_group.mapping import AGGREGATE_CURRENCY, map_account
from nostro.connectors.contract import ConnectionHandle, PsuContext, RawAnswer
from nostro.connectors.errors import AccountUnavailable
from nostro.core.account_keys import normalise_account_number as _number
from nostro.core.transactions import Account

MAX_ACCOUNTS = 1000


def list_accounts(client: Client, connection: ConnectionHandle, psu: PsuContext) -> tuple[Account, ...]:
    """All accounts of the consent, in the bank's order.

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
    accounts = _mapped(received)
    readable = tuple(account for account in accounts if account.currency != AGGREGATE_CURRENCY)
    if accounts and not readable:
        raise AccountUnavailable("The bank shows a multi-currency account without its sub-accounts.", raw=received.raw)
    return readable


def _mapped(received: Received) -> list[Account]:
    items = received.data.get("accounts") if isinstance(received.data, Mapping) else None
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
    named = data.get("account") if isinstance(data, Mapping) else None
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
