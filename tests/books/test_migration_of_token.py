"""Leaving the deprecated API token: it works, it is left without a doubled line, it is wiped (books.md 6, I-7, I-8)."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import amounts, fetch

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.links.credentials import (
    connect_with_token,
    preview_credentials,
    take_token_back,
    update_credentials,
)
from nostro.books.links.fetching import request_fetch, run_fetch
from nostro.books.links.models import (
    Connection,
    ConnectionState,
    CredentialKind,
    Failure,
    Health,
    JournalLink,
    OnlineAccount,
    RunStatus,
)
from nostro.books.links.wizard import LinkRow, confirm_links
from nostro.people.models import AuditRecord, User
from nostro.web.errors import Problem

TOKEN = "an-old-api-token"
LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    """A journal that is fed with the token, and has lines already."""
    hub.accounts = [
        ScriptedAccount(transactions=[Booked(f"t{n}", f"2026-11-{n:02}", f"{n}.00", f"No {n}") for n in (9, 8, 7)]),
        ScriptedAccount(reference="BE71096123456769", transactions=[Booked("s1", "2026-11-08", "1.00")]),
    ]
    hub.valid_tokens.add(TOKEN)
    connection = connect_with_token(owner, company.id, hub_url=hub.url, token=TOKEN, now=NOW)
    rows = [LinkRow(row.id, "create", fetch_from=dt.date(2026, 11, 1)) for row in connection.online_accounts.all()]
    links = confirm_links(owner, connection.id, rows, now=NOW)
    for each in links:
        assert fetch(each).status == RunStatus.DONE
    return next(each for each in links if each.online_account.reference == "BE68539007547034")


def migrate(owner: User, hub: ScriptedHub) -> None:
    update_credentials(owner, Connection.objects.get().id, client_id=hub.client_id, secret=hub.secret, now=LATER)


def test_a_token_keeps_working_and_says_that_it_is_old(link: JournalLink, hub: ScriptedHub) -> None:
    hub.accounts[0].transactions.insert(0, Booked("t10", "2026-11-10", "10.00"))
    fetch(link, NOW + dt.timedelta(hours=12))

    assert len(amounts(link.journal)) == 4
    connection = Connection.objects.get()
    assert (connection.state, connection.state_code) == (ConnectionState.ACTION_REQUIRED, "H-TOKEN-OLD")
    assert Failure.objects.get(cleared_at=None).code == "H-TOKEN-OLD"
    assert not any("/oauth2/token" in request for request in hub.requests)
    assert TOKEN not in connection.client_id
    assert TOKEN.encode() not in bytes(connection.sealed_secret)


@pytest.mark.parametrize("new_ids", [False, True], ids=["same-ids", "other-ids"])
def test_migration_doubles_no_line(owner: User, hub: ScriptedHub, link: JournalLink, new_ids: bool) -> None:
    before = list(Line.objects.order_by("id").values_list("id", "amount", "label"))
    if new_ids:  # a service that names everything anew for each client
        for account in hub.accounts:
            account.id = account.id[:-4] + "beef"
            for item in account.transactions:
                item.name += "-again"
    hub.accounts[0].transactions.insert(0, Booked("t10", "2026-11-10", "10.00", "No 10"))
    migrate(owner, hub)
    for each in JournalLink.objects.all():
        run = fetch(each, LATER)
        assert run.status == RunStatus.DONE, run.error_code

    after = list(Line.objects.order_by("id").values_list("id", "amount", "label"))
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1
    assert not Line.objects.exclude(status="posted").exists()


def test_the_token_is_wiped_after_the_first_success_only(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    migrate(owner, hub)
    kept = Connection.objects.get()
    assert (kept.credential_kind, kept.state) == (CredentialKind.CLIENT, ConnectionState.CONNECTED)
    assert kept.sealed_old_token is not None
    assert not Failure.objects.filter(code="H-TOKEN-OLD", cleared_at=None).exists()

    hub.failures = [("/transactions", 500, {"errors": []})]
    assert fetch(link, LATER).status == RunStatus.FAILED
    assert Connection.objects.get().sealed_old_token is not None
    assert fetch(link, LATER).status == RunStatus.DONE
    wiped = Connection.objects.get()
    assert (wiped.sealed_old_token, wiped.old_client_id) == (None, "")
    assert AuditRecord.objects.filter(action="connection.token_wiped").count() == 1


def test_a_fetch_that_began_with_the_token_does_not_wipe_it(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    run = request_fetch(None, link.online_account, trigger="schedule", now=NOW)
    moments = iter([NOW])

    def clock() -> dt.datetime:
        """The run begins before the migration and ends after it."""
        started = next(moments, None)
        if started is None and Connection.objects.get().credential_kind == CredentialKind.API_TOKEN:
            migrate(owner, hub)
        return started or LATER

    run_fetch(run.id, clock=clock, sleep=lambda seconds: None)
    assert Connection.objects.get().sealed_old_token is not None


def test_migrating_again_changes_nothing_more(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    migrate(owner, hub)
    once = Connection.objects.get()
    migrate(owner, hub)
    twice = Connection.objects.get()

    assert bytes(twice.sealed_old_token or b"") == bytes(once.sealed_old_token or b"")
    assert OnlineAccount.objects.count() == 2
    fetch(link, LATER)
    migrate(owner, hub)
    assert Connection.objects.get().sealed_old_token is None


def test_the_preview_changes_nothing(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    hub.accounts = [hub.accounts[0], ScriptedAccount(reference="BE43068999999501")]
    before = (Connection.objects.values().get(), list(OnlineAccount.objects.order_by("id").values()))
    found = preview_credentials(owner, Connection.objects.get().id, client_id=hub.client_id, secret=hub.secret)

    assert [row.reference for row in found.matched] == ["BE68539007547034"]
    assert [row.reference for row in found.new] == ["BE43068999999501"]
    assert [row.reference for row in found.missing] == ["BE71096123456769"]
    assert (Connection.objects.values().get(), list(OnlineAccount.objects.order_by("id").values())) == before


def test_an_account_that_is_not_covered_stays_on_the_list_with_its_journal(
    owner: User, hub: ScriptedHub, link: JournalLink
) -> None:
    del hub.accounts[1]
    migrate(owner, hub)

    left = OnlineAccount.objects.get(reference="BE71096123456769")
    assert (left.visible, left.health) == (False, Health.NOT_AUTHORISED)
    assert left.links.get().unlinked_at is None
    assert left.failures_seen.get(cleared_at=None).code == "H-NOT-AUTHORISED"


def test_a_refused_pair_leaves_the_token_at_work(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    before = Connection.objects.values().get()
    with pytest.raises(Problem) as refused:
        update_credentials(owner, Connection.objects.get().id, client_id="x", secret="y", now=LATER)

    assert refused.value.code == "H-CREDENTIALS"
    assert Connection.objects.values().get() == before
    assert fetch(link, LATER).status == RunStatus.DONE


def test_the_token_can_be_taken_back_until_it_is_wiped(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    migrate(owner, hub)
    hub.secret = "changed at the Hub"
    hub.valid_tokens = {TOKEN}
    assert fetch(link, LATER).error_code == "H-CREDENTIALS"
    take_token_back(owner, Connection.objects.get().id, now=LATER)

    assert fetch(link, LATER).status == RunStatus.DONE
    with pytest.raises(Problem, match="no API token to go back to"):
        take_token_back(owner, Connection.objects.get().id, now=LATER)


def test_a_token_that_the_hub_refuses_asks_for_migration(hub: ScriptedHub, link: JournalLink) -> None:
    hub.valid_tokens.clear()

    assert fetch(link, LATER).error_code == "H-CREDENTIALS"
    assert Connection.objects.get().state == ConnectionState.ACTION_REQUIRED
