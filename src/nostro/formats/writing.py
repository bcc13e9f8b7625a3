"""Writing a statement in any format: what holds for all writers (formats.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from nostro.core.transactions import Balance
from nostro.formats.problems import WriteError
from nostro.formats.registry import writer_of
from nostro.formats.values import Entry, FileAccount, FileHead, StatementHead

#: Formats that are written without balances too.
_WITHOUT_BALANCES = frozenset({"csv", "xlsx", "ofx"})


@dataclass(frozen=True, slots=True)
class OutgoingStatement:
    """Rows of one account and period, oldest first. ``entries`` is read twice or more and must begin anew each time."""

    head: StatementHead
    entries: Iterable[Entry]
    opening: Balance | None = None
    closing: Balance | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be written: a head of the file and its statements."""

    head: FileHead
    statements: Sequence[OutgoingStatement]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """``created`` is the time of writing as ISO text, given by the caller; ``message_id`` names the file.

    ``ofx_version`` is 220 (XML) or 102 (SGML).
    """

    created: str
    message_id: str = "NOSTRO"
    delimiter: str = ","
    decimal_comma: bool = False
    byte_order_mark: bool = False
    ofx_version: Literal["220", "102"] = "220"


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and sums of one outgoing statement; ``debit_sum`` is positive."""

    credits: int
    credit_sum: Decimal
    debits: int
    debit_sum: Decimal


def lossy_fields(format: str, head: FileHead, statements: Sequence[OutgoingStatement]) -> tuple[str, ...]:
    """What the format cannot hold of these rows, field names sorted. Raises :class:`WriteError` as :func:`write`."""
    _, fields = writer_of(format)
    _require_proof(format, statements)
    return tuple(sorted(set(fields(Outgoing(head, statements)))))


def write(
    format: str, head: FileHead, statements: Sequence[OutgoingStatement], options: WriteOptions
) -> Iterator[bytes]:
    """The file in pieces. Raises :class:`WriteError` before the first piece if the rows do not prove.

    Same input, same bytes. Ask :func:`lossy_fields` first to tell a person what will be missing.
    """
    writer, _ = writer_of(format)
    _require_proof(format, statements)
    return writer(Outgoing(head, statements), options)


def summary(statement: OutgoingStatement) -> Summary:
    """Counts and sums of the booked rows."""
    credits = debits = 0
    credit_sum = debit_sum = Decimal(0)
    for entry in statement.entries:
        if entry.booking_status != "booked":
            continue
        if entry.amount < 0:
            debits, debit_sum = debits + 1, debit_sum - entry.amount
        else:
            credits, credit_sum = credits + 1, credit_sum + entry.amount
    return Summary(credits, credit_sum, debits, debit_sum)


def _require_proof(format: str, statements: Sequence[OutgoingStatement]) -> None:
    if not statements:
        raise WriteError("there is nothing to write: choose an account and a period")
    for statement in statements:
        account = statement.head.account
        if statement.opening is None or statement.closing is None:
            if format in _WITHOUT_BALANCES:
                continue
            raise WriteError(f"{format} needs the opening and the closing balance of {_name(account)}")
        sums = summary(statement)
        computed = statement.opening.amount + sums.credit_sum - sums.debit_sum
        if computed != statement.closing.amount:
            raise WriteError(
                f"the rows of {_name(account)} do not prove: opening {statement.opening.amount} and the rows make "
                f"{computed}, but the closing balance is {statement.closing.amount} {account.currency}"
            )
        strange = next((e for e in statement.entries if e.currency != account.currency), None)
        if strange is not None:
            raise WriteError(f"a row of {_name(account)} is in {strange.currency}, not in {account.currency}")


def _name(account: FileAccount) -> str:
    return account.number or "the account"
