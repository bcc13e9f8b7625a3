"""What a bank does to booked transactions afterwards (books.md 10), and pending ones that are booked (12)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import balance, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.journals.changes import accept_change, ignore_change
from nostro.books.journals.models import BankChange, Line, LineStatus, PendingLine
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Purpose
from nostro.books.links.models import Failure, JournalLink
from nostro.books.reconcile.services import reconcile_with_account
from nostro.people.models import AuditRecord, User
from nostro.web.errors import Problem

pytestmark = pytest.mark.django_db(transaction=True)
OLD = Booked("old", "2026-11-03", "1000.00", "Capital")
RENT = Booked("rent", "2026-11-10", "-50.00")
CURRENCIES = pytest.mark.parametrize(
    ("currency", "before", "after"),
    [("EUR", "-50.00", "-51.50"), ("JPY", "-5000", "-5150"), ("KWD", "-5.125", "-5.250")],
)


def later(days: int) -> dt.datetime:
    return NOW + dt.timedelta(days=days)


def journal_of(user: User, company: Company, hub: ScriptedHub, *items: Booked, currency: str = "EUR") -> JournalLink:
    hub.accounts = [ScriptedAccount(currency=currency, transactions=list(items))]
    rate = None if currency == "EUR" else Decimal("0.5")
    link = linked(user, company, hub, exchange_rate=rate)
    fetch(link)
    return link


def fetch_later(hub: ScriptedHub, link: JournalLink, days: int) -> None:
    """A fetch some days later, when the Hub has read the bank again; without that, the days between are a gap."""
    hub.accounts[0].synchronized_at = later(days).isoformat()
    fetch(link, later(days))


def show(hub: ScriptedHub, *items: Booked) -> None:
    hub.accounts[0].transactions = list(items)


def test_later_details_fill_empty_texts_of_unreconciled_lines_only(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    link = journal_of(owner, company, hub, RENT, OLD)
    matched = Line.objects.get(amount=1000)
    reconcile_with_account(owner, matched.id, account_for(company, Purpose.OPENING).id, now=NOW)
    show(
        hub,
        dataclasses.replace(RENT, remittance="Rent of November", counterparty_name="Landlord"),
        dataclasses.replace(OLD, remittance="Other text", counterparty_name="Founder"),
    )

    fetch_later(hub, link, 1)

    rent, old = Line.objects.get(amount=-50), Line.objects.get(amount=1000)
    assert (rent.label, rent.remittance_text, rent.counterparty_name) == ("Rent of November",) * 2 + ("Landlord",)
    assert (old.remittance_text, old.counterparty_name) == ("Capital", "")
    assert AuditRecord.objects.filter(action="line.filled").count() == 1
    fetch_later(hub, link, 2)
    assert AuditRecord.objects.filter(action="line.filled").count() == 1


@CURRENCIES
def test_a_changed_amount_waits_and_is_reversed_and_posted_again_when_accepted(
    owner: User, company: Company, hub: ScriptedHub, currency: str, before: str, after: str
) -> None:
    rent = Booked("rent", "2026-11-10", before, currency=currency)
    link = journal_of(owner, company, hub, rent, currency=currency)
    own = Decimal("0.5") if currency != "EUR" else 1
    show(hub, dataclasses.replace(rent, amount=after, date="2026-11-11"))

    fetch_later(hub, link, 1)
    fetch_later(hub, link, 2)

    line = Line.objects.get()
    assert (line.amount, line.booking_date) == (Decimal(before), dt.date(2026, 11, 10))
    assert BankChange.objects.count() == 1
    assert Failure.objects.get(cleared_at=None).code == "D-CHANGED"
    accept_change(owner, line.id, now=later(2))
    line.refresh_from_db()
    assert (line.amount, line.booking_date, line.status) == (Decimal(after), dt.date(2026, 11, 11), "posted")
    assert abs(balance(link.journal.bank_account) - Decimal(after) * own) <= Decimal("0.01")
    assert balance(link.journal.suspense_account) == -balance(link.journal.bank_account)
    assert line.statement is not None
    assert line.statement.computed_end == Decimal(after)
    fetch_later(hub, link, 3)
    assert not Failure.objects.filter(cleared_at=None).exists()
    assert BankChange.objects.count() == 1


def test_an_ignored_change_is_not_asked_about_again_but_another_one_is(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    link = journal_of(owner, company, hub, RENT, OLD)
    show(hub, dataclasses.replace(RENT, amount="-51.00"), OLD)
    fetch_later(hub, link, 1)
    line = Line.objects.get(amount=-50)
    ignore_change(owner, line.id, now=later(1))
    fetch_later(hub, link, 2)
    assert not BankChange.objects.filter(decision="").exists()

    show(hub, dataclasses.replace(RENT, amount="-52.00"), OLD)
    fetch_later(hub, link, 3)

    assert BankChange.objects.get(decision="").amount == -52
    show(hub, RENT, OLD)
    fetch_later(hub, link, 4)
    assert not BankChange.objects.filter(decision="").exists()


def test_a_matched_line_must_be_undone_before_a_change_is_accepted(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    link = journal_of(owner, company, hub, RENT)
    line = Line.objects.get()
    reconcile_with_account(owner, line.id, account_for(company, Purpose.OPENING).id, now=NOW)
    show(hub, dataclasses.replace(RENT, amount="-51.00"))
    fetch_later(hub, link, 1)

    with pytest.raises(Problem, match="reconciled"):
        accept_change(owner, line.id, now=later(1))


def test_a_transaction_that_is_gone_is_asked_for_by_id_and_waits_posted(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    link = journal_of(owner, company, hub, RENT, OLD)
    show(hub, OLD)

    fetch_later(hub, link, 1)
    assert not [request for request in hub.requests if request.count("/") == 4]
    assert Line.objects.get(amount=-50).status == LineStatus.POSTED
    fetch_later(hub, link, 2)

    line = Line.objects.get(amount=-50)
    assert line.status == LineStatus.WITHDRAWN
    assert balance(link.journal.bank_account) == 950
    assert Failure.objects.get(cleared_at=None).code == "D-WITHDRAWN"
    accept_change(owner, line.id, now=later(2))
    assert balance(link.journal.bank_account) == 1000
    assert Line.objects.get(amount=-50).status == LineStatus.REMOVED
    fetch_later(hub, link, 3)
    assert not Failure.objects.filter(cleared_at=None).exists()


@pytest.mark.parametrize("left", [[OLD], []], ids=["others", "none"])
def test_a_transaction_that_is_gone_after_weeks_is_noticed_where_the_list_is_read_to_its_end(
    owner: User, company: Company, hub: ScriptedHub, left: list[Booked]
) -> None:
    link = journal_of(owner, company, hub, RENT, OLD)
    fetch_later(hub, link, 20)
    show(hub, *left)
    for days in (30, 31):
        fetch_later(hub, link, days)
    gone = Line.objects.filter(status=LineStatus.WITHDRAWN)
    assert gone.count() == 2 - len(left)


def test_where_the_walk_ends_before_the_end_of_the_list_old_lines_are_not_doubted(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    many = [Booked(f"many {number}", "2026-11-01", "1.00") for number in range(120)]
    link = journal_of(owner, company, hub, RENT, *many, OLD)
    fetch_later(hub, link, 20)
    show(hub, RENT, *many)
    for days in (30, 31):
        fetch_later(hub, link, days)
    assert not BankChange.objects.exists()


def test_a_withdrawn_transaction_that_is_shown_again_is_posted_as_before(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    link = journal_of(owner, company, hub, RENT, OLD)
    show(hub, OLD)
    fetch_later(hub, link, 1)
    fetch_later(hub, link, 2)
    assert Line.objects.get(amount=-50).status == LineStatus.WITHDRAWN
    show(hub, RENT, OLD)

    fetch_later(hub, link, 3)

    assert Line.objects.get(amount=-50).status == LineStatus.POSTED
    assert not BankChange.objects.exists()


def test_an_ignored_withdrawal_stays_posted_and_is_not_asked_about_again(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    link = journal_of(owner, company, hub, RENT, OLD)
    show(hub, OLD)
    fetch_later(hub, link, 1)
    fetch_later(hub, link, 2)
    ignore_change(owner, Line.objects.get(amount=-50).id, now=later(2))

    fetch_later(hub, link, 3)
    fetch_later(hub, link, 4)

    assert Line.objects.get(amount=-50).status == LineStatus.POSTED
    assert not Failure.objects.filter(cleared_at=None).exists()


def test_a_pending_transaction_becomes_the_booked_one_and_takes_its_note_along(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    hub.accounts = [
        ScriptedAccount(
            transactions=[OLD],
            pending=[
                Booked("p1", "2026-11-11", "-7.00", "Parking", end_to_end_id="E2E-1"),
                Booked("p2", "2026-11-11", "-9.00"),
            ],
        )
    ]
    link = linked(owner, company, hub)
    fetch(link)
    PendingLine.objects.filter(amount=-7).update(note="Visit to Ghent")
    hub.accounts[0].transactions = [Booked("t9", "2026-11-12", "-7.50", "Parking", end_to_end_id="E2E-1"), OLD]
    hub.accounts[0].pending = []

    fetch_later(hub, link, 1)

    booked, lapsed = PendingLine.objects.get(amount=-7), PendingLine.objects.get(amount=-9)
    assert (booked.state, booked.line) == ("booked", Line.objects.get(amount=Decimal("-7.50")))
    assert lapsed.state == "lapsed"
    fetch_later(hub, link, 40)
    assert not PendingLine.objects.filter(amount=-9).exists()
    assert PendingLine.objects.filter(note="Visit to Ghent").exists()
