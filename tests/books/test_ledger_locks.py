"""Lock dates by type, in the services and in the database (books.md 14.4, I-15)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.reconcile.steps import line_of, standing

from nostro.books.companies.models import Company, LockType
from nostro.books.companies.services import set_lock_date
from nostro.books.journals.held import move_lock, post_on_first_open_day
from nostro.books.journals.models import Journal, LineStatus
from nostro.books.journals.services import create_journal
from nostro.books.ledger import services
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, Entry, Purpose
from nostro.books.ledger.posting import Side, draft_entry, post
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, undo
from nostro.people.models import User
from nostro.web.errors import Problem

DAY = dt.date(2026, 11, 10)
NEXT = DAY + dt.timedelta(days=1)


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR")


def document_of(user: User, company: Company, kind: str, day: dt.date = DAY) -> Document:
    return create_document(user, company, kind=kind, partner_name="P", number="1", date=day, amount=Decimal(7))


@pytest.mark.parametrize(
    ("lock", "kinds"),
    [
        (LockType.ALL, {"invoice", "credit_note", "bill", "refund", "bank"}),
        (LockType.HARD, {"invoice", "credit_note", "bill", "refund", "bank"}),
        (LockType.SALES, {"invoice", "credit_note"}),
        (LockType.PURCHASES, {"bill", "refund"}),
        (LockType.BANK, {"bank"}),
    ],
)
def test_a_lock_holds_its_own_kind(
    owner: User, company: Company, journal: Journal, lock: LockType, kinds: set[str]
) -> None:
    company = set_lock_date(owner, company, DAY, which=lock)
    journal.company = company
    for kind in ("invoice", "credit_note", "bill", "refund"):
        if kind in kinds:
            with pytest.raises(Problem, match="locked until 10 Nov 2026"):
                document_of(owner, company, kind)
        assert document_of(owner, company, kind, NEXT if kind in kinds else DAY).entry.date >= DAY
    line = line_of(journal, "7.00")
    assert line.status == (LineStatus.HELD_LOCKED if "bank" in kinds else LineStatus.POSTED)
    assert line.booking_date == DAY


def test_a_line_held_for_the_bank_lock_says_so_and_is_released_with_it(
    owner: User, company: Company, journal: Journal
) -> None:
    journal.company = set_lock_date(owner, company, DAY, which=LockType.BANK)
    line, other = line_of(journal, "7.00"), line_of(journal, "8.00")
    assert line.status_reason == "Bank entries are locked until 2026-11-10."
    later = post_on_first_open_day(owner, other.id, now=NOW)
    assert later.entry is not None
    assert (later.entry.date, later.booking_date) == (NEXT, DAY)
    assert move_lock(owner, company, None, which=LockType.SALES, now=NOW) == 0
    assert move_lock(owner, company, None, which=LockType.BANK, now=NOW) == 1
    line.refresh_from_db()
    assert line.status == LineStatus.POSTED


def test_the_hard_lock_only_moves_forward(owner: User, company: Company) -> None:
    company = set_lock_date(owner, company, DAY, which=LockType.HARD)
    for day in (None, DAY - dt.timedelta(days=1)):
        for which in (LockType.HARD, LockType.ALL):
            with pytest.raises(Problem) as caught:
                set_lock_date(owner, company, day, which=which)
            assert caught.value.code == "hardLock"
    assert set_lock_date(owner, company, NEXT, which=LockType.HARD).hard_lock_date == NEXT


@pytest.mark.parametrize(
    ("lock", "kind", "refused"),
    [
        (LockType.ALL, "manual", True),
        (LockType.HARD, "manual", True),
        (LockType.BANK, "bank", True),
        (LockType.BANK, "manual", False),
        (LockType.SALES, "manual", False),
    ],
)
def test_the_database_refuses_an_entry_of_a_locked_day(
    company: Company, lock: LockType, kind: str, refused: bool
) -> None:
    accounts = [account_for(company, Purpose.SALES).id, account_for(company, Purpose.SUSPENSE).id]
    sides = [Side(accounts[0], Decimal(1), "EUR", Decimal(1)), Side(accounts[1], Decimal(-1), "EUR", Decimal(-1))]
    Company.objects.filter(pk=company.pk).update(**{lock: DAY})
    draft = draft_entry(company, kind=kind, date=DAY, label="x", sides=sides)
    if not refused:
        post([draft])
        return
    with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
        post([draft])
    assert not Entry.objects.exists()


@pytest.mark.parametrize(("lock", "kind"), [(LockType.SALES, "invoice"), (LockType.PURCHASES, "bill")])
def test_the_database_refuses_a_document_of_a_locked_day(
    owner: User, company: Company, monkeypatch: pytest.MonkeyPatch, lock: LockType, kind: str
) -> None:
    monkeypatch.setattr(services, "require_open", lambda *_: None)
    Company.objects.filter(pk=company.pk).update(**{lock: DAY})
    with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
        document_of(owner, company, kind)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lock=st.sampled_from(LockType),
    days=st.integers(0, 3),
    amount=st.decimals("1", "100", places=2),
    to_account=st.booleans(),
)
def test_matching_and_undoing_behind_a_lock_posts_on_open_days_and_gives_everything_back(
    owner: User, company: Company, journal: Journal, lock: LockType, days: int, amount: Decimal, to_account: bool
) -> None:
    """I-15 and I-11 under every lock. Each example is rolled back, so that they do not meet."""
    with transaction.atomic():
        line = line_of(journal, str(amount))
        open_item = document_of(owner, company, "invoice").open_item_id
        before = standing(company)
        seen = set(Entry.objects.values_list("id", flat=True))
        locked = DAY + dt.timedelta(days=days)
        set_lock_date(owner, company, locked, which=lock)
        if to_account:
            group = reconcile_with_account(owner, line.id, account_for(company, Purpose.BANK_FEES).id, now=NOW)
        else:
            group = reconcile_with_items(owner, line.id, [open_item], now=NOW)
        undo(owner, group.id, now=NOW)
        assert standing(company) == before
        line.refresh_from_db()
        assert line.booking_date == DAY
        if lock in {LockType.ALL, LockType.HARD}:
            made = Entry.objects.exclude(pk__in=seen)
            assert made.exists()
            assert all(day > locked for day in made.values_list("date", flat=True))
        transaction.set_rollback(True)
