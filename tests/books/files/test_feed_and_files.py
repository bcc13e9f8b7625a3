"""Feed and files of one account in any order and overlap: no line is doubled, none lost (books.md 11, I-10, I-13).

What must be there is counted from the sources: of each day and each kind of row the greater count of the feed and of
the files that still count, because files list whole days here.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, imported
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.invariants.world import apart
from tests.books.steps import balance, fetch, linked
from tests.hub.files.factories import entry, statement

from nostro.books.companies.models import Company
from nostro.books.files import services
from nostro.books.files.models import JournalFile
from nostro.books.journals.models import Alias, BankChange, Journal, Line, LineStatus
from nostro.books.links.models import JournalLink
from nostro.people.models import User

pytestmark = pytest.mark.django_db
FIRST_DAY = 20


class Row(NamedTuple):
    """One transaction of October as the bank has it."""

    day: int
    amount: str
    text: str


Do = tuple[str, int, int]
KINDS = [("-3.50", "Coffee"), ("-3.50", "Bread"), ("12.00", "Coffee")]
DAYS = st.lists(st.lists(st.sampled_from(KINDS), max_size=3), min_size=2, max_size=4)
DEEDS = st.lists(
    st.tuples(st.sampled_from(["file", "file", "feed", "undo"]), st.integers(0, 9), st.integers(0, 9)),
    min_size=2, max_size=6,
)  # fmt: skip


@dataclass
class Bank:
    """What the bank has, and what was shown of it."""

    days: list[list[Row]]
    fed: int = 0
    files: dict[JournalFile, range] = field(default_factory=dict)

    @classmethod
    def of(cls, days: list[list[tuple[str, str]]]) -> Bank:
        return cls([[Row(FIRST_DAY + at, *kind) for kind in kinds] for at, kinds in enumerate(days)])

    @property
    def rows(self) -> list[Row]:
        return list(itertools.chain.from_iterable(self.days))

    def expected(self) -> Counter[Row]:
        """The greater count of each kind of row of a day."""
        listed = {at for span in self.files.values() for at in span}
        by_files = Counter(row for at in listed for row in self.days[at])
        return by_files | Counter(self.rows[: self.fed])


def stored(journal: Journal, *statuses: str) -> Counter[Row]:
    lines = Line.objects.filter(journal=journal, status__in=statuses or [LineStatus.POSTED])
    return Counter(Row(line.booking_date.day, f"{line.amount:.2f}", line.remittance_text) for line in lines)


def show(bank: Bank, link: JournalLink, hub: ScriptedHub, count: int, at: dt.datetime) -> None:
    """The feed shows the first ``count`` rows; it never shows fewer than before."""
    bank.fed = max(bank.fed, min(count, len(bank.rows)))
    shown = [
        Booked(f"t{number}", f"2026-10-{row.day}", row.amount, row.text)
        for number, row in enumerate(bank.rows[: bank.fed])
    ]
    hub.accounts[0].transactions = shown[::-1]
    fetch(link, at)


def hand_in(bank: Bank, user: User, journal: Journal, one: int, other: int) -> None:
    """A statement of whole days."""
    first, last = sorted((one % len(bank.days), other % len(bank.days)))
    opening = Decimal(1000) + sum((Decimal(row.amount) for day in bank.days[:first] for row in day), Decimal(0))
    rows = [entry(row.amount, row.day, row.text) for day in bank.days[first : last + 1] for row in day]
    made = statement(rows, opening=opening, number=f"{first}-{last}", first=FIRST_DAY + first, last=FIRST_DAY + last)
    bank.files[imported(user, journal, made)] = range(first, last + 1)


def undo(bank: Bank, user: User, number: int) -> None:
    if bank.files:
        file = list(bank.files)[number % len(bank.files)]
        services.undo(user, file.pk, NOW)
        del bank.files[file]


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    hub.accounts = [ScriptedAccount(reference=IBAN)]
    return linked(owner, company, hub, fetch_from=dt.date(2026, 10, 15), opening="none")


# Examples are small already, and a run against a real Hub and database is too slow to look for a smaller one.
PHASES = (Phase.explicit, Phase.generate)


@settings(max_examples=14, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(days=DAYS, deeds=DEEDS)
def test_no_line_is_doubled_or_lost(
    owner: User, hub: ScriptedHub, link: JournalLink, days: list[list[tuple[str, str]]], deeds: list[Do]
) -> None:
    with apart():
        bank, journal, at = Bank.of(days), Journal.objects.get(pk=link.journal_id), NOW
        note(f"{days} {deeds}")
        for deed, one, other in deeds:
            at += dt.timedelta(hours=1)
            if deed == "feed":
                show(bank, link, hub, one, at)
            elif deed == "file":
                hand_in(bank, owner, journal, one, other)
            else:
                undo(bank, owner, one)
            assert stored(journal) == bank.expected(), deed
            assert not stored(journal, LineStatus.HELD_DUPLICATE)
            assert not BankChange.objects.exists()
            assert balance(journal.suspense_account) == -sum(Decimal(row.amount) for row in bank.expected().elements())
        show(bank, link, hub, len(bank.rows), at + dt.timedelta(hours=1))
        assert stored(journal) == Counter(bank.rows)
        # Each transaction of the feed is one line of its own.
        assert Alias.objects.values("line_id").distinct().count() == len(bank.rows)
