"""Files of before the accounts of files were kept get the account of their journal (migration 0003)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from tests.books.files.steps import IBAN

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.journals.services import create_journal
from nostro.people.models import User

BEFORE, AFTER = ("books_files", "0002_accounts"), ("books_files", "0003_accounts_of_earlier_files")
DAYS = (dt.date(2026, 10, 1), dt.date(2026, 10, 31))


def migrated(target: tuple[str, str]) -> Any:
    """The models of that state. All of it happens in the test's transaction, so that nothing of it stays."""
    with connection.cursor() as cursor:
        # PostgreSQL alters no table whose constraints still wait to be checked.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    executor = MigrationExecutor(connection)
    executor.migrate([target])
    return MigrationExecutor(connection).loader.project_state([target]).apps.get_model


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def earlier_file(get_model: Any, journal: Journal, status: str, *, statements: int = 1) -> Any:
    """A file as it was kept before, with statements that name no account; each but the first lists no days."""
    file = get_model("books_files", "JournalFile").objects.create(
        company_id=journal.company_id, journal_id=journal.pk, status=status, name=f"{status}.xml", rows=7, new_count=4,
        known_count=2, restored_count=1, held_count=3,
    )  # fmt: skip
    for number in range(1, statements + 1):
        get_model("books_files", "JournalFileStatement").objects.create(
            company_id=journal.company_id, file=file, index=number, proof="proved", opening=Decimal(1),
            complete_from=DAYS[0] if number == 1 else None, complete_to=DAYS[1] if number == 1 else None,
        )  # fmt: skip
    return file


def test_earlier_files_get_the_account_of_their_journal(journal: Journal) -> None:
    before = migrated(BEFORE)
    imported = earlier_file(before, journal, "imported", statements=2)
    waiting = earlier_file(before, journal, "waiting")
    undone = earlier_file(before, journal, "undone")
    failed = earlier_file(before, journal, "failed", statements=0)

    after = migrated(AFTER)
    accounts = after("books_files", "JournalFileAccount").objects
    for file in (imported, waiting, undone):
        account = accounts.get(file_id=file.pk)
        assert (account.company_id, account.journal_id) == (journal.company_id, journal.pk)
        assert (account.number, account.reference, account.currency) == (IBAN, IBAN, "EUR")
        assert (account.position, account.decision, account.refusal) == (1, "import", "")
        counts = (account.rows, account.new_count, account.known_count, account.restored_count, account.held_count)
        assert counts == (7, 4, 2, 1, 3)
        statements = after("books_files", "JournalFileStatement").objects.filter(file_id=file.pk)
        assert set(statements.values_list("account_id", flat=True)) == {account.pk}
    assert not accounts.filter(file_id=failed.pk).exists()
    # Days count for what is imported: not for what waits, was undone, or lists none.
    days = after("journals", "FileDays").objects.filter(journal_id=journal.pk)
    assert list(days.values_list("run_id", "company_id", "first_day", "last_day")) == [
        (imported.pk, journal.company_id, *DAYS)
    ]
