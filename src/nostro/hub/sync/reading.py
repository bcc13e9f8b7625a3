"""Asks the bank: balances first, then the chain of transaction pages, each answer stored before it is interpreted.

No call to a bank is made within a database transaction. After each answer the run's row and the raw answer are
committed together, so a run that dies is taken up behind the last stored page (DESIGN.md section 2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from nostro.connectors.contract import BookingStatusFilter, Clock, Connector, Page, PsuContext
from nostro.connectors.contract import RawAnswer as BankAnswer
from nostro.connectors.errors import (
    AccessExceeded,
    AspspTimeout,
    ConnectorError,
    ConsentExpired,
    NotSupported,
    PartialData,
    PeriodInvalid,
    ProtocolError,
    TokenExpired,
)
from nostro.core.transactions import Balance, BankRow, Window
from nostro.hub.accounts.models import Account, RawAnswer
from nostro.hub.accounts.services import (
    PageInMemory,
    ReadPage,
    give_raw_answers,
    note_history,
    open_raw_answer,
    record_balances,
    store_raw_answer,
)
from nostro.hub.events.services import record_event
from nostro.hub.sync import lease, quota
from nostro.hub.sync.bank import Bank, as_bank_account
from nostro.hub.sync.models import Schedule, Synchronization
from nostro.hub.sync.psu import psu_of
from nostro.hub.sync.windows import days_shown, first_window, is_fresh, smaller_windows

#: Rows kept in memory; longer chains are read again from the stored answers when they are compared.
ROWS_IN_MEMORY = 20_000
#: Limits of one chain (connectors.md 1.1.4).
MAX_PAGES = 2_000
MAX_ROWS = 500_000
MAX_WINDOW_STEPS = 6
#: One run asks no longer than this; what it has is kept (connectors.md 1.1: every loop has a limit). A bank that takes
#: 15 seconds for each page of two years gets to its end, and a person's presence counts for all of it (1.4).
TIME_LIMIT = timedelta(minutes=12)
#: A link to a next page is followed for so long after its run ended.
LINKS_FRESH = timedelta(hours=1)
EVER = datetime.min.replace(tzinfo=UTC)
MAX_WARNINGS = 50
#: A lease that was renewed so lately outlives the next call to the bank.
RENEW_AFTER = timedelta(seconds=20)

Answer = TypeVar("Answer")

#: Named points at which tests let a worker die; nothing happens at them otherwise.
Reached = Callable[[str], None]


@dataclass(slots=True)
class Reading:
    """One run on its way: what is needed to ask, and what has come so far."""

    run: Synchronization
    account: Account
    schedule: Schedule
    bank: Bank
    clock: Clock
    holder: str
    reached: Reached
    today: date
    begun_at: datetime

    balances: tuple[Balance, ...] = ()
    balance_changed: bool = False
    pages: list[ReadPage] = field(default_factory=list)
    pending: list[BankRow] = field(default_factory=list)
    pending_raw: UUID | None = None
    with_pending: bool = False
    window: Window | None = None
    complete: bool = False
    #: The list was begun or continued without a fresh confirmation, so the bank may leave out old days.
    may_be_cut: bool = False
    rows_read: int = 0
    warnings: list[str] = field(default_factory=list)
    lease_renewed_at: datetime | None = None
    #: The chain broke: what came may add rows, and the run ends in error.
    error: ConnectorError | None = None
    to_be_continued: bool = False

    def psu(self) -> PsuContext:
        return psu_of(self.run, self.clock())

    def covered(self) -> Window | None:
        """The days that this run's answer speaks for."""
        if self.window is None or not (self.complete and self.may_be_cut):
            return self.window
        oldest = [day for page in self.pages for day in page.days if day is not None]
        return days_shown(self.window, min(oldest, default=None), self.today)


def read_balances(reading: Reading) -> None:
    """Ask for the balances and store them. Raises a connector error; transactions are read all the same."""
    if _was_begun_before(reading) and _take_up_balances(reading):
        return
    psu = reading.psu()
    balances, answer = _asked(
        reading,
        "balances",
        psu,
        lambda: reading.bank.connector.get_balances(reading.bank.handle, as_bank_account(reading.account), psu),
    )
    reading.reached("balances answered")
    with transaction.atomic():
        run = lease.lock(reading.run.pk, reading.holder)
        _store(reading, answer, "balances", 1)
        now = reading.clock()
        reading.balance_changed = record_balances(reading.account, balances, synchronization_id=run.pk, now=now)
        if reading.balance_changed:
            # Told with the change itself: whoever takes this run over does not see it any more.
            record_event(
                run.organization_id,
                "account.detailsUpdated",
                account_id=run.account_id,
                synchronization_id=run.pk,
                now=now,
            )
    reading.balances = balances
    reading.reached("balances stored")


def _take_up_balances(reading: Reading) -> bool:
    """Whether an earlier worker of this run stored the balances, which count for the proof while they are as young as
    those of a run that nobody takes over: rows that came since would make it red."""
    stored = RawAnswer.objects.filter(synchronization_id=reading.run.pk, kind="balances").first()
    if stored is None:
        return False
    if reading.clock() - stored.received_at <= TIME_LIMIT:
        reading.balances = reading.bank.connector.map_balances(open_raw_answer(stored))
    return True


def read_transactions(reading: Reading) -> None:
    """Read the whole chain of pages, from where an earlier worker left it.

    A broken chain is no exception: ``reading.error`` says what happened and the rows that came stay. Raises a
    connector error only when not one page came.
    """
    next_page = _take_up(reading)
    if not reading.pages:
        next_page = _first_page(reading)
    while next_page is not None:
        if reading.clock() - reading.begun_at > TIME_LIMIT:
            reading.error = AspspTimeout(
                "The bank's list was not read to its end within twelve minutes.",
                next_action="Nothing to do: the next run goes on where this one stopped.",
            )
            reading.to_be_continued = True
            return
        try:
            next_page = _read_page(reading, next_page)
        except ConnectorError as error:
            reading.error = error
            return
    if not reading.complete:
        reading.error = PartialData(
            "Some rows of the bank's list cannot be read; the others were stored.",
            next_action="Nostro asks again by itself. If it stays so, tell the operator; the bank's answer is kept.",
        )


def _take_up(reading: Reading) -> str | None:
    """What is stored of this run, or of one before it that ran out of time, and the page that comes next."""
    if not _continue_run_before(reading) and not _was_begun_before(reading):
        return None
    stored = RawAnswer.objects.filter(synchronization_id=reading.run.pk, kind="transactions").order_by("page_number")
    last = None
    for row in stored.defer("sealed_body").iterator(chunk_size=100):
        page = _StoredPage(row.pk, reading.bank.connector, _window_of(row))
        _keep(reading, page.read(), row.pk)
        last = row
    if last is None:
        return None
    reading.window, reading.complete = _window_of(last), last.complete
    reading.may_be_cut = not is_fresh(reading.account, reading.clock())
    reading.with_pending = reading.schedule.shows_pending and _wants_pending(reading)
    return last.next_page or None


def _was_begun_before(reading: Reading) -> bool:
    """Whether an earlier worker of this run may have left answers."""
    return reading.run.attempts > 1


def _continue_run_before(reading: Reading) -> bool:
    """Make the pages of a run that ran out of time those of this one, once, and only while their links are fresh: they
    belong to the consent through which that run read."""
    before = (
        Synchronization.objects.filter(
            account=reading.account,
            to_be_continued=True,
            finished_at__gt=reading.clock() - LINKS_FRESH,
            started_at__gte=reading.account.authorised_at or EVER,
            subtype=reading.run.subtype,
        )
        .order_by("-finished_at")
        .first()
    )
    if before is None:
        return False
    reading.run.wide = before.wide
    with transaction.atomic():
        before.to_be_continued = False
        before.save(update_fields=["to_be_continued"])
        give_raw_answers(before.pk, reading.run.pk, kind="transactions")
    return True


def _window_of(row: RawAnswer) -> Window:
    assert row.window_from is not None and row.window_to is not None
    return Window(row.window_from, row.window_to)


def _wants_pending(reading: Reading) -> bool:
    return reading.run.subtype == "accountTransactionsWithUnsettled" and reading.bank.connector.info.pending


def _first_page(reading: Reading) -> str | None:
    """Find the longest window the bank accepts and read its first page."""
    asked = first_window(
        reading.account,
        reading.schedule,
        today=reading.today,
        history_days=reading.bank.history_days,
        now=reading.clock(),
    )
    window, reading.run.wide = asked.window, asked.wide
    reading.may_be_cut = not asked.is_fresh
    if asked.history_from is not None:
        # Noted before the bank is asked: whatever ends this run, it stays known that the history was not read.
        note_history(reading.account, asked.history_from)
    smaller: Iterator[Window] | None = None
    for _ in range(MAX_WINDOW_STEPS + 2):
        reading.window = window
        reading.with_pending = reading.schedule.shows_pending and _wants_pending(reading)
        try:
            following_page = _read_page(reading, None)
        except NotSupported:
            if not reading.with_pending:
                raise
            _remember_booked_only(reading)
        except PeriodInvalid as error:
            smaller = smaller or smaller_windows(window, error.min_date)
            following = next(smaller, None)
            if following is None:
                raise
            window = following
        else:
            if smaller is not None:
                _remember_window(reading, window)
                if asked.history_from is not None and asked.is_fresh:
                    note_history(reading.account, window.date_from)
            return following_page
    raise PeriodInvalid


def _remember_booked_only(reading: Reading) -> None:
    """The bank shows no pending rows; none of the connection's accounts asks for them again (connectors.md 1.7)."""
    reading.schedule.shows_pending = False
    Schedule.objects.filter(account__connection_id=reading.account.connection_id).update(shows_pending=False)


def _remember_window(reading: Reading, window: Window) -> None:
    """The ladder ended here; the bank is not asked for more again (connectors.md 1.7)."""
    reading.schedule.longest_window_days = (window.date_to - window.date_from).days
    reading.schedule.save(update_fields=["longest_window_days"])


def _read_page(reading: Reading, next_page: str | None) -> str | None:
    """Read and store one page; returns the next one."""
    assert reading.window is not None
    number = len(reading.pages) + 1
    if number > MAX_PAGES or reading.rows_read > MAX_ROWS:
        raise ProtocolError(f"The bank's list has more than {MAX_PAGES} pages or {MAX_ROWS} rows.")
    psu, window = reading.psu(), reading.window
    status: BookingStatusFilter = "both" if reading.with_pending else "booked"

    def ask() -> Page:
        return reading.bank.connector.list_transactions(
            reading.bank.handle, as_bank_account(reading.account), window, status, psu, next_page
        )

    page = _asked(reading, "transactions", psu, ask, first=next_page is None)
    reading.reached("page answered")
    now = reading.clock()
    progress = lease.advance(
        reading.run.pk,
        reading.holder,
        now,
        pages=number,
        rows_read=reading.rows_read + _booked_rows(page),
        window_from=window.date_from,
        window_to=window.date_to,
        wide=reading.run.wide,
    )
    raw_id = _store(reading, page.raw, "transactions", number, page, progress)
    if raw_id is None:
        raise lease.LeaseLost
    reading.lease_renewed_at = now
    _keep(reading, page, raw_id)
    reading.complete = page.complete
    reading.reached("page stored")
    return page.next


def _booked_rows(page: Page) -> int:
    return sum(row.booking_status == "booked" for row in page.rows)


def _keep(reading: Reading, page: Page, raw_id: UUID) -> None:
    booked = tuple(row for row in page.rows if row.booking_status == "booked")
    reading.rows_read += len(booked)
    if reading.rows_read <= ROWS_IN_MEMORY:
        reading.pages.append(PageInMemory(booked, raw_id))
    else:
        days = Counter(row.booking_date for row in booked)
        reading.pages.append(_StoredPage(raw_id, reading.bank.connector, page.window, days))
    pending = [row for row in page.rows if row.booking_status == "pending"]
    if pending:
        reading.pending += pending
        reading.pending_raw = raw_id
    reading.warnings += page.warnings[: MAX_WARNINGS - len(reading.warnings)]


@dataclass(frozen=True, slots=True)
class _StoredPage:
    """A page that is read from its stored answer whenever its rows are needed."""

    raw_answer_id: UUID
    connector: Connector
    window: Window
    days: Counter[date | None] = field(default_factory=Counter)

    def read(self) -> Page:
        answer = open_raw_answer(RawAnswer.objects.get(pk=self.raw_answer_id))
        return self.connector.map_transactions(answer, self.window)

    def rows(self) -> Sequence[BankRow]:
        return [row for row in self.read().rows if row.booking_status == "booked"]


def _keep_unreadable(reading: Reading, endpoint: str, answer: BankAnswer) -> None:
    """Keep an answer that could not be read, for support and for a better mapping; one of a run is enough."""
    kind = f"{endpoint}Unread"
    if not RawAnswer.objects.filter(synchronization_id=reading.run.pk, kind=kind).exists():
        _store(reading, answer, kind, 1)


def _store(  # noqa: PLR0917 - its callers are in this module
    reading: Reading,
    answer: BankAnswer,
    kind: str,
    number: int,
    page: Page | None = None,
    provided: tuple[str, list[Any]] | None = None,
) -> UUID | None:
    return store_raw_answer(
        answer,
        organization_id=reading.account.organization_id,
        account_id=reading.account.pk,
        connection_id=reading.account.connection_id,
        synchronization_id=reading.run.pk,
        kind=kind,
        received_at=reading.clock(),
        page_number=number,
        window=reading.window if page else None,
        next_page=(page.next or "") if page else "",
        complete=page.complete if page else True,
        provided=provided,
    )


def _asked(
    reading: Reading, endpoint: str, psu: PsuContext, ask: Callable[[], Answer], *, first: bool = True
) -> Answer:
    """One call to the bank, and a second one where its access token was over (connectors.md 1.7, TokenExpired).

    The source of tokens was told by the connector, so the second call has a refreshed one; a second refusal is the
    consent's end. It takes a place of the quota like any repeat. A chain of pages is one access, so only its ``first``
    call takes places (connectors.md 1.12).
    """
    try:
        return _asked_once(reading, endpoint, psu, ask, first=first)
    except TokenExpired:
        if isinstance(reading.bank.handle.access_token, str | None):
            raise
    try:
        return _asked_once(reading, endpoint, psu, ask, first=first)
    except TokenExpired as again:
        raise ConsentExpired(
            code=again.code, text=again.text, status=again.status, request_id=again.request_id
        ) from again


def _asked_once(reading: Reading, endpoint: str, psu: PsuContext, ask: Callable[[], Answer], *, first: bool) -> Answer:
    """One call to the bank: heartbeat, a place of the quota, the call, and what follows from its error."""
    key = quota.account_key(reading.account, endpoint)
    now = reading.clock()
    if reading.lease_renewed_at is None or now - reading.lease_renewed_at > RENEW_AFTER:
        lease.renew(reading.run.pk, reading.holder, now)
        reading.lease_renewed_at = now
    place = None
    if first:
        try:
            place = quota.take_place(
                key, limit=reading.bank.limit, attended=psu.present, synchronization_id=reading.run.pk, now=now
            )
        except quota.QuotaUsedUp as used_up:
            raise AccessExceeded(until=used_up.until, reached_bank=False) from None
        reading.reached("place taken")
    try:
        return ask()
    except AccessExceeded as error:
        error.until = quota.close_after_429(key, until=error.until, attended=psu.present, now=reading.clock())
        raise
    except ConnectorError as error:
        if place is not None and not error.reached_bank:
            quota.give_back(place)
        if isinstance(error, ProtocolError) and error.raw is not None:
            _keep_unreadable(reading, endpoint, error.raw)
        raise
