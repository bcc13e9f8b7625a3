"""The scenario table of connectors.md 5.3: one test for each test user of the sandbox bank, with exactly the end state
that the table states, through the Hub's own services (linking, schedule, queue) and the real connector."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from tests.hub.linking.life import DAY, Life
from tests.sandbox.customer import Customer
from tests.simulation.world import open_bank

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
from nostro.hub.accounts.models import PendingTransaction, Transaction, TransactionChange
from nostro.hub.linking.consents import current_consent
from nostro.hub.linking.models import Authorisation, Connection, ConsentNotice
from nostro.hub.linking.notices import send_consent_notices
from nostro.hub.linking.services import expire_authorisations
from nostro.hub.linking.tokens import open_tokens
from nostro.hub.sync.models import Synchronization
from nostro.sandbox.scenarios import SCENARIOS

Row = Callable[[Life], None]
ROWS: dict[str, Row] = {}


def row(test: Row) -> Row:
    """A row of the table; the function has the name of the test user."""
    ROWS[test.__name__] = test
    return test


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Customer:
    return open_bank(tmp_path_factory.mktemp("scenario-bank"))


@pytest.fixture
def life_of(db: None, bank: Customer) -> Iterator[Callable[[str], Life]]:
    lives = []

    def live(psu: str) -> Life:
        life = Life(bank, psu)
        running = life.running()
        running.__enter__()
        lives.append(running)
        life.forget()
        return life

    yield live
    for running in lives:
        running.__exit__(None, None, None)


def test_every_test_user_of_the_bank_has_a_row() -> None:
    assert set(ROWS) == set(SCENARIOS)


@pytest.mark.parametrize("psu", sorted(SCENARIOS))
def test_scenario(life_of: Callable[[str], Life], psu: str) -> None:
    ROWS[psu](life_of(psu))


# --- how the person says yes


def _is_good(life: Life, accounts: int) -> None:
    """The end state of user_good: all rows, a green proof, one access for each account and endpoint."""
    life.equals_truth(of=accounts)
    assert {account.proof for account in life.accounts()} == {"green"}
    assert {account.health for account in life.accounts()} == {"active"}
    for account in life.accounts():
        for endpoint in ("balances", "transactions"):
            calls = life.asked(f"/accounts/{account.resource_id}/{endpoint}")
            assert sum(call["page"] != "next" for call in calls) == 1


@row
def user_good(life: Life) -> None:
    steps = life.settle()
    assert [type(step) for step in steps] == [Redirect, Finished]
    _is_good(life, 3)


@row
def user_good_oauth(life: Life) -> None:
    steps = life.settle()
    assert [type(step) for step in steps] == [Redirect, Redirect, Finished]
    _is_good(life, 2)
    first = open_tokens(_consent(life))
    life.wait(16 * 60)
    life.ask(attended=True)
    second = open_tokens(_consent(life))
    assert first and second and first.refresh_token != second.refresh_token
    life.days(1.5)
    life.equals_truth()
    assert life.of_bank().health == "active"
    answers = [call["status"] for call in life.asked("/oauth/token")]
    assert len(answers) > 3
    assert set(answers) == {200}, "a refresh token is never used twice"


def _consent(life: Life):  # type: ignore[no-untyped-def]
    consent = current_consent(life.of_bank())
    assert consent is not None
    return consent


@row
def user_mfa_decoupled(life: Life) -> None:
    steps = life.settle()
    assert isinstance(steps[0], Decoupled)
    assert "app of Nostro Test Bank" in steps[0].psu_message
    assert isinstance(steps[-1], Finished)
    assert 2 <= len(steps) <= 7
    _is_good(life, 2)


@pytest.mark.parametrize("verdict", ["deny", "ignore"])
def test_decoupled_denied_or_ignored_leaves_no_connection(life_of: Callable[[str], Life], verdict: str) -> None:
    life = life_of("user_mfa_decoupled")
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


def test_two_tabs_that_wait_ask_no_faster_than_once_a_second(life_of: Callable[[str], Life]) -> None:
    life = life_of("user_mfa_decoupled")
    authorisation, _step = life.begin()
    life.forget()
    for _ in range(5):
        assert isinstance(life.answer(authorisation, "poll"), Decoupled)
    assert len(life.asked("/status")) == 1
    life.wait(2)
    life.answer(authorisation, "poll")
    assert len(life.asked("/status")) == 2


@row
def user_mfa_embedded(life: Life) -> None:
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


def test_a_wrong_password_is_exactly_one_attempt(life_of: Callable[[str], Life]) -> None:
    life = life_of("user_mfa_embedded")
    authorisation, _ = life.begin()
    ended = life.answer(authorisation, "credentials", password="wrong-password")
    assert isinstance(ended, Failed)
    assert isinstance(ended.error, CredentialsInvalid)
    assert len(life.asked("/authorisations", 401)) == 1
    assert "wrong-password" not in life.log.getvalue()
    assert not Connection.objects.filter(organization=life.organization, removed_at=None).exists()


def test_a_process_that_dies_while_it_asks_the_bank_leaves_the_step_to_be_taken_again(
    life_of: Callable[[str], Life],
) -> None:
    life = life_of("user_mfa_embedded")
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


@row
def user_cancel(life: Life) -> None:
    _, steps = life.authorise()
    ended = steps[-1]
    assert isinstance(ended, Failed)
    assert isinstance(ended.error, ScaCancelled)
    assert not Connection.objects.filter(organization=life.organization, removed_at=None).exists()


# --- consents that end


@row
def user_consent_expires_60s(life: Life) -> None:
    life.settle()
    accounts = {account.pk for account in life.accounts()}
    life.forget()
    life.days(2)
    assert (life.of_bank().health, life.of_bank().health_code) == ("psuActionRequired", "CONSENT_EXPIRED")
    assert len(life.asked("/accounts")) == len(life.asked("/accounts", 401)) == 1
    assert all(life.rows(account) for account in life.accounts())
    life.settle()
    assert {account.pk for account in life.accounts()} == accounts
    assert life.of_bank().health == "active"
    life.equals_truth(of=2)


@row
def user_consent_revoked(life: Life) -> None:
    life.settle()
    life.days(0.1, step_hours=1)
    life.forget()
    life.days(2)
    assert life.of_bank().health == "psuActionRequired"
    assert _consent(life).status == "revokedByPsu"
    assert len(life.asked("/v1/accounts")) <= 1


@row
def user_consent_90d(life: Life) -> None:
    life.settle(runs=False)
    granted = _consent(life).valid_until
    assert granted == (life.now() + dt.timedelta(days=90)).date()
    for days_before in (31, 14, 7, 1):
        at = dt.datetime.combine(granted - dt.timedelta(days=days_before), dt.time(12), dt.UTC)
        send_consent_notices(at)
        send_consent_notices(at)
    sent = ConsentNotice.objects.filter(organization=life.organization).values_list("days_before", flat=True)
    assert {14, 7, 1} <= set(sent)
    assert len(sent) == len(set(sent))


# --- banks that are full, down, slow


@row
def user_quota_exhausted(life: Life) -> None:
    life.settle()
    assert all(life.rows(account) for account in life.accounts()), "the first read is attended"
    life.forget()
    life.days(0.9)
    first, second = life.accounts()
    assert len(life.asked(f"/accounts/{first.resource_id}/transactions", 429)) <= 1
    assert len(life.asked(f"/accounts/{first.resource_id}/balances", 429)) <= 1
    assert len(life.asked("/accounts", 429)) >= 1
    assert first.health == "rateLimited"
    assert second.health == "active"
    assert life.of_bank().health != "psuActionRequired"
    life.ask(attended=True)
    assert Synchronization.objects.filter(account=first, customer_online=True).latest("created_at").status == "success"


@row
def user_bank_down(life: Life) -> None:
    life.settle()
    account = life.account()
    assert account.health == "aspspUnavailable" or life.of_bank().health == "aspspUnavailable"
    assert _consent(life).status == "valid"
    life.days(2)
    life.equals_truth(of=1)
    assert TransactionChange.objects.filter(transaction__account=account, kind="removed").count() == 0
    assert life.of_bank().health == "active"


@row
def user_slow_15s(life: Life) -> None:
    life.settle()
    # A list of many slow pages takes more than one run of five minutes; the next one goes on where it stopped.
    for _ in range(5):
        life.wait(60)
        life.minute()
    life.equals_truth(of=2)
    assert life.of_bank().health == "active"


@row
def user_flaky_401(life: Life) -> None:
    life.settle()
    assert life.of_bank().health == "active"
    life.days(1)
    life.equals_truth(of=2)
    assert len(life.asked("/balances", 401)) == 1
    assert {account.health for account in life.accounts()} == {"active"}


@row
def user_partial(life: Life) -> None:
    life.settle()
    life.days(1)
    by_name = {account.bank_name: account for account in life.accounts()}
    assert len(by_name) == 3
    bad = by_name.pop("Spaarrekening")
    for account in by_name.values():
        assert life.rows(account) == life.truth(account)
        assert account.health == "active"
    assert not life.rows(bad)
    assert bad.synchronized_at is None


# --- rows that change


@row
def user_pending_then_booked(life: Life) -> None:
    life.settle()
    account = life.account()
    assert PendingTransaction.objects.filter(account=account, removed_at=None).count() >= 3
    life.days(8)
    life.equals_truth(of=1)
    assert life.account().proof == "green"
    gone = PendingTransaction.objects.filter(account=account)
    assert gone.exclude(booked_as=None).count() >= 2


@row
def user_booked_only(life: Life) -> None:
    life.settle()
    life.days(1)
    life.equals_truth(of=2)
    for account in life.accounts():
        refused = life.asked(f"/accounts/{account.resource_id}/transactions", 400)
        assert len(refused) <= 1


@row
def user_identical_twins(life: Life) -> None:
    life.settle()
    life.equals_truth(of=1)
    twins = max(life.rows(life.account()).values())
    life.days(2)
    life.equals_truth()
    assert max(life.rows(life.account()).values()) == twins + 1
    life.days(10)
    life.equals_truth()
    assert max(life.rows(life.account()).values()) == twins
    assert TransactionChange.objects.filter(transaction__account=life.account(), kind="removed").count() == 1


@row
def user_no_ids(life: Life) -> None:
    life.settle()
    for _ in range(10):
        life.wait(DAY / 3)
        life.ask(attended=True)
    life.equals_truth(of=1)


@row
def user_uid_changes(life: Life) -> None:
    life.settle()
    before = dict(Transaction.objects.filter(organization=life.organization).values_list("id", "booking_date"))
    accounts = [account.pk for account in life.accounts()]
    life.settle()
    life.equals_truth(of=2)
    assert [account.pk for account in life.accounts()] == accounts
    assert dict(Transaction.objects.filter(organization=life.organization).values_list("id", "booking_date")) == before
    assert not Transaction.objects.filter(organization=life.organization).exclude(removed_at=None).exists()


@row
def user_ref_reused(life: Life) -> None:
    life.settle()
    life.equals_truth(of=1)
    reused = Transaction.objects.filter(account=life.account(), entry_reference="REUSED-REFERENCE-1")
    assert reused.count() == 2


@row
def user_balance_gap(life: Life) -> None:
    life.settle()
    assert life.account().proof == "green"
    life.days(3)
    account = life.account()
    assert account.proof == "red"
    assert abs(account.proof_difference) == Decimal("12.34")
    life.equals_truth()
    life.days(20)
    life.equals_truth()
    assert life.account().proof == "green"


@row
def user_backdated(life: Life) -> None:
    life.settle()
    ids = set(Transaction.objects.filter(account=life.account()).values_list("id", flat=True))
    life.days(8)
    life.equals_truth(of=1)
    late = Transaction.objects.get(
        account=life.account(), amount=Decimal("-56.78"), creditor_name__startswith="Assekura"
    )
    assert late.id not in ids
    assert ids <= set(Transaction.objects.filter(account=life.account(), removed_at=None).values_list("id", flat=True))


@row
def user_corrections(life: Life) -> None:
    life.settle()
    ids = set(Transaction.objects.filter(account=life.account()).values_list("id", flat=True))
    life.days(9)
    life.equals_truth(of=1)
    changes = TransactionChange.objects.filter(transaction__account=life.account())
    assert changes.filter(kind="modified").values("transaction").distinct().count() == 4
    assert changes.filter(kind="removed").count() == 1
    assert set(changes.values_list("transaction_id", flat=True)) <= ids


# --- lists that are long, odd or short


@row
def user_10k_tx(life: Life) -> None:
    life.settle()
    life.equals_truth(of=1)
    assert sum(life.rows(life.account()).values()) >= 10_000
    calls = life.asked(f"/accounts/{life.account().resource_id}/transactions")
    assert sum(call["page"] == "first" for call in calls) == 1
    life.wait(DAY / 3)
    life.ask(attended=True)
    life.equals_truth()


@row
def user_paging_odd(life: Life) -> None:
    life.settle()
    life.days(6)
    incomplete = Synchronization.objects.filter(account=life.account(), status="error")
    assert all("ProtocolError" in str(run.errors) or "Protocol" in str(run.errors) for run in incomplete) or incomplete
    life.equals_truth(of=1)


@row
def user_multi_currency(life: Life) -> None:
    life.settle()
    life.equals_truth(of=4)
    assert {account.currency for account in life.accounts()} == {"EUR", "USD", "JPY", "KWD"}
    assert len({account.reference for account in life.accounts()}) == 1
    yen = next(account for account in life.accounts() if account.currency == "JPY")
    assert all(amount == int(amount) for _, amount in life.rows(yen))


@row
def user_history_15min(life: Life) -> None:
    life.settle()
    life.equals_truth(of=2)
    life.days(9)
    life.equals_truth()
    assert life.asked("/transactions", 400) == []


@row
def user_window_limit(life: Life) -> None:
    life.settle()
    account = life.account()
    oldest = (life.now() - dt.timedelta(days=61)).date().isoformat()
    recent = {key: n for key, n in life.truth(account).items() if key[0] > oldest}
    stored = {key: n for key, n in life.rows(account).items() if key[0] > oldest}
    assert stored == recent != {}
    assert 1 <= len(life.asked(f"/accounts/{account.resource_id}/transactions", 400)) <= 6
    life.forget()
    life.days(9)
    assert life.asked("/transactions", 400) == []


@row
def user_closed_account(life: Life) -> None:
    life.settle()
    held = life.rows(life.account())
    life.days(30, step_hours=8)
    assert life.rows(life.account()) >= held
    closed = [account for account in life.accounts() if account.health != "active"]
    assert len(closed) == 1
    life.forget()
    life.days(6, step_hours=8)
    assert len(life.asked(f"/accounts/{closed[0].resource_id}/balances")) <= 1


@row
def user_empty(life: Life) -> None:
    life.settle()
    life.equals_truth(of=1)
    assert not life.rows(life.account())
    assert life.account().current_balance is not None
    assert Synchronization.objects.get(account=life.account()).status == "success"


@row
def user_card(life: Life) -> None:
    # Not a row of the table. Card accounts are not read yet; the account beside the card is.
    life.settle()
    current = next(account for account in life.accounts() if account.subtype != "card")
    assert life.rows(current) == life.truth(current)


@row
def user_hostile_text(life: Life) -> None:
    life.settle()
    life.equals_truth(of=1)
    texts = "".join(Transaction.objects.filter(account=life.account()).values_list("remittance_information", flat=True))
    assert "<script>" in texts
    assert not any(character < " " and character not in "\n\t" for character in texts)
