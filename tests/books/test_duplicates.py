"""Find Duplicate Transactions (books.md 11.3)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.journals.duplicates import (
    call_different,
    default_since,
    delete_duplicates,
    find_duplicates,
    merge_lines,
)
from nostro.books.journals.held import enter_rate
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Alias, Journal, Line, Source
from nostro.books.journals.services import create_journal
from nostro.core.identity import Alias as ExternalId
from nostro.core.ids import new_id
from nostro.people.models import User
from nostro.web.errors import Problem

SINCE = dt.date(2026, 11, 1)


def bring(journal: Journal, *rows: tuple[int, str, str]) -> list[Line]:
    lines = [
        NewLine(
            LineValues(
                dt.date(2026, 11, day), None, Decimal(amount), journal.currency, bank_reference=reference,
                counterparty_account="BE1",
            ),
            Source.FEED,
            new_id().hex,
            1,
            ExternalId("hub", new_id().hex),
        )
        for day, amount, reference in rows
    ]  # fmt: skip
    made = import_lines(journal, lines, identity="x", run_id=new_id(), today=NOW.date())
    return [Line.objects.get(pk=each.id) for each in made]


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR")


def found(journal: Journal, since: dt.date = SINCE) -> list[list[Line]]:
    return [group.lines for group in find_duplicates(journal, since)]


def test_equal_lines_of_a_day_and_one_reference_on_two_days_are_found_and_others_are_not(journal: Journal) -> None:
    first, second, _, third, fourth = bring(
        journal, (3, "-3.50", ""), (3, "-3.50", ""), (4, "-3.50", ""), (5, "-9", "R1"), (7, "-9", "R1")
    )

    assert found(journal) == [[third, fourth], [first, second]]
    assert found(journal, dt.date(2026, 11, 5)) == [[third, fourth]]
    assert default_since(journal) == dt.date(2026, 11, 3)


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "-3.50"), ("JPY", "-350"), ("KWD", "-3.505")])
def test_merged_lines_are_one_in_the_ledger_and_keep_all_ids(
    owner: User, company: Company, currency: str, amount: str
) -> None:
    if currency != "EUR":
        enter_rate(owner, company, currency, SINCE, Decimal(1), now=NOW)
    journal = create_journal(owner, company, name="Abroad", currency=currency)
    kept, other = bring(journal, (3, amount, ""), (3, amount, "R9"))
    before = balance(journal.bank_account)

    for _ in range(2):
        merge_lines(owner, kept.id, [other.id], now=NOW)

    kept.refresh_from_db()
    assert balance(journal.bank_account) * 2 == before
    assert kept.bank_reference == "R9"
    assert Alias.objects.filter(line=kept).count() == 2
    assert found(journal) == []


def test_lines_that_are_called_different_are_not_listed_again_until_a_third_comes(
    owner: User, journal: Journal
) -> None:
    pair = bring(journal, (3, "-3.50", ""), (3, "-3.50", ""))
    call_different(owner, [line.id for line in reversed(pair)])
    assert found(journal) == []

    bring(journal, (3, "-3.50", ""))

    assert [len(lines) for lines in found(journal)] == [3]


def test_different_amounts_are_not_merged_and_selected_lines_become_tombstones(owner: User, journal: Journal) -> None:
    one, other = bring(journal, (3, "-3.50", "R1"), (3, "-4.50", "R1"))
    with pytest.raises(Problem, match="differ"):
        merge_lines(owner, one.id, [other.id], now=NOW)

    assert delete_duplicates(owner, [other.id], now=NOW) == 1

    other.refresh_from_db()
    assert (other.status, balance(journal.bank_account)) == ("removed", Decimal("-3.50"))


def test_the_page_merges_what_is_selected_and_never_all(owner: User, journal: Journal) -> None:
    first, second = bring(journal, (3, "-3.50", ""), (3, "-3.50", ""))
    browser, url = Client(), reverse("books:duplicates", args=[journal.id])
    browser.force_login(owner)
    page = browser.get(url).content.decode()
    assert page.count('name="line"') == 2
    both = [str(first.id), str(second.id)]
    answer = browser.post(url, {"action": "delete", "group": both, "line": both}, follow=True)
    assert "at least one stays" in answer.content.decode()
    assert Line.objects.filter(status="removed").count() == 0

    answer = browser.post(url, {"action": "merge", "group": both, "line": [both[1]]}, follow=True)

    assert "The lines are one now." in answer.content.decode()
    assert Line.objects.get(status="removed").id == second.id
