"""What a person decides about rows that were withdrawn or look alike; and where a balance stopped adding up."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import NOW, TODAY, apply, make_account, make_member, row

from nostro.core.transactions import Balance as BankBalance
from nostro.core.transactions import Window
from nostro.hub.accounts.by_hand import keep_both, keep_withdrawn, mark_same, undo_decision, withdrawn_of
from nostro.hub.accounts.duplicates import candidates_of, decisions_of
from nostro.hub.accounts.models import Account, Transaction, TransactionChange
from nostro.hub.accounts.proving import accept_difference, find_gap
from nostro.hub.accounts.services import extend_coverage, prove_balance, record_balances
from nostro.hub.events.models import Event
from nostro.people.models import AuditRecord
from nostro.web.errors import Forbidden, NotFound, Problem

pytestmark = pytest.mark.django_db

OLD = row("-10.00", 5, entry_reference="A1", remittance_information_unstructured=("Invoice 42",))
NEW = row("-10.00", 6, entry_reference="B7", remittance_information_unstructured=("Invoice 42",))


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def owner(account):
    return make_member(account.organization)


def live(account):
    return list(Transaction.objects.filter(account=account, removed_at=None).order_by("sequence"))


def two_alike(account):
    apply(account, row("1.00", 1))
    apply(account, OLD, complete=False)
    apply(account, NEW, complete=False)
    return live(account)[1:]


# --- duplicates


def test_rows_of_different_runs_that_look_alike_are_candidates(account):
    first, second = two_alike(account)
    [candidate] = candidates_of(account, NOW)
    assert (candidate.first, candidate.second) == (first, second)
    assert candidate.likeness == ("remittance", "counterpart")


@pytest.mark.parametrize(
    "other",
    [
        row("-10.01", 6, remittance_information_unstructured=("Invoice 42",)),
        row("-10.00", 12, remittance_information_unstructured=("Invoice 42",)),
        row("-10.00", 6, remittance_information_unstructured=("Invoice 43",)),
        row("-10.00", 5, creditor_name="Somebody else"),
    ],
    ids=["amount", "far apart", "another text on another day", "counterparty"],
)
def test_rows_that_differ_are_not(account, other):
    apply(account, row("1.00", 1))
    apply(account, OLD, complete=False)
    apply(account, row("1.00", 1), OLD, other)
    assert len(live(account)) == 3
    assert candidates_of(account, NOW) == []


def test_equal_rows_of_one_read_are_two_transactions(account):
    apply(account, row("1.00", 1))
    apply(account, OLD, OLD, complete=False)
    assert len(live(account)) == 3
    assert candidates_of(account, NOW) == []


def test_a_double_that_was_set_aside_stays_so_while_the_bank_shows_both(account, owner):
    first, second = two_alike(account)
    mark_same(owner, first.pk, second.pk, NOW)
    mark_same(owner, first.pk, second.pk, NOW)
    for _ in range(3):
        counts = apply(account, row("1.00", 1), OLD, NEW)
        assert (counts.created, counts.restored, counts.removed) == (0, 0, 0)
    assert second not in live(account)
    account.refresh_from_db()
    assert (account.transaction_count, account.booked_total) == (2, Decimal("-9.00"))
    assert Event.objects.filter(event_type="account.transactionsUpdated", account_id=account.pk).count() == 1
    assert AuditRecord.objects.filter(action="transaction.set_aside").count() == 1
    assert candidates_of(account, NOW) == []


def test_a_double_that_is_changed_by_the_bank_stays_set_aside(account, owner):
    first, second = two_alike(account)
    mark_same(owner, first.pk, second.pk, NOW)
    changed = row("-10.00", 6, entry_reference="B7", remittance_information_unstructured=("Invoice 42 again",))
    counts = apply(account, row("1.00", 1), OLD, changed)
    assert (counts.updated, counts.restored) == (1, 0)
    second.refresh_from_db()
    assert second.remittance_information == "Invoice 42 again"
    assert second not in live(account)


def test_when_the_bank_withdraws_the_kept_one_its_double_takes_its_place(account, owner):
    first, second = two_alike(account)
    mark_same(owner, first.pk, second.pk, NOW)
    for _ in range(3):
        apply(account, row("1.00", 1), NEW)
    assert live(account)[1:] == [second]
    account.refresh_from_db()
    assert account.booked_total == Decimal("-9.00")


def test_deciding_is_undone_and_asked_about_again(account, owner):
    first, second = two_alike(account)
    mark_same(owner, first.pk, second.pk, NOW)
    [decision] = decisions_of(account)
    assert decision.is_same
    undo_decision(owner, decision.pk, NOW)
    assert live(account)[1:] == [first, second]
    assert len(candidates_of(account, NOW)) == 1
    assert decisions_of(account) == []
    keep_both(owner, second.pk, first.pk, NOW)
    assert candidates_of(account, NOW) == []
    [decision] = decisions_of(account)
    undo_decision(owner, decision.pk, NOW)
    assert len(candidates_of(account, NOW)) == 1


def test_keeping_both_ends_that_one_was_set_aside(account, owner):
    first, second = two_alike(account)
    mark_same(owner, first.pk, second.pk, NOW)
    keep_both(owner, first.pk, second.pk, NOW)
    assert live(account)[1:] == [first, second]
    [decision] = decisions_of(account)
    assert not decision.is_same
    account.refresh_from_db()
    assert account.booked_total == Decimal("-19.00")


def test_what_cannot_be_one_is_refused(account, owner):
    first, second = two_alike(account)
    other = live(account)[0]
    for kept, double in ((first, other), (first, first)):
        with pytest.raises(Problem):
            mark_same(owner, kept.pk, double.pk, NOW)
    mark_same(owner, first.pk, second.pk, NOW)
    with pytest.raises(Problem):
        mark_same(owner, second.pk, first.pk, NOW)
    assert first in live(account)


# --- tombstones


def test_a_withdrawn_row_is_brought_back_for_good(account, owner):
    apply(account, OLD, row("1.00", 1))
    for _ in range(2):
        apply(account, row("1.00", 1))
    [gone] = withdrawn_of(account)
    keep_withdrawn(owner, gone.pk, NOW)
    for _ in range(3):
        apply(account, row("1.00", 1))
    assert gone in live(account)
    assert withdrawn_of(account) == []
    assert [each.kind for each in TransactionChange.objects.order_by("id")] == ["removed", "restored"]
    keep_withdrawn(owner, gone.pk, NOW)
    assert AuditRecord.objects.filter(action="transaction.brought_back").count() == 1


def test_a_double_is_brought_back_from_the_list_too(account, owner):
    first, second = two_alike(account)
    mark_same(owner, first.pk, second.pk, NOW)
    keep_withdrawn(owner, second.pk, NOW)
    assert second in live(account)
    assert decisions_of(account) == []


def test_strangers_and_plain_members_decide_nothing(account, owner):
    first, second = two_alike(account)
    keep_both(owner, first.pk, second.pk, NOW)
    [decision] = decisions_of(account)
    stranger, member = make_member(make_account().organization), make_member(account.organization, "member")
    for person, refused in ((stranger, NotFound), (member, Forbidden)):
        for verb in (mark_same, keep_both):
            with pytest.raises(refused):
                verb(person, first.pk, second.pk, NOW)
        with pytest.raises(refused):
            keep_withdrawn(person, first.pk, NOW)
        with pytest.raises(refused):
            undo_decision(person, decision.pk, NOW)
        with pytest.raises(refused):
            accept_difference(person, account.pk, NOW)
    with pytest.raises(NotFound):
        undo_decision(owner, 0, NOW)


# --- the proof


def balances(interim: str, closing: str | None = None, today: dt.date = TODAY) -> list[BankBalance]:
    found = [BankBalance("interimBooked", Decimal(interim), "EUR", reference_date=today)]
    if closing is not None:
        yesterday = today - dt.timedelta(days=1)
        found.append(BankBalance("closingBooked", Decimal(closing), "EUR", reference_date=yesterday))
    return found


def prove(account, *stated: BankBalance, now=NOW):
    record_balances(account, stated, synchronization_id=uuid.uuid4(), now=now)
    return prove_balance(account, stated, now=now)


def read_first(account, *rows):
    extend_coverage(account, Window(TODAY - dt.timedelta(days=400), TODAY))
    apply(account, *rows)


@pytest.mark.parametrize(
    ("closing", "verdict", "difference"), [("100.00", "green", "0"), ("98.00", "red", "2"), (None, "unknown", None)]
)
def test_the_first_reading_is_proved_where_the_bank_gives_two_balances(account, closing, verdict, difference):
    read_first(account, row("-10.00", TODAY), row("-3.00", 5))
    check = prove(account, *balances("90.00", closing))
    assert check.verdict == verdict
    assert check.difference == (None if difference is None else Decimal(difference))


def test_days_that_were_not_read_prove_nothing(account):
    extend_coverage(account, Window(TODAY, TODAY))
    apply(account, row("-10.00", TODAY))
    closing = BankBalance("closingBooked", Decimal(100), "EUR", reference_date=TODAY - dt.timedelta(days=3))
    assert prove(account, *balances("90.00"), closing).verdict == "unknown"


def test_balances_after_rows_prove_the_whole_first_history(account):
    read_first(
        account,
        row("-3.00", 5, balance_after_transaction=Decimal(97)),
        row("-10.00", 6, balance_after_transaction=Decimal(87)),
    )
    check = prove(account, *balances("87.00"))
    assert (check.verdict, check.interval) == ("green", Window(dt.date(2026, 10, 5), TODAY))


def test_a_red_first_reading_turns_green_when_the_row_shows(account):
    read_first(account, row("-10.00", TODAY))
    assert prove(account, *balances("87.66", "110.00")).difference == Decimal("-12.34")
    apply(account, row("-10.00", TODAY), row("-12.34", TODAY))
    assert prove(account, *balances("87.66", "110.00")).verdict == "green"


def red_account(account):
    """Green on 2 November; on the 5th a row of -12.34 is in the balance only."""
    window = Window(dt.date(2026, 10, 1), dt.date(2026, 11, 8))
    days = [TODAY + dt.timedelta(days=number) for number in range(7)]
    read_first(account, row("-10.00", TODAY))
    prove(account, *balances("90.00", "100.00"))
    rows, balance = [row("-10.00", TODAY)], Decimal(90)
    for number, day in enumerate(days[1:], start=1):
        rows.append(row(f"-{number}.00", day))
        yesterday, balance = balance, balance - number - (Decimal("12.34") if number == 3 else 0)
        apply(account, *rows, window=window)
        extend_coverage(account, window)
        prove(account, *balances(str(balance), str(yesterday), day), now=NOW + dt.timedelta(days=number))
    return days


def test_the_gap_is_narrowed_to_its_day(account, owner):
    days = red_account(account)
    assert (account.proof, account.proof_difference) == ("red", Decimal("-12.34"))
    report = find_gap(account)
    assert report is not None
    [gap] = report.parts
    assert (gap.after.day, gap.until.day) == (days[2], days[3])
    assert (gap.moved, gap.rows, gap.difference) == (Decimal("-15.34"), Decimal(-3), Decimal("-12.34"))
    assert report.unread is None
    assert report.suspects == ()


def test_rows_that_would_explain_the_gap_are_named(account, owner):
    read_first(account, row("-12.34", 5), row("1.00", 6))
    prove(account, *balances("90.00", "90.00"))
    for _ in range(2):
        apply(account, row("1.00", 6))
    assert prove(account, *balances("90.00", "90.00")).difference == Decimal("-12.34")
    report = find_gap(account)
    assert report is not None
    [(suspect, withdrawn)] = report.suspects
    assert (suspect.reason, withdrawn.amount) == ("withdrawn", Decimal("-12.34"))
    keep_withdrawn(owner, withdrawn.pk, NOW)
    account.refresh_from_db()
    assert (account.proof, account.proof_difference) == ("green", Decimal(0))
    assert find_gap(account) is None


def test_a_difference_is_accepted_by_a_person_and_kept_in_the_trail(account, owner):
    red_account(account)
    accept_difference(owner, account.pk, NOW)
    account.refresh_from_db()
    assert account.proof == "unknown"
    told = AuditRecord.objects.get(action="account.difference_accepted")
    assert told.before == {"difference": "-12.34"}
    assert "-12.34 EUR" in told.sentence
    with pytest.raises(Problem):
        accept_difference(owner, account.pk, NOW)
    window = Window(dt.date(2026, 10, 1), dt.date(2026, 11, 9))
    apply(account, row("-7.00", dt.date(2026, 11, 9)), window=window, complete=False)
    before = account.current_balance
    check = prove(account, *balances(str(before - 7), None, dt.date(2026, 11, 9)), now=NOW + dt.timedelta(days=7))
    assert check.verdict == "green"


def test_a_row_that_the_balance_knew_before_it_was_listed_does_not_leave_the_proof_red(account):
    read_first(account, row("-10.00", TODAY))
    assert prove(account, *balances("90.00", "100.00")).verdict == "green"
    apply(account, row("-10.00", TODAY), row("-7.00", 12))
    check = prove(account, *balances("90.00"))
    assert (check.verdict, check.reason) == ("green", "late_rows")
    apply(account, row("-10.00", TODAY), row("-7.00", 12), row("-1.00", 13))
    assert prove(account, *balances("89.00")).reason == "late_rows", "the start of the proof stays where it was"
    assert prove(account, *balances("87.00")).verdict == "red", "nothing else is excused"


def test_a_red_first_reading_turns_green_when_its_doubles_are_gone(account):
    old, new = row("-5.00", TODAY - dt.timedelta(days=1)), row("-10.00", TODAY)
    read_first(account, old, old, new, new)
    assert prove(account, *balances("85.00", "95.00")).verdict == "red"
    for _ in range(2):
        apply(account, old, new)
        check = prove(account, *balances("85.00"))
    assert account.booked_total == Decimal(-15)
    assert (check.verdict, check.difference) == ("green", Decimal(0))
    assert prove(account, *balances("84.00")).verdict == "red", "the anchor is proved now"


def test_late_rows_that_the_bank_takes_back_do_not_leave_the_proof_red(account):
    first = row("-10.00", TODAY)
    read_first(account, first)
    prove(account, *balances("83.00", "93.00"))
    apply(account, first, row("-7.00", 12))
    assert prove(account, *balances("83.00")).reason == "late_rows"
    for _ in range(3):
        apply(account, first)
        check = prove(account, *balances("90.00"))
        assert (check.verdict, check.reason) == ("green", "late_rows")
    assert account.booked_total == Decimal(-10)
    assert prove(account, *balances("91.00")).verdict == "red", "nothing else is excused"


def test_a_double_that_goes_again_does_not_leave_the_proof_red(account):
    read_first(account, row("-10.00", TODAY))
    prove(account, *balances("90.00", "100.00"))
    apply(account, row("-10.00", TODAY), row("-7.00", 12))
    assert prove(account, *balances("90.00")).verdict == "green"
    for _ in range(2):
        apply(account, row("-10.00", TODAY))
        assert prove(account, *balances("90.00")).verdict == "green"
    assert account.booked_total == Decimal(-10)
    check = prove(account, *balances("90.00"))
    assert (check.verdict, check.reason) == ("green", "")
