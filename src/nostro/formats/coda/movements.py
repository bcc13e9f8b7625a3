"""From the records of one CODA movement to a row (formats.md 6.3). Columns count from 0 here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nostro.core.money import decimals
from nostro.formats.amounts import amount_of, exceeds
from nostro.formats.batches import add_details
from nostro.formats.coda.communication import joined, read_free, read_information, read_structured
from nostro.formats.dates import ReadDate, ddmmyy
from nostro.formats.problems import excerpt, problem
from nostro.formats.texts import account_number, passes_gate, tidy
from nostro.formats.values import Entry, Position, Problem

Values = dict[str, Any]
Raw = dict[str, str]

#: First digits of the transaction code: amounts of their own, and a detail that is itself a total of details.
_WHOLE, _SUBTOTAL, _BELOW_SUBTOTAL = frozenset("0123"), "7", "9"


class FieldError(ValueError):
    """A value of wrong form, with its columns (from 1, both included) and what it should be."""

    def __init__(self, columns: tuple[int, int], text: str, expected: str) -> None:
        super().__init__(f"{excerpt(text)!r} is not {expected}")
        self.columns = columns


@dataclass(slots=True)
class Movement:
    """The records of one movement, or of one of its details, as they stand in the file."""

    line: int
    offset: int
    first: str
    second: str = ""
    third: str = ""
    information: list[tuple[str, str]] = field(default_factory=list)
    details: list[Movement] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """Sequence number and bank reference, by which information records belong to it."""
        return self.first[2:6], self.first[10:31]

    def position(self, columns: tuple[int, int] | None = None) -> Position:
        """Where record 2.1 stands, or these columns of it."""
        if columns and self.offset:
            columns = columns[0] + self.offset, columns[1] + self.offset
        return Position(None, self.line, columns, None, None, f"2.1 movement {self.first[2:6]}")


@dataclass(slots=True)
class Context:
    """What movements need to know of their statement. ``undated`` counts rows without a booking date of their own."""

    currency: str
    number: str
    date: dt.date | None
    undated: int = 0
    ordinal: int = 0
    problems: list[Problem] = field(default_factory=list)

    def warn(self, code: str, message: str, movement: Movement) -> None:
        """Note a problem of a movement."""
        self.problems.append(problem(code, message, movement.position()))


def signed_amount(text: str, sign: str, currency: str, first_column: int) -> Decimal:
    """An amount of 12 digits and 3 decimals behind its sign digit, which stands in ``first_column`` (from 1)."""
    if not (text.isascii() and text.isdigit()):
        raise FieldError((first_column + 1, first_column + 15), text, "a number")
    if text[14] == "0" and decimals(currency) == 2:
        value = Decimal(f"{text[:12]}.{text[12:14]}")
    else:
        value = amount_of(f"{text[:12]}.{text[12:]}", currency)
    if sign == "0":
        return value
    if sign == "1":
        return -value
    raise FieldError((first_column, first_column), sign, "a sign: 0 for credit, 1 for debit")


def read_date(text: str, first_column: int) -> ReadDate:
    """A date DDMMYY, which may be empty. Raises :class:`FieldError`."""
    try:
        return ddmmyy(text)
    except ValueError:
        raise FieldError((first_column, first_column + 5), text, "a date DDMMYY") from None


def entry_of(movement: Movement, context: Context) -> Entry:
    """The row. Raises :class:`FieldError`."""
    first = movement.first
    context.ordinal += 1
    raw: Raw = {}
    values: Values = {"raw": raw, "currency": context.currency, "position": movement.position()}
    _payment(movement, values, context)
    _dates(first, values, movement, context)
    amount: Decimal = values["amount"]
    if first[46] != "0" and exceeds(amount, context.currency):
        context.warn("F-SCALE", f"{abs(amount)} has more decimals than {context.currency}", movement)
    number = first[121:124] if first[121:124].strip() else context.number
    sequence = ("codaSequence", f"{number}/{first[2:6]}")
    values["references"] = (*values.get("references", ()), sequence)
    if first[53] not in _WHOLE:
        context.warn(
            "F-DETAILS", f"the code {excerpt(first[53:61])} is that of a detail, but it has no movement", movement
        )
    if movement.details:
        _details(movement, values, context)
    return Entry.from_values(values)  # type: ignore[return-value]


def _dates(first: str, values: Values, movement: Movement, context: Context) -> None:
    value_text, entry_text = first[47:53], first[115:121]
    valued = read_date(value_text, 48)
    entered = valued if entry_text == value_text else read_date(entry_text, 116)
    booked = entered.day
    if booked is None:
        context.undated += 1
        booked = valued.day or context.date
        if booked is None:
            raise FieldError((116, 121), entry_text, "a date DDMMYY")
    values["booking_date"] = booked
    if valued.day is not None:
        values["value_date"] = valued.day
    if valued.corrected or entered.corrected:
        message = f"a date of {excerpt(f'{value_text} {entry_text}')} does not exist; the month's last day was taken"
        context.warn("F-DATE", message, movement)


def _payment(movement: Movement, out: Values, context: Context) -> None:
    """What a movement and a detail have in common."""
    first, second, third, raw = movement.first, movement.second, movement.third, out["raw"]
    amount = out["amount"] = signed_amount(first[32:47], first[31], context.currency, 32)
    out["proprietary_bank_transaction_code"] = first[53:61].strip()
    reference = first[10:31].strip()
    if reference:
        reference = tidy(reference)
        if passes_gate(reference, context.ordinal):
            out["entry_reference"] = reference
            out["references"] = (("codaBank", reference),)
        else:
            raw["2.1/bank reference"] = reference
    text = joined(first, second, third)
    if first[61] == "1":
        wrong = read_structured(text, out, raw)
        if wrong:
            message = f"the reference {excerpt(wrong)} fails its check digits and was kept as text"
            context.warn("F-REFERENCE", message, movement)
    else:
        read_free(text, out, raw)
    if second:
        _second(second, out, raw)
    if third:
        _third(third, out, raw, context.currency)
    for flag, information in movement.information:
        read_information(flag, information, out, raw)
    side = "creditor" if (amount < 0) != ("reversal" in out) else "debtor"
    for name in ("name", "account", "agent"):
        if name in out:
            out[f"{side}_{name}"] = out.pop(name)


def _second(record: str, out: Values, raw: Raw) -> None:
    customer = tidy(record[63:98].strip())
    if customer:
        if passes_gate(customer, 0):
            out["end_to_end_id"] = customer
        else:
            raw["2.2/customer reference"] = customer
    agent = record[98:109].strip()
    if agent:
        out["agent"] = agent
    if record[112:125].isspace():
        return
    kind, reason, category, purpose = (
        record[112],
        record[113:117].strip(),
        record[117:121].strip(),
        record[121:125].strip(),
    )
    if kind in "12345":
        out["reversal"] = True
        raw["2.2/R-transaction"] = kind
    if reason:
        out["additional_information"] = tidy(reason)
    if category:
        raw["2.2/category purpose"] = category
    if purpose:
        out["purpose_code"] = tidy(purpose)


def _third(record: str, out: Values, raw: Raw, own_currency: str) -> None:
    account = account_number(record[10:44].strip())
    if account:
        out["account"] = account
    currency = record[44:47]
    if currency != own_currency and not currency.isspace():
        raw["2.3/currency"] = currency
    if name := tidy(record[47:82].strip()):
        out["name"] = name


def _details(movement: Movement, row: Values, context: Context) -> None:
    """The details of a row. A subtotal with details of its own is kept in ``raw``, so that nothing counts twice."""
    codes = [detail.first[53] for detail in movement.details]
    has_parts = _SUBTOTAL in codes and _BELOW_SUBTOTAL in codes
    made: list[Values] = []
    for detail, code in zip(movement.details, codes, strict=True):
        raw: Raw = {}
        values: Values = {"raw": raw, "currency": context.currency}
        _payment(detail, values, context)
        for name, columns in (("value date", slice(47, 53)), ("entry date", slice(115, 121))):
            if detail.first[columns] != movement.first[columns]:
                raw[f"2.1/{name}"] = detail.first[columns]
        if code in _WHOLE:
            context.warn("F-DETAILS", f"the detail has the code {excerpt(detail.first[53:61])} of a movement", detail)
        if has_parts and code == _SUBTOTAL:
            row["raw"][f"2.1/{detail.first[6:10]} subtotal"] = str(values["amount"])
        else:
            values["index"] = len(made) + 1
            made.append(values)
    add_details(row, made)
    if difference := row.get("details_difference"):
        message = f"the details differ from the entry by {difference} {context.currency}; the entry counts"
        context.warn("F-DETAILS", message, movement)
