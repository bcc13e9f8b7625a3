"""Runs row by row, the gap, withdrawn rows, doubles, masked answers; and the state line with its one button."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from tests import factories
from tests.hub.pages.conftest import RAW_BODY, TODAY, World, browser

from nostro.hub.accounts.masked_answers import masked, masked_address
from nostro.hub.accounts.models import Account, DuplicateDecision, Transaction, TransactionChange
from nostro.hub.directory.models import Institution
from nostro.hub.linking.models import Connection
from nostro.hub.pages.progress import AccountProgress
from nostro.hub.pages.states import account_state
from nostro.hub.sync.models import LATE_ROWS, QuotaState, Schedule, Synchronization
from nostro.hub.sync.plans import plans_of
from nostro.hub.sync.quota import account_key
from nostro.people.models import AuditRecord

NOW = factories.NOW


def _get(world: World, name: str, **values: Any) -> str:
    page: str = browser(world.owner).get(reverse(f"hub:{name}", kwargs=values)).content.decode()
    return page


def _post(world: World, name: str, data: dict[str, str] | None = None, **values: Any) -> str:
    response = browser(world.owner).post(reverse(f"hub:{name}", kwargs=values), data or {}, follow=True)
    assert response.status_code == 200
    page: str = response.content.decode()
    return page


# --- the state line


def _state(**fields: Any) -> Any:
    connection = fields.pop("connection", None)
    fields = {"synchronized_at": NOW, "resource_id": "resource", **fields}
    account = Account(currency="EUR", institution=Institution(), **fields)
    return account_state(account, connection, AccountProgress(account, None), NOW)


@pytest.mark.parametrize(
    ("fields", "word", "action"),
    [
        ({}, "Up to date", "synchronize"),
        ({"proof": "red", "proof_difference": Decimal(1)}, "Does not add up", "find_gap"),
        ({"authorisation_expires_at": NOW + dt.timedelta(days=30)}, "Up to date", "renew"),
        ({"authorisation_expires_at": NOW + dt.timedelta(days=15, hours=1)}, "Up to date", "renew"),
        ({"authorisation_expires_at": NOW + dt.timedelta(days=14, hours=1)}, "Expiring", "renew"),
        ({"authorisation_expires_at": NOW}, "Renew consent", "renew"),
        ({"health": "degraded", "authorisation_expires_at": NOW + dt.timedelta(days=1)}, "Incomplete", "synchronize"),
        ({"health": "rateLimited", "health_until": NOW + dt.timedelta(hours=2)}, "Waiting", "synchronize"),
        ({"health": "rateLimited", "health_until": NOW}, "Up to date", "synchronize"),
        ({"health": "aspspUnavailable"}, "Bank does not answer", "synchronize"),
        ({"health": "rateLimited", "connection": Connection(health="disabled")}, "Paused", "synchronize"),
        ({"health": "disabled", "connection": Connection(health="psuActionRequired")}, "Paused", "synchronize"),
        ({"connection": Connection(health="psuActionRequired")}, "Renew consent", "renew"),
        ({"synchronized_at": None}, "Not read yet", "synchronize"),
    ],
    ids=[
        "well", "red", "30 days", "15 days", "14 days", "over", "degraded before expiring", "limited", "limit passed",
        "bank down", "worst is the connection", "worst is the account", "consent", "never read",
    ],
)  # fmt: skip
def test_the_worst_health_gives_one_sentence_and_one_button(fields: dict[str, Any], word: str, action: str) -> None:
    state = _state(**fields)
    assert (state.word, state.action) == (word, action)
    assert state.sentence or fields.get("health") in {"degraded"} or "connection" in fields


def test_the_overview_tells_readings_quota_consent_proof_and_state_on_one_line(world: World) -> None:
    Schedule.objects.create(
        account=world.account, organization=world.organization, next_run_at=timezone.now() + dt.timedelta(minutes=20)
    )
    Account.objects.filter(id=world.account.id).update(
        proof="red", proof_difference=Decimal("12.34"), synchronized_at=timezone.now() - dt.timedelta(minutes=5)
    )
    page = _get(world, "accounts", organization_id=world.organization.id, mode="sandbox")
    line = page[page.index("Account in EUR</bdi></a><div") :]
    line = line[: line.index("</tr>")]
    for told in ("5 minutes ago", "in 20 minutes", "0 of 4 used", "Does not add up"):
        assert told in line, told
    assert "12.34 EUR" in page and "Find the gap" in page  # on top, where what needs a person stands
    assert reverse("hub:gap", kwargs={"account_id": world.account.id}) in line


def test_plans_of_many_accounts_take_as_many_queries_as_of_one(world: World, django_assert_num_queries: Any) -> None:
    now = timezone.now()
    QuotaState.objects.create(
        quota_key=account_key(world.account, "transactions").quota_key,
        endpoint="transactions",
        closed_until=now + dt.timedelta(hours=1),
    )
    with django_assert_num_queries(5):
        plans = plans_of(list(world.accounts.values()), now)
    closed = plans[world.account.id].places
    assert closed is not None
    assert closed.next_place_at == now + dt.timedelta(hours=1)
    assert plans[world.accounts["JPY"].id].places != closed


# --- runs


def test_a_run_shows_each_row_it_touched_and_what_it_left_out(world: World) -> None:
    run = world.run
    new, changed, gone = factories.transactions(
        world.account, 3, start=dt.date(2026, 11, 1), created_by_synchronization=None
    )
    Transaction.objects.filter(id=new.id).update(created_by_synchronization=run.id, counterpart_name="New & Co")
    for row, kind, before, after in (
        (changed, "modified", {"remittance_unstructured": ["old <b>"], "amount": "1.00"},
         {"remittance_unstructured": ["newer"], "amount": "2.00"}),
        (gone, "removed", {}, {}),
    ):  # fmt: skip
        TransactionChange.objects.create(
            organization=world.organization, transaction=row, synchronization_id=run.id, kind=kind, before=before,
            after=after, created_at=NOW,
        )  # fmt: skip
    Synchronization.objects.filter(id=run.id).update(
        created_count=1, updated_count=1, removed_count=1, warnings=["booked row 7 cannot be read: <no amount>"]
    )
    page = _get(world, "run", run_id=run.id)
    for told in (
        "New &amp; Co",
        "old &lt;b&gt;",
        "newer",
        "2.00",
        "Withdrawn",
        "booked row 7 cannot be read",
        "By schedule",
    ):
        assert told in page, told
    assert "<no amount>" not in page
    assert reverse("hub:raw_answer", kwargs={"answer_id": world.answer_id}) in page
    assert reverse("hub:run", kwargs={"run_id": run.id}) in _get(world, "runs", account_id=world.account.id)
    assert reverse("hub:run", kwargs={"run_id": run.id}) in _get(world, "transaction", transaction_id=new.id)
    assert "newer" in _get(world, "transaction", transaction_id=changed.id)


def test_a_plain_member_sees_rows_but_no_answers_of_the_bank(world: World) -> None:
    page = browser(world.member).get(reverse("hub:run", kwargs={"run_id": world.run.id})).content.decode()
    assert "What did this reading bring?" in page
    assert "answers/" not in page


def test_all_runs_are_reached_page_by_page(world: World) -> None:
    for number in range(55):
        factories.synchronization(world.accounts["JPY"], created_at=NOW + dt.timedelta(hours=number))
    address = reverse("hub:runs", kwargs={"account_id": world.accounts["JPY"].id})
    client, seen, query = browser(world.owner), set(), ""
    for _ in range(3):
        page = client.get(f"{address}{query}").content.decode()
        seen |= {part.split("/")[0] for part in page.split("/runs/")[1:] if len(part.split("/")[0]) == 36}
        if "?behind=" not in page:
            break
        query = "?behind=" + page.split("?behind=")[1][:36]
    assert len(seen & {str(each) for each in Synchronization.objects.values_list("id", flat=True)}) == 56
    assert client.get(f"{address}?behind=nonsense").status_code == 200
    assert client.get(f"{address}?behind={uuid.uuid4()}").status_code == 200


# --- the gap


def _red(world: World) -> Account:
    account = world.account
    Transaction.objects.filter(account=account).delete()
    factories.transactions(account, 3, start=TODAY - dt.timedelta(days=3), amount=Decimal("-1.00"))
    account.proof, account.proof_difference = "red", Decimal("12.34")
    account.proof_from, account.proof_to = TODAY - dt.timedelta(days=4), TODAY
    account.proof_anchor_balance, account.proof_anchor_type = Decimal(100), "interimBooked"
    account.proof_anchor_total, account.proof_anchor_day = Decimal(0), TODAY - dt.timedelta(days=4)
    account.booked_total = Decimal(-3)
    account.covered_to = TODAY
    account.save()
    return account


def test_the_gap_names_days_balances_and_what_may_explain_it(world: World) -> None:
    account = _red(world)
    factories.pending_transactions(account, 1, amount=Decimal("12.34"), counterpart_name="<i>Hidden</i>")
    page = _get(world, "gap", account_id=account.id)
    for told in ("100.00", "109.34", "3.00", "12.34", "3 transactions of these days", "&lt;i&gt;Hidden&lt;/i&gt;"):
        assert told in page, told
    assert "A pending transaction of exactly this amount" in page
    assert "<i>Hidden" not in page


def test_an_account_that_adds_up_has_no_gap(world: World) -> None:
    Account.objects.filter(id=world.account.id).update(proof="green")
    assert "Nowhere: the transactions add up" in _get(world, "gap", account_id=world.account.id).replace("&#x27;", "'")


def test_a_difference_is_accepted_once(world: World) -> None:
    account = _red(world)
    assert "The difference is accepted" in _post(world, "accept_gap", account_id=account.id)
    account.refresh_from_db()
    assert (account.proof, account.proof_anchor_balance) == ("unknown", Decimal("109.34"))
    again = browser(world.owner).post(reverse("hub:accept_gap", kwargs={"account_id": account.id}))
    assert again.status_code == 400
    assert "There is no difference to accept." in again.content.decode()


# --- withdrawn rows and doubles


def test_a_withdrawn_row_is_listed_and_brought_back(world: World) -> None:
    assert "Missing from two complete readings" in _get(world, "withdrawn", account_id=world.account.id)
    page = _post(world, "bring_back", transaction_id=world.double.id)
    assert "The transaction counts again." in page
    assert "None: everything that the bank ever gave still counts." in page
    world.double.refresh_from_db()
    assert world.double.removed_at is None


def test_two_rows_are_compared_decided_and_undone(world: World) -> None:
    DuplicateDecision.objects.all().delete()
    account = world.accounts["JPY"]
    one = world.transactions["JPY"]
    [other] = factories.transactions(
        account, 1, amount=one.amount, created_by_synchronization=world.run.id, counterpart_name="Rice Ltd",
        remittance_information=one.remittance_information,
    )  # fmt: skip
    Transaction.objects.filter(id=other.id).update(booking_date=one.booking_date)
    page = _get(world, "doubles", account_id=account.id)
    assert "Alike: amount, message, other party, day." in page
    assert "1 possible double" in _get(world, "account", account_id=account.id)
    page = _post(world, "decide_double", {"decision": "same"}, first_id=one.id, second_id=other.id)
    assert "One set aside" in page
    other.refresh_from_db()
    assert other.same_as == one.id
    assert "This transaction is set aside as a double." in _get(world, "transaction", transaction_id=other.id)
    decision = DuplicateDecision.objects.get()
    assert "Alike: amount" in _post(world, "undo_double", decision_id=decision.id)
    page = _post(world, "decide_double", {"decision": "both"}, first_id=one.id, second_id=other.id)
    assert "Both kept" in page
    assert "Alike: amount" not in page


# --- raw answers


def test_a_raw_answer_is_masked_downloaded_and_noted(world: World) -> None:
    address = reverse("hub:raw_answer", kwargs={"answer_id": world.answer_id})
    page = browser(world.owner).get(address).content.decode()
    file = browser(world.admin).get(f"{address}?download=1")
    assert file["Content-Disposition"].startswith("attachment")
    for told in (page.replace("&quot;", '"'), file.content.decode()):
        for shown in ("2026-77", "2026-11-05", "-12.30", "BE68xxxxxxxx7034", "xxx xxxxxxx", "xxx xxx, xxxxx 99"):
            assert shown in told, shown
        for secret in ("Peeters", "Ann", "539007547034", "Ghent", "3dc3"):
            assert secret not in told, secret
    assert AuditRecord.objects.filter(action="raw_answer.shown").count() == 2


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<Document><Nm>Ann Peeters</Nm></Document>", "application/xml"),
        (b'{"creditorName": "Ann Peeters"', "application/json"),
        (b"[" * 100_000 + b"Ann Peeters", "application/json"),
        (b"\xff\xfe Ann Peeters", "text/plain"),
        (b'{"BE68539007547034": {"text": "Ann Peeters"}, "n": 1e400, "b": [true, null, 68539007547034]}', ""),
    ],
    ids=["xml", "broken", "deep", "not utf-8", "number as a name"],
)
def test_whatever_a_bank_sends_is_masked(body: bytes, content_type: str) -> None:
    told = masked(body, content_type)
    assert "Peeters" not in told
    assert "539007547034" not in told


def test_a_message_of_the_bank_is_shown_and_amounts_keep_their_digits() -> None:
    told = masked(
        b'{"tppMessages": [{"code": "X", "text": "No BE68539007547034"}], "amount": 10.10}', "application/json"
    )
    assert "No BE68xxxxxxxx7034" in told
    assert "10.10" in told
    assert RAW_BODY.decode() not in told


def test_an_address_shows_its_words_and_dates_only() -> None:
    assert masked_address(
        "https://bank.example:8443/v1/accounts/3dc3d5b3-7023/transactions?dateFrom=2026-11-01&x=AbC9"
    ) == ("https://bank.example/v1/accounts/…/transactions?dateFrom=2026-11-01&x=…")


@pytest.mark.parametrize(
    ("proof", "warnings", "is_told"),
    [
        ("green", [LATE_ROWS], True),
        ("green", [LATE_ROWS, "booked row 3 cannot be read: no amount"], True),
        ("green", [], False),
        ("red", [LATE_ROWS], False),
    ],
    ids=["late", "late-and-left-out", "plain", "no-longer"],
)
def test_the_account_says_what_late_rows_are_while_the_proof_stands_on_them(
    world: World, proof: str, warnings: list[str], is_told: bool
) -> None:
    Account.objects.filter(pk=world.account.pk).update(proof=proof)
    Synchronization.objects.filter(pk=world.run.pk).update(status="success", warnings=warnings)
    shown = browser(world.owner).get(reverse("hub:account", args=[world.account.id])).content.decode()
    assert ("Some transactions came late" in shown) == is_told
    run = browser(world.owner).get(reverse("hub:run", args=[world.run.id])).content.decode()
    assert ("Some transactions came late" in run) == (LATE_ROWS in warnings)
    assert ("Nothing: every row that the bank gave is stored." in run) == (len(warnings) < 2)
    assert LATE_ROWS not in run, "late rows were not left out"


def test_it_is_said_in_dutch_too(world: World) -> None:
    Account.objects.filter(pk=world.account.pk).update(proof="green")
    Synchronization.objects.filter(pk=world.run.pk).update(status="success", warnings=[LATE_ROWS])
    world.owner.locale = "nl"
    world.owner.save()
    shown = browser(world.owner).get(reverse("hub:account", args=[world.account.id])).content.decode()
    assert "Sommige verrichtingen kwamen laat" in shown
