"""The scenario table of connectors.md 5.3, first part: how people say yes, and consents that end.

One test for each test user of the sandbox bank, with exactly the end state that the table states, through the Hub's own
services (linking, schedule, queue) and the real connector. What both sides say meanwhile is judged by the standard's
contract (``conftest.live``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse
from tests.hub.linking.life import Calm, Life, sent_back
from tests.simulation.wires import URL

from nostro.connectors.contract import (
    Challenge,
    Decoupled,
    Failed,
    Finished,
    NeedCredentials,
    Redirect,
    SelectScaMethod,
)
from nostro.connectors.errors import CredentialsInvalid, ScaCancelled, ScaFailed
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.accounts.services import rename_account
from nostro.hub.integrations.queries import granted_accounts
from nostro.hub.integrations.services import create_integration
from nostro.hub.linking.models import Authorisation, Connection, ConsentNotice
from nostro.hub.linking.notices import send_consent_notices
from nostro.hub.linking.services import expire_authorisations
from nostro.hub.linking.tokens import open_tokens
from nostro.hub.sync.models import Schedule, Synchronization
from nostro.hub.sync.services import set_runs_per_day
from nostro.sandbox.scenarios import SCENARIOS

Live = Callable[[str], Life]


def test_every_test_user_of_the_bank_has_a_test() -> None:
    files = Path(__file__).parent.glob("test_scenarios*.py")
    tested = {psu for file in files for psu in SCENARIOS if f"def test_{psu}(" in file.read_text(encoding="utf-8")}
    assert tested == set(SCENARIOS)


def test_user_good(live: Live) -> None:
    life = live("user_good")
    steps = life.settle()
    assert [type(step) for step in steps] == [Redirect, Finished]
    life.is_good()
    current, savings = life.accounts()
    own = {sign: _own_transfers(account, sign) for account, sign in ((current, 1), (savings, -1))}
    assert own[1] == own[-1] != {}


def _own_transfers(account: Account, sign: int) -> dict[str | None, Decimal]:
    rows = Transaction.objects.filter(account=account, end_to_end_id__startswith="OWN-")
    return {row.end_to_end_id: sign * row.amount for row in rows}


def test_user_good_oauth(live: Live) -> None:
    life = live("user_good_oauth")
    steps = life.settle()
    assert [type(step) for step in steps] == [Redirect, Redirect, Finished]
    life.is_good()
    first = open_tokens(life.consent())
    life.wait(16 * 60)
    life.ask(attended=True)
    second = open_tokens(life.consent())
    assert first and second and first.refresh_token != second.refresh_token
    life.days(1.5)
    life.equals_truth()
    assert life.of_bank().health == "active"
    answers = [call["status"] for call in life.asked("/oauth/token")]
    assert len(answers) > 3
    assert set(answers) == {200}, "a refresh token is never used twice"


def test_user_mfa_decoupled(live: Live) -> None:
    life = live("user_mfa_decoupled")
    steps = life.settle()
    assert isinstance(steps[0], Decoupled)
    assert "app of Nostro Test Bank" in steps[0].psu_message
    assert isinstance(steps[-1], Finished)
    assert 2 <= len(steps) <= 7
    life.is_good()


@pytest.mark.parametrize("verdict", ["deny", "ignore"])
def test_decoupled_denied_or_ignored_leaves_no_connection(live: Live, verdict: str) -> None:
    life = live("user_mfa_decoupled")
    authorisation, step = life.begin()
    assert isinstance(step, Decoupled)
    state = (life.customer.control("GET", "/state").json or {})["consents"]
    waiting = next(each for each in state if each["consentStatus"] == "received")["authorisations"][-1]
    life.customer.control("POST", f"/authorisations/{waiting}", {verdict: True})
    if verdict == "deny":
        ended = life.go_on(authorisation, step)
        assert isinstance(ended, Failed)
        assert isinstance(ended.error, ScaFailed)
    else:
        life.wait(301)
        expire_authorisations(life.now())
        authorisation.refresh_from_db()
        assert authorisation.error_code == "ScaTimeout"
    assert not Connection.objects.filter(organization=life.organization, removed_at=None).exists()


def test_two_tabs_that_wait_ask_no_faster_than_once_a_second(live: Live) -> None:
    life = live("user_mfa_decoupled")
    authorisation, _step = life.begin()
    life.forget()
    for _ in range(5):
        assert isinstance(life.answer(authorisation, "poll"), Decoupled)
    assert len(life.asked("/status")) == 1
    life.wait(2)
    life.answer(authorisation, "poll")
    assert len(life.asked("/status")) == 2


def test_user_mfa_embedded(live: Live) -> None:
    life = live("user_mfa_embedded")
    authorisation, step = life.begin()
    assert isinstance(step, NeedCredentials)
    step = life.go_on(authorisation, step)
    assert isinstance(step, SelectScaMethod)
    step = life.go_on(authorisation, step)
    assert isinstance(step, Challenge)
    again = life.answer(authorisation, "scaAuthenticationData", scaAuthenticationData="000000")
    assert isinstance(again, Challenge)
    assert isinstance(life.go_on(authorisation, again), Finished)
    assert "sandbox" not in life.log.getvalue()
    assert "123456" not in life.log.getvalue()


def test_a_wrong_password_is_exactly_one_attempt(live: Live) -> None:
    life = live("user_mfa_embedded")
    authorisation, _ = life.begin()
    ended = life.answer(authorisation, "credentials", password="wrong-password")
    assert isinstance(ended, Failed)
    assert isinstance(ended.error, CredentialsInvalid)
    assert len(life.asked("/authorisations", 401)) == 1
    assert "wrong-password" not in life.log.getvalue()
    assert not Connection.objects.filter(organization=life.organization, removed_at=None).exists()


def test_a_process_that_dies_while_it_asks_the_bank_leaves_the_step_to_be_taken_again(
    live: Live,
) -> None:
    life = live("user_mfa_embedded")
    authorisation, step = life.begin()
    life.wires.request, kept = _dies, life.wires.request  # type: ignore[method-assign, assignment]
    with pytest.raises(_Dead):
        life.go_on(authorisation, step)
    life.wires.request = kept  # type: ignore[method-assign]
    assert Authorisation.objects.get(pk=authorisation.pk).status == "working"
    life.wait(181)
    assert isinstance(life.go_on(authorisation, step), SelectScaMethod)


class _Dead(BaseException):
    """What kill -9 is to the code."""


def _dies(*_: object, **__: object) -> None:
    raise _Dead


def test_user_cancel(live: Live) -> None:
    life = live("user_cancel")
    _, steps = life.authorise()
    ended = steps[-1]
    assert isinstance(ended, Failed)
    assert isinstance(ended.error, ScaCancelled)
    assert not Connection.objects.filter(organization=life.organization, removed_at=None).exists()


@pytest.mark.parametrize("way", ["denied", "closed"])
def test_a_renewal_that_is_denied_or_left_changes_nothing(live: Live, way: str) -> None:
    life = live("user_consent_90d")
    life.settle()
    consent, before = life.consent(), [(each.pk, each.health, each.synchronized_at) for each in life.accounts()]
    authorisation, step = life.begin()
    assert isinstance(step, Redirect)
    if way == "denied":
        back = life.customer.client.post(step.url.removeprefix(URL), data={"act": "deny"})
        ended = life.answer(authorisation, "callback", **sent_back(back))
        assert isinstance(ended, Failed)
        assert isinstance(ended.error, ScaCancelled)
    else:
        life.wait(31 * 60)
        expire_authorisations(life.now())
    authorisation.refresh_from_db()
    assert authorisation.status == ("cancelled" if way == "denied" else "expired")
    assert (life.consent().pk, life.consent().status) == (consent.pk, "valid")
    assert [(each.pk, each.health, each.synchronized_at) for each in life.accounts()] == before
    life.days(1)
    life.equals_truth(of=2)


def test_user_consent_expires_60s(live: Live) -> None:
    life = live("user_consent_expires_60s")
    life.settle()
    bank, accounts = life.of_bank().pk, {account.pk for account in life.accounts()}
    integration, _ = create_integration(
        life.user, life.organization, name="Books", account_ids=accounts, is_sandbox=True, now=life.now()
    )
    ids = set(Transaction.objects.filter(organization=life.organization).values_list("pk", flat=True))
    life.forget()
    life.days(3)
    assert (life.of_bank().health, life.of_bank().health_code) == ("psuActionRequired", "CONSENT_EXPIRED")
    assert life.consent().status == "expired"
    assert [call["status"] for call in life.asked("/v1/")] == [401], "one refusal, then silence"
    assert ids == set(Transaction.objects.filter(organization=life.organization).values_list("pk", flat=True))
    page = life.browser().get(reverse("hub:account", kwargs={"account_id": life.account().pk}))
    assert "Renew consent" in page.content.decode()
    life.settle()
    assert life.of_bank().pk == bank
    assert {account.pk for account in life.accounts()} == accounts
    assert {account.pk for account in granted_accounts(integration)} == accounts
    assert life.of_bank().health == "active"
    life.equals_truth(of=2)
    now_there = set(Transaction.objects.filter(organization=life.organization).values_list("pk", flat=True))
    assert ids < now_there, "the gap of three days is filled, and what was there kept its ids"


def test_user_consent_revoked(live: Live, mailoutbox: list[EmailMessage]) -> None:
    life = live("user_consent_revoked")
    life.settle()
    life.days(0.1, step_hours=1)
    life.forget()
    for _ in range(3):
        life.days(1)
        send_consent_notices(life.now())
    assert life.of_bank().health == "psuActionRequired"
    assert life.consent().status == "revokedByPsu"
    assert [call["status"] for call in life.asked("/v1/")] == [401], "no retry"
    [mail] = mailoutbox
    assert mail.subject == "Nostro Test Bank: renew the connection, it no longer works"
    assert all(life.rows(account) for account in life.accounts())


def test_user_consent_90d(live: Live, mailoutbox: list[EmailMessage]) -> None:
    life = live("user_consent_90d")
    life.settle(runs=False)
    granted = life.consent().valid_until
    assert granted == (life.now() + dt.timedelta(days=90)).date()
    for account in life.accounts():
        assert account.authorisation_expires_at is not None
        assert account.authorisation_expires_at.date() == granted
    for hours in range(0, 90 * 24, 6):
        send_consent_notices(life.now() + dt.timedelta(hours=hours))
    sent = ConsentNotice.objects.filter(organization=life.organization).order_by("sent_at")
    assert [notice.days_before for notice in sent] == [30, 14, 7, 1]
    assert [mail.subject.rpartition(" ends ")[2] for mail in mailoutbox] == [
        "in 30 days",
        "in 14 days",
        "in 7 days",
        "tomorrow",
    ]


def test_user_uid_changes(live: Live) -> None:
    life = live("user_uid_changes")
    life.settle()
    rename_account(life.user, life.account().pk, "Our till")
    set_runs_per_day(life.account(), 2, now=life.now(), randomness=Calm())
    before = dict(Transaction.objects.filter(organization=life.organization).values_list("id", "booking_date"))
    accounts = [account.pk for account in life.accounts()]
    life.settle()
    life.equals_truth(of=2)
    assert [account.pk for account in life.accounts()] == accounts
    assert (life.account().name, Schedule.objects.get(account=life.account()).runs_per_day) == ("Our till", 2)
    runs = Synchronization.objects.filter(organization=life.organization, status="success")
    assert [run.created_count > 0 for run in runs.order_by("pk")] == [True, True, False, False], "0 added"
    assert dict(Transaction.objects.filter(organization=life.organization).values_list("id", "booking_date")) == before
    assert not Transaction.objects.filter(organization=life.organization).exclude(removed_at=None).exists()
