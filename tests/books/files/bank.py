"""A bank that gives statements of whole days and a feed, and what must be in the books by what it showed."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedHub
from tests.books.steps import fetch
from tests.hub.files.factories import camt, entry, statement

from nostro.books.files import services, working
from nostro.books.files.models import JournalFile
from nostro.books.journals.models import Journal, Line, LineStatus
from nostro.books.links.models import JournalLink
from nostro.people.models import User

FIRST_DAY = 20


class Row(NamedTuple):
    """One transaction of October as the bank has it."""

    day: int
    amount: str
    text: str


#: Few kinds, so that equal rows are common.
KINDS = [("-3.50", "Coffee"), ("-3.50", "Bread"), ("12.00", "Coffee")]
DAYS = st.lists(st.lists(st.sampled_from(KINDS), max_size=3), min_size=2, max_size=4)


@dataclass
class Bank:
    """What the bank has, and what was shown of it: rows by the feed, and files with the days they list."""

    days: list[list[Row]]
    fed: int = 0
    files: dict[JournalFile, range] = field(default_factory=dict)

    @classmethod
    def of(cls, days: list[list[tuple[str, str]]]) -> Bank:
        # Each day has amounts of its own: a row that only looks like one of the days beside it is held (books.md 11.2).
        return cls(
            [
                [Row(FIRST_DAY + at, f"{Decimal(amount) + at:.2f}", text) for amount, text in kinds]
                for at, kinds in enumerate(days)
            ]
        )

    @property
    def rows(self) -> list[Row]:
        return list(itertools.chain.from_iterable(self.days))

    def expected(self) -> Counter[Row]:
        """The greater count of each kind of row of a day (formats.md 8.3)."""
        listed = {at for span in self.files.values() for at in span}
        by_files = Counter(row for at in listed for row in self.days[at])
        return by_files | Counter(self.rows[: self.fed])

    def span(self, one: int, other: int) -> range:
        first, last = sorted((one % len(self.days), other % len(self.days)))
        return range(first, last + 1)

    def file(self, span: range) -> bytes:
        """A statement of whole days."""
        before = itertools.chain.from_iterable(self.days[: span.start])
        opening = Decimal(1000) + sum((Decimal(row.amount) for row in before), Decimal(0))
        rows = [entry(row.amount, row.day, row.text) for at in span for row in self.days[at]]
        first, last = FIRST_DAY + span.start, FIRST_DAY + span.stop - 1
        return camt(statement(rows, opening=opening, number=f"{first}-{last}", first=first, last=last))


def stored(journal: Journal, status: str = LineStatus.POSTED) -> Counter[Row]:
    """The lines of a journal, as the bank's rows."""
    return Counter(map(row_of, Line.objects.filter(journal=journal, status=status)))


def row_of(line: Line) -> Row:
    """What the bank said of a line."""
    return Row(line.booking_date.day, f"{line.amount:.2f}", line.remittance_text)


def show(bank: Bank, link: JournalLink, hub: ScriptedHub, count: int, at: dt.datetime) -> None:
    """The feed shows the first ``count`` rows; it never shows fewer than before."""
    bank.fed = max(bank.fed, min(count, len(bank.rows)))
    shown = [
        Booked(f"t{number}", f"2026-10-{row.day}", row.amount, row.text)
        for number, row in enumerate(bank.rows[: bank.fed])
    ]
    hub.accounts[0].transactions = shown[::-1]
    fetch(link, at)


def work_again(file: JournalFile) -> JournalFile:
    """What another worker does when the lease of a dead one has run out."""
    working.work(file.pk, clock=lambda: NOW + working.LEASE)
    file.refresh_from_db()
    return file


def undo(bank: Bank, user: User, number: int) -> None:
    """Undo one of the imports, if there is one."""
    if bank.files:
        file = list(bank.files)[number % len(bank.files)]
        services.undo(user, file.pk, NOW)
        del bank.files[file]
