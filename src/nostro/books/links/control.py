"""What a person does to the reading of a connection: pause, resume, read an account again from its beginning."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.links.failures import refresh_connection_state
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import Connection, ConnectionState, OnlineAccount, Run
from nostro.books.links.queries import (
    access_connection,
    access_online_account,
    connection_ended,
    locked_account,
    locked_connection,
)
from nostro.books.links.services import plan_all
from nostro.people.audit import record
from nostro.people.models import User


@transaction.atomic
def pause(user: User, connection_id: UUID, *, now: dt.datetime) -> Connection:
    """Fetch no account of the connection by schedule until somebody resumes it (books.md 7)."""
    return _set_state(user, connection_id, ConnectionState.PAUSED, "paused", now)


@transaction.atomic
def resume(user: User, connection_id: UUID, *, now: dt.datetime) -> Connection:
    """Take a pause back; the state follows from the accounts again."""
    connection = _set_state(user, connection_id, ConnectionState.CONNECTED, "resumed", now)
    refresh_connection_state(connection)
    return connection


def _set_state(user: User, connection_id: UUID, state: ConnectionState, word: str, now: dt.datetime) -> Connection:
    access_connection(user, connection_id, role=Role.ACCOUNTANT)
    connection = locked_connection(connection_id)
    if connection.state == ConnectionState.DISCONNECTED:
        raise connection_ended()
    if (connection.state == ConnectionState.PAUSED) == (state == ConnectionState.PAUSED):
        return connection
    connection.state, connection.state_code = state, ""
    connection.save(update_fields=["state", "state_code"])
    plan_all(connection, now=now)
    record(
        tenant_id=connection.company_id,
        actor=user,
        action=f"connection.{word}",
        obj=connection,
        sentence=f"{user} {word} the connection to {connection.hub_url}.",
    )
    return connection


@transaction.atomic
def reset_cursor(user: User, account_id: UUID, *, now: dt.datetime) -> Run:
    """Read everything from fetch-from on again; known transactions are recognised, so no line is doubled (books.md 6).

    The watermark stays: it says what was read, and never decreases (I-9).
    """
    account = access_online_account(user, account_id, role=Role.ACCOUNTANT)
    OnlineAccount.objects.filter(pk=account.pk).update(cursor="")
    record(
        tenant_id=account.company_id,
        actor=user,
        action="account.cursor_reset",
        obj=account,
        sentence=f"{user} asked to read the account at {account.bank_name or 'the bank'} again from the beginning.",
        before={"cursor": account.cursor},
    )
    return request_fetch(user, account, trigger="reset", now=now)


@transaction.atomic
def invert_signs(user: User, account_id: UUID, *, transactions: bool, balances: bool) -> OnlineAccount:
    """Turn the signs of an account whose bank sends them the wrong way, for what is read from now on (books.md 6).

    Lines that arrived stay: amount and date of a line never change after its import (I-12).
    """
    access_online_account(user, account_id, role=Role.ACCOUNTANT)
    account = locked_account(account_id)
    before = {"transactions": account.invert_transaction_sign, "balances": account.invert_balance_sign}
    after = {"transactions": transactions, "balances": balances}
    if before == after:
        return account
    account.invert_transaction_sign, account.invert_balance_sign = transactions, balances
    account.save(update_fields=["invert_transaction_sign", "invert_balance_sign"])
    record(
        tenant_id=account.company_id,
        actor=user,
        action="account.signs",
        obj=account,
        sentence=f"{user} changed which signs of {account.reference or 'an account'} are turned when it is read.",
        before=before,
        after=after,
    )
    return account
