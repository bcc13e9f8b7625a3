"""Writes the rows of an account and period as a bank file, in every format that ``nostro.formats`` writes.

Each row carries its id, so that what was exported here and is imported again is recognised, whatever the format leaves
out of its texts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast

from django.db.models import Q, QuerySet, Sum

from nostro.core.transactions import Balance, Window
from nostro.formats import (
    Entry,
    FileAccount,
    FileHead,
    OutgoingStatement,
    StatementHead,
    WriteError,
    WriteOptions,
    lossy_fields,
    write,
)
from nostro.formats.limits import MAX_ENTRIES, MAX_SHEET_ROWS
from nostro.formats.registry import WRITERS
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.accounts.rows import to_bank_transaction
from nostro.web.errors import Problem

ROWS_AT_ONCE = 2_000
_ENDS = {
    "camt.053": ("xml", "application/xml"),
    "mt940": ("sta", "text/plain; charset=us-ascii"),
    "ofx": ("ofx", "application/x-ofx"),
    "coda": ("cod", "text/plain; charset=windows-1252"),
    "csv": ("csv", "text/csv; charset=utf-8"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file that is ready to be sent: its name, its media type, its pieces, and the fields that it cannot hold."""

    name: str
    content_type: str
    chunks: Iterator[bytes]
    lossy: tuple[str, ...]


def export_formats() -> list[str]:
    """The formats that can be written, by name."""
    return sorted(WRITERS)


def media_types() -> tuple[str, ...]:
    """What the written files are, without parameters."""
    return tuple(sorted({media.partition(";")[0] for _, media in _ENDS.values()}))


def export_statements(account: Account, format: str, window: Window, now: dt.datetime) -> Export:
    """The booked rows of ``account`` in ``window`` as one statement in ``format``.

    The same rows give the same bytes, apart from the time of writing. Raises Problem ``exportFormatUnknown``,
    ``exportPeriodInvalid`` and ``exportNotPossible`` (no balance where the format needs one, rows that it cannot hold).
    """
    if format not in WRITERS:
        raise Problem(
            f"Files in the format {format} cannot be written.",
            what_to_do=f"Choose one of {', '.join(export_formats())}.",
            code="exportFormatUnknown", field="format",
        )  # fmt: skip
    if window.date_to < window.date_from:
        raise Problem(
            "The period ends before it begins.", what_to_do="Exchange the two days.", code="exportPeriodInvalid",
            field="date_to",
        )  # fmt: skip
    most = MAX_SHEET_ROWS - 1 if format == "xlsx" else MAX_ENTRIES
    if rows_between(account, window).count() > most:
        raise Problem(
            "This period has too many transactions for one file.",
            why=f"At most {most} go into one, as many as are read from one.",
            what_to_do="Choose shorter periods.", code="exportTooLarge", field="date_to",
        )  # fmt: skip
    head, statements = FileHead(format), [_statement(account, window)]
    options = WriteOptions(created=now.isoformat(timespec="seconds"), message_id=_file_id(window))
    try:
        lossy = lossy_fields(format, head, statements)
        chunks = write(format, head, statements, options)
        first = next(chunks, b"")
    except WriteError as error:
        raise Problem(
            "This period cannot be written in this format.", why=f"{str(error)[:1].upper()}{str(error)[1:]}.",
            what_to_do="Choose another format, for example CSV, or another period.", code="exportNotPossible",
            field="format",
        ) from error  # fmt: skip
    end, content_type = _ENDS.get(format, ("txt", "application/octet-stream"))
    name = f"{account.reference or account.pk}_{account.currency}_{window.date_from}_{window.date_to}.{end}"
    return Export(name, content_type, _with_first(first, chunks), lossy)


def period_of(account: Account, first: dt.date | None, last: dt.date | None, today: dt.date) -> Window:
    """The days asked for. Without a first one from the oldest row on; without a last one up to today."""
    last = last or max(today, first or today)
    if first is None:
        rows = Transaction.objects.filter(account=account, removed_at=None, booking_date__lte=last)
        first = rows.order_by("booking_date").values_list("booking_date", flat=True).first() or last
    return Window(first, last)


def _with_first(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def _file_id(window: Window) -> str:
    return f"NOSTRO{window.date_from:%Y%m%d}{window.date_to:%m%d}"


def _statement(account: Account, window: Window) -> OutgoingStatement:
    opening = balance_after(account, window.date_from - dt.timedelta(days=1))
    rows = _StoredEntries(account, window)
    closing = None if opening is None else opening + rows.total
    return OutgoingStatement(
        StatementHead(
            1,
            _file_account(account),
            statement_id=_file_id(window),
            sequence=f"{window.date_to:%y%j}",
            from_date=window.date_from,
            to_date=window.date_to,
        ),
        rows,
        _balance("openingBooked", opening, account, window.date_from - dt.timedelta(days=1)),
        _balance("closingBooked", closing, account, window.date_to),
    )


def _balance(
    kind: Literal["openingBooked", "closingBooked"], amount: Decimal | None, account: Account, day: dt.date
) -> Balance | None:
    return None if amount is None else Balance(kind, amount, account.currency, reference_date=day)


def _file_account(account: Account) -> FileAccount:
    kind = {"IBAN": "iban", "BBAN": "bban", "MASKEDPAN": "masked_pan"}.get(account.reference_type, "other")
    return FileAccount(
        account.currency,
        **{kind: account.reference},
        bic=account.bic or None,
        owner_name=account.holder_name or None,
        display_name=str(account),
    )


def rows_between(account: Account, window: Window) -> QuerySet[Transaction]:
    """The booked rows of a period."""
    return Transaction.objects.filter(
        account=account, removed_at=None, booking_date__range=(window.date_from, window.date_to)
    )


def balance_after(account: Account, day: dt.date) -> Decimal | None:
    """The booked balance at the end of ``day``, counted from the balance that the bank stated last; None without one.

    A balance read by a connection counts all rows; one of a statement those up to its day.
    """
    current: Decimal | None = account.current_balance
    if current is None:
        return None
    rows = Transaction.objects.filter(account=account, removed_at=None)
    stated = account.current_balance_reference_date if account.synchronized_at is None else None
    if stated is not None and day > stated:
        return current + _sum(rows.filter(booking_date__gt=stated, booking_date__lte=day))
    later = Q(booking_date__gt=day) & (Q(booking_date__lte=stated) if stated is not None else Q())
    return current - _sum(rows.filter(later))


def _sum(rows: QuerySet[Transaction]) -> Decimal:
    total: Decimal | None = rows.aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)


class _StoredEntries:
    """The rows of a period as entries, oldest first; begins anew each time it is iterated, a page at a time."""

    def __init__(self, account: Account, window: Window) -> None:
        self._rows = rows_between(account, window)
        self.total = _sum(self._rows)

    def __iter__(self) -> Iterator[Entry]:
        after: tuple[dt.date, int] | None = None
        while True:
            page = self._rows
            if after is not None:
                page = page.filter(Q(booking_date__gt=after[0]) | Q(booking_date=after[0], sequence__gt=after[1]))
            rows = list(page.order_by("booking_date", "sequence")[:ROWS_AT_ONCE])
            for row in rows:
                yield as_entry(row)
            if len(rows) < ROWS_AT_ONCE:
                return
            assert rows[-1].booking_date is not None
            after = rows[-1].booking_date, rows[-1].sequence


def as_entry(row: Transaction) -> Entry:
    """A stored row as an entry of a file, with its id as the reference that our reader recognises."""
    bank = to_bank_transaction(row)
    values: dict[str, object] = dict(vars(bank))
    values["references"] = (("ntryRef", row.pk.hex),) + (
        (("acctSvcrRef", row.entry_reference),) if row.entry_reference else ()
    )
    values["counterparty_side"] = _side(row)
    return cast(Entry, Entry.from_values(values))


def _side(row: Transaction) -> Literal["creditor", "debtor"] | None:
    """Which side the other one is, where the sign alone would tell another (formats.md 2.4)."""
    other = (row.counterpart_name, row.counterpart_reference)
    if other == (row.creditor_name, row.creditor_account) and other != (row.debtor_name, row.debtor_account):
        return "creditor"
    return "debtor" if other == (row.debtor_name, row.debtor_account) else None
