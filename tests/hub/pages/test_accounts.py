"""The overview and the page of one account: what we have, whether it is complete, what needs somebody."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from tests import factories
from tests.hub.pages.conftest import World, browser

from nostro.core.quota import Allowed
from nostro.hub.accounts.models import Account, PendingTransaction
from nostro.hub.linking.models import Connection
from nostro.hub.pages import runs
from nostro.hub.pages.accounts import totals
from nostro.hub.sync.models import QuotaAccess, Schedule, Synchronization
from nostro.hub.sync.quota import account_key


def _account_page(world: World, **headers: str) -> str:
    address = reverse("hub:account", kwargs={"account_id": world.account.id})
    page: str = browser(world.owner).get(address, headers=headers).content.decode()
    return page


def _overview(world: World) -> str:
    address = reverse("hub:accounts", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    page: str = browser(world.owner).get(address).content.decode()
    return page


def test_totals_never_add_across_currencies() -> None:
    accounts = [
        Account(currency=currency, current_balance=balance)
        for currency, balance in (
            ("KWD", Decimal("1.234")),
            ("EUR", Decimal("1.10")),
            ("EUR", Decimal("2.20")),
            ("JPY", Decimal(5)),
            ("JPY", None),
        )
    ]
    assert totals(accounts) == [(Decimal("3.30"), "EUR"), (Decimal(5), "JPY"), (Decimal("1.234"), "KWD")]


def test_what_needs_somebody_stands_above_the_accounts_with_its_button(world: World) -> None:
    Connection.objects.update(health="psuActionRequired", health_reason="The consent has ended.")
    page = _overview(world)
    assert page.index("What needs you") < page.index("Account in EUR</bdi></a><div")
    assert "The consent has ended." in page
    assert reverse("hub:renew", kwargs={"connection_id": world.connection.id}) in page


def test_nothing_needs_somebody_while_all_is_well(world: World) -> None:
    Account.objects.update(synchronized_at=factories.NOW)
    assert "What needs you" not in _overview(world)
    assert "Up to date" in _overview(world)


@pytest.mark.parametrize(
    ("days", "word"), [(40, "Up to date"), (20, "ends in 20 days"), (14, "Expiring"), (-2, "ended")]
)
def test_the_end_of_a_consent_is_announced(world: World, days: int, word: str) -> None:
    ends = timezone.now() + dt.timedelta(days=days, hours=1)
    Account.objects.update(synchronized_at=factories.NOW, authorisation_expires_at=ends)
    assert word in _account_page(world)


def test_a_red_proof_says_by_how_much(world: World) -> None:
    for currency, difference, written in (("EUR", "0.01", "0.01"), ("JPY", "7", "7"), ("KWD", "0.001", "0.001")):
        account = world.accounts[currency]
        account.proof, account.proof_difference = "red", Decimal(difference)
        account.save()
        page = browser(world.owner).get(reverse("hub:account", kwargs={"account_id": account.id})).content.decode()
        assert f"differ by {written} {currency}." in page
    Account.objects.filter(id=world.account.id).update(proof_difference=Decimal("-1234.50"))
    world.owner.locale = "nl"
    world.owner.save()
    assert "verschillen −1.234,50 EUR." in _account_page(world)


def test_what_needs_a_person_has_its_button_once(world: World) -> None:
    Account.objects.filter(id=world.account.id).update(proof="red", proof_difference=Decimal("5"))
    page = _overview(world)
    assert page.count("differ by") == 1 and page.count(">Find the gap</") == 1


@pytest.mark.parametrize(
    ("hours", "words"),
    [(4, "next place 20:18"), (24, "next place tomorrow 16:18"), (25, "next place 29 Nov, 17:18")],
)
def test_the_next_place_says_when_it_is_another_day(hours: int, words: str) -> None:
    at = dt.datetime(2026, 11, 28, 16, 18, tzinfo=dt.UTC)
    with timezone.override(dt.UTC):
        assert runs._quota_words(Allowed(2, 4, at + dt.timedelta(hours=hours)), at) == ("2 of 4 used", words)


def test_the_page_of_an_account_says_what_was_read_and_what_comes(world: World) -> None:
    now = timezone.now()
    Schedule.objects.create(
        account=world.account, organization=world.organization, next_run_at=now + dt.timedelta(minutes=20)
    )
    for hours in (1, 2, 3):
        key = account_key(world.account, "transactions")
        QuotaAccess.objects.create(
            organization=world.organization, quota_key=key.quota_key, endpoint="transactions", attended=False,
            counted=True, accessed_at=now - dt.timedelta(hours=hours),
        )  # fmt: skip
    page = _account_page(world)
    assert "in 20 minutes" in page
    place = timezone.localtime(now + dt.timedelta(hours=21))
    day = "" if place.date() == timezone.localtime(now).date() else "tomorrow "
    assert f"3 of 4 used, next place {day}{place:%H:%M}" in page
    assert "By schedule: Nothing new; 1 known." in page
    assert 'class="fill-good"' in page
    assert 'class="fill-quiet"' in page
    assert "On its way EUR" in page
    assert "On its way JPY" not in page
    download = reverse("hub:transactions_csv", kwargs={"organization_id": world.organization.id})
    assert f"{download}?account={world.account.id}&amp;mode=sandbox" in page


def test_days_that_were_never_read_to_the_end_are_told_and_covered_ones_are_not(world: World) -> None:
    Account.objects.update(history_from=dt.date(2024, 11, 1), covered_from=dt.date(2026, 8, 1))
    page = _account_page(world)
    assert "Older transactions may be missing" in page and "Jul 31, 2026" in page.replace("31 Jul 2026", "Jul 31, 2026")
    Account.objects.update(covered_from=dt.date(2024, 11, 1))
    assert "Older transactions may be missing" not in _account_page(world)


def test_without_pending_transactions_nothing_is_on_its_way(world: World) -> None:
    PendingTransaction.objects.all().delete()
    assert "What is on its way?" not in _account_page(world)


def test_an_account_that_was_never_read_says_so(db: None) -> None:
    membership = factories.membership()
    account = factories.account(membership.organization, current_balance=None)
    page = browser(membership.user).get(reverse("hub:account", kwargs={"account_id": account.id})).content.decode()
    assert "Not read yet" in page
    assert "No day was read completely yet." in page
    assert "Nothing was read yet." in page


def test_the_error_of_the_last_run_is_told_in_words_with_code_and_reference(world: World) -> None:
    answer = {"statusCode": 500, "requestId": "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}
    error = {
        "code": "financialInstitutionError",
        "detail": "The bank answered 500. Try again later.",
        "meta": {"financialInstitutionResponse": answer},
    }
    Synchronization.objects.filter(account=world.account).update(status="error", errors=[error, error])
    page = _account_page(world)
    for told in (
        "The bank answered with an error",
        "The bank answered 500. Try again later.",
        "financialInstitutionError",
        "99391c7e-ad88-49ec-a2ad-99ddcb1f7721",
    ):
        assert told in page
    assert page.count('class="notice tone-bad"') == 1, "balances and transactions that fail alike are told once"
    assert "Reading failed" in page
    assert "Up to date" not in page


def test_a_reading_that_is_due_is_not_told_as_past(world: World) -> None:
    Schedule.objects.create(
        account=world.account, organization=world.organization, next_run_at=timezone.now() - dt.timedelta(seconds=5)
    )
    assert "at any moment" in _account_page(world)


def test_an_error_of_our_own_has_the_run_as_its_reference(world: World) -> None:
    run = Synchronization.objects.get(account=world.account)
    run.status, run.errors = "error", [{"code": "internalError", "detail": "<b>It</b> failed."}]
    run.save()
    page = _account_page(world)
    assert "This Hub made a mistake" in page
    assert str(run.id) in page
    assert "<b>It</b>" not in page


# --- synchronize now ----------------------------------------------------------------------------------------------


def _synchronize(world: World, **headers: str) -> Any:
    address = reverse("hub:synchronize", kwargs={"account_id": world.account.id})
    return browser(world.owner).post(address, headers=headers)


def test_two_clicks_on_synchronize_are_one_run(world: World) -> None:
    for _ in range(2):
        assert _synchronize(world)["Location"] == reverse("hub:account", kwargs={"account_id": world.account.id})
    run = Synchronization.objects.get(account=world.account, trigger="person")
    assert (run.status, run.customer_online, run.requested_by) == ("pending", True, world.owner)
    page = _account_page(world)
    assert "Waiting for its turn" in page
    assert "Show the latest count" in page, "without a script the page is asked again by hand"


def test_with_a_script_the_progress_is_live_and_stops_when_it_ends(world: World) -> None:
    live = _synchronize(world, **{"hx-request": "true"}).content.decode()
    assert 'id="state"' in live
    assert "<h1" not in live
    assert "hx-trigger" in live
    run = Synchronization.objects.get(account=world.account, trigger="person")
    run.status, run.rows_read = "running", 1_234
    run.save()
    address = reverse("hub:account_progress", kwargs={"account_id": world.account.id})
    client = browser(world.owner)
    assert "1,234" in client.get(address).content.decode()
    run.status, run.created_count, run.updated_count, run.removed_count = "success", 1, 2, 1_000
    run.finished_at = factories.NOW
    run.save()
    ended = client.get(address).content.decode()
    assert "1 new transaction, 2 changed, 1,000 withdrawn by the bank." in ended
    assert address not in ended, "what has ended is not asked for again"
    assert 'hx-select-oob="#head,#chart,#completeness,#runs"' in ended
    page = _account_page(world)
    assert "hx-select-oob" not in page
    for part in ("head", "chart", "completeness", "runs"):
        assert page.count(f'id="{part}"') == 1


# --- the name -------------------------------------------------------------------------------------------------------


def test_an_account_is_called_what_the_person_says(world: World) -> None:
    client = browser(world.owner)
    address = reverse("hub:rename_account", kwargs={"account_id": world.account.id})
    assert "The name is saved." in client.post(address, {"name": "Till"}, follow=True).content.decode()
    assert "<h1>Till</h1>" in _account_page(world)
    client.post(address, {"name": ""})
    assert "<h1>Account in EUR</h1>" in _account_page(world)


def test_a_name_that_is_too_long_is_told_and_kept(world: World) -> None:
    address = reverse("hub:rename_account", kwargs={"account_id": world.account.id})
    page = browser(world.owner).post(address, {"name": "x" * 201}).content.decode()
    assert "at most 200 characters" in page
    assert "x" * 201 in page
    world.account.refresh_from_db()
    assert world.account.name == ""


def test_a_hostile_name_of_an_account_is_text_everywhere(world: World) -> None:
    Account.objects.update(bank_name="<script>alert(1)</script>", holder_name="<img src=x>", product="<img src=x>")
    seen = _overview(world) + _account_page(world)
    assert "<script>alert" not in seen
    assert "<img" not in seen


def test_a_new_session_opens_the_tab_that_has_accounts(world: World) -> None:
    address = f"/hub/{world.organization.id}/accounts/"
    assert "Account in EUR" in browser(world.owner).get(address).content.decode()
    factories.account(world.organization, is_sandbox=False, bank_name="Real account")
    page = browser(world.owner).get(address).content.decode()
    assert "Real account" in page and "Account in EUR" not in page


def test_an_administrator_chooses_how_often_an_account_is_read(world: World) -> None:
    address = reverse("hub:plan_readings", kwargs={"account_id": world.account.id})
    admin = browser(world.admin)
    page = admin.post(address, {"runs_per_day": "4"}, follow=True).content.decode()
    assert "The plan is saved." in page
    assert '<option value="4" selected>four times a day</option>' in page
    for wrong in ("5", "", "often"):
        page = admin.post(address, {"runs_per_day": wrong}, follow=True).content.decode()
        assert "Choose how often the account is read." in page
    assert Schedule.objects.get(account=world.account).runs_per_day == 4
    shown = browser(world.member).get(reverse("hub:account", kwargs={"account_id": world.account.id}))
    assert "Save plan" not in shown.content.decode()
