"""The SQL of the API's reads, and how its rows become documents.

PostgreSQL writes the date-times as text in the form of hub-api.md 2.5: making Python datetimes of them first costs
more than the query itself (DESIGN.md section 3). ``trim_scale`` drops zeros that say nothing: 12.30 is sent as 12.3.
"""

# SQL is put together from constants of this package only; what a caller gives travels as arguments.
# ruff: noqa: S608

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings

from nostro.hub.api import documents as d
from nostro.hub.api.errors import not_found
from nostro.hub.api.paging import Listing, Row
from nostro.hub.api.request import parse_id
from nostro.web.hot_reads import execute, fetch_one

Kind = Literal["transaction", "pendingTransaction"]


def moment(column: str) -> str:
    """SQL of a date-time in UTC with three decimals; cut, not rounded, so that it never lies in the future."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def day(column: str) -> str:
    """SQL of a calendar day of the bank."""
    return f"""to_char({column}, 'YYYY-MM-DD"T00:00:00.000Z"')"""


# --- synchronizations -----------------------------------------------------------------------------------------

_SYNCHRONIZATION = f"""s.id::text, s.status, s.subtype, s.account_id::text, s.customer_online, s.errors::text,
    {moment("s.created_at")}, {moment("s.updated_at")}"""
_LATEST = """LEFT JOIN LATERAL (
        SELECT * FROM sync_synchronization WHERE account_id = a.id ORDER BY created_at DESC, id DESC LIMIT 1
    ) s ON TRUE"""


def synchronization(row: Row, base: str = "") -> d.Synchronization:
    """From the columns of ``_SYNCHRONIZATION``. With ``base`` the relationships are added."""
    relationships: d.SynchronizationRelationships | msgspec.UnsetType = msgspec.UNSET
    if base:
        address = f"{base}/synchronizations/{row[0]}"
        relationships = d.SynchronizationRelationships(
            _to_many(f"{address}/updated-transactions", "transaction"),
            _to_many(f"{address}/updated-pending-transactions", "pendingTransaction"),
        )
    errors = [] if row[5] == "[]" else msgspec.json.decode(row[5])
    attributes = d.SynchronizationAttributes(row[1], row[2], "account", row[3], row[4], errors, row[6], row[7])
    return d.Synchronization("synchronization", row[0], attributes, relationships)


def _latest(row: Row, account_id: str, linked_at: str) -> d.Synchronization:
    """The latest run of an account. It is never null (2.4): linking makes a first run, and where even that is
    missing, one that has not begun stands for it."""
    if row[0] is not None:
        return synchronization(row)
    waiting = d.SynchronizationAttributes(
        "pending", "accountTransactions", "account", account_id, False, [], linked_at, linked_at
    )
    return d.Synchronization("synchronization", account_id, waiting)


@dataclass(frozen=True, slots=True)
class SynchronizationState:
    """A run that the caller may see, and what its lists of updates need."""

    document: d.Synchronization
    run_id: UUID | None
    account_id: UUID
    finished_at: datetime | None


_SYNCHRONIZATION_BY_ID = f"""
    SELECT {_SYNCHRONIZATION}, s.account_id, s.finished_at
    FROM sync_synchronization s
    JOIN integrations_integrationaccount g ON g.account_id = s.account_id
    JOIN accounts_account a ON a.id = s.account_id
    WHERE s.id = %s AND g.integration_id = %s AND g.removed_at IS NULL AND a.removed_at IS NULL
"""


def access_synchronization(integration_id: UUID, synchronization_id: UUID | None, base: str) -> SynchronizationState:
    """A run of an account granted to the integration. Raises resourceNotFound for every other id."""
    row = fetch_one(_SYNCHRONIZATION_BY_ID, [synchronization_id, integration_id])
    if row is None:
        return _stand_in(integration_id, synchronization_id, base)
    return SynchronizationState(synchronization(row[:8], base), synchronization_id, row[8], row[9])


_STAND_IN = f"""
    SELECT {_SYNCHRONIZATION}, a.id, s.finished_at, {moment("a.linked_at")}
    FROM integrations_integrationaccount g
    JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL
    LEFT JOIN LATERAL (
        SELECT * FROM sync_synchronization WHERE account_id = a.id ORDER BY created_at, id LIMIT 1
    ) s ON TRUE
    WHERE g.account_id = %s AND g.integration_id = %s AND g.removed_at IS NULL
"""


def _stand_in(integration_id: UUID, account_id: UUID | None, base: str) -> SynchronizationState:
    """What ``_latest`` shows of an account before its first run has that account's id; afterwards the id stands for
    the first run, so that a client that polls it comes to an end."""
    row = fetch_one(_STAND_IN, [account_id, integration_id])
    if row is None:
        raise not_found("synchronization")
    run = synchronization(row[:8], base) if row[0] is not None else _latest(row[:8], str(row[8]), row[10])
    address = f"{base}/synchronizations/{row[8]}"
    relationships = d.SynchronizationRelationships(
        _to_many(f"{address}/updated-transactions", "transaction"),
        _to_many(f"{address}/updated-pending-transactions", "pendingTransaction"),
    )
    document = msgspec.structs.replace(run, id=str(row[8]), relationships=relationships)
    return SynchronizationState(document, parse_id(row[0]), row[8], row[9])


# --- accounts -------------------------------------------------------------------------------------------------

#: The last successful synchronization, before it the time of linking. What only files feed is known until the end of
#: the day of its balance: whoever reads it must not take the days since for days without transactions.
_SEEN_AT = """coalesce(a.synchronized_at,
    least(a.linked_at, (a.current_balance_reference_date + 1)::timestamp AT TIME ZONE 'UTC'))"""

_ACCOUNT_COLUMNS = f"""a.id::text, a.subtype, a.reference_type, a.reference, nullif(a.product, ''), NULL,
    nullif(a.holder_name, ''), coalesce(nullif(a.name, ''), nullif(a.bank_name, '')), a.deprecated, a.currency,
    trim_scale(coalesce(a.current_balance, 0)), {moment("a.current_balance_changed_at")},
    {day("a.current_balance_reference_date")}, {moment("a.current_balance_variation_observed_at")},
    trim_scale(coalesce(a.available_balance, a.current_balance, 0)), {moment("a.available_balance_changed_at")},
    {day("a.available_balance_reference_date")}, {moment("a.available_balance_variation_observed_at")},
    {moment("a.authorised_at")}, {moment("a.authorisation_expires_at")},
    a.institution_id::text,
    i.maintenance_type <> '' AND coalesce(i.maintenance_from <= now(), TRUE)
        AND coalesce(i.maintenance_to > now(), TRUE),
    {moment(_SEEN_AT)}, {moment("a.linked_at")},
    {_SYNCHRONIZATION}"""
_ACCOUNTS = f"""SELECT {_ACCOUNT_COLUMNS}
FROM integrations_integrationaccount g
    JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL
    JOIN directory_institution i ON i.id = a.institution_id
    {_LATEST}"""
_GRANTED = "g.integration_id = %s AND g.removed_at IS NULL"


def accounts(integration_id: UUID) -> Listing:
    """The accounts granted to an integration, newest first."""
    return Listing(
        select=_ACCOUNTS,
        where=_GRANTED,
        arguments=(integration_id,),
        key=("a.linked_at", "a.id"),
        cursor=f"""
            FROM integrations_integrationaccount g
            JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL
            WHERE {_GRANTED} AND g.account_id = %s""",
        cursor_arguments=(integration_id,),
    )


def organization_accounts(organization_id: UUID) -> Listing:
    """The accounts of an organization, newest first."""
    where = "a.organization_id = %s AND a.removed_at IS NULL AND a.is_selected"
    return Listing(
        select=f"""SELECT {_ACCOUNT_COLUMNS}
FROM accounts_account a JOIN directory_institution i ON i.id = a.institution_id {_LATEST}""",
        where=where,
        arguments=(organization_id,),
        key=("a.linked_at", "a.id"),
        cursor=f"FROM accounts_account a WHERE {where} AND a.id = %s",
        cursor_arguments=(organization_id,),
    )


def mandate_accounts(mandate_id: UUID) -> Listing:
    """The accounts that a mandate covers, newest first."""
    where = "c.mandate_id = %s AND a.removed_at IS NULL AND a.is_selected"
    source = f"""mandates_mandateaccount c JOIN accounts_account a ON a.id = c.account_id
    JOIN directory_institution i ON i.id = a.institution_id {_LATEST}"""
    return Listing(
        select=f"SELECT {_ACCOUNT_COLUMNS}\nFROM {source}",
        where=where,
        arguments=(mandate_id,),
        key=("a.linked_at", "a.id"),
        cursor=f"FROM {source} WHERE {where} AND a.id = %s",
        cursor_arguments=(mandate_id,),
    )


def access_account(integration_id: UUID, account_id: UUID | None, base: str) -> d.Account:
    """One granted account. Raises resourceNotFound for every other id, after the same look-up."""
    row = fetch_one(f"{_ACCOUNTS} WHERE {_GRANTED} AND g.account_id = %s", [integration_id, account_id])
    if row is None:
        raise not_found("account")
    return account(row, base)


def account(row: Row, base: str) -> d.Account:
    """From the columns of ``_ACCOUNT_COLUMNS``."""
    address, institution_id = f"{base}/accounts/{row[0]}", row[20]
    return d.Account(
        "account",
        row[0],
        d.AccountAttributes(*row[1:20]),
        d.AccountRelationships(
            _to_many(f"{address}/transactions", "transaction"),
            _to_many(f"{address}/pending-transactions", "pendingTransaction"),
            _to_one(f"{base}/financial-institutions/{institution_id}", "financialInstitution", institution_id),
        ),
        d.AccountMeta("readonly" if row[21] else "available", row[22], _latest(row[24:32], row[0], row[23])),
    )


@dataclass(frozen=True, slots=True)
class AccountState:
    """What every list of an account's transactions says about the account. ``zone`` is its bank's time zone."""

    id: str
    zone: str
    synchronized_at: str
    latest_synchronization: d.Synchronization


_ACCOUNT_STATE = f"""
    SELECT a.id::text, i.time_zone, {moment(_SEEN_AT)}, {moment("a.linked_at")},
        g.last_accessed_at IS NULL OR g.last_accessed_at < %s - interval '1 minute', g.id, {_SYNCHRONIZATION}
    FROM integrations_integrationaccount g
    JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL
    JOIN directory_institution i ON i.id = a.institution_id
    {_LATEST}
    WHERE {_GRANTED} AND g.account_id = %s
"""


def access_account_state(integration_id: UUID, account_id: UUID | None, now: datetime) -> AccountState:
    """Like access_account with less; notes that the account was read. Raises resourceNotFound."""
    row = fetch_one(_ACCOUNT_STATE, [now, integration_id, account_id])
    if row is None:
        raise not_found("account")
    if row[4]:
        execute("UPDATE integrations_integrationaccount SET last_accessed_at = %s WHERE id = %s", [now, row[5]])
    return AccountState(row[0], _zone(row[1]), row[2], _latest(row[6:14], row[0], row[3]))


@lru_cache(maxsize=256)
def _zone(name: str) -> str:
    """A time zone that exists. PostgreSQL would fail on another one."""
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError):
        return str(settings.TIME_ZONE)


# --- transactions ---------------------------------------------------------------------------------------------

# Where the bank gives one date, both take it; where it gives none, the day of creation at the bank's place (7.2).
_CREATION_DAY = "(t.created_at AT TIME ZONE %s)::date"
_TRANSACTION_COLUMNS = f"""t.id::text,
    {day(f"coalesce(t.value_date, t.booking_date, t.transaction_date, {_CREATION_DAY})")},
    {day(f"coalesce(t.booking_date, t.value_date, t.transaction_date, {_CREATION_DAY})")},
    trim_scale(t.amount), t.currency, t.additional_information, t.counterpart_name, t.counterpart_reference,
    t.remittance_information,
    CASE WHEN t.remittance_information <> '' AND cardinality(t.remittance_structured) > 0
        AND cardinality(t.remittance_unstructured) = 0 THEN 'structured' ELSE 'unstructured' END,
    t.bank_transaction_code, t.proprietary_bank_transaction_code, t.purpose_code, t.end_to_end_id, t.mandate_id,
    t.creditor_id, t.additional_information, coalesce(t.entry_reference, t.bank_transaction_id),
    t.masked_pan, CASE WHEN t.masked_pan IS NULL THEN NULL ELSE 'MASKEDPAN' END, trim_scale(t.fee),
    encode(t.digest, 'hex'), {moment("t.created_at")}, {moment("t.updated_at")}"""
_TABLES: dict[Kind, str] = {"transaction": "accounts_transaction", "pendingTransaction": "accounts_pendingtransaction"}


def transactions(kind: Kind, account_id: UUID, zone: str) -> Listing:
    """All rows of one account, of kind ``transaction`` or ``pendingTransaction``, newest first."""
    table = _TABLES[kind]
    return Listing(
        select=f"SELECT {_TRANSACTION_COLUMNS}\nFROM {table} t",
        select_arguments=(zone, zone),
        where="t.account_id = %s",
        arguments=(account_id,),
        visible="t.removed_at IS NULL",
        key=("t.sequence",),
        cursor=f"FROM {table} t WHERE t.account_id = %s AND t.id = %s",
        cursor_listed="t.removed_at IS NULL",
        cursor_arguments=(account_id,),
    )


def updated_transactions(kind: Kind, state: SynchronizationState, synchronization_id: UUID, zone: str) -> Listing:
    """The rows that a finished run created or changed."""
    everything = transactions(kind, state.account_id, zone)
    arguments: tuple[UUID, ...]
    if kind == "transaction":
        condition, arguments = _UPDATED_BY_RUN, (synchronization_id, synchronization_id)
    else:
        # A pending row never changes: it is replaced by another, or it goes.
        condition, arguments = "t.created_by_synchronization = %s", (synchronization_id,)
    # Every row of the account is a cursor; whether the run touched it is looked up only where it matters.
    return dataclasses.replace(
        everything, where=f"{everything.where} AND {condition}", arguments=(*everything.arguments, *arguments),
        cursor_listed="FALSE",
    )  # fmt: skip


_UPDATED_BY_RUN = """t.id IN (
        SELECT id FROM accounts_transaction WHERE created_by_synchronization = %s
        UNION ALL SELECT transaction_id FROM accounts_transactionchange WHERE synchronization_id = %s)"""


def transaction(kind: Kind, account_id: UUID, transaction_id: UUID | None, zone: str, base: str) -> d.Transaction:
    """One row that was not withdrawn. The caller has passed access_account_state. Raises resourceNotFound."""
    listing = transactions(kind, account_id, zone)
    row = fetch_one(
        f"{listing.select} WHERE {listing.where} AND {listing.visible} AND t.id = %s",
        [*listing.select_arguments, *listing.arguments, transaction_id],
    )
    if row is None:
        raise not_found(kind)
    return transaction_builder(kind, str(account_id), base)(row)


def transaction_builder(kind: Kind, account_id: str, base: str) -> Callable[[Row], d.Transaction]:
    """A function from a row to its document; all rows of a page share one relationships value."""
    relationships = d.TransactionRelationships(_to_one(f"{base}/accounts/{account_id}", "account", account_id))

    def build(row: Row) -> d.Transaction:
        return d.Transaction(kind, row[0], d.TransactionAttributes(*row[1:24]), relationships)

    return build


# --- small things ---------------------------------------------------------------------------------------------


def _to_many(address: str, kind: Kind) -> d.ToMany:
    return d.ToMany(d.TypedLinks(address, d.TypeMeta(kind)))


def _to_one(address: str, kind: str, row_id: str) -> d.ToOne:
    return d.ToOne(d.Links(address), d.Identifier(kind, row_id))
