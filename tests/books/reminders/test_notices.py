"""Each notice once per account, end and step; mails at most once; what a renewal clears (books.md 8, I-20, I-21)."""

from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.hub_server import ScriptedAccount, ScriptedHub
from tests.books.steps import fetch, linked

from nostro.books.companies.models import Company
from nostro.books.links.account_lists import look_again
from nostro.books.links.models import Health, JournalLink, OnlineAccount, Run
from nostro.books.reminders import mails
from nostro.books.reminders.models import ConsentNotice, MailState, NoticeMail, RenewalActivity
from nostro.books.reminders.notices import end_renewed, make_notices
from nostro.books.reminders.services import find_renewal, revoke_link, set_contacts
from nostro.books.reminders.steps import due_step
from nostro.books.reminders.tasks import run_round
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

ENDS = dt.date(2026, 12, 12)


@pytest.mark.parametrize(
    ("left", "step"),
    [(31, None), (30, 30), (16, 30), (15, 15), (8, 15), (7, 7), (4, 7), (3, 3), (2, 3), (1, 1), (0, 0), (-1, 0),
     (-6, 0), (-7, -7), (-13, -7), (-14, -14), (-364, -364), (-371, None)],
)  # fmt: skip
def test_the_step_that_is_due(left: int, step: int | None) -> None:
    assert due_step(ENDS, ENDS - dt.timedelta(days=left)) == step


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    hub.accounts = [ScriptedAccount(expires_at="2026-12-12T10:00:00.000Z", balance="1234.56")]
    link = linked(owner, company, hub)
    fetch(link)
    return link


def days_before(days: int) -> dt.datetime:
    return dt.datetime.combine(ENDS - dt.timedelta(days=days), dt.time(9), dt.UTC)


def test_each_step_is_told_once_also_when_the_round_runs_again(link: JournalLink) -> None:
    for days in range(33, -16, -1):
        for _again in range(2):
            make_notices(days_before(days))

    made = ConsentNotice.objects.order_by("created_at").values_list("days_before", flat=True)
    assert list(made) == [30, 15, 7, 3, 1, 0, -7, -14]
    assert NoticeMail.objects.count() == 8


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(-30, 40), min_size=1, max_size=8))
def test_whenever_it_runs_no_step_is_told_twice(days: list[int]) -> None:
    """Rounds in any rhythm, also with a clock that was set back."""
    made: set[int] = set()
    for left in days:
        step = due_step(ENDS, ENDS - dt.timedelta(days=left))
        if step is not None and not any(earlier <= step for earlier in made):
            assert step not in made
            made.add(step)


def test_the_database_refuses_a_second_notice(link: JournalLink) -> None:
    make_notices(days_before(30))
    notice = ConsentNotice.objects.get()

    with pytest.raises(IntegrityError, match="one_consent_notice_per_date_and_step"), transaction.atomic():
        ConsentNotice.objects.create(
            company=notice.company, online_account=notice.online_account, journal=notice.journal,
            expires_on=notice.expires_on, days_before=30, created_at=NOW,
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_once(link: JournalLink) -> None:
    def work(_number: int) -> int:
        try:
            return run_round(days_before(7))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(work, range(4)))

    assert sent == len(mail.outbox) == NoticeMail.objects.count() == 1


def test_the_mail_leads_to_a_page_and_tells_no_figures(link: JournalLink, owner: User) -> None:
    run_round(days_before(7))

    (told,) = mail.outbox
    assert told.to == [owner.email]
    assert "BE68xxxxxxxx7034" in told.body
    assert "BE68539007547034" not in told.body
    assert "1234" not in told.body
    secret = re.search(r"/books/renew/([\w-]{43})/", str(told.body))
    assert secret
    renewal = find_renewal(secret[1], now=days_before(7))
    assert (renewal.journal, renewal.ends_on, renewal.is_renewed) == (link.journal, ENDS, False)
    stored = NoticeMail.objects.get()
    assert stored.state == MailState.SENT
    assert stored.sealed_secret is None
    assert secret[1] not in stored.checksum
    with pytest.raises(NotFound):
        find_renewal(secret[1], now=days_before(7) + dt.timedelta(days=45))
    revoke_link(owner, stored.id, now=NOW)
    with pytest.raises(NotFound):
        find_renewal(secret[1], now=days_before(7))


def test_a_server_that_refuses_is_asked_again_and_a_lost_sender_is_not(
    link: JournalLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mails.message

    def refuse(*arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(mails, "message", refuse)
    assert run_round(days_before(7)) == 0
    assert NoticeMail.objects.get().state == MailState.QUEUED

    class Killed(BaseException):
        """The process ends between the mail server's yes and the note of it."""

    def send_and_die(*arguments: object) -> None:
        real(NoticeMail.objects.get(), NOW).send()
        raise Killed

    monkeypatch.setattr(mails, "message", send_and_die)
    with pytest.raises(Killed):
        run_round(days_before(7))
    monkeypatch.setattr(mails, "message", real)
    assert run_round(days_before(7)) == 0
    assert len(mail.outbox) == 1
    assert NoticeMail.objects.get().state == MailState.SENDING


def test_several_contacts_each_get_their_own_mail(link: JournalLink, owner: User) -> None:
    set_contacts(owner, link.journal_id, ["A@example.test", "b@example.test", "a@example.test "])
    run_round(days_before(3))

    assert sorted(address for told in mail.outbox for address in told.to) == ["a@example.test", "b@example.test"]
    with pytest.raises(Problem, match="no e-mail address"):
        set_contacts(owner, link.journal_id, ["nobody"])


def test_a_renewal_clears_notices_and_fetches_at_once(link: JournalLink, hub: ScriptedHub) -> None:
    run_round(days_before(15))
    run_round(days_before(7))
    activity = RenewalActivity.objects.get(done_at=None)
    assert (activity.due_on, activity.journal) == (ENDS, link.journal)

    hub.accounts[0].expires_at = "2027-06-01T10:00:00.000Z"
    before = Run.objects.count()
    run_round(days_before(6))

    assert not RenewalActivity.objects.filter(done_at=None).exists()
    assert Run.objects.count() == before + 1
    assert Run.objects.latest("created_at").trigger == "renewal"
    assert not NoticeMail.objects.filter(link_revoked_at=None).exists()
    assert end_renewed(days_before(6)) == 0
    assert len(mail.outbox) == 2


def test_an_abandoned_renewal_changes_nothing(link: JournalLink) -> None:
    run_round(days_before(7))
    before = OnlineAccount.objects.values().get()
    run_round(days_before(7) + dt.timedelta(hours=1))

    assert OnlineAccount.objects.values().get() == before
    assert RenewalActivity.objects.get().done_at is None


def test_an_account_that_the_renewal_left_out_is_named_and_its_sibling_goes_on(
    owner: User, company: Company, hub: ScriptedHub, link: JournalLink
) -> None:
    kept = ScriptedAccount(reference="BE71096123456769")
    hub.accounts = [kept]
    look_again(link.online_account.connection, now=NOW)

    missing = OnlineAccount.objects.get(pk=link.online_account_id)
    assert missing.health == Health.NOT_AUTHORISED
    assert missing.failures_seen.get(cleared_at=None).code == "H-NOT-AUTHORISED"
    assert OnlineAccount.objects.get(reference=kept.reference).health == Health.OK
    assert all("/synchronizations" not in request for request in hub.requests[-3:])  # I-25: nothing was refreshed


def test_an_ended_link_is_told_no_more(link: JournalLink) -> None:
    run_round(days_before(15))
    JournalLink.objects.update(unlinked_at=NOW)
    run_round(days_before(7))

    assert len(mail.outbox) == 1
    assert not RenewalActivity.objects.filter(done_at=None).exists()


def test_one_account_in_trouble_does_not_stop_the_others(
    owner: User, company: Company, hub: ScriptedHub, link: JournalLink
) -> None:
    """I-20: the Hub of one connection is gone; the notice of the other is made all the same."""
    run_round(days_before(15))
    hub.failures = [("/accounts", 500, {"errors": []})]
    run_round(days_before(7))

    assert ConsentNotice.objects.filter(days_before=7).exists()
