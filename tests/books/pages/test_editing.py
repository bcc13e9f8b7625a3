"""The page on which a link is edited (books.md 6)."""

from __future__ import annotations

import datetime as dt
import html
import re
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.pages.conftest import House

from nostro.books.journals.services import create_journal
from nostro.books.links.models import JournalLink, OnlineAccount
from nostro.books.links.services import unlink
from nostro.people.models import User

FIELDS = {
    "grouping": "daily", "fetch_schedule": "24h", "fetch_times": "", "fetch_from": "2026-10-20", "opening": "typed",
    "opening_amount": "12,50",
}  # fmt: skip


def test_everything_is_saved_together_or_not_at_all(house: House, browser: Client) -> None:
    url = reverse("books:edit_link", args=[house.link.id])
    refused = browser.post(url, {**FIELDS, "fetch_from": "2100-01-01"}).content.decode()
    house.journal.refresh_from_db()
    assert "cannot be fetched from this date" in refused
    assert house.journal.grouping == "per_synchronization"

    assert browser.post(url, FIELDS).status_code == 302
    house.journal.refresh_from_db()
    link = JournalLink.objects.get(pk=house.link.pk)
    assert (house.journal.grouping, house.journal.opening_amount) == ("daily", Decimal("12.50"))
    assert (link.fetch_schedule, link.fetch_from) == ("24h", dt.date(2026, 10, 20))


def test_an_account_is_moved_or_declined(house: House, browser: Client, owner: User) -> None:
    other = create_journal(owner, house.company, name="Other", currency="EUR", account_number="BE71096123456769")
    url = reverse("books:relink", args=[house.link.id])
    asked = browser.post(url, {"journal": str(other.id)})
    assert "L-NUMBER" in asked.content.decode()

    assert browser.post(url, {"journal": str(other.id), "confirmed_number": "on"}).status_code == 302
    link = JournalLink.objects.get(unlinked_at=None)
    assert link.journal == other
    assert browser.post(reverse("books:unlink", args=[link.id]), {"do": "decline"}).status_code == 302
    assert OnlineAccount.objects.get().declined
    assert not JournalLink.objects.filter(unlinked_at=None).exists()


def _fields(page: str) -> str:
    """What a browser keeps in the hidden field of the form."""
    (seen,) = re.findall(r'name="seen" value="([^"]*)"', page)
    return html.unescape(seen)


def test_who_saves_second_is_told_what_is_set_now(house: House, browser: Client) -> None:
    url = reverse("books:edit_link", args=[house.link.id])
    seen = _fields(browser.get(url).content.decode())
    assert browser.post(url, {**FIELDS, "seen": seen}).status_code == 302
    assert browser.post(url, {**FIELDS, "seen": seen}).status_code == 302, "a second click of the same person"

    other = {**FIELDS, "fetch_schedule": "1h", "seen": seen}
    told = browser.post(url, other).content.decode()
    assert "These settings were changed meanwhile." in told
    assert "<dd>Every 24 hours</dd>" in told
    assert JournalLink.objects.get(pk=house.link.pk).fetch_schedule == "24h"

    assert browser.post(url, {**other, "seen": _fields(told)}).status_code == 302
    assert JournalLink.objects.get(pk=house.link.pk).fetch_schedule == "1h"


def test_a_link_that_ended_is_not_edited(house: House, browser: Client, owner: User) -> None:
    unlink(owner, house.link.id, now=NOW)
    for answer in (
        browser.get(reverse("books:edit_link", args=[house.link.id])),
        browser.post(reverse("books:edit_link", args=[house.link.id]), FIELDS),
    ):
        assert "does not feed the journal any more" in answer.content.decode()
    assert browser.post(reverse("books:unlink", args=[house.link.id])).status_code == 302
