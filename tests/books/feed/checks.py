"""The invariants of books.md 18 that concern fetching, identity and statements, each as a question to the database.

Every check raises ``AssertionError`` with the number of its invariant.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Q, Sum
from tests.books.feed.world import Feed
from tests.books.invariants import checks as ledger_checks

from nostro.books.journals.models import Alias, Balance, Line, LineStatus, Source, Statement
from nostro.books.journals.queries import running_balances
from nostro.books.ledger.models import Entry, EntryItem
from nostro.books.links.models import OnlineAccount, RawTransaction, Run
from nostro.core.calendar import booking_day
from nostro.people.models import AuditRecord

EFFECTIVE = {LineStatus.POSTED, LineStatus.WITHDRAWN}


def ordered(feed: Feed) -> list[Line]:
    """Every line of the journal in the order of its running balance."""
    lines = Line.objects.filter(journal=feed.link.journal_id).select_related("statement")
    return list(lines.order_by("order_date", "day_seq", "id"))


def books_balance(feed: Feed) -> None:
    """I-1, I-2, I-3, I-17 and I-23, as the ledger's own histories ask them."""
    for check in ledger_checks.ALL:
        check(feed.company)


def balances_run(feed: Feed) -> None:
    """I-4: each effective line adds its amount; a statement's first line starts at its start; statements follow one
    another without a gap and are contiguous."""
    lines, journal = ordered(feed), feed.journal
    balances, balance = running_balances(journal, lines), journal.opening_amount
    seen: list[UUID] = []
    for line in lines:
        before, moved = balance, line.amount if line.status in EFFECTIVE else Decimal(0)
        balance = balances[line.id]
        assert balance == before + moved, "I-4: a running balance"
        if line.statement is None:
            assert line.status not in EFFECTIVE, "I-4: a line without a statement"
            continue
        if line.statement_id not in seen:
            assert line.statement.start == before, "I-4: a first line and its start"
            seen.append(line.statement.id)
        assert seen[-1] == line.statement_id, "I-4: lines of a statement are not contiguous"
    end = journal.opening_amount
    for statement in Statement.objects.filter(journal=journal):
        total = Line.objects.filter(statement=statement).aggregate(total=Sum("amount"))["total"] or Decimal(0)
        assert (statement.start, statement.computed_end) == (end, end + total), "I-4: a start or an end"
        end = statement.computed_end


def items_are_conserved(feed: Feed) -> None:
    """I-5 and I-13: each item that a committed run read is one line, or lies before fetch-from, and nothing else is a
    line of the bank; counts and sums agree with the truth and with the raw store. What is held beside a line of the
    feed is shown twice for as long as nobody decides."""
    wanted = [real for real in feed.reals if real.number in feed.read and real.day >= feed.link.fetch_from]
    named = Alias.objects.filter(line__journal=feed.link.journal_id).values("line")
    twice = Q(status=LineStatus.HELD_DUPLICATE, duplicate_of__source=Source.FEED)
    kept = Line.objects.filter(pk__in=named).exclude(twice)
    merged = kept.filter(source=Source.MANUAL)
    expected = Counter(real.amount for real in wanted)
    assert Counter(kept.values_list("amount", flat=True)) == expected, "I-5: the lines of the bank"
    days = Counter((real.day, real.amount) for real in wanted)
    fed = Counter(kept.filter(source=Source.FEED).values_list("booking_date", "amount"))
    assert (fed - days).total() == 0 and (days - fed).total() == merged.count(), "I-5: their days"
    nameless = Line.objects.filter(journal=feed.link.journal_id, aliases=None).exclude(source=Source.MANUAL)
    assert not nameless.exists(), "I-5: a line of nobody"
    _raw_store_agrees(feed)


def _raw_store_agrees(feed: Feed) -> None:
    raw = RawTransaction.objects.filter(identity=feed.online().identity, company=feed.link.company_id)
    known = set(Alias.objects.filter(line__journal=feed.link.journal_id).values_list("external_id", flat=True))
    for external_id, payload in raw.values_list("external_id", "payload"):
        attributes = msgspec.json.decode(payload)["attributes"]
        early = booking_day(attributes["executionDate"], "Europe/Brussels") < feed.link.fetch_from
        assert early != (external_id in known), "I-5: raw store and lines"
    assert known <= set(raw.values_list("external_id", flat=True)), "I-5: a line that the raw store has not"


class Watch:
    """What must never change from one look to the next: marks, figures of lines, tombstones, confirmed statements."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._marks: tuple[str, dt.date | None, int, int] = ("", None, 1, 0)
        self._figures: dict[UUID, tuple[Any, ...]] = {}
        self._confirmed: dict[UUID, tuple[Any, ...]] = {}
        self._entries: set[UUID] = set()
        self._told = (0, Counter[Any]())

    def look(self) -> None:
        self._marks_move_with_success()
        self._figures_stay()
        self._removed_stay_removed()
        self._confirmed_stay()
        self._locks_hold()
        self._changes_are_told()

    def _marks_move_with_success(self) -> None:
        """I-9."""
        account: OnlineAccount = self._feed.online()
        done = Run.objects.filter(online_account=account, status="done").count()
        cursor, watermark, epoch, before = self._marks
        if done == before and epoch == account.epoch:
            assert (account.cursor, account.watermark_date) == (cursor, watermark), "I-9: marks moved without success"
        if watermark is not None:
            assert account.watermark_date is not None and account.watermark_date >= watermark, "I-9: it went back"
        if account.watermark_date is not None:
            read = dt.datetime.fromisoformat(self._feed.account.synchronized_at)
            assert account.watermark_date <= booking_day(read, "Europe/Brussels"), "I-9: later than the Hub's reading"
        self._marks = account.cursor, account.watermark_date, account.epoch, done

    def _figures_stay(self) -> None:
        """I-12: J, F, C and both dates; a C that was unknown may become known."""
        lines = Line.objects.filter(journal=self._feed.link.journal_id)
        now = {
            line.id: (line.amount, line.currency, line.foreign_amount, line.booking_date, line.value_date)
            for line in lines
        }
        company = dict(lines.values_list("id", "company_amount"))
        for line_id, (figures, own) in self._figures.items():
            if line_id in now:
                assert now[line_id] == figures, "I-12: a figure or a day changed"
                assert own in {None, company[line_id]}, "I-12: the company's amount changed"
        self._figures = {line_id: (now[line_id], company[line_id]) for line_id in now}

    def _removed_stay_removed(self) -> None:
        """I-14."""
        removed = set(self._feed_lines(LineStatus.REMOVED))
        assert self._feed.removed == removed, "I-14: a removed line came back, or another one went"
        assert not Line.objects.filter(pk__in=removed).exclude(entry=None).exists(), "I-14: a tombstone is posted"

    def _feed_lines(self, status: str) -> list[UUID]:
        return list(Line.objects.filter(journal=self._feed.link.journal_id, status=status).values_list("id", flat=True))

    def _confirmed_stay(self) -> None:
        """I-16: a confirmed statement keeps its figures and its lines."""
        confirmed = Statement.objects.filter(journal=self._feed.link.journal_id, confirmed_at__isnull=False)
        now = {
            each.id: (each.key, each.start, each.computed_end, sorted(each.lines.values_list("id", "order_date")))
            for each in confirmed
        }
        for statement_id, figures in self._confirmed.items():
            assert now.get(statement_id) == figures, "I-16: a confirmed statement changed"
        self._confirmed = now

    def _locks_hold(self) -> None:
        """I-15."""
        company = self._feed.company
        entries = dict(Entry.objects.filter(company=company).values_list("id", "date"))
        if company.lock_date:
            made = [day for entry, day in entries.items() if entry not in self._entries]
            assert all(day > company.lock_date for day in made), "I-15: an entry in a locked period"
        self._entries = set(entries)

    def _changes_are_told(self) -> None:
        """I-23: what changed entries or the status of lines has a record."""
        entries = Entry.objects.filter(company=self._feed.link.company_id).count()
        lines = Line.objects.filter(journal=self._feed.link.journal_id)
        state = Counter[Any]({"entries": entries}) + Counter(lines.values_list("id", "status", "suspense_residual"))
        records = AuditRecord.objects.filter(tenant_id=self._feed.link.company_id).count()
        assert state == self._told[1] or records > self._told[0], "I-23: a change without a record"
        self._told = records, state


#: After each act of a history.
ALWAYS: tuple[Callable[[Feed], None], ...] = (books_balance, balances_run)


def outcome(feed: Feed, *, statements: bool = True) -> dict[str, Any]:
    """What a history came to, without ids and moments: equal for equal histories."""
    journal = feed.journal
    lines = Line.objects.filter(journal=journal)
    entries = Entry.objects.filter(line__journal=journal)
    of_entries = EntryItem.objects.filter(entry__in=entries)
    items = of_entries.values_list("entry__date", "account__purpose", "amount_currency")
    found: dict[str, Any] = {
        "lines": Counter(
            lines.values_list("booking_date", "value_date", "amount", "status", "label", "occurrence", "company_amount")
        ),
        "aliases": Counter(Alias.objects.filter(line__in=lines).values_list("external_id", "epoch", "line__amount")),
        "entries": Counter(items),
        "balance": EntryItem.objects.filter(account=journal.bank_account).aggregate(total=Sum("amount_currency")),
        "opening": (journal.opening_amount, journal.opening_date),
        "proof": (journal.proof, journal.proof_expected, journal.proof_difference),
        "stated": list(Balance.objects.filter(journal=journal).values_list("amount", "reference_date").order_by("id")),
        "marks": (feed.online().cursor, feed.online().watermark_date),
    }
    if statements:
        found["statements"] = list(
            Statement.objects.filter(journal=journal).values_list("key", "date", "start", "computed_end", "stated_end")
        )
        found["places"] = Counter(lines.values_list("amount", "order_date", "late", "statement__key"))
    return found


def contents(feed: Feed) -> dict[str, Any]:
    """Every row of the journal, for what must change nothing but the records of runs (I-7)."""
    company, journal = feed.link.company_id, feed.link.journal_id
    return {
        "lines": list(Line.objects.filter(journal=journal).order_by("id").values()),
        "entries": list(Entry.objects.filter(company=company).order_by("id").values()),
        "items": list(EntryItem.objects.filter(company=company).order_by("id").values()),
        "statements": list(Statement.objects.filter(journal=journal).order_by("id").values()),
        "aliases": list(Alias.objects.filter(company=company).order_by("id").values()),
        "balances": list(Balance.objects.filter(journal=journal).order_by("id").values()),
        "raw": list(RawTransaction.objects.filter(company=company).order_by("id").values_list("id", "payload_hash")),
        "records": AuditRecord.objects.filter(tenant_id=company).count(),
    }
