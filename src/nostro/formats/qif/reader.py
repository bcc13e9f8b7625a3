"""The reader of QIF (formats.md 6.5). It holds the file, because the end may tell how dates are meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from nostro.formats.amounts import exceeds
from nostro.formats.batches import add_details
from nostro.formats.limits import MAX_DETAILS, MAX_QIF_BYTES
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.qif.conventions import ORDERS, DateOrders, DecimalMarks, Order, read_amount, read_date
from nostro.formats.streams import Source
from nostro.formats.texts import account_number, is_valid_iban, sort_remittance, tidy
from nostro.formats.values import Entry, Event, FileAccount, FileHead, Hints, Position, StatementHead, StatementTail

_MONEY = {"bank": "Bank", "cash": "Cash", "ccard": "CCard", "oth a": "Oth A", "oth l": "Oth L"}
_INVESTMENTS = "invst"
_CODES = frozenset("DTUPMNLCASE$%FX")
_SPLIT_CODES = frozenset("SE$%")


@dataclass(slots=True)
class _Section:
    """The rows under one ``!Type:`` header. ``records`` are (line, text of the lines, has an end mark)."""

    kind: str
    line: int
    account: str = ""
    records: list[tuple[int, str, bool]] = field(default_factory=list)


def read(source: Source) -> Iterator[Event]:
    """The events of a QIF file."""
    if source.survey.size > MAX_QIF_BYTES:
        raise fail("F-TOO-LARGE", f"a QIF file may have {MAX_QIF_BYTES >> 20} MiB", Position(line=1))
    yield FileHead("qif", "QIF", "", source.encoding)
    file = _File()
    for number, line in source.lines():
        file.take(number, line.strip(" \t\x00\x1a"))
    file.end()
    sections = [section for section in file.sections if section.records]
    for kind, (start, count) in file.left_out.items():
        is_investment = kind.startswith(_INVESTMENTS)
        what = "investments, which are no movements of money" if is_investment else f"a list ({excerpt(kind)})"
        message = f"{count} records are {what}, and were not read"
        yield problem("F-SKIPPED", message, Position(line=start), severity=None if is_investment else "info")
    if not sections:
        raise fail("F-REFUSED", "there are no movements of a bank, cash or card account in the file", Position(line=1))
    order = _order(file.dates, source.hints, file.first_date)
    if file.marks.doubtful and file.marks.mark is None:
        message = "amounts like 1,234 may be thousands or three decimals, and nothing else in the file tells which"
        raise fail("F-MAPPING", message, Position(line=file.first_amount))
    several = len({section.account for section in sections}) > 1
    for section in sections:
        yield from _Statement(section, source.hints, order, file.marks.mark, several=several).events()


def _order(dates: DateOrders, hints: Hints, line: int) -> Order:
    if hints.date_order in ORDERS:
        return hints.date_order
    if not dates.possible:
        message = "no order of day, month and year fits all dates of the file"
        raise fail("F-FIELD", message, Position(line=line, tag="D"))
    if not dates.is_clear:
        names = " or ".join(dates.possible)
        message = f"the dates may be {names} (d day, m month, y year), and nothing in the file tells which"
        raise fail("F-MAPPING", message, Position(line=line, tag="D"))
    return dates.possible[0]


class _File:
    """Parts the lines into sections and records, and looks at dates and amounts on the way."""

    def __init__(self) -> None:
        self.sections: list[_Section] = []
        #: Kind of section that is not read → first line and number of records.
        self.left_out: dict[str, tuple[int, int]] = {}
        self.dates, self.marks = DateOrders(), DecimalMarks()
        self.first_date = self.first_amount = 1
        self._kind = "bank"
        self._section: _Section | None = None
        self._account = ""
        self._lines: list[str] = []
        self._start = 0

    def take(self, number: int, line: str) -> None:
        """Take one line without blanks around it."""
        if not line:
            return
        if line[0] == "!":
            self._finish(has_end=False)
            self._header(line[1:].strip().lower(), number)
        elif line[0] == "^":
            self._finish(has_end=True)
        else:
            if not self._lines:
                self._start = number
            self._lines.append(line)
            if self._kind in _MONEY:
                self._look(line, number)

    def end(self) -> None:
        """The last record, if it has no end mark."""
        self._finish(has_end=False)

    def _header(self, header: str, number: int) -> None:
        if header.startswith("type:"):
            self._kind = header.removeprefix("type:").strip()
            self._section = None
            if self._kind in _MONEY:
                self._section = _Section(self._kind, number, self._account)
                self.sections.append(self._section)
        elif header.startswith("account"):
            self._kind, self._section = "account", None
        # !Option and !Clear change nothing that is read here.

    def _finish(self, *, has_end: bool) -> None:
        lines, self._lines = self._lines, []
        if not lines:
            return
        if self._kind == "account":
            self._account = next((line[1:].strip() for line in lines if line[0] in "Nn"), "")
        elif self._kind in _MONEY:
            if self._section is None:
                self._section = _Section(self._kind, self._start, self._account)
                self.sections.append(self._section)
            self._section.records.append((self._start, "\n".join(lines), has_end))
        else:
            line, count = self.left_out.get(self._kind, (self._start, 0))
            self.left_out[self._kind] = line, count + 1

    def _look(self, line: str, number: int) -> None:
        code = line[0]
        if code in "Dd" and self.dates.possible:
            self.first_date = self.first_date if self.first_date > 1 else number
            if not self.dates.add(line[1:]):
                self.first_date = number
        elif code in "TtUu$":
            if not self.marks.doubtful:
                self.first_amount = number
            self.marks.add(line[1:])


class _Statement:
    """The rows of one section."""

    def __init__(self, section: _Section, hints: Hints, order: Order, mark: str | None, *, several: bool) -> None:
        self._section, self._order, self._mark = section, order, mark
        self._position = Position(line=section.line, tag=f"!Type:{_MONEY[section.kind]}")
        self._seen = self._emitted = 0
        self._currency = (hints.currency or "").upper()
        number = account_number((section.account if several else hints.account or section.account) or "")
        if not number:
            raise fail("F-ACCOUNT", "the file does not say its account", self._position)
        if len(self._currency) != 3:
            raise fail("F-ACCOUNT", "a QIF file never says its currency", self._position)
        is_iban = is_valid_iban(number)
        self._account = FileAccount(
            self._currency, iban=number if is_iban else None, other=None if is_iban else number,
            display_name=tidy(section.account) or None,
        )  # fmt: skip

    def events(self) -> Iterator[Event]:
        """Head, rows, tail."""
        yield StatementHead(0, self._account, self._position, "list")
        for line, text, has_end in self._section.records:
            self._seen += 1
            yield from self._record(line, text.split("\n"), has_end=has_end)
        yield StatementTail(
            (), None, self._seen, self._emitted, self._seen - self._emitted, None, self._position
        )  # fmt: skip

    def _record(self, start: int, lines: list[str], *, has_end: bool) -> Iterator[Event]:
        position = Position(line=start, record=str(self._seen))
        values: dict[str, str] = {}
        splits: list[dict[str, str]] = []
        for line in lines:
            code, text = line[0].upper(), line[1:].strip()
            if code not in _CODES:
                yield problem("F-SKIPPED", f"a line that begins with {excerpt(line[:1])!r} is not known", position)
            elif code in _SPLIT_CODES:
                _split(code, text, splits, position)
            elif code in values and code in "DTU":
                raise fail("F-SYNTAX", f"the record has two lines {code}; an end mark ^ is missing", position)
            else:
                values[code] = f"{values[code]} {text}" if code in values else text
        if not has_end:
            message = "the record does not end with ^, so something may be missing"
            yield problem("F-TRUNCATED", message, position, severity="warning")
        amount_text = values.pop("T", None) or values.pop("U", None)
        values.pop("U", None)
        if not amount_text or (not values.get("D") and not has_end):
            yield problem("F-SKIPPED", "the record has no amount or no date, and was left out", position)
            return
        try:
            row, problems = self._row(values, amount_text, splits, position)
        except _FieldError as error:
            yield problem("F-FIELD", str(error), position._replace(tag=error.code))
            return
        yield from problems
        self._emitted += 1
        yield row

    def _row(
        self, values: dict[str, str], amount_text: str, splits: list[dict[str, str]], position: Position
    ) -> tuple[Entry, list[Event]]:
        problems: list[Event] = []
        amount = self._amount("T", amount_text)
        if exceeds(amount, self._currency):
            problems.append(problem("F-SCALE", f"{abs(amount)} has more decimals than {self._currency}", position))
        date = values.pop("D", "")
        try:
            read = read_date(date, self._order)
        except ValueError:
            raise _FieldError("D", date, "a date") from None
        if read.day is None:
            raise _FieldError("D", date, "a date")
        if read.corrected:
            problems.append(problem("F-DATE", f"{excerpt(date)} does not exist; {read.day} was taken", position))
        raw: dict[str, str] = {}
        out: dict[str, Any] = {
            "amount": amount, "currency": self._currency, "booking_date": read.day, "raw": raw, "position": position,
        }  # fmt: skip
        self._texts(values, out, raw)
        if splits:
            self._splits(splits, out, problems)
        return cast(Entry, Entry.from_values(out)), problems

    def _amount(self, code: str, text: str) -> Decimal:
        try:
            return read_amount(text, self._currency, self._mark)
        except ValueError:
            raise _FieldError(code, text, "an amount") from None

    @staticmethod
    def _texts(values: dict[str, str], out: dict[str, Any], raw: dict[str, str]) -> None:
        if name := tidy(values.pop("P", "")):
            out["creditor_name" if out["amount"] < 0 else "debtor_name"] = name
        if memo := tidy(values.pop("M", "")):
            structured, free = sort_remittance([memo])
            out["remittance_information_structured"] = structured
            out["remittance_information_unstructured"] = free
        if number := tidy(values.pop("N", "")):
            out["check_id" if number.isascii() and number.isdigit() else "additional_information"] = number
        raw.update((code, tidy(text)) for code, text in values.items() if text)

    def _splits(self, splits: list[dict[str, str]], out: dict[str, Any], problems: list[Event]) -> None:
        made = []
        for index, split in enumerate(splits, 1):
            detail: dict[str, Any] = {"index": index, "currency": self._currency, "raw": {}}
            if split.get("$"):
                detail["amount"] = self._amount("$", split["$"])
            if memo := tidy(split.get("E", "")):
                detail["remittance_information_unstructured"] = (memo,)
            detail["raw"].update((code, tidy(split[code])) for code in ("S", "%") if split.get(code))
            made.append(detail)
        add_details(out, made)
        if difference := out.get("details_difference"):
            message = f"the splits differ from the amount by {difference}; the amount counts"
            problems.append(problem("F-DETAILS", message, out["position"]))


class _FieldError(ValueError):
    def __init__(self, code: str, text: str, expected: str) -> None:
        super().__init__(f"{excerpt(text)!r} is not {expected}" if text else f"{expected} is missing")
        self.code = code


def _split(code: str, text: str, splits: list[dict[str, str]], position: Position) -> None:
    if code == "S" or not splits or code in splits[-1]:
        if len(splits) >= MAX_DETAILS:
            raise fail("F-TOO-LARGE", f"the record has more than {MAX_DETAILS} splits", position)
        splits.append({})
    splits[-1][code] = text
