"""Archives, and files that tell about several accounts: each to its journal, asked first, all of it or nothing."""

from __future__ import annotations

import gzip
import itertools
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, OTHER, account_of, archive, confirmed, imported, read
from tests.books.steps import amounts, balance
from tests.hub.files.factories import camt, chained, entry, statement

from nostro.books.companies.models import Company, CompanyMember
from nostro.books.companies.services import create_company, set_lock_date
from nostro.books.files import services, working
from nostro.books.files.models import JournalFile, JournalFileAccount, LineSighting, StagedLine
from nostro.books.files.queries import first_rows, told_rows
from nostro.books.journals.models import Journal, Line, LineStatus, OpeningOrigin, Proof
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Purpose
from nostro.books.reconcile.services import reconcile_with_account
from nostro.people.models import User
from nostro.web.errors import Forbidden, Problem

pytestmark = pytest.mark.django_db
ROWS = [entry("-3.50", 10), entry("-20.00", 11, "Bread")]
THEIRS = [entry("100.00", 12, "Rent"), entry("-3.50", 12)]
BOTH = (statement(ROWS), statement(THEIRS, iban=OTHER, opening=Decimal(500)))


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


@pytest.fixture
def second(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Savings", currency="EUR", account_number=OTHER)


# --- each account to its journal


@pytest.mark.parametrize("packed", [False, True], ids=["one file", "ZIP"])
def test_each_account_goes_to_the_journal_of_its_number(
    owner: User, company: Company, journal: Journal, second: Journal, packed: bool
) -> None:
    data = archive(a_xml=camt(BOTH[0]), b_xml=camt(BOTH[1])) if packed else camt(*BOTH)
    file = read(owner, company, data)
    assert (file.status, file.new_count, file.members) == ("waiting", 4, 2 if packed else 0)
    assert not Line.objects.exists()
    file = confirmed(owner, file)
    assert amounts(journal) == [Decimal("-3.50"), Decimal("-20.00")]
    assert amounts(second) == [Decimal("100.00"), Decimal("-3.50")]
    for each, closing in ((journal, "976.50"), (second, "596.50")):
        each.refresh_from_db()
        assert (each.proof, balance(each.bank_account)) == (Proof.GREEN, Decimal(closing))
    again = read(owner, company, data)
    assert (again.new_count, again.known_count) == (0, 4)
    confirmed(owner, again)
    assert Line.objects.count() == 4


def test_gzip_is_read(owner: User, journal: Journal) -> None:
    file = confirmed(owner, read(owner, journal, gzip.compress(camt(BOTH[0]))))
    assert (file.status, file.format, Line.objects.count()) == ("imported", "gzip", 2)


def test_an_unknown_account_is_asked_about(owner: User, company: Company, journal: Journal) -> None:
    file = read(owner, company, camt(*BOTH))
    unknown = account_of(file, OTHER)
    assert (unknown.decision, unknown.new_count, file.new_count) == ("", 2, 2)
    with pytest.raises(Problem, match="not said what becomes"):
        services.confirm(owner, file.pk, NOW)
    with pytest.raises(Problem, match="cannot be done"):
        services.confirm(owner, file.pk, NOW, answers={unknown.pk: "import"})
    confirmed(owner, file, answers={unknown.pk: "create"})
    made = Journal.objects.get(account_number=OTHER)
    assert amounts(made) == [Decimal("100.00"), Decimal("-3.50")]
    assert (made.proof, made.currency) == (Proof.GREEN, "EUR")


def test_what_is_left_out_stays_out(owner: User, company: Company, journal: Journal) -> None:
    file = read(owner, company, camt(*BOTH))
    file = confirmed(owner, file, answers={account_of(file, OTHER).pk: "skip"})
    assert (Line.objects.count(), Journal.objects.count(), file.new_count) == (2, 1, 2)
    assert not StagedLine.objects.exists()
    file = read(owner, company, camt(*BOTH))
    with pytest.raises(Problem, match="All accounts of this file are left out"):
        services.confirm(owner, file.pk, NOW, answers=dict.fromkeys(file.accounts.values_list("pk", flat=True), "skip"))


def test_a_clerk_adds_no_journal(owner: User, stranger: User, company: Company, journal: Journal) -> None:
    CompanyMember.objects.create(company=company, user=stranger, role="clerk")
    file = read(stranger, company, camt(*BOTH))
    with pytest.raises(Forbidden):
        services.confirm(stranger, file.pk, NOW, answers={account_of(file, OTHER).pk: "create"})
    assert JournalFileAccount.objects.filter(file=file, decision="").count() == 1


def test_a_journal_that_somebody_made_meanwhile_is_used(owner: User, company: Company, journal: Journal) -> None:
    file = read(owner, company, camt(*BOTH))
    create_journal(owner, company, name="Savings", currency="EUR", account_number=OTHER)
    confirmed(owner, file, answers={account_of(file, OTHER).pk: "create"})
    assert Journal.objects.filter(account_number=OTHER).count() == 1
    assert Line.objects.count() == 4


def test_on_the_page_of_a_journal_only_its_own_account_is_proposed(
    owner: User, journal: Journal, second: Journal
) -> None:
    file = read(owner, journal, camt(*BOTH))
    assert {each.number: each.decision for each in file.accounts.all()} == {IBAN: "import", OTHER: "skip"}
    confirmed(owner, file)
    assert (len(amounts(journal)), len(amounts(second))) == (2, 0)
    file = read(owner, journal, camt(BOTH[1]))
    assert (file.status, file.problems[0]["code"]) == ("failed", "F-ACCOUNT")
    assert "its journal is BNK2 Savings" in file.problems[0]["sentence"]


def test_the_file_of_another_company_is_refused_with_a_sentence(owner: User, company: Company) -> None:
    other = create_company(owner, name="Other NV", country="BE", currency="EUR")
    create_journal(owner, other, name="Bank", currency="EUR", account_number=OTHER)
    file = read(owner, company, camt(BOTH[1]))
    assert file.status == "failed"
    assert f"{OTHER} EUR, an account of your company Other NV; hand it in there" in file.problems[0]["sentence"]
    file = read(owner, company, camt(*BOTH))
    refused = account_of(file, OTHER)
    assert (refused.refusal, refused.elsewhere, refused.rows) == ("other_company", "Other NV", 0)
    confirmed(owner, file, answers={account_of(file).pk: "create", refused.pk: "create"})
    assert set(Line.objects.values_list("company__name", flat=True)) == {"Nostro NV"}


def test_who_is_no_member_of_the_other_company_learns_nothing_of_it(
    owner: User, stranger: User, company: Company
) -> None:
    hidden = create_company(stranger, name="Hidden NV", country="BE", currency="EUR")
    create_journal(stranger, hidden, name="Bank", currency="EUR", account_number=OTHER)
    file = read(owner, company, camt(BOTH[1]))
    assert (file.status, account_of(file, OTHER).refusal, account_of(file, OTHER).elsewhere) == ("waiting", "", "")


# --- all or nothing


def test_one_file_that_cannot_be_used_is_the_whole_archive(owner: User, company: Company, journal: Journal) -> None:
    cut = camt(BOTH[0])[:-200]
    file = read(owner, company, archive(a_xml=camt(BOTH[0]), b_xml=cut))
    assert (file.status, file.problems[0]["code"]) == ("failed", "F-TRUNCATED")
    assert "b.xml" in file.problems[0]["sentence"]
    assert not (StagedLine.objects.exists() or JournalFileAccount.objects.exists())


def test_what_is_no_statement_is_left_out_and_said(owner: User, company: Company, journal: Journal) -> None:
    file = read(owner, company, archive(a_pdf=b"%PDF-1.7", b_xml=camt(BOTH[0]), c_txt=b"Good morning."))
    assert (file.status, file.members, file.new_count) == ("waiting", 1, 2)
    said = [each["sentence"] for each in file.problems]
    assert any(each.startswith("a.pdf: ") and "left out" in each for each in said)
    assert any(each.startswith("c.txt: ") for each in said)
    for nothing in (archive(), archive(a_pdf=b"%PDF-1.7"), archive(a_zip=archive(b_xml=camt(BOTH[0])))):
        assert read(owner, company, nothing).status == "failed"


def test_wrong_balances_of_one_file_hold_the_whole_archive(owner: User, company: Company, journal: Journal) -> None:
    wrong = camt(*chained([ROWS])).replace(b"976.50", b"977.50")
    file = read(owner, company, archive(a_xml=camt(BOTH[0]), b_xml=wrong))
    assert file.quarantined
    with pytest.raises(Problem, match="do not add up"):
        services.confirm(owner, file.pk, NOW)
    assert not Line.objects.exists()


class Killed(BaseException):
    """kill -9."""


@pytest.mark.parametrize("point", range(1, 5))
def test_a_killed_worker_stores_both_journals_or_none(
    owner: User, company: Company, journal: Journal, second: Journal, point: int
) -> None:
    file = read(owner, company, camt(*BOTH))
    services.confirm(owner, file.pk, NOW)
    seen = itertools.count(1)

    def reached(where: str) -> None:
        if next(seen) == point:
            raise Killed(where)

    with pytest.raises(Killed):
        working.work(file.pk, clock=lambda: NOW, reached=reached)
    assert (Line.objects.count(), LineSighting.objects.count()) == (0, 0)
    working.work(file.pk, clock=lambda: NOW + working.LEASE)
    assert (Line.objects.count(), LineSighting.objects.count()) == (4, 4)


def test_overlapping_files_of_one_archive_count_once(owner: User, company: Company, journal: Journal) -> None:
    pieces = chained([ROWS[:1], ROWS[1:]])
    file = read(owner, company, archive(a_xml=camt(pieces[1]), b_xml=camt(*pieces), c_xml=camt(BOTH[0])))
    assert (file.new_count, file.known_count) == (2, 3)
    confirmed(owner, file)
    assert sorted(amounts(journal)) == [Decimal("-20.00"), Decimal("-3.50")]


# --- undo as a whole


def test_undo_leaves_the_books_as_before(owner: User, company: Company, journal: Journal, second: Journal) -> None:
    file = confirmed(owner, read(owner, company, camt(*BOTH)))
    services.undo(owner, file.pk, NOW)
    for each in (journal, second):
        each.refresh_from_db()
        assert not (balance(each.bank_account) or balance(each.suspense_account))
        assert (each.proof, each.opening_origin) == (Proof.UNKNOWN, OpeningOrigin.NONE)
    again = confirmed(owner, read(owner, company, camt(*BOTH)))
    assert (again.new_count, again.restored_count) == (0, 4)
    journal.refresh_from_db()
    assert (journal.proof, balance(journal.bank_account)) == (Proof.GREEN, Decimal("976.50"))


def test_undo_keeps_the_figures_of_an_earlier_file(owner: User, journal: Journal) -> None:
    first, then = chained([ROWS[:1], ROWS[1:]])
    imported(owner, journal, first)
    file = imported(owner, journal, then)
    services.undo(owner, file.pk, NOW)
    journal.refresh_from_db()
    assert (journal.proof, balance(journal.bank_account)) == (Proof.GREEN, Decimal("996.50"))


def test_one_decided_line_keeps_the_whole_import(
    owner: User, company: Company, journal: Journal, second: Journal
) -> None:
    file = confirmed(owner, read(owner, company, camt(*BOTH)))
    line = Line.objects.get(journal=second, amount=Decimal(100))
    reconcile_with_account(owner, line.pk, account_for(company, Purpose.SALES).pk, now=NOW)
    with pytest.raises(Problem, match="reconciled"):
        services.undo(owner, file.pk, NOW)
    assert JournalFile.objects.get(pk=file.pk).status == "imported"
    assert not Line.objects.filter(status=LineStatus.REMOVED).exists()


# --- held rows


def test_held_rows_are_shown_with_why_before_and_after(owner: User, company: Company, journal: Journal) -> None:
    imported(owner, journal, statement(ROWS))
    file = read(owner, journal, camt(statement([ROWS[0], entry("-20.00", 11, "Brood")])))
    [held] = told_rows(file)
    assert (file.known_count, file.held_count, held.reason, held.values.label) == (1, 1, "alike", "Brood")
    assert held.like is not None
    assert held.like.label == "Bread"
    assert len(first_rows(file)) == 2
    file = confirmed(owner, file)
    [after] = told_rows(file)
    assert (after.reason, after.values.label) == ("held_duplicate", "Brood")


def test_a_locked_day_is_told_before_it_is_held(owner: User, company: Company, journal: Journal) -> None:
    set_lock_date(owner, company, statement(ROWS).opening.reference_date)  # type: ignore[union-attr]
    file = read(owner, journal, camt(statement([entry("-1.00", 9, "Locked"), *ROWS])))
    assert [(each.reason, each.values.label) for each in told_rows(file)] == [("locked", "Locked")]
    assert (file.new_count, file.held_count) == (2, 1)
    file = confirmed(owner, file)
    assert [each.reason for each in told_rows(file)] == ["held_locked"]
    assert Line.objects.filter(status=LineStatus.HELD_LOCKED).count() == 1
