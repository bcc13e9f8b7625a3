"""From a file to lines, in the words of a person."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tests.books.conftest import NOW
from tests.hub.files.factories import Upload, archive, camt

from nostro.books.companies.models import Company
from nostro.books.files import services, working
from nostro.books.files.models import JournalFile, JournalFileAccount
from nostro.books.journals.models import Journal
from nostro.formats import OutgoingStatement
from nostro.people.models import User

__all__ = [
    "IBAN",
    "OTHER",
    "account_of",
    "archive",
    "confirmed",
    "imported",
    "read",
    "worked",
]
IBAN = "BE68539007547034"
OTHER = "BE43068999999501"


def read(user: User, place: Journal | Company, data: bytes) -> JournalFile:
    """Hand a file in on the page of a journal or of the company, and have it read."""
    journal = place if isinstance(place, Journal) else None
    company_id = journal.company_id if journal else place.pk
    [file] = services.hand_in(user, company_id, [Upload(data)], NOW, journal_id=journal.id if journal else None)
    return worked(file)


def worked(file: JournalFile) -> JournalFile:
    """What a worker does with it now."""
    assert working.work(file.pk, clock=lambda: NOW) is not None
    return JournalFile.objects.get(pk=file.pk)


def confirmed(
    user: User, file: JournalFile, *, answers: Mapping[UUID, str] | None = None, reason: str = ""
) -> JournalFile:
    """Import a file that waits."""
    services.confirm(user, file.pk, NOW, answers=answers, reason=reason)
    return worked(file)


def imported(user: User, place: Journal | Company, *statements: OutgoingStatement, reason: str = "") -> JournalFile:
    """A file all the way."""
    return confirmed(user, read(user, place, camt(*statements)), reason=reason)


def account_of(file: JournalFile, number: str = IBAN) -> JournalFileAccount:
    return JournalFileAccount.objects.get(file=file, number=number)
