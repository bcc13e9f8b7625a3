"""A bank file on its way into a journal, for the tests of pages."""

from __future__ import annotations

import datetime as dt

from tests.books.files.steps import archive
from tests.hub.files.factories import Upload, camt, entry, statement

from nostro.books.files import services, working
from nostro.books.files.asking import WHOLE, with_answers
from nostro.books.files.models import JournalFile
from nostro.books.journals.models import Journal
from nostro.people.models import User

ROWS = [entry("-3.50", 10, "<b>Coffee</b>"), entry("-20.00", 11, "Bread")]


def journal_file(user: User, journal: Journal, *, imported: bool = False) -> JournalFile:
    """A file of this journal's account that waits for its person, or one that was imported."""
    now = dt.datetime.now(dt.UTC)
    data = camt(statement(ROWS, iban=journal.account_number, currency=journal.currency))
    [file] = services.hand_in(user, journal.company_id, [Upload(data)], now, journal_id=journal.id)
    working.work(file.pk)
    if imported:
        services.confirm(user, file.pk, now)
        working.work(file.pk)
    file.refresh_from_db()
    return file


def table_file(user: User, journal: Journal, *, is_read: bool = False, is_packed: bool = False) -> JournalFile:
    """A table that asks what its columns mean, or one that was read by a mapping; packed: in an archive."""
    data = (
        b"Dag;Waarde;Rest;Wie;Wat\n12/11/2026;-2,40;997,60;CAFE DE HOEK;koffie\n13/11/2026;5,00;1002,60;KLANT;factuur\n"
    )
    data, name = (archive(table_csv=data), "tables.zip") if is_packed else (data, "table.csv")
    [file] = services.hand_in(
        user, journal.company_id, [Upload(data, name)], dt.datetime.now(dt.UTC), journal_id=journal.id
    )
    working.work(file.pk)
    file.refresh_from_db()
    if is_read:
        given = {"mapping": {"columns": {"Dag": "booking_date", "Waarde": "amount"}}}
        file.answers = with_answers(file, 1 if is_packed else WHOLE, given)
        file.save(update_fields=["answers"])
    return file
