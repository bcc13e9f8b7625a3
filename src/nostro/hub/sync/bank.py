"""The bank behind an account, ready to be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from nostro.connectors.contract import Clock, ConnectionHandle, Connector, IdentityPolicy
from nostro.connectors.errors import AccountUnavailable, AspspUnavailable, ConsentExpired, ConsentRevoked
from nostro.core.quota import effective_limit
from nostro.core.transactions import Account as BankAccount
from nostro.hub.accounts.models import Account
from nostro.hub.directory.maintenance import maintenance_now
from nostro.hub.linking.connectors import connectors_for
from nostro.hub.linking.consents import FINAL_STATUSES, connection_handle
from nostro.hub.linking.models import Connection


@dataclass(frozen=True, slots=True)
class Bank:
    """A connector with an open consent. ``limit``: unattended accesses in 24 hours, None where no rule limits them.

    ``source`` names the connector in stored references; ``history_days`` is how far back the bank goes.
    """

    connector: Connector
    handle: ConnectionHandle
    policy: IdentityPolicy
    source: str
    limit: int | None
    history_days: int


#: Opens the bank of an account; may raise any connector error. Tests pass one of their own.
BankOpener = Callable[[Account, Clock], Bank]


def open_bank(account: Account, clock: Clock) -> Bank:
    """Open the consent of the account's connection. Raises a connector error where there is none."""
    _refuse_maintenance(account, clock())
    connection = connection_of(account)
    connector, configuration = connectors_for(connection.route, clock)
    handle = connection_handle(connection, clock)
    if handle.consent.status in FINAL_STATUSES:
        # The bank has said so to another account of this connection; it need not say it again.
        ended = ConsentRevoked if handle.consent.status == "revokedByPsu" else ConsentExpired
        raise ended(code=connection.health_code or None, reached_bank=False)
    return Bank(
        connector=connector,
        handle=handle,
        policy=connector.identity_for(configuration),
        source=connector.info.id,
        limit=unattended_limit(connection, handle.consent.frequency_per_day),
        history_days=connection.route.history_days,
    )


def _refuse_maintenance(account: Account, now: dt.datetime) -> None:
    """While its institution is being worked on, an account is ``readonly``: its run ends in an error and the stored
    data stays readable (hub-api.md 7.1, 7.3)."""
    if maintenance_now(account.institution, now) is not None:
        raise AspspUnavailable(
            "This bank is being worked on.",
            next_action="Nothing to do: reading goes on by itself when the work is over.",
            reached_bank=False,
        )


def connection_of(account: Account) -> Connection:
    """The connection that reads the account now. Raises ``AccountUnavailable`` where it was ended."""
    connection = (
        Connection.objects.select_related("route__institution", "institution")
        .filter(id=account.connection_id, removed_at=None)
        .first()
    )
    if connection is None:
        raise AccountUnavailable("The connection of this account was ended.", reached_bank=False)
    return connection


def unattended_limit(connection: Connection, granted: int | None) -> int | None:
    """min(4, ``frequencyPerDay`` granted, the profile's value) where PSD2 applies (connectors.md 1.12)."""
    if not connection.route.falls_under_psd2:
        return None
    profile = connection.route.profile.get("frequency_per_day")
    return effective_limit(granted, profile if isinstance(profile, int) else None)


def as_bank_account(account: Account) -> BankAccount:
    """The stored account as the value that connectors take."""
    number = {"IBAN": "iban", "BBAN": "bban", "MASKEDPAN": "masked_pan", "MSISDN": "msisdn"}[account.reference_type]
    return BankAccount(
        account.resource_id,
        account.currency,
        cash_account_type=account.cash_account_type or None,
        **{number: account.reference},  # type: ignore[arg-type]
    )
