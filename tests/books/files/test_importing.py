"""Bank files into a journal without a feed, and as gap filler beside one (books.md 11.5, formats.md 8 and 9)."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, imported, read
from tests.books.steps import amounts, balance
from tests.hub.files.factories import Upload, camt, chained, entry, statement

from nostro.books.companies.models import Company
from nostro.books.files import services, working
from nostro.books.files.models import JournalFile, JournalFileStatement, LineSighting, StagedLine
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Feed, Journal, Line, LineStatus, Proof, Source
from nostro.books.journals.services import add_manual_line, create_journal, remove_line
from nostro.core.identity import Alias, books_fingerprint
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

pytestmark = pytest.mark.django_db
ROWS = [entry("-3.50", 10), entry("-3.50", 10), entry("-20.00", 11, "Bread")]


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def test_a_file_feeds_a_journal_that_has_no_feed(owner: User, journal: Journal) -> None:
    file = read(owner, journal, camt(statement(ROWS)))
    assert (file.status, file.new_count) == ("waiting", 3)
    assert not Line.objects.exists()
    imported(owner, journal, statement(ROWS))
    assert amounts(journal) == [Decimal("-3.50"), Decimal("-3.50"), Decimal("-20.00")]
    assert set(Line.objects.values_list("status", "source")) == {(LineStatus.POSTED, Source.FILE)}
    journal.refresh_from_db()
    assert (journal.feed, journal.proof, journal.opening_amount) == (Feed.IMPORT, Proof.GREEN, Decimal(1000))
    assert balance(journal.bank_account) == Decimal(973)
    assert not StagedLine.objects.filter(file__status="imported").exists()


def test_twice_is_once_in_every_order_and_overlap(owner: User, journal: Journal) -> None:
    pieces = chained([ROWS[:1], ROWS[1:2], ROWS[2:]])
    for each in (pieces[2], pieces[1], pieces[0], statement(ROWS), pieces[1]):
        imported(owner, journal, each)
    assert sorted(amounts(journal)) == [Decimal("-20.00"), Decimal("-3.50"), Decimal("-3.50")]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_parts_of_a_day_in_any_order(owner: User, journal: Journal, order: tuple[int, ...]) -> None:
    pieces = chained([[entry("-3.50", 10)]] * 3)
    for number in order:
        imported(owner, journal, pieces[number])
    assert len(amounts(journal)) == 3


def test_undo_takes_the_lines_out_and_importing_again_brings_them_back(owner: User, journal: Journal) -> None:
    file = imported(owner, journal, statement(ROWS))
    services.undo(owner, file.pk, NOW)
    assert set(Line.objects.values_list("status", flat=True)) == {LineStatus.REMOVED}
    assert balance(journal.suspense_account) == 0
    again = imported(owner, journal, statement(ROWS))
    assert (again.new_count, again.restored_count) == (0, 3)
    assert Line.objects.filter(status=LineStatus.POSTED).count() == 3


def test_undo_leaves_what_another_file_shows(owner: User, journal: Journal) -> None:
    file = imported(owner, journal, statement(ROWS))
    imported(owner, journal, statement(ROWS[:2]))
    services.undo(owner, file.pk, NOW)
    assert Line.objects.filter(status=LineStatus.POSTED).count() == 2


def test_a_line_that_a_person_removed_does_not_come_back(owner: User, journal: Journal) -> None:
    imported(owner, journal, statement(ROWS))
    line = Line.objects.get(amount=Decimal("-20.00"))
    remove_line(owner, line.pk, reason="duplicate", now=NOW)
    imported(owner, journal, statement(ROWS))
    line.refresh_from_db()
    assert line.status == LineStatus.REMOVED
    assert Line.objects.count() == 3


# --- beside a feed and beside typed lines


def fed(journal: Journal, amount: str, day: int, text: str) -> None:
    date = dt.date(2026, 10, day)
    print_ = books_fingerprint(
        reference=IBAN, currency="EUR", booking_date=date, amount=Decimal(amount), remittance=text
    )
    values = LineValues(date, date, Decimal(amount), "EUR", label=text, remittance_text=text)
    new = NewLine(values, Source.FEED, print_, 1, Alias("hub", f"{day}{text}"))
    import_lines(journal, [new], identity=f"IBAN:{IBAN}|EUR", run_id=None, today=NOW.date())


def test_a_gap_beside_a_feed_is_filled_and_nothing_doubled(owner: User, journal: Journal) -> None:
    fed(journal, "-20.00", 11, "Bread")
    file = imported(owner, journal, statement(ROWS))
    assert (file.new_count, file.known_count, file.held_count) == (2, 1, 0)
    services.undo(owner, file.pk, NOW)
    assert list(Line.objects.filter(status=LineStatus.POSTED).values_list("source", flat=True)) == [Source.FEED]


def test_what_only_looks_like_a_line_is_held_beside_it(owner: User, journal: Journal) -> None:
    fed(journal, "-20.00", 11, "BAKKER GENT")
    file = imported(owner, journal, statement(ROWS))
    assert (file.new_count, file.held_count) == (2, 1)
    held = Line.objects.get(status=LineStatus.HELD_DUPLICATE)
    assert held.duplicate_of is not None
    assert imported(owner, journal, statement(ROWS)).known_count == 3


def test_a_typed_line_is_never_merged_by_itself(owner: User, journal: Journal) -> None:
    add_manual_line(owner, journal.id, date=dt.date(2026, 10, 11), amount=Decimal("-20.00"), label="Bread", now=NOW)
    file = imported(owner, journal, statement(ROWS))
    assert (file.new_count, file.held_count) == (2, 1)


# --- wrong files, strangers, killed workers


def test_the_file_of_another_account_is_refused(owner: User, journal: Journal) -> None:
    file = read(owner, journal, camt(statement(ROWS, iban="BE43068999999501")))
    assert (file.status, file.problems[0]["code"]) == ("failed", "F-ACCOUNT")
    assert not JournalFileStatement.objects.exists()


def test_wrong_balances_need_a_reason(owner: User, journal: Journal) -> None:
    file = read(owner, journal, camt(statement(ROWS)).replace(b"973.00", b"974.00"))
    assert file.quarantined
    with pytest.raises(Problem, match="do not add up"):
        services.confirm(owner, file.pk, NOW)
    services.confirm(owner, file.pk, NOW, reason="The bank is wrong.")
    working.work(file.pk, clock=lambda: NOW)
    assert Line.objects.count() == 3


def test_strangers_reach_nothing(owner: User, stranger: User, journal: Journal) -> None:
    file = read(owner, journal, camt(statement(ROWS)))
    with pytest.raises(NotFound):
        services.hand_in(stranger, journal.company_id, [Upload(b"x")], NOW)
    for verb in (services.confirm, services.discard, services.undo):
        with pytest.raises(NotFound):
            verb(stranger, file.pk, NOW)


class Killed(BaseException):
    """kill -9."""


@pytest.mark.parametrize("point", [1, 2, 3])
def test_a_killed_worker_stores_nothing_or_all(owner: User, journal: Journal, point: int) -> None:
    file = read(owner, journal, camt(statement(ROWS)))
    services.confirm(owner, file.pk, NOW)
    seen = itertools.count(1)

    def reached(where: str) -> None:
        if next(seen) == point:
            raise Killed(where)

    with pytest.raises(Killed):
        working.work(file.pk, clock=lambda: NOW, reached=reached)
    assert Line.objects.count() == 0
    assert working.work(file.pk, clock=lambda: NOW + working.LEASE) is not None
    assert (Line.objects.count(), LineSighting.objects.count()) == (3, 3)


def test_a_file_that_ends_the_work_each_time_waits_for_a_person(owner: User, journal: Journal) -> None:
    file = read(owner, journal, camt(statement(ROWS)))
    services.confirm(owner, file.pk, NOW)
    JournalFile.objects.filter(pk=file.pk).update(attempts=working.MAX_ATTEMPTS)
    working.work(file.pk, clock=lambda: NOW)
    file.refresh_from_db()
    assert (file.status, Line.objects.count()) == ("waiting", 0)


def test_a_discarded_file_is_forgotten(owner: User, journal: Journal) -> None:
    file = read(owner, journal, camt(statement(ROWS)))
    services.discard(owner, file.pk, NOW)
    assert not StagedLine.objects.exists()
    with pytest.raises(Problem, match="cannot be done"):
        services.confirm(owner, file.pk, NOW)
