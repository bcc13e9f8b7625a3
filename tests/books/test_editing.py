"""Later changes act on exactly one account (books.md 4), and an opening can be changed (13.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import amounts, balance, connected, fetch

from nostro.books.companies.models import Company
from nostro.books.companies.services import set_lock_date
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.opening import change_opening
from nostro.books.journals.services import create_journal
from nostro.books.links.account_lists import reload_accounts
from nostro.books.links.editing import change_fetch_from, decline, relink
from nostro.books.links.models import JournalLink, OnlineAccount
from nostro.books.links.services import edit_link, unlink
from nostro.books.links.wizard import LinkErrors, LinkRow, confirm_links, propose_rows
from nostro.people.models import User
from nostro.web.errors import Problem

FROM = dt.date(2026, 11, 5)


@pytest.fixture
def links(owner: User, company: Company, hub: ScriptedHub) -> list[JournalLink]:
    """Three accounts of one connection, each with a journal and lines."""
    numbers = ["BE68539007547034", "BE71096123456769", "BE43068999999501"]
    hub.accounts = [
        ScriptedAccount(reference=number, transactions=[
            Booked(f"{number}-{day}", f"2026-11-{day:02}", f"{day}.00", f"{number} {day}") for day in (10, 8, 3)
        ])
        for number in numbers
    ]  # fmt: skip
    connection = connected(owner, company, hub)
    rows = [LinkRow(row.id, "create", fetch_from=FROM) for row in connection.online_accounts.order_by("reference")]
    links = confirm_links(owner, connection.id, rows, now=NOW)
    for link in links:
        fetch(link)
    return links


def everything_of(links: list[JournalLink]) -> list[object]:
    accounts = [link.online_account_id for link in links]
    return [
        list(OnlineAccount.objects.filter(pk__in=accounts).order_by("id").values()),
        list(JournalLink.objects.filter(online_account__in=accounts).order_by("id").values()),
        list(Journal.objects.filter(links__online_account__in=accounts).order_by("id").values()),
        list(Line.objects.filter(journal__links__online_account__in=accounts).order_by("id").values()),
    ]


CHANGES: dict[str, Callable[[User, JournalLink, Journal], object]] = {
    "settings": lambda user, link, _: edit_link(user, link.id, grouping="daily", fetch_schedule="1h", now=NOW),
    "fetch-from": lambda user, link, _: change_fetch_from(user, link.id, dt.date(2026, 11, 1), now=NOW),
    "opening": lambda user, link, _: change_opening(user, link.journal_id, origin="typed", amount=Decimal(5)),
    "relink": lambda user, link, other: relink(user, link.id, other.id, now=NOW),
    "unlink": lambda user, link, _: unlink(user, link.id, now=NOW),
    "decline": lambda user, link, _: decline(user, link.id, now=NOW),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_touches_one_account_only(name: str, owner: User, company: Company, links: list[JournalLink]) -> None:
    other = create_journal(owner, company, name="Other", currency="EUR")
    before, of_it = everything_of(links[1:]), everything_of(links[:1])

    CHANGES[name](owner, links[0], other)

    assert everything_of(links[1:]) == before
    assert everything_of(links[:1]) != of_it


def test_an_earlier_day_brings_what_was_before_it_once(owner: User, links: list[JournalLink]) -> None:
    link = links[0]
    assert amounts(link.journal) == [Decimal(8), Decimal(10)]
    change_fetch_from(owner, link.id, dt.date(2026, 11, 1), now=NOW)
    fetch(link, NOW + dt.timedelta(minutes=5))

    # It came last, so it stands in the statement of the fetch that brought it (books.md 5.2 rule 6).
    assert amounts(link.journal) == [Decimal(8), Decimal(10), Decimal(3)]
    change_fetch_from(owner, link.id, dt.date(2026, 11, 9), now=NOW)
    fetch(link, NOW + dt.timedelta(minutes=9))
    assert len(amounts(link.journal)) == 3


def test_locked_and_future_days_are_refused_with_the_first_allowed(
    owner: User, company: Company, links: list[JournalLink]
) -> None:
    set_lock_date(owner, company, dt.date(2026, 11, 2))
    for day in (dt.date(2026, 11, 2), dt.date(2026, 11, 13)):
        with pytest.raises(Problem) as refused:
            change_fetch_from(owner, links[0].id, day, now=NOW)
        assert (refused.value.code, refused.value.field) == ("L-DATE", "fetch_from")
        assert "2026-11-03" in refused.value.what_to_do


def test_a_relinked_account_goes_on_where_it_stopped(
    owner: User, company: Company, hub: ScriptedHub, links: list[JournalLink]
) -> None:
    account = next(each for each in hub.accounts if each.reference == links[0].online_account.reference)
    other = create_journal(owner, company, name="Other", currency="EUR")
    again = relink(owner, links[0].id, other.id, now=NOW)
    account.transactions.insert(0, Booked("new", "2026-11-11", "11.00"))
    fetch(again, NOW + dt.timedelta(hours=1))

    assert amounts(links[0].journal) == [Decimal(8), Decimal(10)]
    assert amounts(other) == [Decimal(11)]
    assert JournalLink.objects.filter(online_account=again.online_account, unlinked_at=None).count() == 1


def test_a_refused_move_leaves_the_link_as_it_was(owner: User, links: list[JournalLink]) -> None:
    with pytest.raises(LinkErrors) as refused:
        relink(owner, links[0].id, links[1].journal_id, now=NOW)

    assert {error.code for error in refused.value.errors} == {"L-JOURNAL-TAKEN", "L-NUMBER"}
    assert JournalLink.objects.get(pk=links[0].pk).unlinked_at is None


def test_do_not_link_survives_a_reload(owner: User, links: list[JournalLink]) -> None:
    decline(owner, links[0].id, now=NOW)
    connection = links[0].online_account.connection
    reload_accounts(owner, connection.id, now=NOW)

    rows = {row.account.id: row.action for row in propose_rows(connection, now=NOW)}
    assert rows[links[0].online_account_id] == "skip"


def test_an_opening_is_reversed_and_posted_anew(owner: User, links: list[JournalLink]) -> None:
    journal_id = links[0].journal_id
    change_opening(owner, journal_id, origin="typed", amount=Decimal(100))
    journal = change_opening(owner, journal_id, origin="typed", amount=Decimal(250))
    again = change_opening(owner, journal_id, origin="typed", amount=Decimal(250))

    assert again.opening_entry_id == journal.opening_entry_id
    assert balance(journal.bank_account) == Decimal(268)
    assert journal.opening_date == dt.date(2026, 11, 7)
    none = change_opening(owner, journal_id, origin="none", amount=None)
    assert (none.opening_amount, none.opening_entry, balance(journal.bank_account)) == (0, None, Decimal(18))


def test_a_journal_without_lines_may_take_the_currency_of_the_account(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    hub.accounts = [ScriptedAccount(currency="USD")]
    connection = connected(owner, company, hub)
    (account,) = connection.online_accounts.all()
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    row = LinkRow(account.id, "link", journal.id, exchange_rate=Decimal("0.9"))
    with pytest.raises(LinkErrors) as refused:
        confirm_links(owner, connection.id, [row], now=NOW)
    assert [(error.code, error.field) for error in refused.value.errors] == [("L-CURRENCY", "changed_currency")]

    row = LinkRow(account.id, "link", journal.id, exchange_rate=Decimal("0.9"), changed_currency=True)
    (link,) = confirm_links(owner, connection.id, [row], now=NOW)
    journal = Journal.objects.get(pk=link.journal_id)
    assert (journal.currency, journal.bank_account.currency) == ("USD", "USD")
