"""What a bank changed, and what a lock holds, decided on pages (books.md 10, 14.4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.hub_server import ScriptedHub
from tests.books.pages.conftest import House
from tests.books.steps import fetch

from nostro.books.companies.models import Company
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Line, LineStatus, Source
from nostro.core.ids import new_id

DAY = dt.date(2026, 11, 11)


def click(browser: Client, name: str, line: Line, **fields: str) -> str:
    response = browser.post(reverse(f"books:{name}", args=[line.id]), fields, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_changed_transaction_is_explained_and_accepted_with_one_click_or_two(
    house: House, browser: Client, hub: ScriptedHub
) -> None:
    paper = house.line("-50")
    next(each for each in hub.accounts[0].transactions if each.name == "t4").amount = "-55.00"
    fetch(house.link, NOW + dt.timedelta(days=1))

    page = browser.get(reverse("books:line", args=[paper.id])).content.decode()
    assert "Accept the change" in page
    assert "55.00" in page
    assert "The line is as the bank has it now." in click(browser, "accept_change", paper)
    assert Line.objects.get(pk=paper.pk).amount == -55
    second = browser.post(reverse("books:accept_change", args=[paper.id]))
    assert second.status_code == 400
    assert Line.objects.get(pk=paper.pk).amount == -55


def test_a_locked_line_is_retried_after_the_lock_was_moved_on_its_page(house: House, browser: Client) -> None:
    lock = reverse("books:lock", args=[house.company.id])
    assert browser.post(lock, {"lock_date": "2026-11-11"}).status_code == 302
    new = NewLine(LineValues(DAY, DAY, Decimal("-9.00"), "EUR"), Source.FEED, new_id().hex, 1)
    (made,) = import_lines(house.journal, [new], identity="x", run_id=None, today=NOW.date())
    line = Line.objects.get(pk=made.id)
    page = browser.get(reverse("books:line", args=[line.id])).content.decode()
    assert "Retry" in page
    assert "Post on first open day" in page

    assert "1 held line is posted." in browser.post(lock, {"lock_date": ""}, follow=True).content.decode()

    line.refresh_from_db()
    assert line.status == LineStatus.POSTED


def test_a_rate_is_entered_on_the_page_of_the_line_that_waits_for_it(
    house: House, browser: Client, company: Company
) -> None:
    house.journal.currency = "JPY"
    house.journal.save()
    new = NewLine(LineValues(DAY, DAY, Decimal(-1000), "JPY"), Source.FEED, new_id().hex, 1)
    (made,) = import_lines(house.journal, [new], identity="x", run_id=None, today=NOW.date())
    line = Line.objects.get(pk=made.id)
    assert "Enter rate" in browser.get(reverse("books:line", args=[line.id])).content.decode()
    click(browser, "enter_rate", line, rate="-1")
    assert Line.objects.get(pk=line.pk).status == LineStatus.HELD_CURRENCY

    assert "1 line is posted." in click(browser, "enter_rate", line, rate="0.0061")

    assert Line.objects.get(pk=line.pk).company_amount == Decimal("-6.10")
