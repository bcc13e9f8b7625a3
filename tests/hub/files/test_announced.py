"""Rows that files announce are pending until they are booked, never counted and never doubled (formats.md 8.4)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.hub.accounts.factories import POLICY, apply, row
from tests.hub.files.factories import (
    IBANS,
    NOW,
    OPENING,
    camt,
    entry,
    imported,
    live,
    make_account,
    make_member,
    make_organization,
    report,
    statement,
)

from nostro.core.identity.announced import KEPT
from nostro.core.transactions import Window
from nostro.formats import Entry
from nostro.hub.accounts.announced import settle_announced
from nostro.hub.accounts.models import Account, AnnouncedRow, PendingTransaction, Transaction
from nostro.hub.accounts.pending import replace_pending
from nostro.hub.events.models import Event
from nostro.hub.files.models import FileAccount
from nostro.hub.files.services import undo
from nostro.hub.sync.models import Synchronization
from nostro.people.models import User

pytestmark = pytest.mark.django_db

COFFEE, BREAD = entry(day=10), entry("-20.00", 10, "Bread", creditor_name="Baker")


def pending(account: Account) -> list[tuple[int, str, str]]:
    """The pending rows as (day, amount, text), sorted."""
    rows = PendingTransaction.objects.filter(account=account, removed_at=None)
    return sorted(
        (each.booking_date.day if each.booking_date else 0, f"{each.amount:.2f}", each.remittance_information)
        for each in rows
    )


def ended(account: Account) -> dict[str, Any]:
    """The pending rows that are gone, by text, with the transaction each became."""
    rows = PendingTransaction.objects.filter(account=account, removed_at__isnull=False)
    return {each.remittance_information: each.booked_as for each in rows}


def booked(account: Account, text: str) -> Transaction:
    return Transaction.objects.get(account=account, remittance_information=text)


def test_an_intraday_report_announces_and_the_statement_books(account: Account, user: User) -> None:
    file = imported(user, report([COFFEE, COFFEE, BREAD]), account)
    assert pending(account) == [(10, "-20.00", "Bread"), (10, "-3.50", "Coffee"), (10, "-3.50", "Coffee")]
    found = FileAccount.objects.get(file=file)
    assert (found.rows, found.announced, found.left_out) == (0, 3, 0)
    account.refresh_from_db()
    assert (account.proof, account.transaction_count, account.booked_total) == ("unknown", 0, 0)
    imported(user, camt(statement([COFFEE, COFFEE, BREAD])), account)
    assert pending(account) == []
    assert len(live(account)) == 3
    assert ended(account)["Bread"] == booked(account, "Bread").pk
    assert PendingTransaction.objects.filter(booked_as=None).count() == 0


def test_what_the_bank_took_back_lapses_with_the_statement_of_its_day(account: Account, user: User) -> None:
    imported(user, report([COFFEE, BREAD]), account)
    imported(user, camt(statement([COFFEE])), account)
    assert pending(account) == []
    assert ended(account)["Bread"] is None


def test_the_statement_of_another_day_ends_nothing(account: Account, user: User) -> None:
    imported(user, report([BREAD]), account)
    imported(user, camt(statement([entry("-20.00", 11, "Bread", creditor_name="Baker")])), account)
    assert pending(account) == [(10, "-20.00", "Bread")]


def test_a_row_that_is_booked_with_another_text_is_linked_when_its_day_is_final(account: Account, user: User) -> None:
    imported(user, report([BREAD]), account)
    final = entry("-20.00", 11, "Bread and rolls", creditor_name="Baker")
    imported(user, camt(statement([final], first=10, last=11)), account)
    assert ended(account) == {"Bread": booked(account, "Bread and rolls").pk}


def test_reports_of_one_day_repeat_rows_or_go_on(account: Account, user: User) -> None:
    imported(user, report([COFFEE, COFFEE]), account)
    ids = set(PendingTransaction.objects.values_list("id", flat=True))
    imported(user, report([COFFEE, COFFEE, BREAD], number="2"), account)
    imported(user, report([entry("-9.00", 10, "Soup")], number="3"), account)
    assert [each[2] for each in pending(account)] == ["Bread", "Coffee", "Coffee", "Soup"]
    assert ids < set(PendingTransaction.objects.values_list("id", flat=True))


def test_a_row_that_a_later_report_tells_more_about_is_known_by_its_reference(account: Account, user: User) -> None:
    imported(user, report([entry("-20.00", 10, "Card", entry_reference="R77")]), account)
    imported(user, report([entry("-20.00", 10, "Card Baker Gent", entry_reference="R77")], number="2"), account)
    assert len(pending(account)) == 1


def test_equal_rows_with_two_references_are_two(account: Account, user: User) -> None:
    imported(user, report([entry(entry_reference="R1")]), account)
    imported(user, report([entry(entry_reference="R2")], number="2"), account)
    assert len(pending(account)) == 2


def test_a_report_that_comes_after_the_statement_announces_nothing(account: Account, user: User) -> None:
    imported(user, camt(statement([COFFEE])), account)
    imported(user, report([COFFEE, BREAD]), account)
    assert pending(account) == []


def test_expected_rows_wait_for_the_booking_and_lapse_ten_days_later(account: Account, user: User) -> None:
    for each in (report([BREAD], status="PDNG"), camt(statement([COFFEE, entry("-1.00", 19, "Tea")]))):
        imported(user, each, account)
    assert pending(account) == [(10, "-20.00", "Bread")]
    imported(user, camt(statement([entry("-1.00", 20, "Tea")], opening=Decimal("995.50"), number="2")), account)
    assert pending(account) == []
    assert ended(account) == {"Bread": None}


def test_an_expected_row_that_was_booked_stays_so_when_its_like_comes(account: Account, user: User) -> None:
    imported(user, report([BREAD], status="PDNG"), account)
    imported(user, camt(statement([entry("-20.00", 12, "Bread", creditor_name="Baker")])), account)
    assert pending(account) == []
    like = entry("-20.00", 13, "Bread", creditor_name="Baker")
    imported(user, camt(statement([like], opening=Decimal("980.00"), number="2")), account)
    assert pending(account) == []


def test_undoing_gives_back_what_was_announced_before(account: Account, user: User) -> None:
    announced = imported(user, report([COFFEE, BREAD]), account)
    final = imported(user, camt(statement([COFFEE])), account)
    undo(user, final.pk, NOW)
    assert [each[2] for each in pending(account)] == ["Bread", "Coffee"]
    undo(user, announced.pk, NOW)
    assert pending(account) == []
    assert not AnnouncedRow.objects.exists()


def test_the_run_and_the_events_tell_of_announced_rows(account: Account, user: User) -> None:
    imported(user, report([COFFEE, BREAD]), account)
    imported(user, camt(statement([COFFEE])), account)
    runs = Synchronization.objects.filter(account=account).order_by("id")
    assert [(run.pending_created_count, run.pending_updated_count) for run in runs] == [(2, 0), (0, 2)]
    told = [event.event_type for event in Event.objects.order_by("id")]
    assert "account.pendingTransactionsCreated" in told
    assert "account.pendingTransactionsUpdated" in told


def test_an_mt942_announces_and_what_it_expects_too(account: Account, user: User) -> None:
    text = (
        f":20:R1\r\n:25:{IBANS[0]}\r\n:28C:1/1\r\n:34F:EUR0,\r\n:13D:2610101200+0100\r\n"
        ":61:2610101010D3,50NTRFNONREF//B1\r\n:86:Coffee\r\n:61:2610101010ED20,00NTRFNONREF//B2\r\n:86:Bread\r\n"
        ":90D:1EUR3,50\r\n:90C:0EUR0,\r\n-"
    )
    imported(user, text.encode(), account)
    assert [each[2] for each in pending(account)] == ["Bread", "Coffee"]
    assert set(AnnouncedRow.objects.values_list("standing", flat=True)) == {"provisional", "pending"}


def test_rows_that_were_never_booked_are_forgotten(account: Account, user: User) -> None:
    imported(user, report([COFFEE]), account)
    settle_announced(account, account.pk, NOW + KEPT + dt.timedelta(days=1))
    assert pending(account) == []
    assert not AnnouncedRow.objects.exists()


# --- beside a connection


OCTOBER = Window(dt.date(2026, 10, 1), dt.date(2026, 10, 20))


def read_pending(account: Account, *rows: Any) -> None:
    """A complete read of a connection that shows these pending rows."""
    replace_pending(
        account, rows, policy=POLICY, source="test", complete=True, synchronization_id=account.pk,
        raw_answer_id=None, now=NOW,
    )  # fmt: skip
    settle_announced(account, account.pk, NOW)


def bread(**fields: Any) -> Any:
    return row("-20.00", 10, creditor_name="Baker", remittance_information_unstructured=("Bread",), **fields)


def test_what_the_connection_shows_as_pending_too_is_one_row(account: Account, user: User) -> None:
    imported(user, report([COFFEE, BREAD]), account)
    read_pending(account, bread(booking_status="pending"))
    assert [each[2] for each in pending(account)] == ["Bread", "Coffee"]
    read_pending(account)
    assert [each[2] for each in pending(account)] == ["Bread", "Coffee"]


def test_what_the_connection_booked_is_no_longer_announced(account: Account, user: User) -> None:
    imported(user, report([BREAD]), account)
    apply(account, bread(entry_reference="R1"), window=OCTOBER)
    settle_announced(account, account.pk, NOW)
    assert pending(account) == []


def test_a_whole_day_that_the_connection_read_is_final(account: Account, user: User) -> None:
    imported(user, report([BREAD]), account)
    Account.objects.filter(pk=account.pk).update(
        covered_from=OCTOBER.date_from, covered_to=OCTOBER.date_to, synchronized_at=NOW
    )
    account.refresh_from_db()
    settle_announced(account, account.pk, NOW)
    assert ended(account) == {"Bread": None}


# --- any files in any order

ROWS = st.lists(st.sampled_from(["-3.50 Coffee", "-20.00 Bread", "5.00 Refund", "-3.50 Tea"]), max_size=4)


def made(day: int, rows: Sequence[str]) -> list[Entry]:
    return [entry(each.split()[0], day, each.split()[1], creditor_name="Shop") for each in rows]


class AnyOrder(TestCase):
    """Reports, some repeated, some cut, and statements of some days, in any order; some taken back afterwards."""

    @given(data=st.data())
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    def test_what_stands_is_what_no_statement_decided(self, data: st.DataObject) -> None:
        account, other = make_account(), make_account(make_organization("Other"))
        user, stranger = make_member(account.organization), make_member(other.organization)
        files: dict[bytes, tuple[str, int, list[str]]] = {}
        opening = OPENING
        for day in (5, 6, 7):
            rows = data.draw(ROWS, label=f"rows of day {day}")
            for number in range(data.draw(st.integers(1, 2), label="reports")):
                shown = [each for each in rows if data.draw(st.booleans())] + data.draw(ROWS)[:2]
                if shown:
                    files[report(made(day, shown), number=f"{day}{number}")] = ("report", day, shown)
            if rows:
                file = camt(statement(made(day, rows), opening=opening, number=str(day), first=day, last=day))
                files[file] = ("statement", day, rows)
                opening += sum((each.amount for each in made(day, rows)), Decimal(0))
        order = data.draw(st.permutations(sorted(files)), label="order")
        taken = order[: data.draw(st.integers(len(order) // 2, len(order)), label="how many come")]
        imports = {file: imported(user, file, account) for file in taken}
        undone = {file for file in taken if data.draw(st.integers(0, 4)) == 0}
        for file in sorted(undone):
            undo(user, imports[file].pk, NOW)
        standing = [files[file] for file in taken if file not in undone]
        assert pending(account) == expected_pending(standing)
        assert live(account) == expected_booked(standing)
        for file in taken:
            if files[file][0] == "statement" and file not in undone:
                imported(stranger, file, other)
        assert figures(account) == figures(other)


def expected_pending(files: list[tuple[str, int, list[str]]]) -> list[tuple[int, str, str]]:
    final = {day for kind, day, _ in files if kind == "statement"}
    most: Counter[tuple[int, str]] = Counter()
    for kind, day, rows in files:
        if kind == "report" and day not in final:
            most |= Counter((day, each) for each in rows)
    return sorted((day, *each.split()) for day, each in most.elements())  # type: ignore[misc]


def expected_booked(files: list[tuple[str, int, list[str]]]) -> list[tuple[int, str, str]]:
    return sorted((day, *each.split()) for kind, day, rows in files if kind == "statement" for each in rows)  # type: ignore[misc]


def figures(account: Account) -> tuple[Any, ...]:
    """What must be as if nothing had ever been announced."""
    account.refresh_from_db()
    return (
        account.proof, account.proof_difference, account.current_balance, account.booked_total,
        account.transaction_count, live(account),
    )  # fmt: skip
