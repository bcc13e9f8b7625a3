"""Duplicates, missing transactions, changes of the bank, held lines and the proof of a journal, as endpoints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from nostro.books.api import documents as show
from nostro.books.api.call import Call, Document, invalid, listed
from nostro.books.companies.models import Role
from nostro.books.files import another
from nostro.books.journals import changes, duplicates, held, services
from nostro.books.journals.explaining import explain
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.pending import access_pending, note_pending
from nostro.books.journals.queries import access_journal, access_line
from nostro.books.links.coverage import coverage_by_files, coverage_of
from nostro.books.links.failures import clear_decided
from nostro.books.links.missing import find_missing, import_missing
from nostro.books.links.models import JournalLink
from nostro.books.reminders.services import set_contacts
from nostro.people.models import User

#: Without dates, a search for missing transactions covers this many days.
MISSING_DAYS = 31
Verb = Callable[..., Line]


def decided(call: Call, key: UUID, verb: Verb, **facts: object) -> Document:
    """Do something to a line; what waited for this decision is over in the same transaction."""
    found = call.own(access_line, key)
    with transaction.atomic():
        line = verb(call.user, found.id, now=call.now, **facts)
        clear_decided(found.journal, now=call.now)
    return {"data": show.line(line)}


def list_duplicates(call: Call, key: UUID) -> Document:
    """Groups of lines that may be one transaction, since a day."""
    journal = call.own(access_journal, key)
    since = call.query_day("since") or duplicates.default_since(journal) or call.now.date()
    found = duplicates.find_duplicates(journal, since)
    return listed([show.duplicates(journal, [line.id for line in group.lines]) for group in found], "")


def merge_duplicates(call: Call, key: UUID) -> Document:
    journal = _corrected(call, key)
    kept, others = call.id("keptId"), call.ids("otherIds")
    if kept is None or not others or kept in others:
        raise invalid("Give keptId and other lines in otherIds.", "keptId")
    _only_of(call, journal, [kept, *others])
    with transaction.atomic():
        line = duplicates.merge_lines(call.user, kept, others, now=call.now)
        clear_decided(journal, now=call.now)
    return {"data": show.line(line)}


def delete_duplicates(call: Call, key: UUID) -> Document:
    journal, lines = _corrected(call, key), _chosen(call)
    _only_of(call, journal, lines)
    with transaction.atomic():
        duplicates.delete_duplicates(call.user, lines, now=call.now)
        clear_decided(journal, now=call.now)
    return {"data": show.duplicates(journal, lines)}


def call_different(call: Call, key: UUID) -> Document:
    journal, lines = _corrected(call, key), _chosen(call)
    _only_of(call, journal, lines)
    duplicates.call_different(call.user, lines)
    return {"data": show.duplicates(journal, lines)}


def _corrected(call: Call, key: UUID) -> Journal:
    journal = call.own(access_journal, key)
    call.require(Role.ACCOUNTANT)
    return journal


def _chosen(call: Call) -> list[UUID]:
    lines = call.ids("lineIds")
    if not lines:
        raise invalid("lineIds is missing.", "lineIds")
    return lines


def _only_of(call: Call, journal: Journal, line_ids: list[UUID]) -> None:
    """All lines belong to the journal of the address; another company's line is not found."""
    for line_id in line_ids:
        if call.own(access_line, line_id).journal_id != journal.id:
            raise invalid("A line belongs to another journal.", "lineIds")


def list_missing(call: Call, key: UUID) -> Document:
    """What the Hub has booked in a period and the journal has no posted line for; nothing is imported."""
    journal, (first, last) = (
        call.own(access_journal, key),
        _period(call.query_day("first"), call.query_day("last"), call),
    )
    search = find_missing(call.user, journal.id, first, last)
    answer = listed([show.missing(each) for each in search.missing], "")
    answer["meta"] |= {"compared": search.compared, "complete": search.complete, "first": first, "last": last}
    return answer


def import_found(call: Call, key: UUID) -> Document:
    """Import some of them by their ids at the Hub, of the same period as they were found in."""
    journal, (first, last) = call.own(access_journal, key), _period(call.day("first"), call.day("last"), call)
    ids = {str(each) for each in call.ids("transactionIds")}
    if not ids:
        raise invalid("transactionIds is missing.", "transactionIds")
    number = import_missing(call.user, journal.id, ids, first, last, now=call.now)
    return {"data": {"type": "import", "id": str(journal.id), "attributes": {"newCount": number}}}


def _period(first: dt.date | None, last: dt.date | None, call: Call) -> tuple[dt.date, dt.date]:
    last = last or call.now.date()
    first = first or last - dt.timedelta(days=min(MISSING_DAYS, last.toordinal() - 1))
    if first > last:
        raise invalid("first must not be after last.", "first")
    return first, last


def regroup(call: Call, key: UUID) -> Document:
    """Cut all statements that are not confirmed again (books.md 5.2)."""
    journal = call.own(access_journal, key)
    services.regroup(call.user, journal.id, now=call.now)
    return {"data": show.journal(access_journal(call.user, journal.id))}


def list_changes(call: Call, key: UUID) -> Document:
    found = changes.open_changes(call.own(access_journal, key))
    return call.page([each for each in found if each.is_certain], show.change)


def accept_change(call: Call, key: UUID) -> Document:
    return decided(call, key, changes.accept_change)


def ignore_change(call: Call, key: UUID) -> Document:
    return decided(call, key, changes.ignore_change)


def take_as_another(call: Call, key: UUID) -> Document:
    return decided(call, key, another.take_as_another)


def retry_line(call: Call, key: UUID) -> Document:
    return decided(call, key, held.retry_held)


def post_on_open_day(call: Call, key: UUID) -> Document:
    return decided(call, key, held.post_on_first_open_day)


def link_to_entry(call: Call, key: UUID) -> Document:
    call.own(access_line, key)
    entry_id = call.id("entryId")
    if entry_id is None:
        raise invalid("entryId is missing.", "entryId")

    def verb(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
        return held.link_to_entry(user, line_id, entry_id, now=now)

    return decided(call, key, verb)


def get_proof(call: Call, key: UUID) -> Document:
    """The balance proof, where it begins to fail, and the lines by which ledger and bank differ (books.md 13.3)."""
    journal = call.own(access_journal, key)
    return {"data": show.proof(journal, explain(journal))}


def get_coverage(call: Call, key: UUID) -> Document:
    """Spans of days of one state, oldest first (books.md 11.5)."""
    journal = call.own(access_journal, key)
    link = JournalLink.objects.filter(journal=journal, unlinked_at=None).select_related("company").first()
    return {
        "data": show.coverage(
            journal, coverage_of(link, now=call.now) if link else coverage_by_files(journal, now=call.now)
        )
    }


def note(call: Call, key: UUID) -> Document:
    """A note on a pending item; it moves to the line that the item becomes."""
    found = call.own(access_pending, key)
    return {"data": show.pending(note_pending(call.user, found.id, call.text("note")))}


def change_contacts(call: Call, key: UUID) -> Document:
    """Who is mailed before a consent ends."""
    journal, addresses = call.own(access_journal, key), call.attributes.get("addresses")
    if not isinstance(addresses, list) or not all(isinstance(each, str) for each in addresses[:100]):
        raise invalid("addresses must be a list of mail addresses.", "addresses")
    kept = set_contacts(call.user, journal.id, addresses[:100])
    return {"data": {"type": "renewalContacts", "id": str(journal.id), "attributes": {"addresses": kept}}}
