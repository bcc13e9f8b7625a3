"""Reads on connections, online accounts, links and runs; a person reaches them through ``access_*`` only."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Journal
from nostro.books.links.models import (
    Connection,
    ConnectionState,
    CredentialKind,
    Failure,
    JournalLink,
    OnlineAccount,
    RawTransaction,
    Run,
)
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


def connections_of(company: Company) -> list[Connection]:
    return list(Connection.objects.filter(company=company).order_by("created_at"))


def connections_with_token(company: Company) -> list[Connection]:
    """Connections that still use a deprecated API token (books.md 6)."""
    found = Connection.objects.filter(company=company, credential_kind=CredentialKind.API_TOKEN)
    return list(found.exclude(state=ConnectionState.DISCONNECTED).order_by("created_at")[:5])


def online_accounts_of(connection: Connection) -> list[OnlineAccount]:
    accounts = OnlineAccount.objects.filter(connection=connection).prefetch_related("links__journal")
    return list(accounts.order_by("bank_name", "reference", "currency"))


def access_connection(user: User, connection_id: UUID, *, role: Role | None = None) -> Connection:
    """A connection of one of the person's companies, else :class:`NotFound`."""
    connection = Connection.objects.select_related("company").filter(pk=connection_id).first()
    if connection is None:
        raise NotFound("connection")
    require_role(user, connection.company_id, role, "connection")
    return connection


def access_online_account(user: User, account_id: UUID, *, role: Role | None = None) -> OnlineAccount:
    """An online account of one of the person's companies, else :class:`NotFound`."""
    account = OnlineAccount.objects.select_related("company", "connection").filter(pk=account_id).first()
    if account is None:
        raise NotFound("account")
    require_role(user, account.company_id, role, "account")
    return account


def access_link(user: User, link_id: UUID, *, role: Role | None = None) -> JournalLink:
    """A link of one of the person's companies, else :class:`NotFound`."""
    link = JournalLink.objects.select_related("company", "online_account", "journal").filter(pk=link_id).first()
    if link is None:
        raise NotFound("link")
    require_role(user, link.company_id, role, "link")
    return link


def access_run(user: User, run_id: UUID, *, role: Role | None = None) -> Run:
    """A fetch run of one of the person's companies, else :class:`NotFound`; pages show its progress from it."""
    run = Run.objects.select_related("online_account").filter(pk=run_id).first()
    if run is None:
        raise NotFound("run")
    require_role(user, run.company_id, role, "run")
    return run


def locked_connection(connection_id: UUID) -> Connection:
    """The connection, held until the caller's transaction ends.

    Whoever holds several rows takes them in this order, so that nobody waits for each other in a ring: the company and
    its locks, the connection, its online accounts by id, a link, the journal, lines.
    """
    held = Connection.objects.select_for_update(of=("self",), no_key=True).select_related("company")
    return held.get(pk=connection_id)


def locked_account(account_id: UUID) -> OnlineAccount:
    """The online account, held as :func:`locked_connection` says; its connection is read behind the lock."""
    OnlineAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    return OnlineAccount.objects.select_related("connection", "company").get(pk=account_id)


def locked_live_link(user: User, link_id: UUID, *, role: Role) -> JournalLink:
    """A live link that a person may change, held with its account. Raises :class:`Problem` for one that has ended."""
    found = access_link(user, link_id, role=role)
    locked_account(found.online_account_id)
    held = JournalLink.objects.select_for_update(of=("self",), no_key=True)
    link = held.select_related("company", "journal", "online_account__connection").get(pk=link_id)
    if link.unlinked_at is not None:
        raise link_ended()
    return link


def connection_ended() -> Problem:
    """Somebody disconnected it, perhaps a moment ago."""
    return Problem("This connection is ended.", what_to_do="Connect the bank again.", code="connectionDisconnected")


def link_ended() -> Problem:
    """Somebody unlinked the account, perhaps a moment ago."""
    return Problem(
        "This account does not feed the journal any more.",
        why="It was unlinked meanwhile.",
        what_to_do="Look at the connection: it shows which account feeds which journal now.",
        code="linkEnded",
    )


def live_link(account: OnlineAccount) -> JournalLink | None:
    """The journal an account feeds now."""
    return (
        JournalLink.objects.filter(online_account=account, unlinked_at=None)
        .select_related("journal__company", "company")
        .first()
    )


def live_link_of_journal(journal_id: UUID) -> JournalLink | None:
    """What feeds a journal now."""
    return JournalLink.objects.filter(journal_id=journal_id, unlinked_at=None).first()


def latest_run(account: OnlineAccount) -> Run | None:
    return Run.objects.filter(online_account=account).order_by("-created_at", "-id").first()


def latest_runs(account: OnlineAccount, limit: int) -> list[Run]:
    """The newest fetches of an account."""
    return list(Run.objects.filter(online_account=account).order_by("-created_at", "-id")[:limit])


def raw_of(account: OnlineAccount, *, before: int | None, limit: int) -> list[RawTransaction]:
    """What the Hub sent for an account, newest first; ``before`` is the id of the last one shown."""
    found = RawTransaction.objects.filter(company_id=account.company_id, identity=account.identity)
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found.order_by("-id")[:limit])


def runs_of(journal: Journal) -> Iterator[Run]:
    """The fetches for a journal, of whatever account was linked to it, newest first, in pieces."""
    runs = Run.objects.filter(online_account__links__journal=journal).distinct()
    return runs.order_by("-created_at", "-id").iterator(chunk_size=1_000)


def failures_of(connection: Connection) -> list[Failure]:
    """What is wrong now with a connection and its accounts, newest first."""
    failures = Failure.objects.filter(connection=connection, cleared_at=None).select_related(
        "online_account", "connection"
    )
    return list(failures.order_by("-last_at"))
