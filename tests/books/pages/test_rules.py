"""The pages of rules: the whole form there and back, versions, order, and proposals from what people did."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House
from tests.books.pages.test_reconcile import post, rule_fields

from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Partner, Purpose
from nostro.books.pages.states import journal_title
from nostro.books.reconcile.engine.rules import AmountType, Direction, Matching, Operator, Where
from nostro.books.reconcile.models import LearnedRule, Rule
from nostro.books.reconcile.rules.loading import definition_of
from nostro.books.reconcile.rules.services import rules_of
from nostro.people.models import User


def made(browser: Client, house: House, **fields: str) -> Rule:
    answer = post(browser, "add_rule", house.company.id, **rule_fields(**fields))
    assert answer.status_code == 302, answer.context["parts"].rule.errors
    return Rule.objects.filter(company=house.company, shipped="").latest("sequence")


def edit_address(rule: Rule) -> str:
    return reverse("books:edit_rule", args=[rule.id])


def test_everything_a_rule_can_say_goes_through_the_form_and_comes_back(house: House, browser: Client) -> None:
    partner = Partner.objects.filter(company=house.company).first()
    assert partner is not None
    fields = {
        "texts-TOTAL_FORMS": "2", "texts-0-value": "fee", "texts-1-where": "notes", "texts-1-operator": "regex",
        "texts-1-value": r"GROSS \d+", "journals": str(house.journal.id), "direction": "both", "amount_min": "1,50",
        "amount_max": "1 000", "partner_set": "known", "partners": partner.name.upper(), "same_currency": "on",
        "lines-TOTAL_FORMS": "2", "lines-0-amount_type": "percent_of_line", "lines-0-amount": "50",
        "lines-0-label": "Half", "lines-1-account": "657", "lines-1-amount_type": "from_label",
        "lines-1-pattern": r"FEE\s+(\d+,\d{2})", "lines-1-decimal_separator": ",", "lines-1-partner_name": partner.name,
        "to_check": "on", "next_activity": "Ask the bank",
    }  # fmt: skip
    rule = made(browser, house, **fields)
    assert rule.version is not None
    definition = definition_of(rule.version.definition)

    assert [(one.where, one.operator, one.value) for one in definition.texts] == [
        (Where.LABEL, Operator.CONTAINS, "fee"), (Where.NOTES, Operator.REGEX, r"GROSS \d+"),
    ]  # fmt: skip
    assert (definition.journal_ids, definition.partner_ids) == ((house.journal.id,), (partner.id,))
    assert (definition.amount_min, definition.amount_max) == (Decimal("1.50"), Decimal(1000))
    assert (definition.partner_set, definition.direction, definition.same_currency) == (True, Direction.BOTH, True)
    half, fee = definition.counterparts
    assert (half.amount_type, half.amount, half.label) == (AmountType.PERCENT_OF_LINE, Decimal(50), "Half")
    assert (fee.amount_type, fee.pattern, fee.partner_id) == (AmountType.FROM_LABEL, r"FEE\s+(\d+,\d{2})", partner.id)
    assert (definition.to_check, definition.next_activity) == (True, "Ask the bank")

    parts = browser.get(edit_address(rule)).context["parts"]
    shown: dict[str, str] = {}
    for form in (parts.rule, *parts.texts, *parts.lines, parts.texts.management_form, parts.lines.management_form):
        for field in form:
            value = field.value()
            if value not in (None, False, "", []):
                shown[field.html_name] = "on" if value is True else str(value[0] if isinstance(value, list) else value)
    assert browser.post(edit_address(rule), shown).status_code == 302
    rule.refresh_from_db()
    assert rule.version is not None and rule.version.number == 2
    assert definition_of(rule.version.definition) == definition, "saving what is shown changes nothing"


def test_a_tolerance_needs_an_account_and_is_kept(house: House, browser: Client) -> None:
    fields = {"matching": "tolerance", "tolerance_percent": "0.5", "lines-0-account": "", "lines-0-amount": ""}
    refused = post(browser, "add_rule", house.company.id, **rule_fields(**fields)).content.decode()
    assert "A tolerance needs an account" in refused and 'value="0.5"' in refused
    rule = made(browser, house, **fields, tolerance_account="657")
    assert rule.version is not None
    definition = definition_of(rule.version.definition)
    assert definition.matching == Matching.TOLERANCE and definition.tolerance is not None
    assert definition.tolerance.percent == Decimal("0.5")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"texts-0-operator": "regex", "texts-0-value": "(("}, "does not work"),
        ({"partners": "Nobody at all"}, "No partner is called"),
        ({"lines-0-account": "no such account"}, "No account has this code or name"),
        ({"lines-0-amount": "150"}, "at most 100"),
        ({"amount_min": "10", "amount_max": "5"}, "the smaller one first"),
        ({"lines-0-account": ""}, "It does nothing"),
    ],
    ids=["expression", "partner", "account", "percent", "amounts", "nothing"],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_beside_the_form(
    house: House, browser: Client, fields: dict[str, str], said: str
) -> None:
    refused = post(browser, "add_rule", house.company.id, **rule_fields(**fields))
    assert refused.status_code == 200 and said in refused.content.decode()
    assert not Rule.objects.filter(company=house.company, shipped="").exists()


def test_more_texts_and_lines_without_scripts(house: House, browser: Client) -> None:
    fields = rule_fields(**{"texts-0-value": "typed already", "more": "texts"})
    parts = post(browser, "add_rule", house.company.id, **fields).context["parts"]
    assert (len(parts.texts.forms), len(parts.lines.forms)) == (2, 1)
    assert parts.texts[0]["value"].value() == "typed already"
    fields |= {"more": "lines", "lines-TOTAL_FORMS": "999999999"}
    assert len(post(browser, "add_rule", house.company.id, **fields).context["parts"].lines.forms) == 20


def test_rules_are_moved_up_and_down(house: House, browser: Client, owner: User) -> None:
    first, second = made(browser, house, name="First"), made(browser, house, name="Second")
    post(browser, "change_rule", second.id, change="up")
    order = [rule.id for rule in rules_of(owner, house.company)]
    assert order.index(second.id) + 1 == order.index(first.id)
    post(browser, "change_rule", second.id, change="down")
    assert [rule.id for rule in rules_of(owner, house.company)][-2:] == [first.id, second.id]


def test_a_rule_is_dragged_to_another_place(house: House, browser: Client, owner: User) -> None:
    first, second = made(browser, house, name="First"), made(browser, house, name="Second")
    shipped = len(rules_of(owner, house.company)) - 2
    post(browser, "change_rule", second.id, change="place", places=f"-{shipped + 1}")
    assert [rule.id for rule in rules_of(owner, house.company)][:: shipped + 1] == [second.id, first.id]
    for nonsense in ("", "far", "99999999999"):
        assert post(browser, "change_rule", second.id, change="place", places=nonsense).status_code == 404


def test_all_conditions_and_everything_that_follows_are_said(house: House, browser: Client) -> None:
    partner = Partner.objects.get(company=house.company)
    fields = {
        "texts-0-where": "details", "texts-0-value": "fee", "journals": str(house.journal.id), "amount_min": "1,50",
        "amount_max": "1000", "partner_set": "known", "partners": partner.name, "same_currency": "on",
        "lines-0-account": "", "lines-0-amount": "", "matching": "tolerance", "tolerance_percent": "0.5",
        "tolerance_account": "657", "to_check": "on", "next_activity": "Ask the bank",
    }  # fmt: skip
    rule = made(browser, house, **fields)
    rows = browser.get(reverse("books:rules", args=[house.company.id])).context["rows"]
    (row,) = (row for row in rows if row.rule == rule)
    assert row.conditions == [
        "Other party, account or references contains “fee”", f"journal {journal_title(house.journal)}", "money paid",
        "at least 1.50", "at most 1000", "the partner is known", f"partner {partner.name}", "in the company's currency",
    ]  # fmt: skip
    assert row.outcome == [
        "the partner's open item; a difference up to 0.5 % goes to 657000 Bank fees",
        "is marked to check",
        "next: Ask the bank",
    ]


def test_a_mapping_rule_names_its_partner(house: House, browser: Client) -> None:
    partner = Partner.objects.get(company=house.company)
    mapping = {"lines-0-account": "", "lines-0-partner_name": partner.name, "texts-0-value": "acme"}
    rule = made(browser, house, **mapping)
    rows = browser.get(reverse("books:rules", args=[house.company.id])).context["rows"]
    assert next(row.outcome for row in rows if row.rule == rule) == [f"sets the partner {partner.name}"]


def test_a_simulation_lists_the_lines_behind_its_figures(house: House, browser: Client) -> None:
    paper, other = house.line("-50"), house.line("-100")
    post(browser, "match_account", other.id, account=str(account_for(house.company, Purpose.SALES)))
    rule = made(browser, house, name="Everything paid", **{"texts-0-operator": "not_contains", "texts-0-value": "zzz"})
    address = reverse("books:simulation", args=[rule.id])
    assert "never simulated" in browser.get(address).content.decode()

    answer = post(browser, "change_rule", rule.id, change="simulate")

    assert answer["Location"] == address
    shown = browser.get(address)
    fees, sales = "657000 Bank fees", str(account_for(house.company, Purpose.SALES))
    assert [
        (each.title, [(row.line, row.would, row.did) for row in each.rows]) for each in shown.context["verdicts"]
    ] == [
        ("Differs", [(other, fees, sales)]),
        ("Would newly match", [(paper, fees, "")]),
    ]
    assert "<script>" not in shown.content.decode().split("<main")[1]


def test_a_proposal_is_made_a_rule_or_never_comes_back(house: House, browser: Client) -> None:
    definition = made(browser, house, **{"texts-0-value": "paper"}).version
    assert definition is not None
    made_of = {
        "company": house.company, "journal": house.journal, "definition": definition.definition,
        "line_ids": ["x"] * 3, "simulation": {"agrees": 3, "differs": 0, "newly": 1},
    }  # fmt: skip
    one = LearnedRule.objects.create(words="paper bought #", created_at="2026-11-01T00:00Z", **made_of)
    two = LearnedRule.objects.create(words="<script>", created_at="2026-11-01T00:00Z", **made_of)
    shown = browser.get(reverse("books:rules", args=[house.company.id])).content.decode()
    assert "paper bought #" in shown and "&lt;script&gt;" in shown and "<script>" not in shown.split("<main")[1]

    post(browser, "decide_learned", one.id, decision="approve")
    post(browser, "decide_learned", two.id, decision="decline")

    assert Rule.objects.filter(company=house.company, version__name="paper bought #").exists()
    shown = browser.get(reverse("books:rules", args=[house.company.id])).content.decode()
    assert "Proposed from what you did" not in shown
    assert "was decided already" in post(browser, "decide_learned", two.id, decision="approve").content.decode()
