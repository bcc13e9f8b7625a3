"""Reading the Hub's list of accounts, and what it means for accounts that were linked (books.md 4, 8)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.hub_client.client import Client
from nostro.books.hub_client.errors import HubError
from nostro.books.hub_client.values import HubAccount
from nostro.books.links.failures import record_failure, refresh_connection_state
from nostro.books.links.hub import client_of, problem_of, store_accounts
from nostro.books.links.models import Connection, Health, JournalLink, OnlineAccount
from nostro.books.links.queries import access_connection, locked_connection
from nostro.people.models import User
from nostro.web.errors import Problem

#: Pages of 100 read to learn how far back the Hub goes: of one account, and of a whole list.
HISTORY_PAGES, HISTORY_PAGES_IN_ALL = 3, 30


@dataclass(frozen=True, slots=True)
class History:
    """The oldest booking date among the transactions read, and whether these were all that the Hub has."""

    since: dt.date | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a Hub shows to one pair of credentials: accounts, and names of banks by their id."""

    accounts: list[HubAccount]
    banks: dict[str, str]
    #: By the Hub's id of the account; an account of which nothing was read is absent.
    histories: dict[str, History] = field(default_factory=dict)


def shown_by(client: Client) -> Shown:
    """Read the list. Raises :class:`Problem` with a code of the catalogue; costs no bank anything (I-25)."""
    try:
        accounts = client.accounts()
        if not accounts:
            raise HubError("H-NO-ACCOUNTS", "the list of accounts is empty")
        banks = {bank.id: bank.name for bank in client.financial_institutions()}
    except HubError as error:
        raise problem_of(error) from None
    return Shown(accounts, banks, _histories(client, accounts))


def _histories(client: Client, accounts: list[HubAccount]) -> dict[str, History]:
    """Since when the Hub has data (books.md 4). The API does not say, so the list is looked at within limits.

    It is a help for choosing a date: where the Hub fails, the wizard does without.
    """
    found: dict[str, History] = {}
    left = HISTORY_PAGES_IN_ALL
    try:
        for account in accounts:
            pages = list(islice(client.walk(account.id), min(HISTORY_PAGES, left)))
            left -= len(pages)
            if pages:
                days = [item.booking_date for page in pages for item in page.transactions]
                found[account.id] = History(min(days, default=None), pages[-1].after is None)
    except HubError:
        return found
    return found


def reload_accounts(user: User, connection_id: UUID, *, now: dt.datetime) -> list[OnlineAccount]:
    """A person reads the Hub's list of accounts again."""
    return look_again(access_connection(user, connection_id, role=Role.ACCOUNTANT), now=now)


def look_again(connection: Connection, *, now: dt.datetime) -> list[OnlineAccount]:
    """Read the list again. Raises :class:`Problem` when the Hub does not answer, or the connection got other
    credentials while it did; nothing is changed then."""
    shown = shown_by(client_of(connection))
    with transaction.atomic():
        asked_with, connection = connection, locked_connection(connection.pk)
        if is_replaced(asked_with, connection):
            raise replaced()
        accounts, _missing = take(connection, shown, now=now)
        refresh_connection_state(connection)
    return accounts


def is_replaced(asked_with: Connection, connection: Connection) -> bool:
    """Whether the credentials are no longer those that were asked with, so that what they showed is old."""
    return bytes(connection.sealed_secret) != bytes(asked_with.sealed_secret)


def replaced() -> Problem:
    """Somebody was faster with other credentials."""
    return Problem(
        "The credentials of this connection were replaced meanwhile.",
        why="Somebody else updated them at the same time.",
        what_to_do="Look at the connection first: it shows what the new credentials brought.",
        code="credentialsReplaced",
    )


def _store_histories(accounts: list[OnlineAccount], histories: dict[str, History]) -> None:
    for account in accounts:
        if history := histories.get(str(account.hub_account_id)):
            account.history_from, account.history_complete = history.since, history.complete
    OnlineAccount.objects.bulk_update(accounts, ["history_from", "history_complete"])


def take(connection: Connection, shown: Shown, *, now: dt.datetime) -> tuple[list[OnlineAccount], list[OnlineAccount]]:
    """Store the list, in the caller's transaction; returns the accounts that it shows and those that it left out.

    A linked account that was left out is said to be so and keeps its journal; its siblings go on (books.md 6, 8).
    """
    accounts = store_accounts(connection, shown.accounts, shown.banks, now=now)
    _store_histories(accounts, shown.histories)
    missing = list(OnlineAccount.objects.filter(connection=connection, visible=False))
    linked = set(
        JournalLink.objects.filter(online_account__in=missing, unlinked_at=None).values_list(
            "online_account_id", flat=True
        )
    )
    for account in missing:
        if account.id in linked and account.health != Health.NOT_AUTHORISED:
            record_failure(connection, account, HubError("H-NOT-AUTHORISED", "not in the list of accounts"), now=now)
    OnlineAccount.objects.filter(pk__in=[account.pk for account in missing]).update(health=Health.NOT_AUTHORISED)
    return accounts, missing
