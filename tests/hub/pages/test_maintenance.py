"""A bank that is being worked on: what people see of it, and that nobody is sent there."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from tests.hub.pages.conftest import World, browser

from nostro.hub.directory.maintenance import Maintenance, set_maintenance
from nostro.hub.directory.models import Institution
from nostro.hub.linking.models import Authorisation
from nostro.hub.sync.plans import plans_of
from nostro.hub.sync.schedule import schedule_of

NOW = dt.datetime.now(dt.UTC)


def _page(world: World, name: str, **arguments: object) -> str:
    answer = browser(world.owner).get(reverse(name, kwargs=arguments))
    assert answer.status_code == 200
    return str(answer.content.decode())


def _work(bank: Institution, *, begins: int | None = None, ends: int | None = None) -> None:
    at = [None if hours is None else NOW + dt.timedelta(hours=hours) for hours in (begins, ends)]
    set_maintenance(bank, Maintenance("financialInstitution", *at), NOW)


def test_the_account_says_so_until_when_and_offers_nothing_that_cannot_work(world: World) -> None:
    before = _page(world, "hub:account", account_id=world.account.id)
    assert "Synchronize now" in before and "being worked on" not in before
    _work(world.institution, ends=2)
    page = _page(world, "hub:account", account_id=world.account.id)
    until = timezone.localtime(NOW + dt.timedelta(hours=2)).strftime("%H:%M")
    assert f"The bank is being worked on until {until}." in page
    assert "Synchronize now" not in page and "Renew consent" not in page
    overview = _page(world, "hub:accounts", organization_id=world.organization.id, mode="sandbox")
    assert overview.count("Maintenance") == len(world.accounts)
    assert "What needs you" not in overview


def test_work_without_a_known_end_is_told_without_one(world: World) -> None:
    _work(world.institution)
    page = _page(world, "hub:account", account_id=world.account.id)
    assert "The bank is being worked on. What was read stays readable" in page


def test_the_next_reading_is_after_the_work(world: World) -> None:
    schedule = schedule_of(world.account)
    schedule.next_run_at = NOW + dt.timedelta(hours=1)
    schedule.save()
    ends = NOW + dt.timedelta(hours=3)
    _work(world.institution, begins=None, ends=3)
    assert plans_of([world.account], NOW)[world.account.id].next_run_at == ends
    assert plans_of([world.account], ends)[world.account.id].next_run_at == schedule.next_run_at
    _work(world.institution)
    world.account.refresh_from_db()
    assert plans_of([world.account], NOW)[world.account.id].next_run_at is None


@pytest.mark.parametrize("ends", [30, None], ids=["known end", "open end"])
def test_work_that_lies_ahead_is_announced_and_stops_nothing(world: World, ends: int | None) -> None:
    _work(world.institution, begins=20, ends=ends)
    page = _page(world, "hub:account", account_id=world.account.id)
    assert "this bank is being worked on and not read" in page
    assert "Synchronize now" in page


def test_nobody_is_sent_to_the_bank_for_a_first_consent(world: World, test_bank: Institution) -> None:
    _work(test_bank, ends=2)
    found = _page(world, "hub:find_bank", organization_id=world.organization.id, mode="sandbox")
    [line] = [each for each in found.split("<li ") if "Nostro Test Bank" in each]
    assert "Maintenance" in line
    way = {"organization_id": world.organization.id, "mode": "sandbox", "institution_id": test_bank.id}
    page = _page(world, "hub:share", **way)
    assert "This bank cannot be linked for now." in page
    assert "Ask the bank for consent" not in page
    before = Authorisation.objects.count()
    answer = browser(world.owner).post(reverse("hub:share", kwargs=way))
    assert "Nostro Test Bank is being worked on." in answer.content.decode()
    assert Authorisation.objects.count() == before


def test_nor_for_a_renewal(world: World) -> None:
    _work(world.institution, ends=2)
    before = Authorisation.objects.count()
    answer = browser(world.owner).post(reverse("hub:renew", kwargs={"connection_id": world.connection.id}))
    told = browser(world.owner).get(answer["Location"]).content.decode() if answer.status_code == 302 else ""
    assert "Bank of Ghent is being worked on." in (answer.content.decode() + told)
    assert Authorisation.objects.count() == before
