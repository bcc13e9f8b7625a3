"""The streaming reader of CFONB 120 (formats.md 6.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nostro.core.transactions import Balance
from nostro.formats.amounts import exceeds
from nostro.formats.cfonb120.layout import FieldError, Values, amount, french_iban, read_complement
from nostro.formats.dates import ReadDate, ddmmyy
from nostro.formats.fixed_width import Record, place, records, whole
from nostro.formats.limits import MAX_DETAILS
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
)

_WIDTH = 120
#: What must be there of a record whose blanks at the end were cut.
_LEAST = {"01": 104, "04": 104, "05": 49, "07": 104}


def read(source: Source) -> Iterator[Event]:
    """The events of a CFONB 120 file."""
    yield FileHead("cfonb120", "CFONB 120", "", source.encoding)
    reader = _Reader(source.hints)
    last: Record | None = None
    for record in records(source.texts(), _WIDTH):
        last = record
        yield from reader.take(whole(record, _WIDTH, _LEAST, "01, 04, 05 or 07"))
    if last is not None:
        reader.require_end(last)


def _account_key(text: str) -> str:
    return text[2:7] + text[11:16] + text[21:32]


@dataclass(slots=True)
class _Movement:
    record: Record
    complements: list[Record] = field(default_factory=list)


@dataclass(slots=True)
class _Block:
    """What stands between a record 01 and its 07."""

    first: Record
    account: FileAccount
    decimals: int
    opening: Balance
    seen: int = 0
    emitted: int = 0


class _Reader:
    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._first: Record | None = None  # a record 01 whose statement is not begun
        self._block: _Block | None = None
        self._movement: _Movement | None = None

    def take(self, record: Record) -> Iterator[Event]:
        kind = record.text[:2]
        if kind == "05":
            self._complement(record)
            return
        if kind == "01":
            if self._first is not None or self._block is not None:
                raise fail("F-SYNTAX", "a block begins before the one before it has ended with 07", place(record))
            self._first = record
            return
        if self._first is not None:
            yield from self._begin(self._first, record)
            self._first = None
        block = self._block
        if block is None:
            raise fail("F-SYNTAX", f"record {kind} stands outside a block of 01 and 07", place(record))
        yield from self._finish(block)
        if _account_key(record.text) != _account_key(block.first.text):
            message = f"record {kind} is of another account than the record 01 before it"
            raise fail("F-ACCOUNT", message, place(record, (3, 32)))
        if kind == "04":
            block.seen += 1
            self._movement = _Movement(record)
        else:
            yield self._end(block, record)
            self._block = None

    def require_end(self, last: Record) -> None:
        if self._first is not None or self._block is not None:
            raise fail("F-TRUNCATED", "the file ends without record 07", place(last))

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _begin(self, first: Record, following: Record) -> Iterator[Event]:
        text = first.text
        currency = text[16:19].strip() or following.text[16:19].strip()
        places = text[19:20].strip() or following.text[19:20].strip()
        if not currency or not places:
            currency, places = currency or self._hints.currency or "EUR", places or "2"
            message = f"the block does not say its currency or decimals; {currency} with {places} decimals was taken"
            yield problem("F-TEXT", message, place(first, (17, 20)))
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise fail("F-ACCOUNT", f"{excerpt(currency)!r} is not a currency", place(first, (17, 19)))
        if not (places.isascii() and places.isdigit()):
            raise fail("F-FIELD", f"{excerpt(places)!r} is not a number of decimals", place(first, (20, 20)))
        currency = currency.upper()
        balance = self._balance(first, "openingBooked", int(places), currency)
        self._block = _Block(first, _account(text, currency), int(places), balance)
        yield StatementHead(0, self._block.account, place(first), opening=balance)

    @staticmethod
    def _balance(record: Record, kind: str, places: int, currency: str) -> Balance:
        try:
            value = amount(record.text[90:104], places, currency)
            day = _date(record.text[34:40], 35).day
        except FieldError as error:
            raise fail("F-FIELD", str(error), place(record, error.columns)) from None
        return Balance(kind, value, currency, reference_date=day)

    def _end(self, block: _Block, record: Record) -> StatementTail:
        closing = self._balance(record, "closingBooked", block.decimals, block.account.currency)
        return StatementTail(
            (block.opening, closing), None, block.seen, block.emitted, block.seen - block.emitted,
            position=place(record, (91, 104)),
        )  # fmt: skip

    # --- movements --------------------------------------------------------------------------------------------------

    def _complement(self, record: Record) -> None:
        if self._movement is None:
            raise fail("F-SYNTAX", "record 05 has no movement before it", place(record))
        self._movement.complements.append(record)
        if len(self._movement.complements) > MAX_DETAILS:
            raise fail("F-TOO-LARGE", f"the movement has more than {MAX_DETAILS} complements", place(record))

    def _finish(self, block: _Block) -> Iterator[Event]:
        movement, self._movement = self._movement, None
        if movement is None:
            return
        problems: list[Problem] = []
        try:
            entry = _entry(movement, block, problems)
        except FieldError as error:
            yield problem("F-FIELD", str(error), place(movement.record, error.columns))
            return
        yield from problems
        block.emitted += 1
        yield entry


def _entry(movement: _Movement, block: _Block, problems: list[Problem]) -> Entry:
    text, currency = movement.record.text, block.account.currency
    raw: dict[str, str] = {"04/account": f"{text[2:7]} {text[11:16]} {text[21:32]}".strip()}
    position = place(movement.record)
    values: Values = {"raw": raw, "currency": currency, "position": position}
    values["amount"] = value = amount(text[90:104], _decimals(text, block), currency)
    if exceeds(value, currency):
        problems.append(problem("F-SCALE", f"{value} has more decimals than {currency}", position))
    _set_dates(text, values, block, movement.record, problems)
    values["proprietary_bank_transaction_code"] = text[32:34].strip() or None
    for name, content in (("internal code", text[7:11]), ("reject reason", text[40:42])):
        if content.strip():
            raw[f"04/{name}"] = content.strip()
    if reason := text[40:42].strip():
        values["additional_information"] = reason
    _set_references(text, values, block.seen)
    parts = [label] if (label := tidy(text[48:79])) else []
    for record in movement.complements:
        wrong = read_complement(record.text[45:48], record.text[48:118], values, parts, currency)
        if wrong:
            message = f"the reference {excerpt(wrong)} fails its check digits and was kept as text"
            problems.append(problem("F-REFERENCE", message, place(record, (49, 118))))
    structured, unstructured = sort_remittance(parts)
    if structured and "remittance_information_structured" not in values:
        values["remittance_information_structured"] = structured
    values["remittance_information_unstructured"] = unstructured
    return Entry.from_values(values)  # type: ignore[return-value]


def _decimals(text: str, block: _Block) -> int:
    return int(text[19]) if text[19].isascii() and text[19].isdigit() else block.decimals


def _set_references(text: str, values: Values, ordinal: int) -> None:
    number, reference = tidy(text[81:88]), tidy(text[104:120])
    if number and passes_gate(number, ordinal):
        values["references"] = (("cfonbNumber", number),)
    elif number:
        values["raw"]["04/number"] = number
    if reference and passes_gate(reference, ordinal):
        values["entry_reference"] = reference
    elif reference:
        values["raw"]["04/reference"] = reference


def _set_dates(text: str, values: Values, block: _Block, record: Record, problems: list[Problem]) -> None:
    booked, valued = _date(text[34:40], 35), _date(text[42:48], 43)
    day = booked.day
    if day is None:
        day = valued.day or block.opening.reference_date
        if day is None:
            raise FieldError((35, 40), text[34:40], "a date DDMMYY")
        problems.append(problem("F-DATE", "the booking date is missing; the next best was taken", place(record)))
    values["booking_date"] = day
    if valued.day is not None:
        values["value_date"] = valued.day
    if booked.corrected or valued.corrected:
        message = "a date does not exist; the month's last day was taken"
        problems.append(problem("F-DATE", message, place(record, (35, 48))))


def _date(text: str, first_column: int) -> ReadDate:
    try:
        return ddmmyy(text)
    except ValueError:
        raise FieldError((first_column, first_column + 5), text, "a date DDMMYY") from None


def _account(text: str, currency: str) -> FileAccount:
    bank, branch, number = text[2:7], text[11:16], text[21:32]
    iban = french_iban(bank, branch, number)
    return FileAccount(currency, iban=iban) if iban else FileAccount(currency, bban=_compact(bank, branch, number))


def _compact(*parts: str) -> str:
    return "/".join(part.strip() for part in parts)
