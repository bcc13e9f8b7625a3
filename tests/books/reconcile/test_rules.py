"""Rules (books.md 16.8): versions, order, what may apply, shipped ones, the button, simulation and its I-19."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import InternalError, connection
from django.utils import timezone
from tests.books.reconcile.steps import DAY, invoice_of, line_of

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import EntryItem, Partner, Purpose
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import (
    AmountType,
    Counterpart,
    Matching,
    Operator,
    TextCondition,
    Tolerance,
    Where,
)
from nostro.books.reconcile.models import MatchGroup, Rule, RuleKind, RuleVersion
from nostro.books.reconcile.rules.services import (
    access_rule,
    create_rule,
    edit_rule,
    order_rules,
    press,
    remove_rule,
    rules_of,
    set_active,
    set_applies,
)
from nostro.books.reconcile.rules.simulating import read_only, simulate_version
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, undo
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

FEES = (TextCondition(Where.LABEL, Operator.CONTAINS, "bank fee"),)


@pytest.fixture
def fees(company: Company) -> Any:
    return account_for(company, Purpose.BANK_FEES)


def made(user: User, company: Company, definition: Definition, kind: str = RuleKind.AUTOMATED) -> Rule:
    return create_rule(user, company, name="A rule", kind=kind, definition=definition, now=timezone.now())


def applying(user: User, rule: Rule) -> Rule:
    assert rule.version is not None
    simulate_version(user, rule.id, rule.version.number, today=DAY, now=timezone.now())
    return set_applies(user, rule.id, True, now=timezone.now())


def test_a_rule_suggests_then_is_simulated_then_applies_and_the_match_keeps_its_version(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    rule = made(owner, company, Definition(texts=FEES, counterparts=(Counterpart(account_id=fees.id),)))
    line = line_of(journal, "-4.50", "Monthly bank fee")
    assert look(company).applied == 0
    with pytest.raises(Problem) as refused:
        set_applies(owner, rule.id, True, now=timezone.now())
    assert refused.value.code == "ruleNotSimulated"
    applying(owner, rule)
    assert look(company).applied == 1
    group = MatchGroup.objects.get(line=line)
    assert (group.step, group.automatic, group.explanation) == ("model", True, "Rule “A rule”, amount exact")
    first = group.rule_version
    edited = edit_rule(
        owner, rule.id, name="Fees", definition=Definition(texts=FEES, counterparts=(Counterpart(fees.id),)),
        now=timezone.now(),
    )  # fmt: skip
    assert not edited.applies and edited.version is not None and edited.version.number == 2
    group.refresh_from_db()
    assert group.rule_version == first and first is not None and first.number == 1
    line_of(journal, "-4.50", "Monthly bank fee")
    assert look(company).applied == 0
    assert remove_rule(owner, rule.id, now=timezone.now()) is False
    assert Rule.objects.get(pk=rule.pk).archived_at is not None


def test_an_unused_rule_is_deleted(owner: User, company: Company, fees: Any) -> None:
    rule = made(owner, company, Definition(texts=FEES, counterparts=(Counterpart(fees.id),)))
    assert remove_rule(owner, rule.id, now=timezone.now()) is True
    assert not RuleVersion.objects.filter(rule_id=rule.pk).exists()


def test_the_first_rule_that_hits_wins(owner: User, company: Company, journal: Journal, fees: Any) -> None:
    sales = account_for(company, Purpose.SALES)
    one = made(owner, company, Definition(texts=FEES, counterparts=(Counterpart(fees.id),)))
    two = made(owner, company, Definition(texts=FEES, counterparts=(Counterpart(sales.id),)))
    applying(owner, one), applying(owner, two)
    order_rules(owner, company, [two.id, one.id], now=timezone.now())
    line_of(journal, "-4.50", "bank fee")
    look(company)
    assert MatchGroup.objects.get().rule_version == two.version


def test_fifty_percent_of_the_line_then_of_the_balance_leaves_thirty_and_the_button_does_it(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    half = Decimal(50)
    definition = Definition(
        counterparts=(
            Counterpart(fees.id, amount_type=AmountType.PERCENT_OF_LINE, amount=half),
            Counterpart(fees.id, amount_type=AmountType.PERCENT_OF_BALANCE, amount=half),
        )
    )
    rule = made(owner, company, definition, RuleKind.MANUAL)
    line = line_of(journal, "-120.00", "rent")
    group = press(owner, line.id, rule.id, now=timezone.now())
    assert [part.amount for part in group.parts.order_by("amount")] == [Decimal(-60), Decimal(-30)]
    line.refresh_from_db()
    assert line.suspense_residual == -30
    undo(owner, group.id, now=timezone.now())
    line.refresh_from_db()
    assert line.suspense_residual == -120


def test_tolerance_writes_the_difference_off_and_only_within_it(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    definition = Definition(matching=Matching.TOLERANCE, tolerance=Tolerance(fees.id, "EUR", fixed=Decimal("0.50")))
    applying(owner, made(owner, company, definition))
    invoice = invoice_of(owner, company)
    near = line_of(journal, "120.60", "thanks", counterparty_name="Customer NV")
    assert look(company).applied == 1
    item = EntryItem.objects.get(document=invoice)
    assert item.residual == 0 and MatchGroup.objects.get(line=near).write_off_entry is not None
    invoice_of(owner, company, "INV/2026/0008")
    line_of(journal, "120.40", "thanks", counterparty_name="Customer NV")
    assert look(company).applied == 0


def test_with_no_tolerance_rule_nothing_is_written_off(owner: User, company: Company, journal: Journal) -> None:
    applying(owner, made(owner, company, Definition(matching=Matching.EXACT)))
    invoice_of(owner, company)
    line_of(journal, "120.99", "thanks", counterparty_name="Customer NV")
    assert look(company).applied == 0
    line_of(journal, "121.00", "thanks", counterparty_name="Customer NV")
    assert look(company).applied == 1
    assert not MatchGroup.objects.exclude(write_off_entry=None).exists()


def test_a_mapping_names_the_partner(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    shop = (TextCondition(Where.LABEL, Operator.CONTAINS, "webshop"),)
    made(owner, company, Definition(texts=shop, counterparts=(Counterpart(partner_id=invoice.partner_id),)))
    applying(owner, made(owner, company, Definition(matching=Matching.EXACT)))
    line_of(journal, "121.00", "Webshop 77")
    assert look(company).applied == 1
    assert MatchGroup.objects.get().evidence["partner"] == "a partner mapping"


BAD: list[tuple[str, dict[str, Any]]] = [
    ("nothing", {}),
    ("tolerance_without_account", {"matching": "tolerance", "tolerance": {"currency": "EUR", "fixed": "1"}}),
    ("broken_expression", {"texts": [{"where": "label", "operator": "regex", "value": "("}], "counterparts": "fees"}),
    ("no_group", {"counterparts": "fees", "amount_type": "from_label", "pattern": "FEE"}),
    ("more_than_all", {"counterparts": "fees", "amount": "101"}),
    ("strange", {"matching": "sometimes"}),
]


@pytest.mark.parametrize("given", [given for _, given in BAD], ids=[name for name, _ in BAD])
def test_what_makes_no_sense_cannot_be_saved(owner: User, company: Company, fees: Any, given: dict[str, Any]) -> None:
    line = {key: given[key] for key in ("amount_type", "pattern", "amount") if key in given}
    definition = {key: value for key, value in given.items() if key not in line}
    if definition.get("counterparts") == "fees":
        definition["counterparts"] = [{"account_id": str(fees.id), **line}]
    with pytest.raises(Problem) as refused:
        create_rule(owner, company, name="x", kind=RuleKind.AUTOMATED, definition=definition, now=timezone.now())
    assert refused.value.code == "ruleInvalid" and refused.value.why


def test_a_rule_on_amounts_alone_never_applies_by_itself(owner: User, company: Company, fees: Any) -> None:
    rule = made(owner, company, Definition(amount_max=Decimal(5), counterparts=(Counterpart(fees.id),)))
    with pytest.raises(Problem) as refused:
        applying(owner, rule)
    assert refused.value.code == "ruleHasNoEvidence"


def test_shipped_rules_are_there_and_switched_off(owner: User, company: Company) -> None:
    shipped = rules_of(owner, company)
    assert {rule.shipped for rule in shipped} == {"exact_match", "cash_discount", "transfers", "bank_fees"}
    assert not any(rule.active or rule.applies for rule in shipped)


def test_the_neighbour_is_refused(
    owner: User, stranger: User, company: Company, journal: Journal, fees: Any
) -> None:  # fmt: skip
    rule = made(owner, company, Definition(texts=FEES, counterparts=(Counterpart(fees.id),)))
    other = create_company(stranger, name="Other", country="BE")
    line = line_of(journal, "-4.50", "bank fee")
    now = timezone.now()
    for refused in (
        lambda: access_rule(stranger, rule.id),
        lambda: rules_of(stranger, company),
        lambda: made(stranger, company, Definition(matching=Matching.EXACT)),
        lambda: made(stranger, other, Definition(counterparts=(Counterpart(fees.id),))),
        lambda: edit_rule(stranger, rule.id, name="x", definition={}, now=now),
        lambda: set_active(stranger, rule.id, False, now=now),
        lambda: set_applies(stranger, rule.id, True, now=now),
        lambda: order_rules(stranger, other, [rule.id], now=now),
        lambda: remove_rule(stranger, rule.id, now=now),
        lambda: press(stranger, line.id, rule.id, now=now),
        lambda: simulate_version(stranger, rule.id, 1, today=DAY, now=now),
    ):
        with pytest.raises(NotFound):
            refused()


# --- simulation ---------------------------------------------------------------------------------------------------


def everything() -> dict[str, int]:
    """Rows of every table by a digest of their text."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = model._meta.db_table
            cursor.execute(f'SELECT COALESCE(SUM(hashtextextended(t::text, 0)), 0) FROM "{table}" t')
            found[table] = cursor.fetchone()[0]
    return found


def test_a_simulation_compares_with_what_people_did_and_writes_only_its_result(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    sales, now = account_for(company, Purpose.SALES), timezone.now()
    line_of(journal, "-4.50", "bank fee", DAY - dt.timedelta(days=400))
    for account in (fees, sales):
        reconcile_with_account(owner, line_of(journal, "-4.50", "bank fee").id, account.id, now=now)
    line_of(journal, "-4.50", "bank fee")
    line_of(journal, "-4.50", "something else")
    rule = made(owner, company, Definition(texts=FEES, counterparts=(Counterpart(fees.id),)))
    before = everything()
    done = simulate_version(owner, rule.id, 1, today=DAY, now=now)
    after = everything()
    assert (done.lines, done.agrees, done.differs, done.newly, done.missed) == (4, 1, 1, 1, 0)
    assert {table for table in before if before[table] != after[table]} == {
        "reconcile_simulation",
        "people_auditrecord",
    }


def test_a_narrower_version_misses_what_the_rule_matched(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    rule = applying(owner, made(owner, company, Definition(texts=FEES, counterparts=(Counterpart(fees.id),))))
    line_of(journal, "-4.50", "bank fee")
    look(company)
    narrow = (TextCondition(Where.LABEL, Operator.CONTAINS, "bank fee of march"),)
    definition = Definition(texts=narrow, counterparts=(Counterpart(fees.id),))
    edit_rule(owner, rule.id, name="Narrow", definition=definition, now=timezone.now())
    assert simulate_version(owner, rule.id, 2, today=DAY, now=timezone.now()).missed == 1


def test_a_matching_rule_is_tried_on_what_was_open_then(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    line = line_of(journal, "121.00", "thanks", counterparty_name="Customer NV")
    reconcile_with_items(owner, line.id, [invoice.open_item_id], now=timezone.now())
    rule = made(owner, company, Definition(matching=Matching.EXACT))
    done = simulate_version(owner, rule.id, 1, today=DAY, now=timezone.now())
    assert (done.agrees, done.differs, done.newly) == (1, 0, 0)


def test_the_database_refuses_writes_in_a_simulation(company: Company) -> None:
    with pytest.raises(InternalError, match="read-only"), read_only():
        Partner.objects.create(company=company, name="x")
    Partner.objects.create(company=company, name="x")


# --- what matched lines teach -------------------------------------------------------------------------------------


def paid(owner: User, company: Company, journal: Journal, number: str, customer: str, **said: Any) -> Line:
    invoice = invoice_of(owner, company, number, "10.00", customer=customer)
    line = line_of(journal, "10.00", "thanks", **said)
    reconcile_with_items(owner, line.id, [invoice.open_item_id], now=timezone.now())
    return line


def who(company: Company, line: Line) -> str:
    from nostro.books.reconcile.proposing import propose_lines

    (proposal,) = propose_lines(company, [line.id])
    return proposal.partner_why


@pytest.mark.parametrize("column", ["mandate_id", "creditor_id", "end_to_end_id"])
def test_identifiers_of_matched_lines_name_the_partner_until_they_meet_a_second(
    owner: User, company: Company, journal: Journal, column: str
) -> None:
    paid(owner, company, journal, "A-10001", "Ann", **{column: "m-77"})
    said: dict[str, Any] = {column: "m-77"}
    line = line_of(journal, "3.00", "x", **said)
    assert who(company, line) == "identifier M-77" if column == "end_to_end_id" else "identifier m-77"
    paid(owner, company, journal, "B-10001", "Bob", **{column: "m-77"})
    assert who(company, line) == ""


def test_the_last_three_lines_of_a_name_name_the_partner(owner: User, company: Company, journal: Journal) -> None:
    for number in range(3):
        line = line_of(journal, "3.00", "x", counterparty_name="SHOP  77 ")
        assert who(company, line) == ""
        paid(owner, company, journal, f"A-1000{number}", "Ann", counterparty_name="Shop 77")
    line = line_of(journal, "3.00", "x", counterparty_name="SHOP 77")
    assert who(company, line) == "the last three lines with this name"
    paid(owner, company, journal, "B-10001", "Bob", counterparty_name="Shop 77")
    assert who(company, line) == ""
