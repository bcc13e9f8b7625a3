"""The streaming reader of AEB43 (formats.md 6.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nostro.core.transactions import Balance
from nostro.formats.aeb43.layout import FieldError, currency_of, signed_amount, spanish_iban, unsigned
from nostro.formats.amounts import exceeds
from nostro.formats.dates import ReadDate, yymmdd
from nostro.formats.fixed_width import Record, place, records, whole
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.streams import Source
from nostro.formats.texts import passes_gate, sort_remittance, tidy
from nostro.formats.values import (
    Entry,
    Event,
    FileAccount,
    FileHead,
    Hints,
    Problem,
    StatementHead,
    StatementTail,
    Totals,
)

_WIDTH = 80
#: What must be there of a record whose blanks at the end were cut.
_LEAST = {"00": 2, "11": 50, "22": 42, "23": 5, "24": 21, "33": 73, "88": 26}
_MAX_TEXTS = 5
_SCHEME = "aeb43Document"


def read(source: Source) -> Iterator[Event]:
    """The events of an AEB43 file."""
    yield FileHead("aeb43", "AEB43", "", source.encoding)
    reader = _Reader(source.hints)
    last: Record | None = None
    for record in records(source.texts(), _WIDTH):
        last = record
        yield from reader.take(whole(record, _WIDTH, _LEAST, "11, 22, 23, 24, 33 or 88"))
    if last is not None:
        yield from reader.end(last)


def _wrong(error: FieldError, record: Record) -> Exception:
    return fail("F-FIELD", str(error), place(record, error.columns))


@dataclass(slots=True)
class _Movement:
    record: Record
    texts: list[str] = field(default_factory=list)
    original: Record | None = None


@dataclass(slots=True)
class _Statement:
    """What stands between a record 11 and its 33."""

    first: Record
    account: FileAccount
    opening: Balance
    to_day: ReadDate
    seen: int = 0
    emitted: int = 0


class _Reader:
    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._statement: _Statement | None = None
        self._movement: _Movement | None = None
        self._counted = self._heads = 0
        self._ended = False

    def take(self, record: Record) -> Iterator[Event]:
        kind = record.text[:2]
        if self._ended:
            raise fail("F-SYNTAX", "a record follows the end of the file, record 88", place(record))
        if kind in ("23", "24"):
            self._counted += 1
            self._more(kind, record)
            return
        if self._statement is not None:
            yield from self._finish(self._statement)
        if kind == "88":
            yield from self._end_file(record)
        elif kind == "00":
            self._heads += 1
        else:
            self._counted += 1
            yield from self._inside(kind, record)

    def end(self, last: Record) -> Iterator[Problem]:
        """Raises F-TRUNCATED for a statement without 33; a missing 88 is a warning."""
        if self._statement is not None:
            raise fail("F-TRUNCATED", "the file ends without record 33", place(last))
        if not self._ended:
            yield problem("F-TRUNCATED", "the file ends without record 88", place(last), severity="warning")

    # --- statements -------------------------------------------------------------------------------------------------

    def _inside(self, kind: str, record: Record) -> Iterator[Event]:
        statement = self._statement
        if kind == "11":
            if statement is not None:
                raise fail("F-SYNTAX", "a statement begins before the one before it has ended with 33", place(record))
            yield self._begin(record)
        elif statement is None:
            raise fail("F-SYNTAX", f"record {kind} stands outside a statement of 11 and 33", place(record))
        elif kind == "22":
            statement.seen += 1
            self._movement = _Movement(record)
        else:
            yield _tail(statement, record)
            self._statement = None

    def _begin(self, record: Record) -> StatementHead:
        text = record.text
        currency = currency_of(text[47:50]) or self._hints.currency
        if currency is None:
            message = f"the currency {excerpt(text[47:50])!r} is not known; name it"
            raise fail("F-ACCOUNT", message, place(record, (48, 50)))
        try:
            from_day, to_day = _date(text[20:26], 21), _date(text[26:32], 27)
            amount = signed_amount(text[33:47], text[32], currency, 33)
        except FieldError as error:
            raise _wrong(error, record) from None
        iban = spanish_iban(text[2:6], text[6:10], text[10:20])
        named = {"iban": iban} if iban else {"bban": text[2:20].strip()}
        account = FileAccount(currency, owner_name=tidy(text[51:77]) or None, **named)
        opening = Balance("openingBooked", amount, currency, reference_date=from_day.day)
        self._statement = _Statement(record, account, opening, to_day)
        return StatementHead(
            0, account, place(record), from_date=from_day.day, to_date=to_day.day, opening=opening
        )  # fmt: skip

    def _end_file(self, record: Record) -> Iterator[Problem]:
        if self._statement is not None:
            raise fail("F-SYNTAX", "record 88 comes before the statement has ended with 33", place(record))
        self._ended = True
        stated = record.text[20:26].strip()
        if not (stated.isascii() and stated.isdigit()):
            raise fail("F-FIELD", f"{excerpt(stated)!r} is not a number of records", place(record, (21, 26)))
        # Some banks count the leading record 00 too.
        if int(stated) not in (self._counted, self._counted + self._heads):
            message = f"the file states {int(stated)} records, but {self._counted} are there"
            yield problem("F-TOTALS", message, place(record, (21, 26)))

    # --- movements --------------------------------------------------------------------------------------------------

    def _more(self, kind: str, record: Record) -> None:
        movement = self._movement
        if movement is None:
            raise fail("F-SYNTAX", f"record {kind} has no movement before it", place(record))
        if kind == "24":
            movement.original = record
            return
        if len(movement.texts) >= 2 * _MAX_TEXTS:
            raise fail("F-SYNTAX", f"the movement has more than {_MAX_TEXTS} records 23", place(record))
        movement.texts += [record.text[4:42], record.text[42:80]]

    def _finish(self, statement: _Statement) -> Iterator[Event]:
        movement, self._movement = self._movement, None
        if movement is None:
            return
        problems: list[Problem] = []
        try:
            entry = _entry(movement, statement, problems)
        except FieldError as error:
            yield problem("F-FIELD", str(error), place(movement.record, error.columns))
            return
        yield from problems
        statement.emitted += 1
        yield entry


def _tail(statement: _Statement, record: Record) -> StatementTail:
    text, account = record.text, statement.account
    if text[2:20] != statement.first.text[2:20]:
        raise fail("F-ACCOUNT", "record 33 is of another account than the record 11 before it", place(record, (3, 20)))
    try:
        totals = Totals(
            debits=_count(text[20:25], 21), debit_sum=unsigned(text[25:39], account.currency, 26),
            credits=_count(text[39:44], 40), credit_sum=unsigned(text[44:58], account.currency, 45),
            position=place(record, (21, 58)),
        )  # fmt: skip
        amount = signed_amount(text[59:73], text[58], account.currency, 59)
    except FieldError as error:
        raise _wrong(error, record) from None
    closing = Balance("closingBooked", amount, account.currency, reference_date=statement.to_day.day)
    return StatementTail(
        (statement.opening, closing), totals, statement.seen, statement.emitted, statement.seen - statement.emitted,
        position=place(record, (59, 73)),
    )  # fmt: skip


def _count(text: str, first_column: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise FieldError((first_column, first_column + 4), text, "a number of entries")
    return int(text)


def _entry(movement: _Movement, statement: _Statement, problems: list[Problem]) -> Entry:
    text, currency = movement.record.text, statement.account.currency
    raw: dict[str, str] = {}
    position = place(movement.record)
    amount = signed_amount(text[28:42], text[27], currency, 28)
    values: dict[str, object] = {"raw": raw, "currency": currency, "position": position, "amount": amount}
    if exceeds(amount, currency):
        problems.append(problem("F-SCALE", f"{amount} has more decimals than {currency}", position))
    booked, valued = _date(text[10:16], 11), _date(text[16:22], 17)
    day = booked.day or valued.day or statement.to_day.day
    if day is None:
        raise FieldError((11, 16), text[10:16], "a date YYMMDD")
    values["booking_date"] = day
    if booked.day is None:
        problems.append(problem("F-DATE", "the booking date is missing; the next best was taken", position))
    if valued.day is not None:
        values["value_date"] = valued.day
    if booked.corrected or valued.corrected:
        message = "a date does not exist; the month's last day was taken"
        problems.append(problem("F-DATE", message, place(movement.record, (11, 22))))
    values["proprietary_bank_transaction_code"] = f"{text[22:24]}-{text[24:27]}"
    raw["22/origin"] = text[6:10].strip()
    _set_references(text, values, raw, statement.seen)
    joined = tidy(" ".join(part.strip() for part in movement.texts))
    if joined:
        structured, unstructured = sort_remittance([joined])
        values["remittance_information_structured"], values["remittance_information_unstructured"] = (
            structured,
            unstructured,
        )
    if movement.original is not None:
        _set_exchange(movement.original, values, raw)
    return Entry.from_values(values)  # type: ignore[return-value]


def _set_references(text: str, values: dict[str, object], raw: dict[str, str], ordinal: int) -> None:
    kept = []
    for name, part in (("document", text[42:52]), ("reference 1", text[52:64]), ("reference 2", text[64:80])):
        reference = tidy(part)
        if reference and passes_gate(reference, ordinal):
            kept.append((_SCHEME, reference))
        elif reference:
            raw[f"22/{name}"] = reference
    if kept:
        values["references"] = tuple(dict.fromkeys(kept))


def _set_exchange(record: Record, values: dict[str, object], raw: dict[str, str]) -> None:
    text = record.text
    currency = currency_of(text[4:7])
    if currency is None:
        raw["24/currency"] = text[4:7].strip()
        raw["24/amount"] = text[7:21].strip()
        return
    try:
        amount = unsigned(text[7:21], currency, 8)
    except FieldError:
        raw["24/amount"] = text[7:21].strip()
        return
    values["currency_exchange"] = ({"instructed_amount": amount, "instructed_currency": currency},)


def _date(text: str, first_column: int) -> ReadDate:
    try:
        return yymmdd(text)
    except ValueError:
        raise FieldError((first_column, first_column + 5), text, "a date YYMMDD") from None
