"""Announced work on a bank's interface: what the operator says, and what cannot be said."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from nostro.cli import banks
from nostro.hub.directory.maintenance import (
    Maintenance,
    end_maintenance,
    maintenance_now,
    maintenance_of,
    set_maintenance,
)
from nostro.hub.directory.models import Institution
from nostro.hub.directory.services import load_directory
from nostro.web.errors import Problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("installed")]
NOW = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def test_it_lasts_from_its_beginning_to_its_end_and_is_then_forgotten(bank: Institution) -> None:
    wanted = Maintenance("financialInstitution", NOW + HOUR, NOW + 2 * HOUR)
    set_maintenance(bank, wanted, NOW)
    known = Institution.objects.get(pk=bank.pk)
    assert [maintenance_now(known, NOW + hours * HOUR) is not None for hours in range(4)] == [False, True, False, False]
    assert [maintenance_of(known, NOW + hours * HOUR) == wanted for hours in range(4)] == [True, True, False, False]


def test_without_an_end_it_lasts_until_the_operator_says_so(bank: Institution) -> None:
    set_maintenance(bank, Maintenance("internal"), NOW)
    assert maintenance_now(bank, NOW + 1000 * HOUR) == Maintenance("internal")
    end_maintenance(bank)
    assert maintenance_of(Institution.objects.get(pk=bank.pk), NOW) is None


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(None, NOW), (None, NOW - HOUR), (NOW + HOUR, NOW + HOUR), (NOW + 2 * HOUR, NOW + HOUR)],
    ids=["now", "past", "no time at all", "backwards"],
)
def test_impossible_times_are_refused(bank: Institution, begins: dt.datetime | None, ends: dt.datetime) -> None:
    with pytest.raises(Problem) as refused:
        set_maintenance(bank, Maintenance("internal", begins, ends), NOW)
    assert refused.value.code == "maintenanceInvalid"
    assert maintenance_of(Institution.objects.get(pk=bank.pk), NOW) is None


@pytest.mark.parametrize(
    "fields",
    [{"maintenance_type": "lunch"}, {"maintenance_from": NOW, "maintenance_to": NOW}],
    ids=["kind", "times"],
)
def test_the_database_holds_nothing_else(bank: Institution, fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Institution.objects.filter(pk=bank.pk).update(**fields)


def test_loading_the_directory_leaves_it_alone() -> None:
    load_directory()
    listed = Institution.objects.filter(is_sandbox=False, added_by_operator=False).first()
    assert listed is not None
    set_maintenance(listed, Maintenance("internal"), NOW)
    Institution.objects.filter(pk=listed.pk).update(folded_name="to be mended")
    load_directory()
    assert maintenance_now(Institution.objects.get(pk=listed.pk), NOW) == Maintenance("internal")


def test_the_operator_says_so_and_sees_it(bank: Institution, capsys: pytest.CaptureFixture[str]) -> None:
    assert banks.maintain("RICEBEBB", "2126-12-24T04:00", "2126-12-24T07:00+01:00", "financialInstitution") == 0
    bank.refresh_from_db()
    assert bank.maintenance_from == timezone.make_aware(dt.datetime(2126, 12, 24, 4))
    assert bank.maintenance_to == dt.datetime(2126, 12, 24, 6, tzinfo=dt.UTC)
    assert banks.list_banks("rice") == 0
    said = capsys.readouterr().out
    assert said.count("maintenance from 2126-12-24 04:00") == 2 and "(financialInstitution)" in said
    assert banks.end_maintenance("RICEBEBB") == 0
    ended = Institution.objects.get(pk=bank.pk)
    assert (ended.maintenance_type, ended.maintenance_from, ended.maintenance_to) == ("", None, None)


def test_a_time_that_is_none_is_told(bank: Institution, capsys: pytest.CaptureFixture[str]) -> None:
    assert banks.maintain("RICEBEBB", "tomorrow", "", "internal") == 2
    assert "'tomorrow' is no date and time" in capsys.readouterr().err.replace("\n", " ")
    bank.refresh_from_db()
    assert bank.maintenance_type == ""


def test_the_sandbox_bank_can_be_worked_on_too() -> None:
    load_directory()
    assert banks.maintain("NSTRBEB0XXX", "", "", "internal") == 0
    assert maintenance_now(Institution.objects.get(is_sandbox=True), NOW) == Maintenance("internal")
