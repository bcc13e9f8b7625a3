"""Two people, tabs or workers at a link or a connection at once: one outcome, and who comes second is told why
(books.md 4, 6, 7; I-6)."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from tests.books.at_once import Other, start_and_wait, while_held
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.invariants import checks
from tests.books.steps import amounts, connected

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.duplicates import delete_duplicates, merge_lines
from nostro.books.journals.held import move_lock
from nostro.books.journals.models import Feed, Journal, Line, LineStatus
from nostro.books.journals.services import add_manual_line, create_journal, merge_duplicate, remove_line
from nostro.books.links.account_lists import reload_accounts
from nostro.books.links.control import pause
from nostro.books.links.credentials import connect, connect_with_token, take_token_back, update_credentials
from nostro.books.links.editing import change_fetch_from, relink
from nostro.books.links.fetching import Fetch, request_fetch, run_fetch
from nostro.books.links.models import (
    Connection,
    ConnectionState,
    CredentialKind,
    FetchState,
    JournalLink,
    OnlineAccount,
    Run,
    RunStatus,
)
from nostro.books.links.services import disconnect, edit_link, set_automatic_sync, unlink
from nostro.books.links.wizard import LinkRow, confirm_links
from nostro.people.models import AuditRecord, User

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + dt.timedelta(hours=1)
FROM = dt.date(2026, 11, 1)
NUMBERS = ("BE68539007547034", "BE71096123456769")


class Bench:
    """One company with a connection to a Hub that shows two accounts with three transactions each."""

    def __init__(self, owner: User, company: Company, hub: ScriptedHub) -> None:
        self.owner, self.company, self.hub = owner, company, hub
        hub.client_id, hub.secret = f"client-{company.id}", "secret-1"
        hub.accounts = [self._shown(number) for number in NUMBERS]
        self.connection = connected(owner, company, hub)
        accounts = {each.reference: each for each in self.connection.online_accounts.all()}
        self.account, self.sibling = (accounts[number] for number in NUMBERS)

    @staticmethod
    def _shown(number: str) -> ScriptedAccount:
        rows = [Booked(f"{number}-{day}", f"2026-11-{day:02}", f"{day}.00", f"No {day}") for day in (9, 8, 7)]
        return ScriptedAccount(reference=number, transactions=rows)

    def journal(self, name: str = "Bank") -> Journal:
        return create_journal(self.owner, self.company, name=name, currency="EUR")

    def link(self, account: OnlineAccount, journal: Journal | None = None) -> JournalLink:
        row = LinkRow(account.id, "link" if journal else "create", journal.id if journal else None, fetch_from=FROM)
        (made,) = confirm_links(self.owner, self.connection.id, [row], now=NOW)
        return made

    def skip(self, account: OnlineAccount) -> list[JournalLink]:
        return confirm_links(self.owner, self.connection.id, [LinkRow(account.id, "skip")], now=NOW)

    def edit(self, link: JournalLink, schedule: str = "1h") -> JournalLink:
        return edit_link(self.owner, link.id, grouping="daily", fetch_schedule=schedule, now=NOW)

    def fetch(self, link: JournalLink, now: dt.datetime = NOW) -> Run:
        run = request_fetch(None, link.online_account, trigger="schedule", now=now)
        return run_fetch(run.id, clock=lambda: now, sleep=lambda seconds: None, batch_limit=1)

    def pair(self, name: str) -> dict[str, Any]:
        """A Client ID of this company, and the secret that the Hub knows for it."""
        return {"client_id": f"{name}-{self.company.id}", "secret": "secret-1"}

    def connect(self, name: str) -> Connection:
        return connect(self.owner, self.company.id, hub_url=self.hub.url, **self.pair(name), now=NOW)

    def update(self, name: str, connection: Connection | None = None) -> Any:
        return update_credentials(self.owner, (connection or self.connection).id, **self.pair(name), now=LATER)

    def used(self, connection: Connection | None = None) -> str:
        """The name of the pair that a connection uses."""
        client_id = Connection.objects.get(pk=(connection or self.connection).pk).client_id
        return client_id.removesuffix(f"-{self.company.id}")

    def state(self) -> Connection:
        return Connection.objects.get(pk=self.connection.pk)

    def audited(self, action: str) -> int:
        return AuditRecord.objects.filter(tenant_id=self.company.id, action=action).count()

    def sound(self) -> None:
        for check in checks.ALL:
            check(self.company)


@contextmanager
def when(step: str, second: Callable[[], Any]) -> Iterator[Other]:
    """Once a fetch takes ``step``, in its transaction, ``second`` comes to wait for it on another connection."""
    other, take, patch = Other(), getattr(Fetch, step), pytest.MonkeyPatch()

    def and_second(*arguments: Any, **named: Any) -> Any:
        patch.undo()
        answer = take(*arguments, **named)
        start_and_wait(other, second)
        assert other.is_running, f"the second did not wait: {other}"
        return answer

    is_static = isinstance(vars(Fetch)[step], staticmethod)
    patch.setattr(Fetch, step, staticmethod(and_second) if is_static else and_second)
    yield other
    other.join()


# --- linking ---


def one_account_two_journals(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    first, second = bench.journal("One"), bench.journal("Two")
    with while_held(lambda: bench.link(bench.account, second)) as other:
        bench.link(bench.account, first)
    assert (other.code, other.what) == ("L-ACCOUNT-TAKEN", "Some accounts cannot be linked like this.")
    assert Journal.objects.get(pk=second.pk).feed == Feed.UNDEFINED


def two_accounts_one_journal(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    journal = bench.journal()
    with while_held(lambda: bench.link(bench.sibling, journal)) as other:
        bench.link(bench.account, journal)
    assert other.code == "L-JOURNAL-TAKEN"
    assert JournalLink.objects.get(company=bench.company).online_account == bench.account


def the_same_twice_is_one_link(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    with while_held(lambda: bench.link(bench.account)) as other:
        made = bench.link(bench.account)
    assert other.result == made
    assert Journal.objects.filter(company=bench.company, links__isnull=False).count() == 1


def a_choice_against_an_account_that_was_linked_meanwhile(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    with while_held(lambda: bench.skip(bench.account)) as other:
        bench.link(bench.account)
    assert other.result == []
    assert not OnlineAccount.objects.get(pk=bench.account.pk).declined


def linking_while_somebody_disconnects(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    with while_held(lambda: bench.link(bench.account)) as other:
        disconnect(bench.owner, bench.connection.id, now=NOW)
    assert (other.code, other.what) == ("connectionDisconnected", "This connection is ended.")
    assert not JournalLink.objects.filter(company=bench.company).exists()


def disconnecting_while_somebody_links(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    with while_held(lambda: disconnect(bench.owner, bench.connection.id, now=LATER)) as other:
        made = bench.link(bench.account)
    assert other.result.state == ConnectionState.DISCONNECTED
    assert JournalLink.objects.get(pk=made.pk).unlinked_at == LATER
    assert OnlineAccount.objects.get(pk=bench.account.pk).next_fetch_at is None


def disconnected_by_two(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    bench.link(bench.account)
    with while_held(lambda: disconnect(bench.owner, bench.connection.id, now=LATER)) as other:
        disconnect(bench.owner, bench.connection.id, now=LATER)
    assert not other.code
    assert (bench.audited("connection.disconnected"), bench.audited("link.ended")) == (1, 1)


# --- settings of a link and a connection ---


def edited_while_it_is_unlinked(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    with while_held(lambda: bench.edit(link)) as other:
        unlink(bench.owner, link.id, now=NOW)
    assert (other.code, other.what) == ("linkEnded", "This account does not feed the journal any more.")
    assert OnlineAccount.objects.get(pk=bench.account.pk).next_fetch_at is None


def another_day_while_it_is_unlinked(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    earlier = lambda: change_fetch_from(bench.owner, link.id, dt.date(2026, 10, 1), now=NOW)  # noqa: E731
    with while_held(earlier) as other:
        unlink(bench.owner, link.id, now=NOW)
    assert other.code == "linkEnded"


def moved_to_two_journals(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link, one, two = bench.link(bench.account), bench.journal("One"), bench.journal("Two")
    with while_held(lambda: relink(bench.owner, link.id, two.id, now=LATER)) as other:
        relink(bench.owner, link.id, one.id, now=LATER)
    assert other.code == "linkEnded"
    assert JournalLink.objects.get(company=bench.company, unlinked_at=None).journal == one
    assert Journal.objects.get(pk=two.pk).feed == Feed.UNDEFINED


def paused_while_its_schedule_is_edited(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    with while_held(lambda: bench.edit(link)):
        pause(bench.owner, bench.connection.id, now=NOW)
    assert OnlineAccount.objects.get(pk=bench.account.pk).next_fetch_at is None


def paused_while_it_becomes_automatic(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    bench.link(bench.account)
    set_automatic_sync(bench.owner, bench.connection.id, False, now=NOW)
    with while_held(lambda: set_automatic_sync(bench.owner, bench.connection.id, True, now=NOW)):
        pause(bench.owner, bench.connection.id, now=NOW)
    found = bench.state()
    assert (found.state, found.automatic_sync) == (ConnectionState.PAUSED, True)
    assert OnlineAccount.objects.get(pk=bench.account.pk).next_fetch_at is None


# --- accounts and credentials ---


def the_list_is_reloaded_by_two_when_an_account_is_new(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    bench.hub.accounts.append(ScriptedAccount(reference="BE43068999999501"))

    def again() -> list[OnlineAccount]:
        return reload_accounts(bench.owner, bench.connection.id, now=NOW)

    with while_held(again) as other:
        assert len(again()) == 3
    assert len(other.result) == 3
    assert bench.connection.online_accounts.count() == 3


def connected_by_two(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bench.hub, "_token", _any_pair(bench.hub))
    with while_held(lambda: bench.connect("new")) as other:
        made = bench.connect("new")
    assert other.result.pk == made.pk


def two_new_pairs(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bench.hub, "_token", _any_pair(bench.hub))
    with while_held(lambda: bench.update("second")) as other:
        bench.update("first")
    assert (other.code, bench.used()) == ("credentialsReplaced", "first")


def the_same_pair_twice(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bench.hub, "_token", _any_pair(bench.hub))
    with while_held(lambda: bench.update("first")) as other:
        bench.update("first")
    assert (len(other.result.matched), other.result.new) == (2, [])
    assert bench.audited("connection.credentials_updated") == 1


def one_pair_for_two_connections(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bench.hub, "_token", _any_pair(bench.hub))
    beside = bench.connect("beside")
    with while_held(lambda: bench.update("wanted", beside)) as other:
        bench.update("wanted")
    assert (other.code, other.what) == ("H-CREDENTIALS", "Another connection uses this Client ID.")
    assert (bench.used(), bench.used(beside)) == ("wanted", "beside")


def a_token_migrated_by_two(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    token = _with_token(bench, patch)
    with while_held(lambda: bench.update("second")) as other:
        bench.update("first")
    found = bench.state()
    assert (other.code, bench.used()) == ("credentialsReplaced", "first")
    assert found.credential_kind == CredentialKind.CLIENT
    assert take_token_back(bench.owner, found.id, now=LATER).client_id == token


def a_token_taken_back_while_the_first_fetch_wipes_it(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    _with_token(bench, patch)
    link = bench.link(OnlineAccount.objects.get(connection=bench.connection, reference=NUMBERS[0]))
    bench.update("first")
    back = lambda: take_token_back(bench.owner, bench.connection.id, now=LATER)  # noqa: E731
    with when("_tell", back) as other:
        assert bench.fetch(link, LATER).status == RunStatus.DONE
    assert other.code == "tokenGone"
    assert (bench.used(), bench.state().sealed_old_token) == ("first", None)


def _with_token(bench: Bench, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(bench.hub, "_token", _any_pair(bench.hub))
    token = f"old-token-of-{bench.company.id}"
    bench.hub.valid_tokens.add(token)
    bench.connection = connect_with_token(bench.owner, bench.company.id, hub_url=bench.hub.url, token=token, now=NOW)
    return bench.connection.client_id


def _any_pair(hub: ScriptedHub) -> Callable[[str], tuple[int, str]]:
    """The Hub knows every Client ID with the secret of the test."""
    asked = ScriptedHub._token

    def answer(authorization: str) -> tuple[int, str]:
        hub.client_id = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")[0]
        return asked(hub, authorization)

    return answer


# --- a fetch, and what people do meanwhile ---


def credentials_replaced_at_the_commit_point(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bench.hub, "_token", _any_pair(bench.hub))
    link = bench.link(bench.account)
    with when("_tell", lambda: bench.update("first")) as other:
        assert bench.fetch(link).status == RunStatus.DONE
    assert len(other.result.matched) == 2
    assert bench.used() == "first"
    assert OnlineAccount.objects.get(pk=bench.account.pk).next_fetch_at == LATER


def a_sibling_is_linked_while_a_batch_is_posted(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    with when("_require_link", lambda: bench.link(bench.sibling)) as other:
        assert bench.fetch(link).status == RunStatus.DONE
    assert other.result.online_account_id == bench.sibling.id
    assert len(amounts(link.journal)) == 3


def disconnected_while_a_batch_is_posted(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    """The batch ends; whichever of the next batch and the end comes first, nothing is left half."""
    link = bench.link(bench.account)
    with when("_require_link", lambda: disconnect(bench.owner, bench.connection.id, now=LATER)):
        run = bench.fetch(link)
    account = OnlineAccount.objects.get(pk=bench.account.pk)
    assert (run.status, run.error_code) in {("failed", "L-JOURNAL-MISSING"), ("done", "")}
    assert len(amounts(link.journal)) in ({3} if run.status == "done" else {1, 2})
    bench.sound()
    assert (account.lease_until, account.next_fetch_at, account.lease_holder) == (None, None, "")
    assert account.fetch_state in {FetchState.FAILED, FetchState.IDLE}
    assert bench.state().state == ConnectionState.DISCONNECTED


def unlinked_at_the_commit_point(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    with when("_tell", lambda: unlink(bench.owner, link.id, now=LATER)):
        assert bench.fetch(link).status == RunStatus.DONE
    assert OnlineAccount.objects.get(pk=bench.account.pk).next_fetch_at is None


def one_run_two_workers(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    run = request_fetch(None, link.online_account, trigger="person", now=NOW)

    def work() -> Run:
        return run_fetch(run.id, clock=lambda: NOW, sleep=lambda seconds: None)

    with when("_tell", work) as other:
        assert work().status == RunStatus.DONE
    assert other.result.pk == run.pk
    assert len(amounts(link.journal)) == 3


def asked_for_by_two(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    bench.fetch(link)

    def ask() -> Run:
        return request_fetch(bench.owner, link.online_account, trigger="person", now=LATER)

    with while_held(ask) as other:
        run = ask()
    assert other.result == run


def a_lock_is_set_while_a_batch_is_posted(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    link = bench.link(bench.account)
    company = Company.objects.get(pk=bench.company.pk)
    with when("_require_link", lambda: move_lock(bench.owner, company, dt.date(2026, 11, 8), now=NOW)):
        assert bench.fetch(link).status == RunStatus.DONE
    bench.sound()


# --- merging ---


def merged_by_two(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    journal, typed, held = _held_duplicate(bench)
    with while_held(lambda: merge_duplicate(bench.owner, held, now=NOW)) as other:
        merge_duplicate(bench.owner, held, now=NOW)
    assert (other.code, other.what) == ("lineGone", "This line is not there any more.")
    assert list(Line.objects.filter(journal=journal, amount=9).values_list("id", flat=True)) == [typed]


def merged_into_a_line_that_is_being_removed(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    _, typed, held = _held_duplicate(bench)
    with while_held(lambda: merge_duplicate(bench.owner, held, now=NOW)) as other:
        remove_line(bench.owner, typed, reason="typed twice", now=NOW)
    assert other.code == "lineRemoved"
    assert Line.objects.get(pk=held).status == LineStatus.HELD_DUPLICATE


def _held_duplicate(bench: Bench) -> tuple[Journal, UUID, UUID]:
    """A line typed by hand, and the bank's of the same day and amount."""
    journal = bench.journal()
    typed = add_manual_line(
        bench.owner, journal.id, date=dt.date(2026, 11, 9), amount=Decimal(9), label="By hand", now=NOW
    )
    bench.fetch(bench.link(bench.account, journal))
    return journal, typed.id, Line.objects.get(journal=journal, status=LineStatus.HELD_DUPLICATE).id


def each_keeps_the_other(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    one, two = _twins(bench)
    with while_held(lambda: merge_lines(bench.owner, two, [one], now=NOW)) as other:
        merge_lines(bench.owner, one, [two], now=NOW)
    assert (other.code, other.what) == ("lineRemoved", "The line that would stay was removed meanwhile.")
    assert Line.objects.get(pk=one).status == LineStatus.POSTED
    bench.sound()


def each_deletes_another(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    one, two = _twins(bench)
    with while_held(lambda: delete_duplicates(bench.owner, [one], staying=[two], now=NOW)) as other:
        delete_duplicates(bench.owner, [two], staying=[one], now=NOW)
    assert other.code == "lineRemoved"
    assert Line.objects.get(pk=one).status == LineStatus.POSTED
    bench.sound()


def _twins(bench: Bench) -> tuple[UUID, UUID]:
    journal = bench.journal()
    one, two = (
        add_manual_line(
            bench.owner, journal.id, date=dt.date(2026, 11, 9), amount=Decimal(9), label="Coffee", now=NOW
        ).id
        for _ in range(2)
    )
    return one, two


#: Scenarios that share a database, each with a company of its own: emptying it takes longer than the scenarios.
SCENARIOS: dict[str, tuple[Callable[[Bench, pytest.MonkeyPatch], None], ...]] = {
    "linking": (
        one_account_two_journals,
        two_accounts_one_journal,
        the_same_twice_is_one_link,
        a_choice_against_an_account_that_was_linked_meanwhile,
        linking_while_somebody_disconnects,
        disconnecting_while_somebody_links,
        disconnected_by_two,
    ),
    "settings": (
        edited_while_it_is_unlinked,
        another_day_while_it_is_unlinked,
        moved_to_two_journals,
        paused_while_its_schedule_is_edited,
        paused_while_it_becomes_automatic,
    ),
    "credentials": (
        the_list_is_reloaded_by_two_when_an_account_is_new,
        connected_by_two,
        two_new_pairs,
        the_same_pair_twice,
        one_pair_for_two_connections,
        a_token_migrated_by_two,
        a_token_taken_back_while_the_first_fetch_wipes_it,
    ),
    "fetching": (
        credentials_replaced_at_the_commit_point,
        a_sibling_is_linked_while_a_batch_is_posted,
        disconnected_while_a_batch_is_posted,
        unlinked_at_the_commit_point,
        one_run_two_workers,
        asked_for_by_two,
        a_lock_is_set_while_a_batch_is_posted,
    ),
    "merging": (
        merged_by_two,
        merged_into_a_line_that_is_being_removed,
        each_keeps_the_other,
        each_deletes_another,
    ),
}


@pytest.mark.parametrize("group", SCENARIOS)
def test_one_outcome_and_the_other_is_told(owner: User, hub: ScriptedHub, group: str) -> None:
    for scenario in SCENARIOS[group]:
        company = create_company(owner, name=scenario.__name__, country="BE", currency="EUR")
        with pytest.MonkeyPatch.context() as patch:
            scenario(Bench(owner, company, hub), patch)
