"""The page Reconcile: proposals, every action on a line, many lines at once (books.md 16.10)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.foreign import state_foreign_amount
from nostro.books.journals.models import Line
from nostro.books.journals.services import add_manual_line, create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import EntryItem, Partner, Purpose, TaxOption
from nostro.books.ledger.rates import set_rate
from nostro.books.ledger.services import create_document
from nostro.books.ledger.terms import EarlyTerms
from nostro.books.ledger.totals import totals_of
from nostro.books.reconcile.models import MatchGroup, Rule
from nostro.people.models import User
from nostro.web.once import new_form_key

NOW = dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)


def page(browser: Client, house: House, **query: str) -> Any:
    return browser.get(reverse("books:reconcile", args=[house.company.id]), query)


def post(browser: Client, name: str, subject: Any, query: str = "", /, **fields: Any) -> Any:
    return browser.post(f"{reverse(f'books:{name}', args=[subject])}?{query}", fields)


def best_key(browser: Client, house: House, line: Line) -> str:
    best = page(browser, house, line=str(line.id)).context["suggestions"].best
    assert best is not None
    return str(best.key)


def is_reconciled(line: Line) -> bool:
    return Line.objects.get(pk=line.id).reconciled


def test_a_line_shows_its_best_proposals_as_buttons_with_their_sentence(house: House, browser: Client) -> None:
    rows = {row.line.amount: row for row in page(browser, house).context["rows"]}

    (button,) = rows[Decimal(121)].suggestions.buttons
    assert button.name == "INV/2026/0007"
    assert "+++020/3430/57642+++" in button.sentence
    assert button.sure
    assert rows[Decimal(-50)].suggestions.buttons == ()
    assert rows[Decimal(121)].balance == Decimal("1121.00")


def test_the_best_proposal_is_applied_once_by_two_clicks_and_leads_to_the_next_line(
    house: House, browser: Client
) -> None:
    line, older = house.line("121"), house.line("-100")
    fields = {"key": best_key(browser, house, line), "form_key": new_form_key(), "next": str(older.id)}

    answers = [post(browser, "match_option", line.id, f"line={line.id}", **fields) for _ in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert f"line={older.id}" in answers[0]["Location"]
    group = MatchGroup.objects.get(line=line)
    assert group.step == "reference"
    assert not group.automatic
    shown = page(browser, house, line=str(line.id), filter="all").content.decode()
    assert "Evidence" in shown
    assert "INV/2026/0007, amount exact" in shown


def test_whoever_matches_another_line_stays_where_they_are(house: House, browser: Client) -> None:
    line, looked_at = house.line("121"), house.line("-50")
    answer = post(browser, "match_option", line.id, f"line={looked_at.id}", key=best_key(browser, house, line))

    assert f"line={looked_at.id}" in answer["Location"]


def test_a_proposal_that_is_gone_is_told(house: House, browser: Client) -> None:
    line = house.line("121")
    answer = post(browser, "match_option", line.id, key="0" * 20)

    assert "This is not proposed any more" in answer.content.decode()
    assert not is_reconciled(line)


def test_an_invoice_that_is_paid_short_is_marked_as_fully_paid(house: House, browser: Client, owner: User) -> None:
    document = create_document(
        owner, house.company, kind="bill", partner_name="Paper BV", number="B-77", date=dt.date(2026, 11, 1),
        amount=Decimal("50.40"),
    )  # fmt: skip
    line, fees = house.line("-50"), account_for(house.company, Purpose.BANK_FEES)

    answer = post(
        browser, "match_items", line.id, items=str(document.open_item_id), rest_account="657000", rest_to_check="on"
    )  # fmt: skip

    assert answer.status_code == 302
    assert EntryItem.objects.get(pk=document.open_item_id).residual_currency == 0
    assert is_reconciled(line)
    assert Line.objects.get(pk=line.id).to_check
    assert totals_of([fees.id])[fees.id].amount == Decimal("-0.40")
    post(browser, "undo_match", MatchGroup.objects.get(line=line).id)
    assert EntryItem.objects.get(pk=document.open_item_id).residual_currency == Decimal("-50.40")
    assert totals_of([fees.id])[fees.id].amount == 0


def test_what_a_line_has_more_than_the_items_is_booked_to_the_account(
    house: House, browser: Client, owner: User
) -> None:
    document = create_document(
        owner, house.company, kind="bill", partner_name="Paper BV", number="B-78", date=dt.date(2026, 11, 1),
        amount=Decimal("48.00"),
    )  # fmt: skip
    line = house.line("-50")
    post(browser, "match_items", line.id, items=str(document.open_item_id), rest_account="657000")

    assert is_reconciled(line)
    fees = account_for(house.company, Purpose.BANK_FEES)
    assert totals_of([fees.id])[fees.id].amount == Decimal("2.00")


def test_an_unknown_account_for_what_is_left_is_told_beside_its_field(house: House, browser: Client) -> None:
    line = house.line("121")
    answer = post(
        browser, "match_items", line.id, items=str(house.document.open_item_id), rest_account="nothing"
    ).content.decode()  # fmt: skip

    assert "No account has this code or name" in answer
    assert 'value="nothing"' in answer
    assert not is_reconciled(line)


def test_a_refused_write_off_keeps_the_search_and_what_was_chosen(house: House, browser: Client, owner: User) -> None:
    bills = [
        create_document(
            owner, house.company, kind="bill", partner_name=name, number=f"B-{name}", date=dt.date(2026, 11, 1),
            amount=Decimal(30),
        )
        for name in ("Paper", "Ink")
    ]  # fmt: skip
    line, chosen = house.line("-50"), str(bills[0].open_item_id)
    refused = post(browser, "match_items", line.id, items=chosen, find="Ink", rest_account="nothing")

    assert (refused.context["find"], refused.context["chosen"]) == ("Ink", {chosen})
    assert [str(each.item.id) for each in refused.context["candidates"]] == [chosen, str(bills[1].open_item_id)]
    (mark,) = re.findall(rf'<input [^>]*value="{chosen}"[^>]*>', refused.content.decode())
    assert " checked" in mark
    for problem in (
        post(browser, "match_items", line.id, find="Ink"),
        post(browser, "match_items", house.line("121").id, items=chosen, find="Ink"),
    ):
        assert problem.context["problem"] is not None
        assert problem.context["find"] == "Ink" and problem.context["candidates"]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_amounts_for_the_script_are_plain_in_every_language(
    house: House, browser: Client, owner: User, language: str
) -> None:
    """The script reads digits, a point and perhaps a minus; a comma would stop it."""
    owner.locale = language
    owner.save()
    shown = page(browser, house, line=str(house.line("121").id)).content.decode()
    amounts = re.findall(r'data-(?:rest|amount)="([^"]*)"', shown)
    assert [Decimal(amount) for amount in amounts] == [121, 121]


def test_what_is_chosen_stays_over_another_search(house: House, browser: Client, owner: User) -> None:
    chosen = str(house.document.open_item_id)
    shown = page(browser, house, line=str(house.line("121").id), find="no such number", items=chosen)

    assert [str(each.item.id) for each in shown.context["candidates"]] == [chosen]
    assert chosen in shown.context["chosen"]
    assert chosen not in shown.context["query"], "the list forgets what concerns one line"
    assert page(browser, house, items="nonsense").status_code == 404


def test_what_is_open_with_the_partner_is_shown_in_both_directions(house: House, browser: Client, owner: User) -> None:
    def document(kind: str, number: str, amount: str) -> None:
        create_document(
            owner, house.company, kind=kind, partner_name="Acme NV", number=number, date=dt.date(2026, 11, 1),
            amount=Decimal(amount),
        )  # fmt: skip

    document("invoice", "INV/2026/0008", "1000.00")
    document("credit_note", "CN/1", "40.00")
    line = house.line("121")
    post(browser, "set_partner", line.id, partner="Acme NV")
    found = page(browser, house, line=str(line.id)).context["candidates"]
    assert [each.document.number for each in found] == ["INV/2026/0007", "INV/2026/0008", "CN/1"]


def test_a_number_that_is_paid_in_part_is_not_marked_as_sure(house: House, browser: Client, owner: User) -> None:
    create_document(
        owner, house.company, kind="bill", partner_name="Big", number="BIG-2026-1", date=dt.date(2026, 11, 1),
        amount=Decimal(400),
    )  # fmt: skip
    line = add_manual_line(
        owner, house.journal.id, date=dt.date(2026, 11, 11), amount=Decimal(-60), label="BIG-2026-1", now=NOW
    )  # fmt: skip
    rows = {row.line.id: row.suggestions for row in page(browser, house).context["rows"]}
    assert rows[line.id].best is not None and not rows[line.id].sure
    assert rows[house.line("121").id].sure


def test_an_item_that_a_discount_closes_is_named_apart_from_the_same_paid_in_part(
    house: House, browser: Client, owner: User
) -> None:
    early = EarlyTerms(Decimal(2), dt.date(2026, 11, 20), TaxOption.NEVER)
    create_document(
        owner, house.company, kind="bill", partner_name="Early NV", number="E-9", date=dt.date(2026, 11, 1),
        amount=Decimal(100), early=early,
    )  # fmt: skip
    line = add_manual_line(
        owner, house.journal.id, date=dt.date(2026, 11, 11), amount=Decimal(-98), label="x", now=NOW
    )  # fmt: skip
    post(browser, "set_partner", line.id, partner="Early NV")
    options = page(browser, house, line=str(line.id)).context["suggestions"].options
    assert [(each.name, each.strength.word, each.sure) for each in options] == [
        ("E-9 less discount", "Fits", True),
        ("E-9", "Weak", False),
    ]


def test_a_foreign_amount_and_the_exchange_difference_are_shown(house: House, browser: Client, owner: User) -> None:
    set_rate(house.company, "USD", dt.date(2026, 1, 1), Decimal("0.90"))
    bill = create_document(
        owner, house.company, kind="bill", partner_name="Liberty", number="US-1", date=dt.date(2026, 11, 1),
        amount=Decimal(60), currency="USD",
    )  # fmt: skip
    line = house.line("-50")
    state_foreign_amount(owner, line.id, Decimal(60), "USD")
    assert ">USD<" in page(browser, house, line=str(line.id)).content.decode()
    post(browser, "match_items", line.id, items=str(bill.open_item_id))

    ((group, beside),) = page(browser, house, line=str(line.id)).context["groups"]
    assert group.line_id == line.id
    assert [(each.what, each.amount, each.currency) for each in beside] == [
        ("Exchange difference", Decimal("4.00"), "EUR")
    ]  # fmt: skip


def test_a_journal_without_lines_does_not_say_that_all_is_explained(browser: Client, owner: User) -> None:
    company = create_company(owner, name="New NV", country="BE", currency="EUR")
    create_journal(owner, company, name="Bank", currency="EUR")
    shown = browser.get(reverse("books:reconcile", args=[company.id])).content.decode()
    assert "Nothing to reconcile yet" in shown and "Everything is explained" not in shown


def test_a_partner_is_set_a_new_one_only_when_asked_and_taken_back(house: House, browser: Client) -> None:
    line = house.line("-50")
    assert "No partner has this name" in post(browser, "set_partner", line.id, partner="Nobody").content.decode()
    assert not Partner.objects.filter(name="Nobody").exists()

    post(browser, "set_partner", line.id, partner="Nobody", new="on")
    assert Line.objects.get(pk=line.id).partner == Partner.objects.get(name="Nobody")
    post(browser, "set_partner", line.id, partner="acme nv")
    assert Line.objects.get(pk=line.id).partner == house.document.partner
    post(browser, "set_partner", line.id, partner="")
    assert Line.objects.get(pk=line.id).partner is None


@pytest.mark.parametrize("purpose", ["receivable", "payable"])
def test_a_line_is_booked_to_its_partner(purpose: str, house: House, browser: Client) -> None:
    line = house.line("-50")
    assert "Set the partner first" in post(browser, f"match_{purpose}", line.id).content.decode()

    post(browser, "set_partner", line.id, partner="Acme NV")
    post(browser, f"match_{purpose}", line.id)

    part = MatchGroup.objects.get(line=line).parts.get()
    assert part.account == account_for(house.company, Purpose(purpose))
    assert part.partner == house.document.partner


def test_the_best_of_marked_lines_is_shown_first_applied_then_and_undone_together(
    house: House, browser: Client
) -> None:
    lines = [house.line("121"), house.line("-50")]
    shown = post(browser, "preview_marked", house.company.id, lines=[str(line.id) for line in lines], action="best")

    assert [each.line.amount for each in shown.context["doable"]] == [Decimal(121)]
    assert [each.refused for each in shown.context["refused"]] == ["Nothing is proposed for it."]
    assert not is_reconciled(lines[0])
    chosen = [each.value for each in shown.context["doable"]] + [f"{lines[1].id} {'0' * 20}"]
    done = post(browser, "apply_marked", house.company.id, action="best", chosen=chosen)
    text = done.content.decode()
    assert is_reconciled(lines[0])
    assert "This is not proposed any more." in text
    groups = [str(group.id) for _line, group in done.context["groups"]]
    post(browser, "undo_marked", house.company.id, groups=groups)
    assert not is_reconciled(lines[0])
    assert EntryItem.objects.get(pk=house.document.open_item_id).residual_currency == Decimal(121)


def test_marked_lines_are_booked_to_an_account_and_marked_to_check(house: House, browser: Client) -> None:
    lines = [house.line("-100"), house.line("-50")]
    ids = [str(line.id) for line in lines]
    shown = post(browser, "preview_marked", house.company.id, lines=ids, action="account", account="657")
    account = shown.context["account"]
    assert account == account_for(house.company, Purpose.BANK_FEES)
    assert shown.context["sums"] == [(Decimal(-150), "EUR")]

    post(browser, "apply_marked", house.company.id, action="account", account=str(account.id), chosen=ids)
    assert all(is_reconciled(line) for line in lines)
    post(browser, "apply_marked", house.company.id, action="check", chosen=ids)
    assert Line.objects.filter(to_check=True).count() == 2
    again = post(browser, "apply_marked", house.company.id, action="account", account=str(account.id), chosen=ids)
    assert again.content.decode().count("This line is reconciled already.") == 2


@pytest.mark.parametrize("fields", [{"action": "best"}, {"action": "account", "account": "nothing"}])
def test_a_preview_of_nothing_is_told(fields: dict[str, str], house: House, browser: Client) -> None:
    lines = [str(house.line("121").id)] if "account" in fields else []
    assert post(browser, "preview_marked", house.company.id, lines=lines, **fields).status_code == 400


@pytest.fixture
def foreign_line(stranger: User) -> Line:
    """A line of somebody else's company."""
    other: Company = create_company(stranger, name="Other NV", country="BE", currency="EUR")
    journal = create_journal(stranger, other, name="Bank", currency="EUR")
    return add_manual_line(
        stranger, journal.id, date=dt.date(2026, 11, 1), amount=Decimal(7), label="Theirs", now=NOW
    )  # fmt: skip


@pytest.mark.parametrize("action", ["best", "account", "check"])
def test_lines_of_another_company_are_never_acted_on(
    action: str, house: House, browser: Client, foreign_line: Line
) -> None:
    account = str(account_for(house.company, Purpose.BANK_FEES).id)
    value = f"{foreign_line.id} {'0' * 20}" if action == "best" else str(foreign_line.id)
    assert post(browser, "preview_marked", house.company.id, lines=[str(foreign_line.id)]).status_code == 400
    post(browser, "apply_marked", house.company.id, action=action, account=account, chosen=[value])

    foreign_line.refresh_from_db()
    assert not foreign_line.reconciled
    assert not foreign_line.to_check


def test_matches_and_partners_of_another_company_are_not_found(
    house: House, browser: Client, foreign_line: Line, stranger: User
) -> None:
    theirs = Client()
    theirs.force_login(stranger)
    assert post(theirs, "undo_marked", foreign_line.company_id, groups=[str(house.group.id)]).status_code == 404
    theirs_account = account_for(foreign_line.company, Purpose.BANK_FEES)
    refused = post(
        browser, "apply_marked", house.company.id, action="account", account=str(theirs_account.id),
        chosen=[str(house.line("-50").id)],
    )  # fmt: skip
    assert refused.status_code == 404


def test_a_reader_sees_proposals_and_no_button(house: House, member: Callable[[Company, str], Client]) -> None:
    reader = member(house.company, "reader")
    shown = page(reader, house, line=str(house.line("121").id)).content.decode()

    assert "INV/2026/0007, amount exact" in shown
    assert not any(words in shown for words in ("Apply INV", "Match chosen items", "Match with account", "Preview"))
    assert post(reader, "apply_marked", house.company.id, action="best", chosen=[]).status_code == 403


def test_tabs_count_what_waits(house: House, browser: Client) -> None:
    assert [tab["count"] for tab in page(browser, house).context["tabs"]] == [4, 3, 0, 0]


def rule_fields(**fields: str) -> dict[str, str]:
    """What the form of a rule posts: one text, one line, and what is given."""
    counts = {f"{part}-{name}_FORMS": number for part in ("texts", "lines") for name, number in
              (("TOTAL", "1"), ("INITIAL", "0"))}  # fmt: skip
    usual = {"name": "A rule", "kind": "automated", "direction": "paid", "matching": "none"}
    text = {"texts-0-where": "label", "texts-0-operator": "contains", "texts-0-value": ""}
    line = {"lines-0-amount_type": "percent_of_balance", "lines-0-amount": "100", "lines-0-decimal_separator": ","}
    return {**counts, **usual, **text, **line, "lines-0-account": "657", **fields}


def test_the_button_of_a_rule_books_a_line(house: House, browser: Client) -> None:
    fields = rule_fields(name="Stationery", kind="manual", form_key=new_form_key())
    for _ in range(2):
        answer = post(browser, "add_rule", house.company.id, **fields)
    assert answer.status_code == 302
    rule = Rule.objects.get(company=house.company, kind="manual")
    line = house.line("-50")
    assert list(page(browser, house, line=str(line.id)).context["buttons"]) == [rule]

    post(browser, "press_rule", line.id, key=str(rule.id))

    group = MatchGroup.objects.get(line=line)
    assert group.rule_version == rule.version
    assert group.parts.get().account == account_for(house.company, Purpose.BANK_FEES)
    assert "The rule does not fit" in post(browser, "press_rule", line.id, key=str(rule.id)).content.decode()


def test_what_a_rule_wants_done_is_shown_until_the_line_is_checked(house: House, browser: Client) -> None:
    fields = rule_fields(name="Ask", kind="manual", next_activity="Ask the <bank>", form_key=new_form_key())
    post(browser, "add_rule", house.company.id, **fields)
    line = house.line("-50")
    post(browser, "press_rule", line.id, key=str(Rule.objects.get(company=house.company, kind="manual").id))

    shown = page(browser, house, filter="to_check")
    (row,) = shown.context["rows"]
    assert (row.line, row.activity, shown.context["activity"]) == (line, "Ask the <bank>", "Ask the <bank>")
    assert "Ask the &lt;bank&gt;" in shown.content.decode()
    post(browser, "check_line", line.id, value="no")
    assert page(browser, house, filter="all", line=str(line.id)).context["activity"] == ""


def test_a_rule_is_filled_in_from_a_line_and_a_refused_one_keeps_what_was_typed(house: House, browser: Client) -> None:
    line = house.line("-50")
    post(browser, "match_account", line.id, account="657")
    address = reverse("books:add_rule", args=[house.company.id])
    parts = browser.get(address, {"line": str(line.id)}).context["parts"]
    assert (parts.texts[0]["value"].value(), parts.rule["direction"].value()) == ("Paper", "paid")
    assert parts.lines[0]["account"].value() == "657000 Bank fees"

    refused = browser.post(address, rule_fields(name=""))
    assert 'value="657"' in refused.content.decode()
    assert not Rule.objects.filter(company=house.company, active=True).exists()


def test_a_rule_is_switched_and_removed_and_applies_only_after_a_simulation(house: House, browser: Client) -> None:
    post(browser, "add_rule", house.company.id, **rule_fields(name="Paper", **{"texts-0-value": "paper"}))
    rule = Rule.objects.get(company=house.company, active=True)
    assert "never simulated" in post(browser, "change_rule", rule.id, change="apply").content.decode()
    for change, (active, applies) in {
        "simulate": (True, False), "apply": (True, True), "suggest": (True, False), "off": (False, False),
        "on": (True, False),
    }.items():  # fmt: skip
        post(browser, "change_rule", rule.id, change=change)
        rule.refresh_from_db()
        assert (rule.active, rule.applies) == (active, applies), change
    assert "Would newly match" in browser.get(reverse("books:rules", args=[house.company.id])).content.decode()
    post(browser, "change_rule", rule.id, change="remove")
    assert not Rule.objects.filter(pk=rule.pk, archived_at=None).exists()


def test_a_rule_is_not_made_from_a_line_of_another_company(house: House, browser: Client, foreign_line: Line) -> None:
    address = reverse("books:add_rule", args=[house.company.id])
    assert browser.get(address, {"line": str(foreign_line.id)}).status_code == 404
