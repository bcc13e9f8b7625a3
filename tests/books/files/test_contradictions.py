"""Files that say otherwise of what is known (D-CHANGED), and the days that files and feed cover (books.md 10, 11.5)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, archive, confirmed, imported, read
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import amounts, balance, fetch, linked
from tests.hub.files.factories import camt, entry, statement

from nostro.books.companies.models import Company, CompanyMember
from nostro.books.files import services
from nostro.books.files.another import take_as_another
from nostro.books.files.queries import changes_said, told_rows
from nostro.books.journals.changes import accept_change, ignore_change
from nostro.books.journals.models import BankChange, Journal, Line, LineStatus
from nostro.books.journals.services import create_journal
from nostro.books.links.coverage import coverage_by_files, coverage_of
from nostro.books.links.models import Failure, JournalLink
from nostro.formats import Entry
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound, Problem

pytestmark = pytest.mark.django_db
COFFEE = entry("-3.50", 21)


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def rent(amount: str = "-800.00", day: int = 22, reference: str | None = "B77", text: str = "Rent") -> Entry:
    return entry(amount, day, text, entry_reference=reference, creditor_name="Landlord")


def open_changes() -> list[tuple[Decimal, int]]:
    return [(each.amount, each.booking_date.day) for each in BankChange.objects.filter(decision="")]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("said", "told"),
    [(rent("-850.00"), (Decimal("-850.00"), 22)), (rent(day=23), (Decimal("-800.00"), 23))],
    ids=["amount", "date"],
)
def test_a_booking_that_changed_waits_for_a_decision(
    owner: User, journal: Journal, said: Entry, told: tuple[Decimal, int]
) -> None:
    imported(owner, journal, statement([COFFEE, rent()], number="1"))
    file = read(owner, journal, camt(statement([COFFEE, said], number="2")))
    assert (file.known_count, file.new_count, file.held_count, file.changed_count) == (1, 0, 0, 1)
    [shown] = told_rows(file)
    assert (shown.reason, shown.like) == ("changed", Line.objects.get(label="Rent"))
    file = confirmed(owner, file)
    assert (open_changes(), len(changes_said(file))) == ([told], 1)
    assert amounts(journal) == [Decimal("-3.50"), Decimal("-800.00")]
    # The same file again asks nothing anew.
    again = confirmed(owner, read(owner, journal, camt(statement([COFFEE, said], number="2"))))
    assert (again.known_count, again.changed_count, open_changes()) == (2, 0, [told])
    line = accept_change(owner, Line.objects.get(label="Rent").pk, now=NOW)
    assert (line.amount, line.booking_date.day) == told
    assert balance(journal.suspense_account) == Decimal("3.50") - told[0]


def test_a_statement_handed_out_again_is_compared_row_by_row(owner: User, journal: Journal) -> None:
    """Without any reference: the number, the year and the opening say that it is the same statement."""
    imported(owner, journal, statement([COFFEE, rent(reference=None)], number="21"))
    file = imported(owner, journal, statement([COFFEE, rent("-805.00", reference=None)], number="21"))
    assert (file.new_count, file.changed_count, open_changes()) == (0, 1, [(Decimal("-805.00"), 22)])
    ignore_change(owner, Line.objects.get(label="Rent").pk, now=NOW)
    assert imported(owner, journal, statement([COFFEE, rent("-805.00", reference=None)], number="21")).known_count == 2
    assert not BankChange.objects.filter(decision="").exists()


@pytest.mark.parametrize(
    "other",
    [
        rent("-850.00", reference="B78"),
        rent("-5.00", text="Fee of B77"),
        rent("800.00", day=28, text="Back"),
        entry("-850.00", 22, "Rent", entry_reference="B77", creditor_name="Somebody"),
    ],
    ids=["another reference", "a fee under it", "what came back", "another party"],
)
def test_what_only_shares_something_is_a_booking_of_its_own(owner: User, journal: Journal, other: Entry) -> None:
    imported(owner, journal, statement([COFFEE, rent()], number="1"))
    file = imported(owner, journal, statement([other], number="2", opening=Decimal("196.50")))
    assert (file.new_count, file.changed_count) == (1, 0)


def test_two_that_fit_are_no_change(owner: User, journal: Journal) -> None:
    imported(owner, journal, statement([rent("-800.00"), rent("-801.00")], number="1"))
    file = imported(owner, journal, statement([rent("-850.00")], number="2", opening=Decimal(-601)))
    assert (file.new_count, file.changed_count, len(amounts(journal))) == (1, 0, 3)


def test_a_row_that_says_otherwise_may_be_another_transaction(owner: User, journal: Journal) -> None:
    """Two rents under one reference of the bank: the line stays, the row becomes a line, and files know both again."""
    imported(owner, journal, statement([COFFEE, rent()], number="1"))
    second = camt(statement([COFFEE, rent("-850.00")], number="2"))
    file = confirmed(owner, read(owner, journal, second))
    # A file that shows the row again meanwhile shows the new line too.
    between = confirmed(owner, read(owner, journal, second + b" "))
    old = Line.objects.get(label="Rent")

    made = take_as_another(owner, old.pk, now=NOW)
    assert (made.amount, made.status, made.run_id, open_changes()) == (Decimal("-850.00"), "posted", file.pk, [])
    assert amounts(journal) == [Decimal("-3.50"), Decimal("-800.00"), Decimal("-850.00")]
    file.refresh_from_db()
    assert (file.new_count, file.changed_count, told_rows(file)) == (1, 0, [])
    again = read(owner, journal, second + b"\n")
    assert (again.known_count, again.new_count, again.changed_count) == (2, 0, 0)
    with pytest.raises(Problem, match="No change waits"):
        take_as_another(owner, old.pk, now=NOW)

    services.undo(owner, between.pk, NOW)
    assert Line.objects.filter(status=LineStatus.POSTED).count() == 3
    services.undo(owner, file.pk, NOW)
    assert list(Line.objects.exclude(status=LineStatus.POSTED)) == [made]


def test_only_what_a_file_says_is_taken_as_another_and_only_by_accountants(
    owner: User, stranger: User, journal: Journal
) -> None:
    line = Line.objects.create(
        company=journal.company, journal=journal, amount=1, currency="EUR", booking_date=NOW.date(),
        order_date=NOW.date(), day_seq=1, source="feed", status="informational",
    )  # fmt: skip
    BankChange.objects.create(
        company=journal.company, line=line, kind="changed", amount=2, currency="EUR", booking_date=NOW.date()
    )
    with pytest.raises(NotFound):
        take_as_another(stranger, line.pk, now=NOW)
    with pytest.raises(Problem, match="No file says otherwise"):
        take_as_another(owner, line.pk, now=NOW)
    CompanyMember.objects.create(company=journal.company, user=stranger, role="clerk")
    with pytest.raises(Forbidden):
        take_as_another(stranger, line.pk, now=NOW)


def test_undo_takes_the_question_back(owner: User, journal: Journal) -> None:
    imported(owner, journal, statement([COFFEE, rent()], number="1"))
    file = imported(owner, journal, statement([COFFEE, rent("-850.00")], number="2"))
    services.undo(owner, file.pk, NOW)
    assert not open_changes()
    assert Line.objects.filter(status=LineStatus.POSTED).count() == 2


def test_a_change_within_one_archive_is_seen_by_each_statement(owner: User, journal: Journal) -> None:
    imported(owner, journal, statement([COFFEE, rent()], number="1"))
    said = camt(statement([COFFEE, rent("-850.00")], number="2"))
    file = confirmed(owner, read(owner, journal, archive(a_xml=said, b_xml=said)))
    assert (file.changed_count, open_changes()) == (1, [(Decimal("-850.00"), 22)])


def test_empty_texts_of_known_lines_are_filled(owner: User, journal: Journal) -> None:
    bare = entry("-800.00", 22, "Rent", entry_reference="B77")
    imported(owner, journal, statement([bare]))
    imported(owner, journal, statement([rent()]))
    line = Line.objects.get()
    assert (line.counterparty_name, line.amount) == ("Landlord", Decimal("-800.00"))


# --- beside a feed


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    hub.accounts = [
        ScriptedAccount(
            reference=IBAN, synchronized_at="2026-11-12T08:00:00.000Z",
            transactions=[Booked("t1", "2026-10-22", "-800.00", "Rent", counterparty_name="Landlord")],
        )
    ]  # fmt: skip
    return linked(owner, company, hub, fetch_from=dt.date(2026, 10, 15))


def spans(link: JournalLink, now: dt.datetime) -> list[tuple[str, int, int]]:
    found = coverage_of(link, now=now, days=24)
    return [(each.state, each.window.date_from.day, each.window.date_to.day) for each in found]


def test_a_gap_that_a_file_fills_is_over(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    hub.accounts[0].synchronized_at = "2026-10-24T08:00:00.000Z"
    now = dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC)
    fetch(link, now)
    gaps = Failure.objects.filter(code="D-GAP", cleared_at=None)
    assert (gaps.count(), ("gap", 24, 31) in spans(link, now)) == (1, True)
    file = imported(owner, link.journal, statement([entry("-1.00", 30)], first=24, last=31))
    assert ("file", 24, 31) in spans(link, now)
    # When the file was imported, days of November were missing too; a longer file ends the failure.
    assert gaps.count() == 1
    longer = statement([entry("-1.00", 30)], first=24, last=31, number="2")
    assert longer.closing is not None
    longer = dataclasses.replace(
        longer, closing=dataclasses.replace(longer.closing, reference_date=dt.date(2026, 11, 11))
    )  # fmt: skip
    other = imported(owner, link.journal, longer)
    assert (other.known_count, gaps.count()) == (1, 0)
    services.undo(owner, other.pk, NOW)
    assert gaps.count() == 1
    services.undo(owner, file.pk, now)
    assert ("gap", 24, 31) in spans(link, now)


def test_a_journal_that_only_files_feed_has_a_bar(owner: User, journal: Journal) -> None:
    assert coverage_by_files(journal, now=NOW) == ()
    imported(owner, journal, statement([COFFEE], first=20, last=21))
    imported(owner, journal, statement([rent(day=25)], opening=Decimal("996.50"), first=24, last=25))
    found = coverage_by_files(journal, now=NOW, days=8)
    told = [(each.state, each.window.date_from.day, each.window.date_to.day) for each in found]
    assert told == [("before_start", 18, 19), ("file", 20, 21), ("gap", 22, 23), ("file", 24, 25)]


def test_what_a_file_says_otherwise_of_the_feed_waits_and_is_a_failure(
    owner: User, hub: ScriptedHub, link: JournalLink
) -> None:
    fetch(link)
    Line.objects.update(bank_reference="B77")
    file = imported(owner, link.journal, statement([rent("-850.00")], number="2"))
    assert (file.changed_count, open_changes()) == (1, [(Decimal("-850.00"), 22)])
    assert Failure.objects.filter(code="D-CHANGED", cleared_at=None).count() == 1
    # The feed shows what it always did; the question stays until a person answers.
    fetch(link, NOW + dt.timedelta(hours=1))
    assert open_changes() == [(Decimal("-850.00"), 22)]
    ignore_change(owner, Line.objects.get().pk, now=NOW)
    fetch(link, NOW + dt.timedelta(hours=2))
    assert not open_changes()
    assert not Failure.objects.filter(code="D-CHANGED", cleared_at=None).exists()


def test_what_the_feed_says_otherwise_of_a_file_waits_too(owner: User, hub: ScriptedHub, link: JournalLink) -> None:
    imported(owner, link.journal, statement([rent("-850.00")]))
    hub.accounts[0].transactions[0].bank_reference = "B77"
    fetch(link)
    assert (open_changes(), amounts(link.journal)) == ([(Decimal("-800.00"), 22)], [Decimal("-850.00")])
    fetch(link, NOW + dt.timedelta(hours=1))
    line = accept_change(owner, Line.objects.get().pk, now=NOW)
    fetch(link, NOW + dt.timedelta(hours=2))
    assert (line.amount, open_changes(), Line.objects.count()) == (Decimal("-800.00"), [], 1)


def test_without_a_reference_the_feeds_line_stands_beside_the_files(
    owner: User, hub: ScriptedHub, link: JournalLink
) -> None:
    imported(owner, link.journal, statement([rent("-850.00")]))
    fetch(link)
    assert (open_changes(), len(amounts(link.journal))) == ([], 2)


def test_an_account_that_the_hub_knows_from_files_only_is_read_without_a_bank(
    owner: User, hub: ScriptedHub, link: JournalLink
) -> None:
    fetch(link)
    refused = {"errors": [{"code": "accountUnavailable", "detail": "The connection of this account was ended."}]}
    hub.failures = [("/synchronizations", 400, refused)]
    later = NOW + dt.timedelta(days=1)
    hub.accounts[0].transactions.insert(0, Booked("t2", "2026-11-11", "-1.00", "Tea"))
    run = fetch(link, later)
    assert (run.status, run.new_count, hub.failures) == ("done", 1, [])
    assert not Failure.objects.filter(code="H-NOT-AUTHORISED").exists()
    # With a consent it is the connection that was ended, and somebody must act.
    hub.accounts[0].expires_at = "2027-03-01T00:00:00.000Z"
    fetch(link, later + dt.timedelta(days=1))
    hub.failures = [("/synchronizations", 400, refused)]
    fetch(link, later + dt.timedelta(days=2))
    assert Failure.objects.filter(code="H-NOT-AUTHORISED", cleared_at=None).exists()
