"""The dashboard of a company with many journals."""

from __future__ import annotations

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.books.pages.conftest import House

from nostro.books.journals.services import create_journal
from nostro.books.pages.dashboard import CARDS


def _cards(browser: Client, house: House, **query: str) -> tuple[list[str], str, int]:
    """Ids of the journals that are shown, the page, and how many statements it took."""
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(reverse("books:company", args=[house.company.id]), query).content.decode()
    return re.findall(r'id="card-([^"]+)"', page), page, len(queries)


def test_many_journals_are_shown_in_pages_and_each_once(house: House, browser: Client) -> None:
    for number in range(CARDS + 5):
        create_journal(None, house.company, name=f"Account {number}", currency="EUR", code=f"X{number:03}")

    first, page, cost = _cards(browser, house)
    assert len(first) == CARDS
    assert f"1 to {CARDS} of {CARDS + 6} journals" in page
    rest, page, _ = _cards(browser, house, page="2")
    assert len(rest) == 6
    assert len({*first, *rest}) == CARDS + 6
    assert 'rel="prev"' in page and 'rel="next"' not in page
    assert _cards(browser, house, page="9999")[0] == rest  # a journal was archived meanwhile
    assert cost < 25 + 6 * CARDS


def test_few_journals_have_no_pages(house: House, browser: Client) -> None:
    shown, page, _ = _cards(browser, house)
    assert len(shown) == 1
    assert 'class="pager"' not in page
