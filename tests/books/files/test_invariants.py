"""The invariants of books.md 18 that files and identity must keep, over generated histories, with death anywhere.

A process is killed before any statement of its work: what its transaction did is rolled back, and another worker takes
over. The feed's own histories are elsewhere; here it stands beside the files.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, example, given, note, settings
from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.files.bank import DAYS, Bank, Row, row_of, show, stored, work_again
from tests.books.files.steps import IBAN, archive
from tests.books.hub_server import ScriptedAccount, ScriptedHub
from tests.books.invariants import checks
from tests.books.invariants.world import apart
from tests.books.steps import linked
from tests.hub.files.factories import Upload, camt, entry, statement

from nostro.books.companies.models import Company
from nostro.books.companies.services import set_lock_date
from nostro.books.files import services, working
from nostro.books.files.models import JournalFile, LineSighting, StagedLine
from nostro.books.journals.models import Alias, Balance, FileDays, Journal, Line, LineStatus
from nostro.books.journals.services import create_journal, remove_line, restore_line
from nostro.books.ledger.models import Entry, EntryItem
from nostro.books.links.models import JournalLink
from nostro.people.models import User

pytestmark = pytest.mark.django_db
PHASES = (Phase.explicit, Phase.generate)
slow = list(HealthCheck)
Do = tuple[str, int, int]
COFFEE = [("-3.50", "Coffee")]
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["file", "file", "archive", "feed", "undo", "remove", "restore", "lock"]),
        st.integers(0, 9), st.integers(0, 9),
    ),
    min_size=2, max_size=6,
)  # fmt: skip
#: The statements before which a process dies; what is done after its last one has ended in peace.
DEATHS = st.lists(st.integers(1, 90), min_size=3, max_size=9)


class Killed(BaseException):
    """kill -9."""


@contextmanager
def dying(before: int) -> Iterator[None]:
    """The block ends before its ``before``-th statement. What was not committed by then is rolled back."""
    left = before

    def count(execute: Callable[..., Any], sql: Any, *details: Any) -> Any:
        nonlocal left
        if not str(sql).startswith("ROLLBACK"):
            left -= 1
            if left == 0:
                raise Killed
        return execute(sql, *details)

    with connection.execute_wrapper(count):
        yield


@dataclass
class Life:
    """A journal with a feed and files, and what people did. Deaths are those of workers and of web processes."""

    user: User
    link: JournalLink
    hub: ScriptedHub
    bank: Bank
    deaths: Iterator[int] = field(default_factory=lambda: iter(()))
    removed: set[Any] = field(default_factory=set)
    restored: set[Any] = field(default_factory=set)
    died: int = 0
    at: dt.datetime = NOW

    @property
    def journal(self) -> Journal:
        return Journal.objects.get(pk=self.link.journal_id)

    def surely(self, deed: Callable[[], Any]) -> Any:
        """Do it, dying as often as is still to come; whoever clicked or the next worker does it again."""
        for before in self.deaths:
            try:
                with dying(before):
                    return deed()
            except Killed:
                self.died += 1
        return deed()

    def work(self, file: JournalFile) -> JournalFile:
        """Workers begin and die; each lease runs out."""
        for before in self.deaths:
            try:
                with dying(before):
                    working.work(file.pk, clock=lambda: NOW)
            except Killed:
                self.died += 1
                is_done = JournalFile.objects.filter(pk=file.pk, status="imported").exists()
                assert is_done or not Line.objects.filter(run_id=file.pk).exists(), "P-16: a file is half imported"
        return work_again(file)

    def import_(self, data: bytes) -> JournalFile:
        [file] = self.surely(
            lambda: services.hand_in(
                self.user, self.link.company_id, [Upload(data)], NOW, journal_id=self.link.journal_id
            )
        )
        self.work(file)
        assert file.status == "waiting", file.problems
        self.surely(lambda: services.confirm(self.user, file.pk, NOW))
        return self.work(file)

    def do(self, deed: Do) -> None:
        verb, one, other = deed
        self.at += dt.timedelta(hours=1)
        if verb in {"file", "archive"}:
            spans = [self.bank.span(one, other)]
            data = self.bank.file(spans[0])
            if verb == "archive":
                spans.append(self.bank.span(other, other))
                data = archive(a_xml=data, b_xml=self.bank.file(spans[1]))
            self.bank.files[self.import_(data)] = range(min(s.start for s in spans), max(s.stop for s in spans))
        elif verb == "feed":
            show(self.bank, self.link, self.hub, one, self.at)
        elif verb == "undo":
            self._undo(one)
        elif verb == "lock":
            day = dt.date(2026, 10, 20 + one % 5) if other % 2 else None
            set_lock_date(self.user, Company.objects.get(pk=self.link.company_id), day)
        else:
            self._tombstone(verb, one)

    def _undo(self, number: int) -> None:
        if self.bank.files:
            file = list(self.bank.files)[number % len(self.bank.files)]
            self.surely(lambda: services.undo(self.user, file.pk, NOW))
            del self.bank.files[file]

    def _tombstone(self, verb: str, number: int) -> None:
        posted = Line.objects.filter(journal=self.link.journal_id, status=LineStatus.POSTED)
        lines = list(posted if verb == "remove" else Line.objects.filter(pk__in=self.removed))
        lines.sort(key=lambda line: (line.booking_date, line.amount, line.remittance_text, line.occurrence))
        if not lines:
            return
        line = lines[number % len(lines)]
        if verb == "remove":
            remove_line(self.user, line.pk, reason="not ours", now=NOW)
            self.removed.add(line.pk)
        else:
            restore_line(self.user, line.pk, now=NOW)
            self.removed.discard(line.pk)
            self.restored.add(line.pk)

    def expected(self) -> Counter[Row]:
        """What the bank and its files show, and what a person brought back that none of them shows any more, because
        its file was undone: Restore brings a removed line back (I-14)."""
        lines = Line.objects.filter(pk__in=self.restored, aliases=None).exclude(status=LineStatus.REMOVED)
        shown = LineSighting.objects.filter(statement__file__undone_at=None).values("line_id")
        brought_back = Counter(map(row_of, lines.exclude(pk__in=shown)))
        return self.bank.expected() + brought_back


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    hub.accounts = [ScriptedAccount(reference=IBAN)]
    return linked(owner, company, hub, fetch_from=dt.date(2026, 10, 15), opening="none")


def lived(life: Life, deeds: list[Do]) -> Life:
    for deed in deeds:
        life.do(deed)
    return life


def outcome(life: Life) -> dict[str, Any]:
    """What the books say, but for the order in which it came."""
    journal, locked = life.journal, stored(life.journal, LineStatus.HELD_LOCKED)
    items = EntryItem.objects.filter(entry__company=life.link.company_id)
    accounts: Counter[str] = Counter()
    for code, amount in items.values_list("account__code", "amount"):
        accounts[code] += amount  # type: ignore[assignment]
    return {
        "posted": stored(journal),
        "locked": locked,
        "accounts": {code: amount for code, amount in accounts.items() if amount},
        "proof": (journal.proof, journal.proof_difference),
        "opening": (journal.opening_origin, journal.opening_amount),
        "removed": Line.objects.filter(pk__in=life.removed, status=LineStatus.REMOVED).count(),
        "aliases": Alias.objects.count(),
    }


def check(life: Life, figures: dict[Any, Any]) -> None:
    """The invariants after a deed; ``figures`` are those of the lines until now (I-12)."""
    company, journal = Company.objects.get(pk=life.link.company_id), life.journal
    checks.entries_balance(company)
    checks.bank_and_suspense_agree(company)
    live, expected = stored(journal) + stored(journal, LineStatus.HELD_LOCKED), life.expected()
    tombstones = Line.objects.filter(pk__in=life.removed)
    assert not live - expected, "I-13: a transaction has too many lines"
    # Feed and files say the same of each transaction here, so nothing is doubtful.
    assert not stored(journal, LineStatus.HELD_DUPLICATE), "I-13: a transaction was not recognised"
    gone = Counter(line.remittance_text for line in tombstones)
    assert not Counter(row.text for row in (expected - live).elements()) - gone, "I-5: a transaction has no line"
    assert set(tombstones.values_list("status", flat=True)) <= {LineStatus.REMOVED}, "I-14: a removed line came back"
    shown = Alias.objects.values("line_id").distinct().count()
    assert (shown, Alias.objects.count()) == (life.bank.fed, life.bank.fed), "I-6: one line for each id of the feed"
    rows = LineSighting.objects.values_list("statement_id", "number")
    assert len(set(rows)) == len(rows), "I-6: a row of a file is two lines"
    for line in Line.objects.all():
        now = (line.amount, line.company_amount, line.booking_date, line.value_date)
        assert figures.setdefault(line.pk, now) == now, "I-12: a figure or a day changed"
    assert not StagedLine.objects.filter(file__status__in=["imported", "undone"]).exists()
    counting = JournalFile.objects.filter(status="imported").values_list("pk", flat=True)
    assert set(FileDays.objects.values_list("run_id", flat=True)) <= set(counting)
    stated = Balance.objects.filter(origin="bank", run_id__in=JournalFile.objects.values("pk"))
    assert set(stated.values_list("run_id", flat=True)) <= set(counting)


@settings(max_examples=10, deadline=None, suppress_health_check=slow, phases=PHASES)
@given(days=DAYS, deeds=DEEDS)
@example(days=[COFFEE, COFFEE], deeds=[("lock", 0, 1), ("feed", 1, 0), ("file", 0, 1)])
@example(days=[COFFEE, COFFEE], deeds=[("file", 0, 1), ("remove", 0, 0), ("undo", 0, 0), ("restore", 0, 0)])
def test_histories_keep_the_invariants(
    owner: User, hub: ScriptedHub, link: JournalLink, days: list[list[tuple[str, str]]], deeds: list[Do]
) -> None:
    """I-1, I-3, I-5, I-6, I-12, I-13, I-14; and I-15: what is imported into a locked period is held."""
    note(f"{days} {deeds}")
    with apart():
        life, figures = Life(owner, link, hub, Bank.of(days)), dict[Any, Any]()
        for deed in deeds:
            known = set(Entry.objects.values_list("pk", flat=True))
            life.do(deed)
            check(life, figures)
            locked = Company.objects.get(pk=link.company_id).lock_date
            made = Entry.objects.exclude(pk__in=known).exclude(kind="opening")
            assert locked is None or not made.filter(date__lte=locked).exists(), "I-15: an entry in a locked period"


@settings(max_examples=8, deadline=None, suppress_health_check=slow, phases=PHASES)
@given(days=DAYS, deeds=DEEDS, deaths=DEATHS)
@example(days=[COFFEE, COFFEE], deeds=[("undo", 0, 0)], deaths=[3, 90, 20, 90, 3, 90, 5, 20, 35, 50, 60, 90])
def test_death_anywhere_changes_nothing(
    owner: User, hub: ScriptedHub, link: JournalLink, days: list[list[tuple[str, str]]], deeds: list[Do],
    deaths: list[int],
) -> None:  # fmt: skip
    """I-8: killed between any two statements and done again = done without a crash."""
    deeds = [("file", 0, 9), *deeds]
    note(f"{days} {deeds} {deaths}")
    with apart():
        calm = outcome(lived(Life(owner, link, hub, Bank.of(days)), deeds))
    with apart():
        life = lived(Life(owner, link, hub, Bank.of(days), iter(deaths)), deeds)
        note(f"died {life.died} times")
        check(life, {})
        assert outcome(life) == calm


@settings(max_examples=8, deadline=None, suppress_health_check=slow, phases=PHASES)
@given(days=DAYS, deeds=DEEDS)
@example(days=[COFFEE, COFFEE], deeds=[("feed", 1, 0), ("file", 0, 1), ("feed", 2, 0)])
def test_files_again_change_nothing(
    owner: User, hub: ScriptedHub, link: JournalLink, days: list[list[tuple[str, str]]], deeds: list[Do]
) -> None:
    """I-7: every file that counts, once more: nothing changes but the records of files and the undone ones' place."""
    note(f"{days} {deeds}")
    with apart():
        life = lived(Life(owner, link, hub, Bank.of(days)), deeds)
        before = outcome(life)
        lines = set(Line.objects.values_list("pk", "status", "entry_id", "statement_id", "order_date", "day_seq"))
        entries = Entry.objects.count()
        for file in list(life.bank.files):
            again = life.import_(b"".join(services.bytes_of(file)))
            assert (again.new_count, again.restored_count, again.held_count, again.changed_count) == (0, 0, 0, 0)
        after = outcome(life)
        if before["proof"][0] == "unknown":  # the balance that a file states again may prove what nothing proved before
            before["proof"] = after["proof"]
        assert after == before
        now = set(Line.objects.values_list("pk", "status", "entry_id", "statement_id", "order_date", "day_seq"))
        assert (now, Entry.objects.count()) == (lines, entries)


@settings(max_examples=8, deadline=None, suppress_health_check=slow, phases=PHASES)
@given(days=DAYS, deeds=DEEDS, data=st.data())
def test_the_order_does_not_matter(
    owner: User, hub: ScriptedHub, link: JournalLink, days: list[list[tuple[str, str]]], deeds: list[Do],
    data: st.DataObject,
) -> None:  # fmt: skip
    """I-10: what feed and files showed makes the lines, not when they showed it."""
    shown = [deed for deed in deeds if deed[0] in {"file", "archive", "feed"}]
    other = data.draw(st.permutations(shown))
    note(f"{days} {shown} {other}")
    found = []
    for each in (shown, other):
        with apart():
            told = outcome(lived(Life(owner, link, hub, Bank.of(days)), list(each)))
            found.append((told["posted"], told["aliases"]))
    assert found[0] == found[1]


@settings(max_examples=10, deadline=None, suppress_health_check=slow, phases=PHASES)
@given(days=DAYS, cut=st.integers(1, 3000))
def test_a_broken_file_leaves_nothing_and_hurts_no_other(
    owner: User, hub: ScriptedHub, link: JournalLink, days: list[list[tuple[str, str]]], cut: int
) -> None:
    """I-20, P-16: a file that ends anywhere leaves no line, balance or day, and its neighbours are as without."""
    note(f"{days} {cut}")
    with apart():
        life = Life(owner, link, hub, Bank.of(days))
        whole = life.bank.file(range(len(days)))
        # What is too short to be recognised is no statement, and only left out of an archive.
        piece = whole[: 600 + cut % (len(whole) - 610)]
        uploads = [Upload(piece), Upload(archive(a_xml=whole, b_xml=piece))]
        broken = services.hand_in(owner, link.company_id, uploads, NOW, journal_id=link.journal_id)
        assert {life.work(file).status for file in broken} == {"failed"}
        for model in (Line, LineSighting, StagedLine, Balance, FileDays):
            assert not model.objects.exists()
        life.do(("file", 0, len(days) - 1))
        assert stored(life.journal) == Counter(life.bank.rows)


def test_a_removed_line_comes_back_once(owner: User, company: Company) -> None:
    """I-14: by Restore and by nothing else."""
    journal = create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)
    data = camt(statement([entry("-3.50", 20), entry("-3.50", 20)]))

    def bring() -> JournalFile:
        [file] = services.hand_in(owner, company.id, [Upload(data)], NOW, journal_id=journal.id)
        working.work(file.pk, clock=lambda: NOW)
        services.confirm(owner, file.pk, NOW)
        return work_again(file)

    bring()
    line = Line.objects.order_by("occurrence")[0]
    remove_line(owner, line.pk, reason="not ours", now=NOW)
    assert bring().known_count == 2
    assert stored(journal).total() == 1
    restore_line(owner, line.pk, now=NOW)
    restore_line(owner, line.pk, now=NOW)
    assert bring().known_count == 2
    assert (stored(journal).total(), Line.objects.count()) == (2, 2)
    assert sum(Decimal(row.amount) for row in stored(journal).elements()) == Decimal("-7.00")
