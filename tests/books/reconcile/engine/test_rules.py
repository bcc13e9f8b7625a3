"""Rules without a database: conditions, amounts, permission, tolerance, expressions that never end (books.md 16.8)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.books.reconcile.engine.cases import DAY, a_book, a_line, an_id, an_item

from nostro.books.reconcile.engine import Definition, EarlyPayment, LiveRule, Proposal, Rules, propose
from nostro.books.reconcile.engine.patterns import PatternError, check_pattern, search
from nostro.books.reconcile.engine.rules import (
    AmountType,
    Counterpart,
    Direction,
    Matching,
    Operator,
    TextCondition,
    Tolerance,
    Where,
)

FEES = an_id("fees")
ALL = (Counterpart(account_id=FEES),)


def a_rule(name: str = "rule", *, applies: bool = True, **definition: Any) -> LiveRule:
    return LiveRule(an_id(name), an_id(f"{name} 1"), name, Definition(**definition), applies)


def says(operator: Operator, value: str, where: Where = Where.LABEL) -> tuple[TextCondition, ...]:
    return (TextCondition(where, operator, value),)


def proposed(line: Any, *rules: LiveRule, items: Any = (), **known: Any) -> Proposal:
    return propose(line, a_book(*items, **known), rules=Rules(rules))


def booked(line: Any, *counterparts: Counterpart) -> list[Decimal]:
    options = proposed(line, a_rule(counterparts=counterparts)).options
    return [booking.amount for option in options for booking in option.bookings]


def test_fifty_percent_of_the_line_and_of_the_balance() -> None:
    half = Decimal(50)
    line = a_line("-120.00", "rent")
    amounts = booked(
        line,
        Counterpart(FEES, amount_type=AmountType.PERCENT_OF_LINE, amount=half),
        Counterpart(FEES, amount_type=AmountType.PERCENT_OF_BALANCE, amount=half),
    )
    assert amounts == [Decimal("-60.00"), Decimal("-30.00")]
    assert line.rest - sum(amounts) == Decimal("-30.00")


@pytest.mark.parametrize(
    ("pattern", "separator", "text", "amount"),
    [
        (r"FEE\s+(\d+,\d{2})", ",", "GROSS 100,00 FEE 2,90", "2.90"),
        (r"FEE\s+([\d.]+,\d{2})", ",", "FEE 1.002,90", "1002.90"),
        (r"FEE\s+([\d,]+\.\d{2})", ".", "FEE 1,002.90", "1002.90"),
    ],
    ids=["comma", "points_between", "point"],
)
def test_an_amount_from_the_label(pattern: str, separator: str, text: str, amount: str) -> None:
    one = Counterpart(
        FEES, amount_type=AmountType.FROM_LABEL, pattern=pattern, decimal_separator=separator
    )  # fmt: skip
    assert booked(a_line("2000.00", text), one) == [Decimal(amount)]
    assert booked(a_line("-2000.00", text), one) == [-Decimal(amount)]
    assert booked(a_line("1.00", text), one) == []
    assert booked(a_line("2000.00", "no such amount"), one) == []


def test_fixed_amounts_stay_within_the_line() -> None:
    five = Counterpart(FEES, amount_type=AmountType.FIXED, amount=Decimal(5))
    assert booked(a_line("-12.00"), five, five) == [Decimal(-5), Decimal(-5)]
    assert booked(a_line("-7.00"), five, five) == []


@pytest.mark.parametrize(
    ("definition", "hits"),
    [
        ({"texts": says(Operator.CONTAINS, "BANK fee")}, True),
        ({"texts": says(Operator.NOT_CONTAINS, "bank fee")}, False),
        ({"texts": says(Operator.NOT_CONTAINS, "rent")}, True),
        ({"texts": says(Operator.REGEX, r"fee\s+\d{4}")}, True),
        ({"texts": says(Operator.CONTAINS, "fee", Where.NOTES)}, False),
        ({"texts": says(Operator.CONTAINS, "kbc", Where.DETAILS)}, True),
        ({"direction": Direction.PAID}, True),
        ({"direction": Direction.RECEIVED}, False),
        ({"amount_min": Decimal(4), "amount_max": Decimal(5)}, True),
        ({"amount_min": Decimal("4.51")}, False),
        ({"amount_max": Decimal("4.49")}, False),
        ({"journal_ids": (an_id("journal"),)}, True),
        ({"journal_ids": (an_id("other"),)}, False),
        ({"partner_set": True}, False),
        ({"partner_set": False}, True),
        ({"partner_ids": (an_id("ann"),)}, False),
        ({"same_currency": True}, True),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, bool) else "-".join(sorted(value)),
)
def test_conditions(definition: dict[str, Any], hits: bool) -> None:
    line = a_line("-4.50", "Bank Fee 2026", counterparty_name="KBC Bank")
    assert bool(proposed(line, a_rule(counterparts=ALL, **definition)).options) is hits


def test_the_first_that_hits_wins_and_one_that_only_suggests_applies_nothing() -> None:
    line = a_line("-4.50", "fee")
    texts = says(Operator.CONTAINS, "fee")
    first, second = a_rule("one", applies=False, texts=texts, counterparts=ALL), a_rule("two", counterparts=ALL)
    proposal = proposed(line, first, second)
    assert proposal.decision == "suggest"
    assert [option.rule_version_id for option in proposal.options] == [first.version_id]


def test_amounts_alone_never_apply() -> None:
    assert proposed(a_line("-4.50", "fee"), a_rule(counterparts=ALL)).decision == "suggest"


def test_a_step_before_goes_before_a_rule() -> None:
    invoice = an_item("INV/2026/0007", "121.00")
    rule = a_rule(texts=says(Operator.CONTAINS, "inv"), counterparts=ALL)
    proposal = proposed(a_line("121.00", "INV/2026/0007"), rule, items=[invoice])
    assert (proposal.decision, proposal.options[0].item_ids) == ("apply", (invoice.id,))


# --- permission to apply ------------------------------------------------------------------------------------------


def ann_owes(residual: str, **changes: Any) -> Any:
    return an_item("INV/2026/0007", residual, partner_id=an_id("ann"), partner_name="Ann Lee", **changes)


@pytest.mark.parametrize("applies", [True, False], ids=["applies", "suggests"])
def test_an_exact_amount_of_a_partner_applies_only_by_a_rule(applies: bool) -> None:
    line = a_line("121.00", "thanks", counterparty_name="Ann Lee")
    known = {"items": [ann_owes("121.00")], "partners": {"ann": "Ann Lee"}}
    assert proposed(line, **known).decision == "suggest"
    rule = a_rule(matching=Matching.EXACT, applies=applies)
    proposal = proposed(line, rule, **known)
    assert proposal.decision == ("apply" if applies else "suggest")
    assert proposal.options[0].rule_version_id == rule.version_id


def test_a_discount_applies_by_a_rule_and_only_in_time() -> None:
    item = ann_owes("121.00", early_payment=EarlyPayment(DAY, Decimal("118.58")))
    line = a_line("118.58", "thanks", counterparty_name="Ann Lee")
    known = {"items": [item], "partners": {"ann": "Ann Lee"}}
    rule = a_rule(matching=Matching.DISCOUNT)
    assert proposed(line, **known).decision == "suggest"
    assert proposed(line, rule, **known).decision == "apply"
    late = replace(line, date=DAY.replace(day=DAY.day + 1))
    assert proposed(late, rule, **known).decision != "apply"


def tolerant(**tolerance: Any) -> LiveRule:
    values: dict[str, Any] = {"account_id": FEES, "currency": "EUR", **tolerance}
    return a_rule(matching=Matching.TOLERANCE, tolerance=Tolerance(**values))


@pytest.mark.parametrize(
    ("paid", "tolerance", "written_off", "extra"),
    [
        ("99.50", {"fixed": Decimal("0.50")}, "0.50", None),
        ("99.49", {"fixed": Decimal("0.50")}, None, None),
        ("99.50", {"percent": Decimal("0.5")}, "0.50", None),
        ("99.50", {"percent": Decimal("0.4999")}, None, None),
        ("99.50", {"fixed": Decimal("0.50"), "currency": "USD"}, None, None),
        ("100.50", {"fixed": Decimal("0.50")}, None, None),
        ("100.50", {"fixed": Decimal("0.50"), "overpayment": True}, "0", "0.50"),
    ],
    ids=["fixed", "too_far", "percent", "percent_too_far", "other_currency", "over", "over_ticked"],
)
def test_tolerance(paid: str, tolerance: dict[str, Any], written_off: str | None, extra: str | None) -> None:
    line = a_line(paid, "thanks", counterparty_name="Ann Lee")
    proposal = proposed(line, tolerant(**tolerance), items=[ann_owes("100.00")], partners={"ann": "Ann Lee"})
    if written_off is None:
        assert proposal.decision == "suggest" and not any(a.write_off for o in proposal.options for a in o.allocations)
        return
    (allocation,) = proposal.options[0].allocations
    assert (proposal.decision, allocation.write_off) == ("apply", Decimal(written_off))
    assert [booking.amount for booking in proposal.options[0].bookings] == ([Decimal(extra)] if extra else [])


def test_two_items_within_tolerance_are_for_a_person() -> None:
    items = [ann_owes("100.00"), replace(ann_owes("100.10"), id=an_id("other"))]
    line = a_line("99.90", "thanks", counterparty_name="Ann Lee")
    proposal = proposed(line, tolerant(fixed=Decimal(1)), items=items, partners={"ann": "Ann Lee"})
    assert proposal.decision == "suggest"


# --- expressions --------------------------------------------------------------------------------------------------

EVIL = [r"(a+)+$", r"(a|aa)+$", r"(a|a?)+$", r"(.*a){25}$"]


@pytest.mark.parametrize("pattern", EVIL, ids=["plus", "or", "maybe", "count"])
def test_an_expression_that_never_ends_is_stopped_and_its_rule_rests(pattern: str) -> None:
    line = a_line("-1.00", "a" * 300 + "!")
    rules = Rules([a_rule(texts=says(Operator.REGEX, pattern), counterparts=ALL), a_rule("two", counterparts=ALL)])
    for _ in range(20):  # unbounded, one of them would take years
        proposal = propose(line, a_book(), rules=rules)
    assert [option.rule_version_id for option in proposal.options] == [an_id("two 1")]


def test_search_raises_after_its_time() -> None:
    with pytest.raises(TimeoutError):
        search(r"(.*a){25}$", "a" * 300 + "!")


@pytest.mark.parametrize("pattern", ["(", "", "a" * 201, "[z-a]"], ids=["open", "empty", "long", "range"])
def test_broken_expressions_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        check_pattern(pattern)


def test_an_amount_needs_one_group() -> None:
    check_pattern(r"FEE (\d+)", groups=1)
    with pytest.raises(PatternError, match="2 groups"):
        check_pattern(r"(FEE) (\d+)", groups=1)


def test_the_digest_changes_with_order_version_and_permission() -> None:
    one, two = a_rule("one", counterparts=ALL), a_rule("two", counterparts=ALL)
    digests = {Rules(rules).digest for rules in ([], [one], [one, two], [two, one], [replace(one, applies=False)])}
    assert len(digests) == 5
    assert Rules([one, two]).digest == Rules([one, two]).digest
