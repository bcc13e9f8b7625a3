"""A file and who moves a lock at once, on connections of their own: neither waits for the other in a ring (I-15)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from tests.books.at_once import Other, start_and_wait
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, OTHER, account_of, confirmed, imported, read
from tests.hub.files.factories import camt, entry, statement

from nostro.books.companies.models import Company
from nostro.books.companies.services import set_lock_date
from nostro.books.files.models import JournalFile
from nostro.books.journals.held import move_lock
from nostro.books.journals.models import Line, LineStatus
from nostro.books.journals.services import create_journal
from nostro.books.ledger.posting import hold_locks
from nostro.people.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_waits_for_a_lock_that_moves_before_it_takes_its_journal(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)
    set_lock_date(owner, company, dt.date(2026, 11, 10))
    company.refresh_from_db()
    imported(owner, journal, statement([entry("-3.50", 10)]))
    assert Line.objects.get().status == LineStatus.HELD_LOCKED
    file = read(owner, journal, camt(statement([entry("-3.50", 10), entry("-20.00", 11, "Bread")])))
    other = Other()
    with transaction.atomic():
        set_lock_date(owner, company, None)
        start_and_wait(other, lambda: confirmed(owner, file))
        assert other.is_running, f"the file did not wait: {other}"
        assert move_lock(owner, company, None, now=NOW) == 1
    other.join()
    assert JournalFile.objects.get(pk=file.pk).status == "imported"
    assert set(Line.objects.values_list("status", flat=True)) == {LineStatus.POSTED} and Line.objects.count() == 2


def test_a_file_that_makes_a_journal_never_holds_the_company_weakly_first(owner: User, company: Company) -> None:
    file = read(owner, company, camt(statement([entry("-5.00", 10)], iban=OTHER)))
    other = Other()
    with transaction.atomic():
        hold_locks(company)
        start_and_wait(other, lambda: confirmed(owner, file, answers={account_of(file, OTHER).pk: "create"}))
        assert other.is_running, f"the file did not wait: {other}"
        create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)  # refused in a ring
    other.join()
    assert JournalFile.objects.get().status == "imported" and Line.objects.count() == 1
