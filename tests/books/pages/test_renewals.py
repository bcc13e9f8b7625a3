"""The page of consents, the one behind a mailed link, and the calendar (books.md 8)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.books.pages.conftest import HOSTILE, House, signed_in

from nostro.books.companies.models import Company, CompanyMember
from nostro.books.links.models import OnlineAccount
from nostro.books.reminders.calendar import _folded, calendar_of
from nostro.books.reminders.models import CalendarFeed, NoticeMail, RenewalContact
from nostro.books.reminders.tasks import run_round
from nostro.people.models import User


@pytest.fixture
def ending(house: House) -> House:
    OnlineAccount.objects.update(consent_expires_at=timezone.now() + dt.timedelta(days=6), bank_name=HOSTILE)
    return house


def mailed_path() -> str:
    found = re.search(r"/books/renew/[\w-]+/", str(mail.outbox[-1].body))
    assert found
    return found[0]


def test_the_mailed_page_needs_no_login_and_shows_no_figures(ending: House) -> None:
    run_round(timezone.now())
    OnlineAccount.objects.update(consent_expires_at=timezone.now() + dt.timedelta(days=6), bank_name=HOSTILE)
    response = Client().get(mailed_path())
    page = response.content.decode()

    assert response.status_code == 200
    assert response["Referrer-Policy"] == "no-referrer"
    assert "BE68xxxxxxxx7034" in page
    assert ending.connection.hub_url in page
    for hidden in ("BE68539007547034", "1071", "1 071", "Capital", "<script>alert", ending.company.name):
        assert hidden not in page
    assert page.count("<h1") == 1
    assert Client().get("/books/renew/guess/").status_code == 404
    assert Client().post(mailed_path()).status_code == 405


def test_a_revoked_link_works_no_more(ending: House, browser: Client, stranger: User) -> None:
    run_round(timezone.now())
    path = mailed_path()
    revoke = reverse("books:revoke_renewal_link", args=[NoticeMail.objects.get().id])

    assert signed_in(stranger).post(revoke).status_code == 404
    assert Client().get(path).status_code == 200
    assert browser.post(revoke).status_code == 302
    assert Client().get(path).status_code == 404


def test_the_page_of_consents_shows_both_clocks(ending: House, browser: Client) -> None:
    run_round(timezone.now())
    page = browser.get(reverse("books:renewals", args=[ending.company.id])).content.decode()

    for words in ("Consents: from the bank to the Hub", "Credentials: from the Hub to Books", "owner@example.test",
                  "To do", "Reconnect", "Revoke link"):  # fmt: skip
        assert words in page
    assert "<script>alert" not in page


def test_contacts_are_checked_and_kept(house: House, browser: Client) -> None:
    url = reverse("books:renewal_contacts", args=[house.journal.id])

    refused = browser.post(url, {"addresses": "nobody"}).content.decode()
    assert "is no e-mail address" in refused
    assert browser.post(url, {"addresses": "a@example.test\nb@example.test"}).status_code == 302
    assert list(RenewalContact.objects.order_by("email").values_list("email", flat=True)) == [
        "a@example.test", "b@example.test",
    ]  # fmt: skip


def test_a_calendar_address_works_until_it_is_revoked_or_its_person_leaves(
    ending: House, member: Callable[[Company, str], Client]
) -> None:
    browser = member(ending.company, "reader")
    url = reverse("books:calendar", args=[ending.company.id])

    def made() -> str:
        found = re.search(r"/books/calendar/[\w-]{43}\.ics", browser.post(url, {"do": "make"}).content.decode())
        assert found
        return found[0]

    first, second = made(), made()
    assert Client().get(first).status_code == 404
    response = Client().get(second)
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert CalendarFeed.objects.get().last_read_at is not None
    CompanyMember.objects.filter(role="reader").delete()
    assert Client().get(second).status_code == 404
    CompanyMember.objects.create(company=ending.company, user=CalendarFeed.objects.get().user, role="reader")
    assert Client().get(second).status_code == 200
    browser.post(url, {"do": "revoke"})
    assert Client().get(second).status_code == 404


def test_the_calendar_is_well_formed_and_tells_no_figures(ending: House) -> None:
    OnlineAccount.objects.update(bank_name="Bank; of, the \\ long\r\nEND:VCALENDAR " + "é" * 80)
    text = calendar_of(ending.company, now=timezone.now())

    lines = text.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert text.endswith("END:VCALENDAR\r\n")
    unfolded = text.replace("\r\n ", "").split("\r\n")
    assert unfolded.count("END:VCALENDAR") == 1
    assert next(line for line in unfolded if line.startswith("SUMMARY:")).startswith(
        "SUMMARY:Renew the consent of Bank\\; of\\, the \\\\ long"
    )
    day = OnlineAccount.objects.get().consent_expires_at
    assert day is not None
    assert any(line.startswith("DTSTART;VALUE=DATE:2") for line in unfolded)
    assert "1071" not in text
    assert "BE68539007547034" not in text


@pytest.mark.parametrize("length", [0, 1, 74, 75, 76, 149, 150, 400])
def test_folding_keeps_every_character(length: int) -> None:
    line = ("a€" * length)[:length]
    folded = _folded(line)

    assert folded.replace("\r\n ", "") == line
    assert all(len(part.encode()) <= 75 for part in folded.split("\r\n"))
