"""The streaming writer of CODA 2 (formats.md 7): one file, records 0 to 9, per 9,999 movements."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from decimal import Decimal

from nostro.core.transactions import Balance
from nostro.formats.coda.layout import line, money, row_lines
from nostro.formats.coda.movements import Context, Movement, entry_of
from nostro.formats.letters import letters
from nostro.formats.problems import WriteError
from nostro.formats.values import Detail, Entry, StatementHead
from nostro.formats.writing import Outgoing, OutgoingStatement, WriteOptions

_MOVEMENTS = 9_999
#: Fields that come back as they were, unless they are longer than CODA or hold letters that it has not.
_KEPT = (
    "end_to_end_id", "mandate_id", "creditor_id", "creditor_name", "creditor_account", "creditor_agent", "debtor_name",
    "debtor_account", "debtor_agent", "ultimate_creditor", "ultimate_debtor", "remittance_information_unstructured",
    "remittance_information_structured", "additional_information", "purpose_code", "proprietary_bank_transaction_code",
    "entry_reference", "reversal",
)  # fmt: skip
_WITHOUT_PLACE = (
    "transaction_id", "check_id", "transaction_date", "fee", "currency_exchange", "bank_transaction_code",
    "merchant_category_code", "masked_pan", "balance_after_transaction", "corrects", "raw",
)  # fmt: skip
_KEPT_REFERENCES = frozenset(("codaBank", "codaSequence"))


def lossy_fields(outgoing: Outgoing) -> Iterable[str]:
    """Fields that are not the same after reading what would be written."""
    for statement in outgoing.statements:
        _require_account(statement)
        for entry in statement.entries:
            yield from _lossy(entry)


def _lossy(entry: Entry) -> Iterator[str]:
    yield from (name for name in _WITHOUT_PLACE if getattr(entry, name))
    if any(scheme not in _KEPT_REFERENCES for scheme, _ in entry.references):
        yield "references"
    read = _as_read(entry)
    yield from (name for name in _KEPT if getattr(entry, name) and getattr(entry, name) != getattr(read, name))
    if len(entry.details) != len(read.details) or any(
        _of_detail(one) != _of_detail(other) for one, other in zip(entry.details, read.details, strict=True)
    ):
        yield "details"


def _of_detail(detail: Detail) -> list[object]:
    return [detail.amount, *(getattr(detail, name) for name in _KEPT if name != "proprietary_bank_transaction_code")]


def _as_read(entry: Entry) -> Entry:
    """The row as our reader will see it."""
    movement: Movement | None = None
    current = None
    for text in row_lines(entry, 1, "001"):
        if text[:2] == "21":
            current = Movement(1, 0, text)
            if movement is None:
                movement = current
            else:
                movement.details.append(current)
            continue
        assert current is not None
        if text[:2] == "22":
            current.second = text
        elif text[:2] == "23":
            current.third = text
        elif text[:2] == "31":
            current.information.append((text[39], text[40:113]))
        else:
            flag, before = current.information[-1]
            current.information[-1] = flag, before + text[10 : 115 if text[1] == "2" else 100]
    assert movement is not None
    return entry_of(movement, Context(entry.currency, "001", None))


def write(outgoing: Outgoing, options: WriteOptions) -> Iterator[bytes]:
    """The files one after another, CRLF between records. Raises :class:`WriteError` for what CODA cannot hold."""
    for number, statement in enumerate(outgoing.statements, 1):
        _require_account(statement)
        is_last = number == len(outgoing.statements)
        for text in _parts(statement, number, options, is_last=is_last):
            yield (text + "\r\n").encode("cp1252")


def _require_account(statement: OutgoingStatement) -> None:
    if not statement.head.account.iban:
        raise WriteError("CODA needs the IBAN of the account")


def _parts(statement: OutgoingStatement, number: int, options: WriteOptions, *, is_last: bool) -> Iterator[str]:
    """Statements of at most 9,999 movements, each opening with what the one before closed with."""
    assert statement.opening is not None and statement.closing is not None
    head = statement.head
    balance, day = statement.opening.amount, _day(statement.opening, head.from_date)
    entries = iter(statement.entries)
    ahead = next(entries, None)
    for part in itertools.count():
        part_of = itertools.islice(entries, _MOVEMENTS - 1)
        rows = itertools.chain([ahead], part_of) if ahead is not None else iter(())
        yield _record_0(head, options)
        yield _record_1(head, _number(head.legal_sequence, number), _number(head.sequence, number + part), balance, day)
        records = 2
        debits = credits = Decimal(0)
        for sequence, entry in enumerate(rows, 1):
            for text in row_lines(entry, sequence, _number(head.legal_sequence, number)):
                records += 1
                yield text
            day = entry.booking_date or day
            if entry.amount < 0:
                debits -= entry.amount
            else:
                credits += entry.amount
        balance += credits - debits
        ahead = next(entries, None)
        closing_day = day if ahead is not None else _day(statement.closing, head.to_date)
        yield _record_8(head, _number(head.legal_sequence, number), balance, closing_day)
        ends = ahead is None
        yield line((1, "9"), (17, f"{records:06d}"), (23, money(debits)), (38, money(credits)),
                   (128, "2" if ends and is_last else "1"))  # fmt: skip
        if ends:
            return


def _day(balance: Balance, otherwise: dt.date | None) -> dt.date:
    day = balance.reference_date or otherwise
    if day is None:
        raise WriteError("CODA needs the dates of the balances, or the period of the statement")
    return day


def _number(text: str | None, otherwise: int) -> str:
    number = int(text) if text and text.isascii() and text.isdigit() else otherwise
    return f"{number % 1000:03d}"


def _record_0(head: StatementHead, options: WriteOptions) -> str:
    account = head.account
    iban = account.iban or ""
    created = options.created[:10]
    try:
        day = dt.date.fromisoformat(created)
    except ValueError:
        raise WriteError(f"the time of writing {created!r} is no date") from None
    return line(
        (1, "00000"), (6, f"{day:%d%m%y}"), (12, iban[4:7] if iban.startswith("BE") else "000"), (15, "05"),
        (17, "D" if head.copy == "duplicate" else " "), (25, letters(options.message_id)[:10]),
        (35, letters(account.owner_name or "")[:26]), (61, letters(account.bic or "")[:11]), (72, "00000000000"),
        (84, "00000"), (128, "2"),
    )  # fmt: skip


def _record_1(head: StatementHead, number: str, coded: str, balance: Decimal, day: dt.date) -> str:
    account = head.account
    iban = account.iban or ""
    return line(
        (1, "1"), (2, "2" if iban.startswith("BE") else "3"), (3, number), (6, iban), (40, account.currency),
        (43, "1" if balance < 0 else "0"), (44, money(balance)), (59, f"{day:%d%m%y}"),
        (65, letters(account.owner_name or "")[:26]), (91, letters(account.display_name or "")[:35]), (126, coded),
    )  # fmt: skip


def _record_8(head: StatementHead, number: str, balance: Decimal, day: dt.date) -> str:
    return line(
        (1, "8"), (2, number), (5, head.account.iban or ""), (39, head.account.currency),
        (42, "1" if balance < 0 else "0"), (43, money(balance)), (58, f"{day:%d%m%y}"), (128, "0"),
    )  # fmt: skip
