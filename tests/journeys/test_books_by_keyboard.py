"""The Books without a mouse: Tab, Enter, Space, Escape and typing lead from signing in to disconnecting.

At every step the focus is somewhere, can be seen, and is not behind anything (WCAG 2.2: 2.1.1, 2.1.2, 2.4.3, 2.4.7,
2.4.11).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, running
from tests.journeys import steps

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Line
from nostro.books.ledger.services import create_document
from nostro.books.links.fetching import run_fetch
from nostro.books.links.models import Connection, JournalLink, Run
from nostro.people.models import User

pytestmark = [
    pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys"),
    pytest.mark.usefixtures("beside_a_browser"),
]  # fmt: skip

TODAY = dt.date.today()
EMAIL = "keyboard@example.test"
REFERENCE = "+++020/3430/57642+++"
#: More stops than any page of the Books has; a walk that meets none of them goes round in circles.
STOPS = 120

#: What has the focus: its name and place, and whether a person sees that it has it.
LOOK = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 2);
  const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 2);
  const over = document.elementFromPoint(x, y);
  const near = over && (one.contains(over) || over.contains(one) ||
    (one.labels && [...one.labels].some((label) => label.contains(over))));
  const labels = one.labels ? [...one.labels].map((l) => l.innerText).join(" ") : "";
  return {
    tag: one.tagName,
    name: (one.getAttribute("aria-label") || labels || one.innerText || "").trim().replace(/\\s+/g, " "),
    modal: !!one.closest("dialog[open]"),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0,
    marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    covered: !near && (over ? over.outerHTML.slice(0, 120) : "nothing"),
  };
}"""


#: A part of a page settles within a few hundredths of a second; more than this is felt.
SETTLE_LOOKS, SETTLE_MS = 10, 50


class Hands:
    """A person at the keyboard of one page, who looks where the focus is after each key."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def look(self) -> dict[str, Any]:
        """What has the focus, once a part of the page that is brought up to date has settled."""
        seen: dict[str, Any] | None = self.page.evaluate(LOOK)
        for _ in range(SETTLE_LOOKS):
            if seen is not None and seen["inside"] and seen["marked"] and not seen["covered"]:
                return seen
            self.page.wait_for_timeout(SETTLE_MS)
            seen = self.page.evaluate(LOOK)
        assert seen is not None, f"the focus is lost on {self.page.url}"
        assert seen["inside"], f"what has the focus is out of sight: {seen}"
        assert seen["marked"], f"nobody sees that it has the focus: {seen}"
        assert not seen["covered"], f"what has the focus is covered: {seen}"
        return seen

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, name: str, tag: str = "", back: bool = False) -> None:
        """Tab on until the control of that name has the focus."""
        passed = []
        for _ in range(STOPS):
            self.press("Shift+Tab" if back else "Tab")
            seen = self.page.evaluate(LOOK)
            if seen is None:  # the browser's own bar, between the end of a page and its beginning
                passed.append("(end)")
                continue
            seen = self.look()
            passed.append(seen["name"])
            if seen["name"].startswith(name) and tag in ("", seen["tag"]):
                return
        raise AssertionError(f"{name} is not reached on {self.page.url}: {passed}")

    def type_into(self, label: str, text: str) -> None:
        self.tab_to(label)
        self.press("Control+a")
        self.page.keyboard.type(text)

    def enter(self, name: str, heading: str) -> None:
        """Go to a link or button and press Enter; it leads to the page of that heading."""
        self.tab_to(name)
        self.press("Enter")
        self.arrived(heading)

    def arrived(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)


@pytest.fixture
def hub(settings: Any) -> Iterator[ScriptedHub]:
    with running(ScriptedHub()) as scripted:
        settings.DEFAULT_HUB_URL = scripted.url
        rows = [Booked("paid", TODAY.isoformat(), "121.00", REFERENCE, structured=True, counterparty_name="Royal NV")]
        scripted.accounts = [
            ScriptedAccount(balance="500.00", balance_date=TODAY.isoformat(), transactions=rows,
                            synchronized_at=f"{TODAY}T00:01:00.000Z"),
        ]  # fmt: skip
        yield scripted


@pytest.fixture
def company(transactional_db: None) -> Company:
    owner = User.objects.create_user(EMAIL, steps.PASSWORD)
    EmailAddress.objects.create(user=owner, email=EMAIL, verified=True, primary=True)
    company = create_company(owner, name="Keys NV", country="BE", currency="EUR")
    create_document(
        owner, company, kind="invoice", partner_name="Royal NV", number="INV/2026/0007", date=TODAY,
        amount=Decimal("121.00"), structured_reference=REFERENCE,
    )  # fmt: skip
    return company


def _work() -> None:
    """What the worker would do now."""
    for run in Run.objects.filter(status="queued"):
        run_fetch(run.id, clock=timezone.now, sleep=lambda seconds: None)


def test_from_signing_in_to_disconnecting_by_keyboard_alone(
    company: Company, hub: ScriptedHub, live_server: Any, context: BrowserContext, watched: list[str]
) -> None:
    page = context.new_page()
    hands = Hands(page)
    _sign_in(hands, live_server.url)
    _connect(hands, hub)
    _link(hands)
    _fetch(hands, hub)
    _reconcile(hands)
    _disconnect(hands)
    assert watched == []


def _sign_in(hands: Hands, url: str) -> None:
    hands.page.goto(f"{url}{reverse('account_login')}?next=/books/")
    hands.press("Tab")
    assert hands.look()["name"] == "Skip to the content"
    hands.press("Enter")
    hands.type_into("Email", EMAIL)
    hands.type_into("Password", steps.PASSWORD)
    hands.press("Enter")
    hands.arrived("Do bank and books agree?")


def _connect(hands: Hands, hub: ScriptedHub) -> None:
    hands.enter("Connect bank", "Which bank keeps the account?")
    hands.enter("I have a Client ID and a Secret ID", "Who may read the accounts?")
    hands.type_into("Client ID", hub.client_id)
    hands.type_into("Secret ID", hub.secret)
    hands.press("Enter")
    hands.arrived("Which account feeds which journal?")


def _link(hands: Hands) -> None:
    hands.tab_to("Action")
    hands.page.keyboard.type("Create")
    hands.tab_to("Synchronization frequency")
    hands.page.keyboard.type("Month")
    hands.tab_to("Fetch schedule")
    hands.page.keyboard.type("Every 4")
    hands.enter("Link accounts", "What has arrived?")
    link = JournalLink.objects.select_related("journal").get()
    assert (link.fetch_schedule, link.journal.grouping) == ("4h", "monthly")
    hands.tab_to("Show the dashboard")
    _work()
    expect(hands.page.get_by_text("1 transaction loaded.")).to_be_visible()
    assert hands.look()["name"] == "Show the dashboard", "what arrives takes the focus from nobody"


def _fetch(hands: Hands, hub: ScriptedHub) -> None:
    hands.press("Enter")
    hands.arrived("Do bank and books agree?")
    hub.accounts[0].transactions.insert(0, Booked("fee", TODAY.isoformat(), "-3.50", "Bank fee"))
    hands.tab_to("Fetch Transactions")
    hands.press("Enter")
    expect(hands.page.get_by_text("Fetching").first).to_be_visible()
    hands.look()
    _work()
    expect(hands.page.get_by_role("button", name="Fetch Transactions")).to_be_visible()
    assert hands.look()["name"] == "Fetch Transactions"
    assert Line.objects.count() == 2


def _reconcile(hands: Hands) -> None:
    hands.enter("Reconcile", "What is not explained yet?")
    paid = Line.objects.get(amount=Decimal("121.00"))
    with hands.page.expect_navigation():
        hands.tab_to(f"{paid.booking_date:%-d %b %Y} plus")
        hands.press("Enter")
    with hands.page.expect_navigation():
        hands.tab_to("Match with INV/2026/0007")
        hands.press("Enter")
    assert Line.objects.get(pk=paid.pk).reconciled
    with hands.page.expect_navigation():
        hands.tab_to("Undo")
        hands.press("Enter")
    assert not Line.objects.get(pk=paid.pk).reconciled


def _disconnect(hands: Hands) -> None:
    page = hands.page
    hands.enter("Online synchronization", "Does everything arrive?")
    connection = Connection.objects.get()
    hands.enter("Bank not named", "Connection")
    hands.tab_to("Disconnect")
    hands.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(5):
        assert hands.look()["modal"], "the focus left the dialog"
        hands.press("Tab")
    hands.press("Escape")
    expect(dialog).to_have_count(0)
    assert hands.look()["name"] == "Disconnect"
    hands.press("Space")
    expect(dialog).to_be_visible()
    hands.press("Enter")  # what is in the front keeps the connection
    expect(dialog).to_have_count(0)
    hands.press("Space")
    hands.tab_to("Disconnect", "BUTTON")
    hands.press("Enter")
    expect(page.get_by_text("Disconnected").first).to_be_visible()
    connection.refresh_from_db()
    assert connection.state == "disconnected"
