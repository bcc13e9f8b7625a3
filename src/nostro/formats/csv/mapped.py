"""Rows of a table by the mapping of its columns (formats.md 6.9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from nostro.core.money import parse_currency
from nostro.core.text import fold
from nostro.formats.amounts import exceeds
from nostro.formats.csv.days import DayStyle
from nostro.formats.csv.figures import FigureStyle, amount, with_decimals
from nostro.formats.csv.grouping import StatementKey, Statements
from nostro.formats.csv.layout import Layout
from nostro.formats.csv.mapping import DATES, FIGURES, TEXTS, TableMapping, column_at
from nostro.formats.csv.sheets import Cell, Place, Row
from nostro.formats.dates import ReadDate
from nostro.formats.limits import MAX_TEXT
from nostro.formats.problems import FormatError, excerpt, fail, problem
from nostro.formats.texts import account_number, is_valid_iban, mask_card, passes_gate, sort_remittance, tidy
from nostro.formats.texts import structured_reference as checked_reference
from nostro.formats.values import Entry, Event, FileAccount, Hints, Problem, Severity

#: Rows that may wait for the figure or date that decides how all are read.
MAX_WAITING = 50_000
#: Ways of writing currencies that are remembered.
_USUAL_CURRENCIES = 100
_DAY_ZERO = dt.date(1899, 12, 30)
_PLAIN = (
    "creditor_name", "debtor_name", "end_to_end_id", "mandate_id", "creditor_id", "check_id", "additional_information",
    "purpose_code", "bank_transaction_code", "merchant_category_code",
)  # fmt: skip
_ACCOUNTS = ("creditor_account", "debtor_account", "creditor_agent", "debtor_agent")
_READ_AS_TEXT = frozenset((*TEXTS, "id")) - {"original_currency"}
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Preamble:
    """What lines before the header say of the account."""

    account: str | None = None
    currency: str | None = None


def preamble_of(rows: Iterable[Row], mapping: TableMapping) -> Preamble:
    """The values behind the mapping's words in the lines before the header."""
    found: dict[str, str] = {}
    for row in rows:
        for word, value in zip(row.cells, row.cells[1:], strict=False):
            for key, words in (mapping.preamble or {}).items():
                if isinstance(word, str) and isinstance(value, str) and fold(word) in words and value.strip():
                    found.setdefault(key, value.strip())
    return Preamble(found.get("account"), found.get("currency"))


class Skipped(Exception):
    """The row is none, for this reason; it is counted and told."""

    def __init__(self, reason: str, severity: Severity = "warning") -> None:
        super().__init__(reason)
        self.severity = severity


class MappedRows:
    """Reads the rows below the header into the events of statements."""

    def __init__(self, layout: Layout, hints: Hints, place: Place, before: Iterable[Row]) -> None:
        assert layout.mapping is not None
        self._mapping = mapping = layout.mapping
        self._place = place
        #: In CSV every cell is text.
        self._is_text = place.sheet is None
        self._preamble = preamble_of(before, mapping)
        self._hints = hints
        width = len(layout.header)
        self._fields, missing = mapping.positions(layout.header)
        if missing:
            raise fail("F-MAPPING", f"the table has no column {', '.join(map(excerpt, missing[:5]))}")
        self._at = {field: at for at, field in self._fields.items()}
        self._texts = [_text_column(at, name) for at, name in sorted(self._fields.items()) if name in _READ_AS_TEXT]
        self._unmapped = [(at, layout.names[at]) for at in range(width) if at not in self._fields and layout.names[at]]
        self._filter = column_at(mapping.filter_column, layout.header) if mapping.filter_column else None
        self._figures = {
            at: FigureStyle(mapping.decimal, thousands=mapping.thousands)
            for at, field in self._fields.items()
            if field in FIGURES
        }
        orders = (hints.date_order,) if hints.date_order else mapping.dates
        self._days = DayStyle(orders)
        self._dates = [at for at, field in self._fields.items() if field in DATES]
        self._statements = Statements(mapping.order)
        self._key_columns = [self._at[field] for field in ("account", "account_name", "statement") if field in self._at]
        self._key_cells: tuple[Cell, ...] | None = None
        self._last_key = StatementKey(FileAccount(""))
        self._currencies: dict[str, str] = {}
        self._is_all_booked = mapping.status is None or "status" not in self._at
        self._ordinal = 0
        self._problems: list[Problem] = []
        #: Every row is made so long that it has a cell for each column that is read.
        self._least = max(width, *(at + 1 for at in self._fields), (self._filter or 0) + 1)
        self._width = width

    # --- what waits -------------------------------------------------------------------------------------------------

    def read(self, rows: Iterable[Row]) -> Iterator[Event]:
        """All events of the table."""
        waiting: list[Row] = []
        is_decided = False
        for found in rows:
            row = self._tidied(found)
            if not is_decided:
                self._note(row.cells)
                question = self._question()
                if question is not None:
                    waiting.append(row)
                    if len(waiting) > MAX_WAITING:
                        raise self._undecided(question, waiting)
                    continue
                is_decided = self._days.is_decided and all(each.is_decided for each in self._figures.values())
                for earlier in waiting:
                    yield from self._row(earlier)
                waiting.clear()
            yield from self._row(row)
        question = self._question()
        if question is not None:
            raise self._undecided(question, waiting)
        yield from self._statements.end()

    def _tidied(self, row: Row) -> Row:
        """The row with stripped cells, one for each column at least."""
        cells: list[Cell] = (
            list(map(str.strip, row.cells))  # type: ignore[arg-type]
            if self._is_text
            else [cell.strip() if isinstance(cell, str) else cell for cell in row.cells]
        )
        written = len(cells)
        return Row(row.line, cells if written >= self._least else cells + [""] * (self._least - written), written)

    def _note(self, cells: Sequence[Cell]) -> None:
        for at, style in self._figures.items():
            text = cells[at]
            if text and isinstance(text, str):
                style.note(text)
        for at in self._dates:
            text = cells[at]
            if text and isinstance(text, str):
                self._days.note(text)

    def _question(self) -> str | None:
        if self._days.question is not None:
            return f"{excerpt(self._days.question)!r} may be day and month or month and day"
        for style in self._figures.values():
            if style.question is not None:
                return f"{excerpt(style.question)!r} may have thousands or decimals behind its separator"
        return None

    def _undecided(self, question: str, waiting: Sequence[Row]) -> FormatError:
        message = f"{question}, and no row of the table decides it; say how dates and amounts are written"
        return fail("F-MAPPING", message, self._place(waiting[0]))

    # --- rows -------------------------------------------------------------------------------------------------------

    def _row(self, row: Row) -> Sequence[Event]:
        try:
            values, balance, own_fee = self._values(row)
        except Skipped as reason:
            self._statements.skip()
            return [problem("F-SKIPPED", f"{reason}", self._place(row), severity=reason.severity)]
        except FormatError as error:
            if error.problem.code != "F-FIELD":
                raise
            self._statements.skip()
            return [error.problem]
        found, place = self._problems, values["position"]
        key = self._key(row, values["currency"])
        entry: Entry = Entry.from_values(values)  # type: ignore[assignment]
        if own_fee is None:
            events = self._statements.add(key, entry, balance, place)
        else:
            fee: Entry = Entry.from_values(_fee_row(values, own_fee))  # type: ignore[assignment]
            events = [
                *self._statements.add(key, entry, None, place), *self._statements.add(key, fee, balance, place)
            ]  # fmt: skip
        if found:
            self._problems = []
            return [*found, *events]
        return events

    def _values(self, row: Row) -> tuple[Values, Decimal | None, Decimal | None]:
        """(fields, balance after the row, fee that is a row of its own). Raises :class:`Skipped` and F-FIELD."""
        mapping = self._mapping
        if self._filter is not None and fold(str(row.cells[self._filter])) in mapping.filter_words:
            raise Skipped(f"a row with {excerpt(str(row.cells[self._filter]))!r} is left out", "info")
        status = "booked" if self._is_all_booked else self._status(row)
        currency = self._currency(row)
        raw: dict[str, str] = {}
        values: Values = {
            "currency": currency, "raw": raw, "position": self._place(row), "booking_status": status,
        }  # fmt: skip
        values["amount"] = value = self._amount(row, currency)
        self._set_dates(row, values)
        fee = self._figure(row, "fee", currency) if mapping.fee != "none" else None
        own_fee = None
        if fee:
            if mapping.fee == "row":
                own_fee = fee
            else:
                values["fee"] = abs(fee)
            if mapping.fee == "subtract":
                values["amount"] = value = value - fee
        if status == "booked" and exceeds(value, currency):
            self._warn("F-SCALE", f"{value} has more decimals than {currency}", row, "amount")
        self._ordinal += 1
        self._set_texts(row, values)
        for at, name in self._unmapped:
            cell = row.cells[at]
            if cell != "":
                raw[name] = _text_of(cell)[:MAX_TEXT]
        return values, self._figure(row, "balance", currency), own_fee

    # --- fields -----------------------------------------------------------------------------------------------------

    def _text(self, row: Row, field: str) -> str:
        at = self._at.get(field)
        return _text_of(row.cells[at]) if at is not None else ""

    def _status(self, row: Row) -> str:
        word, words = self._text(row, "status"), self._mapping.status or {}
        status = words.get(fold(word))
        if status is None:
            if not word:
                raise Skipped("the row has no status")
            raise self._wrong(row, "status", word, "one of the words of the mapping")
        if status == "skip":
            raise Skipped(f"a row that is {excerpt(word)!r} moved no money", "info")
        return status

    def _currency(self, row: Row) -> str:
        text = self._text(row, "currency")
        if text in self._currencies:
            return self._currencies[text]
        if not text:
            text = self._preamble.currency or self._mapping.currency or self._hints.currency or ""
            if not text:
                if not self._has_amount(row):
                    raise Skipped("the row has no amount")
                raise fail("F-ACCOUNT", "the table does not say its currency", self._place(row))
        found = self._checked_currency(text, row)
        if len(self._currencies) < _USUAL_CURRENCIES:
            self._currencies[self._text(row, "currency")] = found
        return found

    def _checked_currency(self, text: str, row: Row) -> str:
        try:
            return parse_currency(text)
        except ValueError:
            if not self._has_amount(row):
                raise Skipped("the row has no amount") from None
            raise self._wrong(row, "currency", text, "a currency") from None

    def _has_amount(self, row: Row) -> bool:
        return any(self._text(row, field) for field in ("amount", "debit", "credit"))

    def _amount(self, row: Row, currency: str) -> Decimal:
        mapping = self._mapping
        if mapping.sign == "columns":
            debit, credit = self._figure(row, "debit", currency), self._figure(row, "credit", currency)
            if debit is None and credit is None:
                raise Skipped("the row has no amount")
            if debit and credit:
                raise self._wrong(row, "debit", self._text(row, "debit"), "empty beside an amount in the other column")
            return credit if credit else -abs(debit or Decimal(0))
        value = self._figure(row, "amount", currency)
        if value is None:
            raise Skipped("the row has no amount")
        if mapping.sign == "signed":
            return value
        column = "indicator" if mapping.sign == "indicator" else "type"
        word = self._text(row, column)
        folded = fold(word)
        if folded not in mapping.credit_words and folded not in mapping.debit_words:
            raise self._wrong(row, column, word, "a word for money in or money out")
        if value < 0:
            raise self._wrong(row, "amount", self._text(row, "amount"), "an amount without sign")
        return value if folded in mapping.credit_words else -value

    def _figure(self, row: Row, field: str, currency: str) -> Decimal | None:
        at = self._at.get(field)
        if at is None:
            return None
        cell = row.cells[at]
        if type(cell) is Decimal:
            return with_decimals(amount(format(cell, "f"), ".", currency, grouped=False), currency)
        text = cell if isinstance(cell, str) else str(cell)
        if not text:
            return None
        try:
            return self._figures[at].read(text, currency)
        except ValueError:
            if not any(self._is_date(row, date) for date in self._dates):
                raise Skipped("a line that is no row of the table") from None
            raise self._wrong(row, field, text, "an amount") from None

    def _is_date(self, row: Row, at: int) -> bool:
        try:
            return self._day(row.cells[at]).day is not None
        except ValueError:
            return False

    def _day(self, cell: Cell) -> ReadDate:
        if isinstance(cell, str):
            return self._days.read(cell) if cell else ReadDate(None)
        return ReadDate(_serial(cell) if isinstance(cell, Decimal) else cell)

    def _set_dates(self, row: Row, values: Values) -> None:
        read = self._days.read
        for at in self._dates:
            cell, field = row.cells[at], self._fields[at]
            try:
                day, corrected = read(cell) if cell and type(cell) is str else self._day(cell)
            except ValueError:
                raise self._wrong(row, field, _text_of(cell), "a date") from None
            if day is not None:
                values[field] = day
                if corrected:
                    message = f"{excerpt(_text_of(cell))} does not exist; the month's last day was taken"
                    self._warn("F-DATE", message, row, field)
        if "booking_date" in values or values["booking_status"] != "booked":
            return
        other = next((name for name in ("value_date", "transaction_date") if name in values), None)
        if other is None:
            if row.written < self._width:
                raise Skipped("a line that is no row of the table")
            raise self._wrong(row, self._fields[self._dates[0]], "", "a date")
        values["booking_date"] = values[other]
        if "booking_date" in self._at:
            self._warn("F-DATE", f"the booking date is missing; the {other.replace('_', ' ')} was taken", row, other)

    def _set_texts(self, row: Row, values: Values) -> None:
        is_out = values["amount"] < 0
        parts: list[str] = []
        cells = row.cells
        for at, kind, field_out, field_in in self._texts:
            cell = cells[at]
            if cell == "":
                continue
            text = cell if type(cell) is str else _text_of(cell)
            if len(text) > MAX_TEXT:
                raise fail("F-TOO-LARGE", f"the cell has more than {MAX_TEXT} characters", self._place(row, at))
            field = field_out if is_out else field_in
            # Cells are stripped already, so that most texts are tidy as they are.
            is_tidy = text.isascii() and text.isprintable() and "  " not in text
            if kind == "description":
                parts.append(text if is_tidy else tidy(text))
            elif kind == "plain":
                told = text if is_tidy else tidy(text)
                values[field] = f"{values[field]} {told}" if field in values else told
            elif kind == "account":
                values[field] = account_number(text)
            else:
                self._set_other(row, field, text, values, parts)
        if parts:
            structured, unstructured = sort_remittance(parts)
            if structured:
                values["remittance_information_structured"] = (
                    *values.get("remittance_information_structured", ()), *structured,
                )  # fmt: skip
            if unstructured:
                values["remittance_information_unstructured"] = unstructured
        if "original_amount" in self._at:
            self._set_exchange(row, values)

    def _set_other(self, row: Row, field: str, text: str, values: Values, parts: list[str]) -> None:
        if field == "type":
            values["proprietary_bank_transaction_code"] = tidy(text)
        elif field == "structured":
            reference = checked_reference(text)
            if reference:
                values["remittance_information_structured"] = (reference,)
            else:
                parts.append(tidy(text))
                message = f"the reference {excerpt(text)} fails its check digits and was kept as text"
                self._warn("F-REFERENCE", message, row, field)
        elif field == "card":
            values["masked_pan"] = mask_card(text)
        elif field in ("id", "entry_reference"):
            if not passes_gate(text, self._ordinal):
                values["raw"][field] = text
            elif field == "id":
                values["transaction_id"] = tidy(text)
                values["references"] = (("tableId", values["transaction_id"]),)
            else:
                values["entry_reference"] = tidy(text)

    def _set_exchange(self, row: Row, values: Values) -> None:
        currency = self._text(row, "original_currency").upper()
        if not currency or currency == values["currency"] or not self._text(row, "original_amount"):
            return
        value = self._figure(row, "original_amount", self._checked_currency(currency, row))
        if value is not None:
            exchange: Mapping[str, Any] = {"instructed_amount": abs(value), "instructed_currency": currency}
            values["currency_exchange"] = (exchange,)

    def _key(self, row: Row, currency: str) -> StatementKey:
        """The statement of a row. Most rows have that of the row before."""
        cells = (currency, *(row.cells[at] for at in self._key_columns))
        if cells != self._key_cells:
            number = (
                self._text(row, "account")
                or self._preamble.account
                or self._mapping.account
                or self._hints.account
                or ""
            )
            if not number:
                raise fail("F-ACCOUNT", "the table does not name its account", self._place(row))
            names = self._text(row, "account_name"), self._text(row, "statement")
            self._key_cells, self._last_key = cells, _key(number, currency, *names)
        return self._last_key

    # --- problems ---------------------------------------------------------------------------------------------------

    def _wrong(self, row: Row, field: str, text: str, expected: str) -> FormatError:
        return fail("F-FIELD", f"{excerpt(text)!r} is not {expected}", self._place(row, self._at.get(field)))

    def _warn(self, code: str, message: str, row: Row, field: str) -> None:
        self._problems.append(problem(code, message, self._place(row, self._at.get(field))))


def _text_column(at: int, name: str) -> tuple[int, str, str, str]:
    """(position, kind of text, field of a row that takes money out, field of one that brings some)."""
    fields = name.replace("counterparty", "creditor"), name.replace("counterparty", "debtor")
    kinds = {"description": "description", **dict.fromkeys(_PLAIN, "plain"), **dict.fromkeys(_ACCOUNTS, "account")}
    return (at, kinds.get(fields[0], "other"), *fields)


@lru_cache(maxsize=1024)
def _key(number: str, currency: str, name: str, statement: str) -> StatementKey:
    compact = account_number(number)
    kind = "iban" if is_valid_iban(compact) else "other"
    return StatementKey(FileAccount(currency, **{kind: compact}, display_name=tidy(name) or None), statement)


def _text_of(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    return format(cell, "f") if isinstance(cell, Decimal) else cell.isoformat()


def _serial(number: Decimal) -> dt.date:
    """The day of a number as spreadsheets store dates. Raises ``ValueError``."""
    if not 1 <= number < 2_958_466:
        raise ValueError("not a date")
    return _DAY_ZERO + dt.timedelta(days=int(number))


def _fee_row(values: Values, fee: Decimal) -> Values:
    """The fee of a row as a row of its own."""
    kept = ("currency", "position", "booking_status", "booking_date", "value_date", "transaction_date")
    return {
        **{name: values[name] for name in kept if name in values},
        "amount": -abs(fee),
        "raw": {},
        "additional_information": "fee",
    }
