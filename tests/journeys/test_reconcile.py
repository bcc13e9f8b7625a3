"""Reconciling by keyboard alone: fifty imported lines in the number of key strokes that docs/user/reconciliation.md
names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, running
from tests.books.steps import fetch, linked
from tests.journeys import steps

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Line
from nostro.books.ledger.models import Document
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.models import MatchGroup
from nostro.people.models import User

pytestmark = [
    pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys"),
    pytest.mark.usefixtures("beside_a_browser"),
]  # fmt: skip

#: docs/user/reconciliation.md: fifty lines, among them one wrong match that is undone.
INTENDED_KEYS = 15
PLAIN, COPIED, FEES = 44, 1, 5


class Keys:
    """A keyboard that counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.count += 1

    def go(self, key: str, heading: str) -> None:
        """Press a key that leads to another page."""
        with self.page.expect_navigation():
            self.press(key)
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)


def _reference(number: int) -> str:
    base = 2034305000 + number
    digits = f"{base:010}{base % 97 or 97:02}"
    return f"+++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++"


def _transactions() -> list[Booked]:
    plain = [
        Booked(
            f"p{n}", f"2026-11-{1 + n % 10:02}", f"{100 + n}.50", f"payment {_reference(n)}", counterparty_name=f"C{n}"
        )
        for n in range(PLAIN)
    ]
    copied = Booked("copied", "2026-11-11", "75.00", _reference(900), structured=True, counterparty_name="Twice NV")
    fees = [
        Booked(f"f{n}", f"2026-11-{1 + n:02}", f"-{n + 2}.35", f"Monthly package {n}") for n in range(FEES)
    ]  # fmt: skip
    return [copied, *plain, *fees]


@pytest.fixture
def company(transactional_db: None) -> Iterator[Company]:
    """A company with fifty imported lines."""
    owner = User.objects.create_user("keys@example.test", "a long password")
    company = create_company(owner, name="Keys NV", country="BE", currency="EUR")

    def invoice(number: str, amount: str, reference: str, partner: str) -> None:
        create_document(
            owner, company, kind="invoice", partner_name=partner, number=number, date=dt.date(2026, 10, 20),
            amount=Decimal(amount), structured_reference=reference,
        )  # fmt: skip

    for n in range(PLAIN):
        invoice(f"INV/2026/{n:04}", f"{100 + n}.50", _reference(n), f"Customer {n}")
    for letter in "AB":
        invoice(f"INV/2026/090{letter}", "75.00", _reference(900), "Twice NV")
    with running(ScriptedHub()) as hub:
        hub.accounts = [ScriptedAccount(transactions=_transactions())]
        fetch(linked(owner, company, hub))
    assert Line.objects.filter(company=company, reconciled=False).count() == 50
    yield company


def _sign_in(context: BrowserContext, url: str) -> None:
    client = Client()
    client.force_login(User.objects.get(email="keys@example.test"))
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": url}])


def test_fifty_lines_are_reconciled_by_keyboard_alone_and_a_wrong_match_is_undone(
    company: Company, live_server: Any, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    _sign_in(context, live_server.url)
    page = context.new_page()
    page.goto(live_server.url + reverse("books:reconcile", args=[company.id]))
    keys = Keys(page)
    steps.picture(page, screenshots, "reconcile-1-list")

    keys.press("*")
    keys.go("b", "What will happen?")
    steps.picture(page, screenshots, "reconcile-2-preview")
    keys.go("Enter", "What was matched?")
    expect(page.locator(".page-header__answer")).to_have_text(f"{PLAIN} lines")
    steps.picture(page, screenshots, "reconcile-3-done")
    keys.go("Enter", "What is not explained yet?")
    assert _waiting(company) == COPIED + FEES

    # Two invoices carry the reference: the first is taken, it is the wrong one, it is undone, the second is taken.
    steps.picture(page, screenshots, "reconcile-4-two-fit")
    keys.go("Enter", "What is not explained yet?")
    assert _paid(company) == {"INV/2026/090A"}
    steps.picture(page, screenshots, "reconcile-5-matched")
    keys.go("u", "What is not explained yet?")
    assert _paid(company) == set()
    keys.go("2", "What is not explained yet?")
    assert _paid(company) == {"INV/2026/090B"}

    keys.press("X", "B", *"657")
    keys.go("Enter", "What will happen?")
    keys.go("Enter", "What was matched?")
    keys.go("Enter", "What is not explained yet?")
    expect(page.get_by_text("Everything is explained")).to_be_visible()
    steps.picture(page, screenshots, "reconcile-6-nothing-left")

    assert _waiting(company) == 0
    assert MatchGroup.objects.filter(company=company, undone_at=None).count() == 50
    assert keys.count == INTENDED_KEYS
    assert watched == []


def test_a_rule_is_made_from_a_match_simulated_and_applied(
    company: Company, live_server: Any, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    _sign_in(context, live_server.url)
    page = context.new_page()
    fee = Line.objects.get(company=company, amount=Decimal("-2.35"))
    address = f"{live_server.url}{reverse('books:reconcile', args=[company.id])}?filter=all&line={fee.id}"
    page.goto(address)
    page.locator("#id_account").fill("657")
    page.get_by_role("button", name="Match with account").click()
    page.goto(address)
    page.get_by_role("link", name="Make a rule of it").click()
    expect(page.locator("#id_texts-0-value")).to_have_value("Monthly package")
    expect(page.locator("#id_lines-0-account")).to_have_value("657000 Bank fees")
    steps.picture(page, screenshots, "rules-1-make")
    page.get_by_role("button", name="Make rule").click()
    rule = page.locator("li.card").filter(has=page.get_by_role("heading", name="Monthly package"))
    expect(rule.get_by_text("This version was never simulated")).to_be_visible()
    expect(rule.get_by_role("button", name="Let it apply")).to_have_count(0)

    rule.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What would this rule have done?")
    assert page.locator(".tally dd").all_inner_texts() == ["1", "0", "4", "0"]  # agrees, differs, newly, missed
    expect(page.locator("tbody tr")).to_have_count(5)
    page.get_by_role("button", name="Let it apply").click()
    expect(rule.get_by_text("Applies by itself", exact=True)).to_be_visible()
    steps.picture(page, screenshots, "rules-2-applies")

    look(company)
    by_rule = MatchGroup.objects.filter(company=company, rule_version__isnull=False, automatic=True)
    assert by_rule.count() == FEES - 1
    assert watched == []


def _waiting(company: Company) -> int:
    return Line.objects.filter(company=company, reconciled=False).count()


def _paid(company: Company) -> set[str]:
    """Which of the two invoices with one reference are paid."""
    found = Document.objects.filter(company=company, number__startswith="INV/2026/090", open_item__residual_currency=0)
    return set(found.values_list("number", flat=True))
