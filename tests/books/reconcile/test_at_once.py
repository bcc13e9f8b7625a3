"""Two at once, on connections of their own: one wins, the other is told, and nothing is paid twice (books.md 16.9)."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from tests.books.at_once import PATIENCE_S, Other, while_held
from tests.books.conftest import NOW
from tests.books.invariants import checks
from tests.books.reconcile.steps import DAY, REFERENCE, invoice_of, line_of

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.held import move_lock, retry_held
from nostro.books.journals.models import Journal, Line, LineStatus
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import EntryItem, Purpose
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.closing import pay_and_close
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import Counterpart, Operator, TextCondition, Where
from nostro.books.reconcile.models import MatchGroup, RuleKind
from nostro.books.reconcile.rules.services import create_rule, press, set_applies
from nostro.books.reconcile.rules.simulating import simulate_version
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, undo
from nostro.people.models import User
from nostro.web.errors import Problem

pytestmark = pytest.mark.django_db(transaction=True)


def items_of(company: Company) -> list[Decimal]:
    found = EntryItem.objects.filter(company=company).exclude(residual=None).values_list("residual", flat=True)
    return [residual for residual in found if residual is not None]


def sound(company: Company) -> None:
    for check in checks.ALL:
        check(company)


def two_lines_for_one_item_one_wins_and_the_other_is_told(
    owner: User, company: Company, journal: Journal
) -> None:  # fmt: skip
    invoice = invoice_of(owner, company)
    first, second = line_of(journal, "121.00", "a"), line_of(journal, "121.00", "b")
    with while_held(lambda: reconcile_with_items(owner, second.id, [invoice.open_item_id], now=NOW)) as other:
        reconcile_with_items(owner, first.id, [invoice.open_item_id], now=NOW)
    assert (other.code, other.what) == ("itemNotOpen", "INV/2026/0007 is paid already.")
    assert list(MatchGroup.objects.filter(company=company).values_list("line_id", flat=True)) == [first.id]
    sound(company)


def what_the_first_left_open_is_for_the_second(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    first, second = line_of(journal, "100.00", "a"), line_of(journal, "100.00", "b")
    with while_held(lambda: reconcile_with_items(owner, second.id, [invoice.open_item_id], now=NOW)) as other:
        reconcile_with_items(owner, first.id, [invoice.open_item_id], now=NOW)
    assert other.result.parts.get().amount == Decimal("21.00")
    assert items_of(company) == [0]
    sound(company)


def one_line_two_accountants(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    line, fees = line_of(journal, "121.00", "a"), account_for(company, Purpose.BANK_FEES)
    with while_held(lambda: reconcile_with_account(owner, line.id, fees.id, now=NOW)) as other:
        reconcile_with_items(owner, line.id, [invoice.open_item_id], now=NOW)
    assert other.code == "lineReconciled"
    sound(company)


def a_write_off_that_was_decided_on_another_amount_is_told(
    owner: User, company: Company, journal: Journal
) -> None:  # fmt: skip
    """What is written off was seen as 21.00; by now it is another sum."""
    invoice, fees = invoice_of(owner, company), account_for(company, Purpose.BANK_FEES)
    first, second = line_of(journal, "10.00", "a"), line_of(journal, "100.00", "b")
    with while_held(lambda: pay_and_close(owner, second.id, [invoice.open_item_id], fees.id, now=NOW)) as other:
        reconcile_with_items(owner, first.id, [invoice.open_item_id], now=NOW)
    assert other.code == "proposalStale"
    assert items_of(company) == [Decimal("111.00")]
    sound(company)


def looked(company: Company) -> Callable[[], int]:
    return lambda: look(company).applied


def nostro_by_itself_comes_second(owner: User, company: Company, journal: Journal) -> None:
    """A reference that is certain, while somebody matches the line otherwise."""
    invoice_of(owner, company, reference=REFERENCE)
    line, fees = line_of(journal, "121.00", "020343057642"), account_for(company, Purpose.BANK_FEES)
    with while_held(looked(company)) as other:
        reconcile_with_account(owner, line.id, fees.id, now=timezone.now())
    assert other.result == 0
    assert MatchGroup.objects.get(company=company).automatic is False
    assert items_of(company) == [Decimal("121.00")]
    sound(company)


def applying_rule(owner: User, company: Company) -> Any:
    texts = (TextCondition(Where.LABEL, Operator.CONTAINS, "bank fee"),)
    fees = account_for(company, Purpose.BANK_FEES)
    definition = Definition(texts=texts, counterparts=(Counterpart(account_id=fees.id),))
    rule = create_rule(
        owner, company, name="Fees", kind=RuleKind.AUTOMATED, definition=definition, now=timezone.now()
    )  # fmt: skip
    simulate_version(owner, rule.id, 1, today=NOW.date(), now=timezone.now())
    set_applies(owner, rule.id, True, now=timezone.now())
    return rule.id


def a_rule_applies_while_somebody_matches_by_hand(owner: User, company: Company, journal: Journal) -> None:
    applying_rule(owner, company)
    line, rest = line_of(journal, "-4.50", "bank fee"), line_of(journal, "-5.50", "bank fee")
    sales = account_for(company, Purpose.SALES)
    with while_held(looked(company)) as other:
        reconcile_with_account(owner, line.id, sales.id, now=timezone.now())
    assert other.result == 1, "the other line"
    made = MatchGroup.objects.filter(company=company).values_list("line_id", "automatic")
    assert dict(made) == {
        line.id: False,
        rest.id: True,
    }
    sound(company)


def a_person_is_told_when_the_rule_was_faster(owner: User, company: Company, journal: Journal) -> None:
    applying_rule(owner, company)
    line = line_of(journal, "-4.50", "bank fee")
    sales = account_for(company, Purpose.SALES)
    with while_held(lambda: reconcile_with_account(owner, line.id, sales.id, now=NOW)) as other:
        assert look(company).applied == 1
    assert other.code == "lineReconciled"
    assert MatchGroup.objects.get(company=company).automatic
    sound(company)


def the_button_of_a_rule_and_a_match_by_hand(owner: User, company: Company, journal: Journal) -> None:
    rule_id = applying_rule(owner, company)
    line = line_of(journal, "-4.50", "bank fee")
    sales = account_for(company, Purpose.SALES)
    with while_held(lambda: press(owner, line.id, rule_id, now=NOW)) as other:
        reconcile_with_account(owner, line.id, sales.id, now=NOW)
    assert other.code == "lineReconciled"
    assert MatchGroup.objects.filter(company=company).count() == 1
    sound(company)


def taking_back_while_another_line_pays(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    first, second = line_of(journal, "121.00", "a"), line_of(journal, "121.00", "b")
    group = reconcile_with_items(owner, first.id, [invoice.open_item_id], now=NOW)
    with while_held(lambda: reconcile_with_items(owner, second.id, [invoice.open_item_id], now=NOW)) as other:
        undo(owner, group.id, now=NOW)
    # The second looked at an invoice that was paid: it is told to look again, and then it pays.
    assert other.code == "proposalStale"
    assert reconcile_with_items(owner, second.id, [invoice.open_item_id], now=NOW).line_id == second.id
    assert not Line.objects.get(pk=first.id).reconciled
    sound(company)


def a_match_taken_back_by_two_is_taken_back_once(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    line = line_of(journal, "121.00", "a")
    group = reconcile_with_items(owner, line.id, [invoice.open_item_id], now=NOW)
    with while_held(lambda: undo(owner, group.id, now=NOW)):
        undo(owner, group.id, now=NOW)
    assert items_of(company) == [Decimal("121.00")]
    sound(company)


def many_items_in_opposite_order_never_wait_for_each_other_in_a_ring(
    owner: User, company: Company, journal: Journal
) -> None:
    invoices = [invoice_of(owner, company, f"INV/2026/1{n:03}", "10.00") for n in range(8)]
    lines = [line_of(journal, "80.00", str(n)) for n in range(2)]
    ids = [invoice.open_item_id for invoice in invoices]
    start, others = threading.Barrier(2), [Other(), Other()]

    def act(line: Line, wanted: list[UUID]) -> MatchGroup:
        start.wait(PATIENCE_S)
        return reconcile_with_items(owner, line.id, wanted, now=NOW)

    others[0].start(lambda: act(lines[0], ids))
    others[1].start(lambda: act(lines[1], ids[::-1]))
    for other in others:
        other.join()
    assert sorted(other.code for other in others) == ["", "itemNotOpen"]
    assert items_of(company) == [0] * 8
    sound(company)


def moved(owner: User, company: Company, day: dt.date | None) -> Callable[[], int]:
    return lambda: move_lock(owner, company, day, now=NOW)


def a_lock_that_is_set_before_an_import_ends_holds_its_lines(owner: User, company: Company, journal: Journal) -> None:
    """The import read no lock when it began; the one that is being set makes it wait, and its lines are held."""
    first = line_of(journal, "1.00", "before")
    with while_held(lambda: line_of(journal, "2.00", "during")) as other:
        move_lock(owner, Company.objects.get(pk=company.pk), DAY, now=NOW)
    assert (first.status, other.result.status) == (LineStatus.POSTED, LineStatus.HELD_LOCKED)
    with pytest.raises(Problem, match="locked"):
        retry_held(owner, other.result.id, now=NOW)
    assert move_lock(owner, company, None, now=NOW) == 1
    assert Line.objects.get(pk=other.result.id).status == LineStatus.POSTED
    sound(company)


def a_lock_waits_for_an_import_that_has_looked_already(owner: User, company: Company, journal: Journal) -> None:
    with while_held(moved(owner, company, DAY)) as other:
        line = line_of(journal, "1.00", "before")
    assert (other.result, Line.objects.get(pk=line.id).status) == (0, LineStatus.POSTED)
    assert line_of(journal, "2.00", "after").status == LineStatus.HELD_LOCKED


def a_match_made_while_a_lock_is_set_is_dated_after_it(owner: User, company: Company, journal: Journal) -> None:
    line, fees = line_of(journal, "9.00", "a"), account_for(company, Purpose.BANK_FEES)
    with while_held(lambda: reconcile_with_account(owner, line.id, fees.id, now=NOW)) as other:
        move_lock(owner, Company.objects.get(pk=company.pk), DAY, now=NOW)
    assert other.result.second_entry.date == DAY + dt.timedelta(days=1)
    sound(company)


#: Scenarios that share a database, each with a company of its own: emptying it takes longer than the scenarios.
SCENARIOS: dict[str, tuple[Callable[[User, Company, Journal], None], ...]] = {
    "by_hand": (
        two_lines_for_one_item_one_wins_and_the_other_is_told,
        what_the_first_left_open_is_for_the_second,
        one_line_two_accountants,
        a_write_off_that_was_decided_on_another_amount_is_told,
    ),
    "nostro_and_a_person": (
        nostro_by_itself_comes_second,
        a_rule_applies_while_somebody_matches_by_hand,
        a_person_is_told_when_the_rule_was_faster,
        the_button_of_a_rule_and_a_match_by_hand,
    ),
    "taking_back_and_rings": (
        taking_back_while_another_line_pays,
        a_match_taken_back_by_two_is_taken_back_once,
        many_items_in_opposite_order_never_wait_for_each_other_in_a_ring,
    ),
    "locks": (
        a_lock_that_is_set_before_an_import_ends_holds_its_lines,
        a_lock_waits_for_an_import_that_has_looked_already,
        a_match_made_while_a_lock_is_set_is_dated_after_it,
    ),
}


@pytest.mark.parametrize("group", SCENARIOS)
def test_one_wins_and_the_other_is_told(owner: User, group: str) -> None:
    for scenario in SCENARIOS[group]:
        company = create_company(owner, name=scenario.__name__, country="BE", currency="EUR")
        scenario(owner, company, create_journal(owner, company, name="Bank", currency="EUR"))
