"""Reads of a journal's files."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext

from nostro.books.companies.models import Company
from nostro.books.files.models import JournalFile, JournalFileAccount, JournalFileStatement, LineSighting, StagedLine
from nostro.books.files.reading import values_of
from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import BankChange, Decision, Journal, Line
from nostro.books.journals.queries import HELD

MAX_FILES = 100
MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A row about which there is something to say: its values, its place in the file, why, and the line it is about.

    ``reason``: alike, withdrawn, locked, currency or changed.
    """

    values: LineValues
    position: str
    reason: str
    like: Line | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account of a file with the number of its statements."""

    account: JournalFileAccount
    statements: int

    @property
    def is_asked(self) -> bool:
        """Whether a person must say what becomes of it."""
        return not self.account.refusal and not self.account.decision


def files_after(
    company: Company, *, journal: Journal | None, after: JournalFile | None, limit: int
) -> list[JournalFile]:  # fmt: skip
    """Files of a company, newest first, those of one journal or all; ``after`` is the last of the page before."""
    found = JournalFile.objects.filter(company=company)
    if journal is not None:
        found = _about(journal)
    if after is not None:
        same = Q(created_at=after.created_at, pk__lt=after.pk)
        found = found.filter(Q(created_at__lt=after.created_at) | same)
    return list(found.order_by("-created_at", "-id")[:limit])


def _about(journal: Journal) -> QuerySet[JournalFile]:
    told = JournalFileAccount.objects.filter(journal=journal, decision__in=["import", "create"]).values("file_id")
    return JournalFile.objects.filter(Q(journal=journal) | Q(pk__in=told))


def files_of(journal: Journal) -> list[JournalFile]:
    """The files that were handed in for a journal or told about its account, newest first; at most 100."""
    found = _about(journal).select_related("handed_in_by").defer("looked")
    return list(found.order_by("-created_at", "-id")[:MAX_FILES])


def files_of_company(company: Company) -> list[JournalFile]:
    """All files of a company, newest first; at most 100."""
    found = JournalFile.objects.select_related("handed_in_by", "journal").filter(company=company).defer("looked")
    return list(found.order_by("-created_at", "-id")[:MAX_FILES])


def accounts_in(file: JournalFile) -> list[AccountView]:
    """The accounts that a file tells about, in its order."""
    found = JournalFileAccount.objects.select_related("journal").filter(file=file).order_by("position")
    return [AccountView(each, each.number_of) for each in found.annotate(number_of=Count("statements"))]


def statements_in(file: JournalFile) -> list[JournalFileStatement]:
    """The statements of a file in its order; at most 100."""
    found = JournalFileStatement.objects.select_related("account").filter(file=file)
    return list(found.order_by("index")[:MAX_SHOWN])


def earlier_file(file: JournalFile) -> JournalFile | None:
    """An import of the same bytes that counts (F-SEEN)."""
    same = JournalFile.objects.filter(company_id=file.company_id, sha256=file.sha256, status="imported")
    return same.exclude(pk=file.pk).order_by("imported_at").first()


def first_rows(file: JournalFile) -> list[LineValues]:
    """The first rows that wait; at most 100."""
    rows = StagedLine.objects.filter(file=file, statement__account__decision__in=["", "import", "create"])
    return [values_of(row) for row in rows.order_by("number")[:MAX_SHOWN]]


def rows_after(file: JournalFile, after: int, limit: int) -> list[StagedLine]:
    """The rows that wait or are only shown, in the order of the file, behind the row of this number."""
    rows = StagedLine.objects.filter(file=file, number__gt=after).select_related("statement__account")
    return list(rows.order_by("number")[:limit])


def told_rows(file: JournalFile) -> list[ToldRow]:
    """The rows that are held or say otherwise of a known line, in the order of the file; at most 100.

    Of an imported file these are its held lines; what it said otherwise is in :func:`changes_said`.
    """
    shown = StagedLine.objects.filter(file=file).exclude(held="", changes=False)
    rows = (shown.filter(changes=False) if file.status == "imported" else shown).order_by("number")[:MAX_SHOWN]
    lines = Line.objects.in_bulk({row.like for row in rows if row.like})
    told = [
        ToldRow(values_of(row), row.position, "changed" if row.changes else row.held, lines.get(row.like or file.pk))
        for row in rows
    ]
    return [*told, *_held_lines(file)][:MAX_SHOWN] if file.status == "imported" else told


def _held_lines(file: JournalFile) -> list[ToldRow]:
    found = Line.objects.filter(run_id=file.pk, status__in=HELD).order_by("booking_date", "day_seq")[:MAX_SHOWN]
    shown = LineSighting.objects.filter(line__in=[line.pk for line in found], statement__file=file)
    numbers = dict(shown.values_list("line_id", "number"))
    return [
        ToldRow(_values(line), gettext("row %(n)s") % {"n": numbers.get(line.pk, "")}, line.status, line)
        for line in found
    ]  # fmt: skip


def _values(line: Line) -> LineValues:
    return LineValues(line.booking_date, line.value_date, line.amount, line.currency, label=line.label)


def changes_said(file: JournalFile) -> list[BankChange]:
    """What an imported file said otherwise of known lines and nobody has decided; at most 100."""
    found = BankChange.objects.select_related("line").filter(run_id=file.pk, decision=Decision.OPEN)
    return list(found.order_by("created_at")[:MAX_SHOWN])
