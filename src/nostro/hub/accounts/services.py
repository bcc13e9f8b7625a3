"""The verbs of this room. Only these write accounts, transactions, balances and raw answers."""

# ruff: noqa: S608 - names and statements are our own, values are parameters

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from nostro.connectors.contract import RawAnswer as BankAnswer
from nostro.core.account_keys import account_key, normalise_account_number
from nostro.core.ids import new_id
from nostro.core.text import clean
from nostro.core.transactions import Account as BankAccount
from nostro.core.transactions import Window
from nostro.hub.accounts.balances import prove_balance, record_balances
from nostro.hub.accounts.booked import Counts, apply_booked, undo_removal
from nostro.hub.accounts.models import Account, RawAnswer
from nostro.hub.accounts.pending import PendingCounts, replace_pending
from nostro.hub.accounts.queries import access_account
from nostro.hub.accounts.rows import PageInMemory, ReadPage, save_changed
from nostro.hub.directory.models import Institution
from nostro.hub.organizations.models import Organization
from nostro.keys.envelope import value_context
from nostro.people.models import User
from nostro.web.secrets import open_sealed, seal

__all__ = [
    "Counts",
    "PageInMemory",
    "PendingCounts",
    "ReadPage",
    "apply_booked",
    "extend_coverage",
    "give_raw_answers",
    "join_accounts",
    "mark_synchronized",
    "move_accounts",
    "note_history",
    "open_raw_answer",
    "prove_balance",
    "record_balances",
    "remove_accounts_of_connection",
    "rename_account",
    "replace_pending",
    "select_accounts",
    "set_account_authorisation",
    "set_account_health",
    "store_raw_answer",
    "undo_removal",
    "upsert_accounts",
]

_SUBTYPES = {"CACC": "checking", "TRAN": "checking", "SVGS": "savings", "CARD": "card"}


# --- accounts
# ----------------------------------------------------------------------------------------------------------


def upsert_accounts(
    organization: Organization,
    connection_id: uuid.UUID,
    accounts: Sequence[BankAccount],
    institution: Institution,
    *,
    is_sandbox: bool,
    now: datetime,
    known_as: Mapping[str, Account] | None = None,
) -> list[Account]:
    """Store the accounts a consent shows, found again by their key (connectors.md 1.10); ids never change.

    An account seen before keeps its name, choice and history, and is from now on read through ``connection_id``.
    Aggregates over several currencies (currency ``XXX``, connectors.md 4.1) are left out, as their sub-accounts are in
    the list themselves. ``known_as`` are accounts that a person called the same as the one with this key. Raises
    ``AccountKeyError`` for an account without any number.
    """
    stored = []
    with transaction.atomic():
        for account in accounts:
            if account.currency == "XXX":
                continue
            fields = _bank_fields(account, institution)
            key = account_key(account, str(institution.pk))
            key = known_as[key].account_key if known_as and key in known_as else key
            row, created = Account.objects.select_for_update(no_key=True).get_or_create(
                organization=organization,
                is_sandbox=is_sandbox,
                account_key=key,
                defaults={
                    **fields,
                    "institution": institution,
                    "connection_id": connection_id,
                    "linked_at": now,
                    "is_selected": False,
                },
            )
            if not created:
                for name, value in fields.items():
                    setattr(row, name, value)
                row.connection_id = connection_id
                row.save(update_fields=[*fields, "connection_id"])
            stored.append(row)
    return stored


#: What a consent tells of an account, new each time.
_BANK_FIELDS = (
    "resource_id", "subtype", "reference_type", "reference", "currency", "bank_name", "holder_name", "product",
    "cash_account_type", "bic", "bank_status",
)  # fmt: skip


def _bank_fields(account: BankAccount, institution: Institution) -> dict[str, str]:
    kind, number = _reference(account)
    return {
        "resource_id": account.resource_id[:200],
        "subtype": _SUBTYPES.get(account.cash_account_type or "", "checking"),
        "reference_type": kind,
        "reference": number[:70],
        "currency": account.currency,
        "bank_name": (account.display_name or account.name or account.product or "")[:200],
        "holder_name": (account.owner_name or "")[:200],
        "product": (account.product or "")[:200],
        "cash_account_type": (account.cash_account_type or "")[:10],
        "bic": (account.bic or institution.bic or "")[:11],
        "bank_status": account.status,
    }


def _reference(account: BankAccount) -> tuple[str, str]:
    """The number that a person knows the account by, and its kind in the words of hub-api.md 7.1."""
    if account.iban:
        return "IBAN", normalise_account_number(account.iban)
    if account.bban:
        return "BBAN", normalise_account_number(account.bban)
    if account.masked_pan:
        return "MASKEDPAN", account.masked_pan
    if account.msisdn:
        return "MSISDN", account.msisdn
    return "BBAN", account.other or ""


def select_accounts(accounts: Sequence[Account], chosen: set[uuid.UUID], now: datetime) -> list[Account]:
    """Note which of these accounts the person wants; the chosen ones are returned. A removed one comes back."""
    for account in accounts:
        account.is_selected = account.pk in chosen
        account.removed_at = None if account.is_selected else account.removed_at
        if account.is_selected:
            account.linked_at = account.linked_at or now
        account.save(update_fields=["is_selected", "removed_at", "linked_at"])
    return [account for account in accounts if account.is_selected]


def set_account_authorisation(
    connection_id: uuid.UUID, *, authorised_at: datetime, expires_at: datetime | None
) -> None:
    """All accounts of a connection may be read since ``authorised_at`` and until ``expires_at``."""
    Account.objects.filter(connection_id=connection_id).update(
        authorised_at=authorised_at, authorisation_expires_at=expires_at
    )


def rename_account(user: User, account_id: uuid.UUID, name: str) -> Account:
    """Give an account the name a person chose; empty text returns to the bank's. Raises NotFound for foreign ones."""
    account = access_account(user, account_id)
    account.name = clean(name, 200)
    account.save(update_fields=["name"])
    return account


def move_accounts(moves: Mapping[uuid.UUID, tuple[uuid.UUID, str]]) -> None:
    """Read accounts through another connection: account id -> (connection id, resource id there)."""
    for account_id, (connection_id, resource_id) in moves.items():
        Account.objects.filter(pk=account_id).update(connection_id=connection_id, resource_id=resource_id)


def join_accounts(kept: Account, brought: Account, now: datetime) -> None:
    """A person says that ``brought``, which was never read, is ``kept`` under the bank's new number: ``kept`` goes on
    with its id, name and history, and is read by what the bank calls it now; the other row is gone."""
    assert not brought.is_selected, "an account that is read is never joined to another"
    with transaction.atomic():
        for name in (*_BANK_FIELDS, "authorised_at", "authorisation_expires_at"):
            setattr(kept, name, getattr(brought, name))
        brought.delete()
        kept.save(update_fields=[*_BANK_FIELDS, "authorised_at", "authorisation_expires_at"])
        set_account_health(kept, "active", now=now)


def remove_accounts_of_connection(connection_id: uuid.UUID, now: datetime) -> int:
    """The accounts of a connection that ended are no longer read; their data stay. Returns how many."""
    return Account.objects.filter(connection_id=connection_id, removed_at=None).update(removed_at=now)


def set_account_health(
    account: Account, health: str, *, code: str = "", reason: str = "", until: datetime | None = None, now: datetime
) -> None:
    """The account's own health (connectors.md 1.6); ``now`` counts as its beginning when it changes."""
    save_changed(
        account,
        {
            "health": health,
            "health_code": code[:60],
            "health_reason": reason,
            "health_since": account.health_since if account.health == health else now,
            "health_until": until,
        },
    )


def mark_synchronized(account: Account, now: datetime) -> None:
    """A run of this account succeeded at ``now``; one that the bank called closed is open again."""
    status = "enabled" if account.bank_status == "deleted" else account.bank_status
    save_changed(account, {"synchronized_at": now, "bank_status": status})


def mark_closed(account: Account) -> None:
    """The bank says that the account is closed; what was read stays."""
    save_changed(account, {"bank_status": "deleted"})


def extend_coverage(account: Account, window: Window) -> None:
    """A complete read covered ``window``. Windows that touch are one; with a gap between, the newer one counts.

    Every planned read overlaps the one before (connectors.md 1.11), so a gap means that runs failed for long, and
    the next read then reaches back to the end of what is covered.
    """
    begin, end = account.covered_from, account.covered_to
    if begin is None or end is None or (window.date_from - end).days > 1 or (begin - window.date_to).days > 1:
        begin, end = window.date_from, window.date_to
    save_changed(account, {"covered_from": min(begin, window.date_from), "covered_to": max(end, window.date_to)})


def note_history(account: Account, first_day: date) -> None:
    """The bank offers the account's history from ``first_day``; what of it is not covered is known as unread."""
    save_changed(account, {"history_from": first_day})


def read_again_from(account: Account, day: date) -> None:
    """Something appeared at the bank on ``day``: the next read reaches back to it, however long ago that is."""
    Account.objects.filter(id=account.id, covered_to__gt=day).update(covered_to=day)


# --- raw answers
# ----------------------------------------------------------------------------------------------------------


def store_raw_answer(
    answer: BankAnswer,
    *,
    organization_id: uuid.UUID,
    account_id: uuid.UUID | None,
    connection_id: uuid.UUID,
    synchronization_id: uuid.UUID | None,
    kind: str,
    received_at: datetime,
    page_number: int = 1,
    window: Window | None = None,
    next_page: str = "",
    complete: bool = False,
    provided: tuple[str, list[Any]] | None = None,
) -> uuid.UUID | None:
    """Keep a bank's answer, sealed, before anything of it is interpreted (connectors.md 1.1 rule 6); returns its id.

    A run keeps one answer for each page; the constraint ``one_raw_answer_per_page`` refuses a second one.
    ``provided`` is a statement with its parameters that notes the caller's progress in the same transaction: where it
    returns no row, nothing is stored and the result is None. Progress may be lost when PostgreSQL itself dies,
    because a run can always be taken up one page earlier; so that commit does not wait for the disk.
    """
    row_id = new_id()
    values = {
        "id": row_id,
        "organization_id": organization_id,
        "account_id": account_id,
        "connection_id": connection_id,
        "synchronization_id": synchronization_id,
        "kind": kind,
        "page_number": page_number,
        "window_from": window.date_from if window else None,
        "window_to": window.date_to if window else None,
        "next_page": next_page,
        "complete": complete,
        "url": answer.url,
        "status": answer.status,
        "content_type": answer.content_type[:100],
        "sealed_body": seal(answer.body, context=_body_context(row_id)),
        "request_id": answer.request_id[:64],
        "received_at": received_at,
    }
    columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        if provided is None:
            cursor.execute(f"INSERT INTO accounts_rawanswer ({columns}) VALUES ({places})", [*values.values()])
            return row_id
        statement, parameters = provided
        cursor.execute(
            f"WITH provided AS ({statement}), quickly AS (SELECT set_config('synchronous_commit', 'off', true))"
            f" INSERT INTO accounts_rawanswer ({columns}) SELECT {_typed(values)} FROM provided, quickly",
            [*parameters, *values.values()],
        )
        return row_id if cursor.rowcount else None


_TYPES = {"window_from": "date", "window_to": "date", "account_id": "uuid", "synchronization_id": "uuid"}


def _typed(names: Iterable[str]) -> str:
    """Places for values of a SELECT, where PostgreSQL cannot tell the type of an empty one."""
    return ", ".join(f"%s::{_TYPES[name]}" if name in _TYPES else "%s" for name in names)


def give_raw_answers(from_run: uuid.UUID, to_run: uuid.UUID, *, kind: str) -> None:
    """Make the pages of one run those of another, which goes on behind them."""
    RawAnswer.objects.filter(synchronization_id=from_run, kind=kind).update(synchronization_id=to_run)


def forget_raw_answers(run: uuid.UUID) -> None:
    """Drop what a run has stored so far; it begins anew, and nothing of it was interpreted yet."""
    RawAnswer.objects.filter(synchronization_id=run).delete()


def open_raw_answer(row: RawAnswer) -> BankAnswer:
    """The bank's answer as it came, to be mapped again or shown to support (masked by the caller)."""
    return BankAnswer(
        url=row.url,
        status=row.status,
        content_type=row.content_type,
        body=open_sealed(row.sealed_body, context=_body_context(row.pk)),
        request_id=row.request_id,
    )


def _body_context(row_id: uuid.UUID) -> str:
    return value_context("accounts_rawanswer", "sealed_body", row_id)


def window_of(row: RawAnswer, fallback: date) -> Window:
    """The window a stored page was asked for."""
    return Window(row.window_from or fallback, row.window_to or fallback)
