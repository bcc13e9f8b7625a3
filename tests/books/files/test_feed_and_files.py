"""Feed and files of one account in any order and overlap: no line is doubled, none lost (books.md 11, I-10, I-13).

What must be there is counted from the sources: of each day and each kind of row the greater count of the feed and of
the files that still count, because files list whole days here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.files.bank import DAYS, Bank, show, stored, undo
from tests.books.files.steps import IBAN, confirmed, read
from tests.books.hub_server import ScriptedAccount, ScriptedHub
from tests.books.invariants.world import apart
from tests.books.steps import balance, linked

from nostro.books.companies.models import Company
from nostro.books.journals.models import Alias, BankChange, Journal, LineStatus
from nostro.books.links.models import JournalLink
from nostro.people.models import User

pytestmark = pytest.mark.django_db
Do = tuple[str, int, int]
DEEDS = st.lists(
    st.tuples(st.sampled_from(["file", "file", "feed", "undo"]), st.integers(0, 9), st.integers(0, 9)),
    min_size=2, max_size=6,
)  # fmt: skip


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
                span = bank.span(one, other)
                bank.files[confirmed(owner, read(owner, journal, bank.file(span)))] = span
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
