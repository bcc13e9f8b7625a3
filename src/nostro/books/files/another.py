"""A row that says otherwise of a line is, as a person says, another transaction: D-CHANGED has a third answer."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from nostro.books.companies.models import Role
from nostro.books.destinations.builtin import destination_of
from nostro.books.files.importing import identity_of
from nostro.books.files.models import JournalFile, JournalFileAccount, LineSighting, StagedLine
from nostro.books.files.reading import values_of
from nostro.books.journals.changes import decide, waiting_change
from nostro.books.journals.importing import NewLine
from nostro.books.journals.models import BankChange, Decision, Journal, Line, Source
from nostro.books.journals.queries import access_line
from nostro.books.journals.services import locked_line
from nostro.books.ledger.posting import hold_locks
from nostro.books.links.beside_files import look_again
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


@transaction.atomic
def take_as_another(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """Leave the line as it is, and make a line of its own of what the file said; returns the new line.

    Whatever file shows that row again shows the new line, and undoing the import takes it out. Raises NotFound,
    Forbidden below accountants, Problem ``nothingToDecide`` where no file said otherwise of the line.
    """
    found = access_line(user, line_id, role=Role.ACCOUNTANT)
    # In the order of an import, so that neither waits for the other.
    hold_locks(found.company)
    journal = Journal.objects.select_for_update(no_key=True, of=("self",)).select_related("company").get(
        pk=found.journal_id
    )  # fmt: skip
    line = locked_line(user, line_id, Role.ACCOUNTANT)
    change = waiting_change(line)
    file = JournalFile.objects.filter(pk=change.run_id or line.pk, company_id=line.company_id).first()
    rows = StagedLine.objects.filter(file=file, changes=True, like=line.pk, fingerprint=change.fingerprint)
    row = rows.select_related("statement__account").order_by("number").first()
    if file is None or row is None:
        raise Problem(
            "No file says otherwise of this line.", what_to_do="Accept the change or ignore it.", code="nothingToDecide"
        )
    made = _imported(journal, file, row, now)
    LineSighting.objects.filter(line=line, fingerprint=row.fingerprint).update(line=made)
    _count(file, row.statement.account)
    rows.delete()
    decide(change, Decision.IGNORED, now)
    destination_of(journal).close_run(journal, now=now)
    look_again(journal, now=now)
    _record(user, line, made, change)
    return Line.objects.select_related("journal", "company").get(pk=made.pk)


def _imported(journal: Journal, file: JournalFile, row: StagedLine, now: dt.datetime) -> Line:
    alike = Line.objects.filter(journal=journal, fingerprint=row.fingerprint)
    occurrence = (alike.aggregate(last=Max("occurrence"))["last"] or 0) + 1
    new = NewLine(values_of(row), Source.FILE, row.fingerprint, occurrence)
    destination_of(journal).import_batch(journal, [new], identity=identity_of(journal), run_id=file.pk, now=now)
    return alike.get(occurrence=occurrence)


def _count(file: JournalFile, account: JournalFileAccount) -> None:
    for counted in (file, account):
        counted.new_count += 1
        counted.changed_count = max(counted.changed_count - 1, 0)
        counted.save(update_fields=["new_count", "changed_count"])


def _record(user: User, line: Line, made: Line, change: BankChange) -> None:
    record(
        tenant_id=line.company_id, actor=user, action="change.another", obj=line,
        sentence=f"What a file said otherwise of the line of {line.booking_date:%d %b %Y} is another transaction: "
        f"{made.amount} {made.currency} of {made.booking_date.isoformat()}.",
        after={"line": str(made.pk), "change": str(change.pk)},
    )  # fmt: skip
