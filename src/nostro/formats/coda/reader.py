"""The streaming reader of CODA 2 (formats.md 6.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from nostro.formats.coda.movements import FieldError, read_date, signed_amount
from nostro.formats.coda.statements import FileFacts, Statement, place, wrong
from nostro.formats.fixed_width import Record, records, repaired
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.streams import Source
from nostro.formats.values import Event, FileHead, Hints, Position, Problem, StatementTail, Totals

_WIDTH = 128
_KINDS = {"1": "1", "21": "2.1", "22": "2.2", "23": "2.3", "31": "3.1", "32": "3.2", "33": "3.3", "8": "8", "4": "4"}
#: Record kinds that record 9 counts.
_COUNTED = frozenset("1238")


def read(source: Source) -> Iterator[Event]:
    """The events of a CODA file."""
    reader = _Reader(source.hints, source.encoding)
    for record in records(source.texts(), _WIDTH):
        yield from reader.take(record if len(record.text) == _WIDTH else _repaired(record))
    reader.require_end()
    if reader.warning is not None:
        yield reader.warning


def _repaired(record: Record) -> Record:
    text = repaired(record.text, _WIDTH)
    if text is None:
        length = len(record.text)
        message = f"the record has {length} characters instead of {_WIDTH}: {excerpt(record.text)!r}"
        code = "F-TRUNCATED" if length < _WIDTH else "F-SYNTAX"
        raise fail(code, message, Position(line=record.line, columns=(record.offset + 1, record.offset + length)))
    return record._replace(text=text)


class _Reader:
    """Follows the order of records: 0, then 1, 2 and 3, 8, 4 for each statement, then 9."""

    def __init__(self, hints: Hints, encoding: str) -> None:
        self._hints, self._encoding = hints, encoding
        self._facts: FileFacts | None = None
        self._statement: Statement | None = None
        #: Statements since record 0; where there are several, record 9 is of all of them.
        self._closed = self._counted = self._free = 0
        self._credits = self._debits = Decimal(0)
        self._said_head = False
        self._last = Record(1, 0, "")
        #: What is to be said if the file ends here.
        self.warning: Problem | None = None

    def take(self, record: Record) -> Iterable[Event]:
        """The events that a record brings."""
        text = record.text
        kind = text[:2] if text[0] in "23" else text[0]
        statement, self._last = self._statement, record
        if kind[0] == "2" and statement is not None and not statement.closed:
            self._counted += 1
            if kind == "21":
                return statement.movement(record)
            if kind in _KINDS:
                statement.more(record)
                return ()
        elif kind == "0":
            return self._begin_file(record)
        elif kind == "9":
            return self._end_file(record)
        elif kind in _KINDS and self._facts is not None:
            self._counted += kind[0] in _COUNTED
            return self._inside(kind, record)
        known = "comes before record 0" if kind in _KINDS else "is not known"
        raise fail("F-SYNTAX", f"a record that begins with {excerpt(text[:2])!r} {known}", place(record, kind, (1, 2)))

    def require_end(self) -> None:
        """Raises F-TRUNCATED if the last statement has not ended."""
        if self._facts is not None:
            missing = "9" if self._statement is None or self._statement.closed else "8"
            raise fail("F-TRUNCATED", f"the file ends without record {missing}", place(self._last, self._last.text[:1]))

    # --- file ----------------------------------------------------------------------------------------------------

    def _begin_file(self, record: Record) -> Iterator[Event]:
        text = record.text
        if self._facts is not None:
            raise fail("F-SYNTAX", "a file begins before the one before it has ended with record 9", place(record, "0"))
        version = text[127]
        if version == "1":
            raise fail(
                "F-VERSION", "CODA version 1 cannot be read; ask the bank for version 2", place(record, "0", (128, 128))
            )
        if not self._said_head:
            self._said_head = True
            yield FileHead(
                "coda", f"CODA {version}".strip(), "", self._encoding, text[24:34].strip() or None, text[5:11],
                text[11:14].strip() or None,
            )  # fmt: skip
        if version != "2":
            yield problem("F-VERSION", f"the version is {excerpt(version)!r}, not 2", place(record, "0", (128, 128)))
        try:
            day = read_date(text[5:11], 6).day
        except FieldError as error:
            raise wrong(error, record, "0") from None
        self._facts = FileFacts(day, "duplicate" if text[16] == "D" else "none", text[60:71].strip() or None)
        self._closed = self._counted = self._free = 0
        self._credits = self._debits = Decimal(0)
        self.warning = None

    def _end_file(self, record: Record) -> Iterator[Event]:
        text, statement = record.text, self._statement
        if self._facts is None or statement is None or not statement.closed:
            raise fail("F-SYNTAX", "record 9 comes without a statement that ended with record 8", place(record, "9"))
        yield from statement.finish()
        yield from self._count(record)
        try:
            debits = signed_amount(text[22:37], "0", statement.currency, 22)
            credits = signed_amount(text[37:52], "0", statement.currency, 37)
        except FieldError as error:
            raise wrong(error, record, "9") from None
        position = place(record, "9", (23, 52))
        if self._closed:
            # The totals are of several statements, so no single one can be compared with them.
            self._credits += statement.credits
            self._debits += statement.debits
            for name, stated, counted in (("debit", debits, self._debits), ("credit", credits, self._credits)):
                if stated != counted:
                    message = f"{name} sum of all statements: the file states {stated}, their rows are {counted}"
                    yield problem("F-TOTALS", message, position)
            yield statement.tail(None)
        else:
            yield statement.tail(Totals(credit_sum=credits, debit_sum=debits, position=position))
        self._statement = self._facts = None
        if text[127] == "1":
            self.warning = problem(
                "F-CHAIN", "the file says that another one follows, which is not there", place(record, "9")
            )

    def _count(self, record: Record) -> Iterator[Problem]:
        stated = record.text[16:22].strip()
        if not stated:
            return
        # Some banks count the free messages too.
        if not (stated.isascii() and stated.isdigit()):
            raise fail("F-FIELD", f"{excerpt(stated)!r} is not a number", place(record, "9", (17, 22)))
        if int(stated) not in (self._counted, self._counted + self._free):
            message = f"the file states {int(stated)} records, but {self._counted} are there"
            yield problem("F-TOTALS", message, place(record, "9", (17, 22)))

    # --- statements ----------------------------------------------------------------------------------------------

    def _inside(self, kind: str, record: Record) -> Iterator[Event]:
        statement = self._statement
        if kind == "1":
            yield from self._begin_statement(record)
        elif kind == "4":
            self._free += 1
            message = f"a message of the bank: {excerpt(record.text[32:112].strip())!r}"
            yield problem("F-SKIPPED", message, place(record, "4"), severity="info")
        elif statement is None or statement.closed:
            raise fail("F-SYNTAX", f"record {_KINDS[kind]} stands outside a statement", place(record, _KINDS[kind]))
        elif kind == "8":
            statement.close(record)
        else:
            yield from statement.information(record)

    def _begin_statement(self, record: Record) -> Iterator[Event]:
        before = self._statement
        if before is not None:
            if not before.closed:
                raise fail("F-SYNTAX", "a statement begins before the one before it has ended", place(record, "1"))
            yield from before.finish()
            yield self._tail_of_several(before)
        assert self._facts is not None
        self._statement = statement = Statement(record, self._facts, self._hints)
        yield statement.begin()

    def _tail_of_several(self, statement: Statement) -> StatementTail:
        self._closed += 1
        self._credits += statement.credits
        self._debits += statement.debits
        return statement.tail(None)
