"""The streaming reader of BAI2 (formats.md 6.8)."""

from __future__ import annotations

from collections.abc import Iterator

from nostro.formats.bai2.accounts import Account, FieldError, Group, compare, place, read_day
from nostro.formats.bai2.records import Record, records
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.streams import Source
from nostro.formats.values import Event, FileHead, Hints, Position

_INTERIM = frozenset(("1", "3"))
_REFUSED_GROUPS = {"2": "deletes what was sent before", "4": "is a test"}


def read(source: Source) -> Iterator[Event]:
    """The events of a BAI2 file."""
    reader = _Reader(source.hints, source.encoding)
    for record in records(source.lines()):
        yield from reader.take(record)
    reader.require_end()


class _Reader:
    """Follows the order of records: 01, then 02, then 03, 16 … 49 for each account, 98, 99."""

    def __init__(self, hints: Hints, encoding: str) -> None:
        self._hints, self._encoding = hints, encoding
        self._group: Group | None = None
        self._account: Account | None = None
        self._in_file = False
        self._last = Position(line=1)
        #: Sums of control totals and numbers of records: of the group, and of the file.
        self._accounts = self._group_total = self._group_records = 0
        self._groups = self._file_total = self._file_records = 0

    def take(self, record: Record) -> Iterator[Event]:
        """The events that a record brings."""
        code, account = record.code, self._account
        self._last = place(record)
        if code == "16" and account is not None:
            yield from account.transaction(record)
        elif code == "49" and account is not None:
            yield from account.end(record)
            self._accounts += 1
            self._group_total += account.amounts
            self._group_records += account.records
            self._account = None
        elif account is not None:
            raise fail("F-SYNTAX", f"record {code} comes before the account has ended with record 49", place(record))
        elif code == "03" and self._group is not None:
            self._account = account = Account(record, self._group, self._hints)
            yield from account.begin()
        elif code == "02" and self._in_file and self._group is None:
            self._begin_group(record)
        elif code == "98" and self._group is not None:
            yield from self._end_group(record)
        elif code == "01" and not self._in_file:
            yield from self._begin_file(record)
        elif code == "99" and self._in_file and self._group is None:
            yield from self._end_file(record)
        else:
            known = code in ("01", "02", "03", "16", "49", "98", "99")
            message = f"record {code} stands where it cannot stand" if known else f"record {code} is not known"
            raise fail("F-SYNTAX", message, place(record))

    def require_end(self) -> None:
        """Raises F-TRUNCATED if the file has not ended with record 99."""
        if self._in_file or self._last.record is None:
            raise fail("F-TRUNCATED", "the file ends without record 99", self._last)

    def _begin_file(self, record: Record) -> Iterator[Event]:
        fields = [*record.fields, *[""] * 8]
        self._in_file = True
        self._groups = self._file_total = 0
        self._file_records = record.lines
        version = fields[7]
        created = f"{fields[2]} {fields[3]}".strip()
        yield FileHead(
            "bai2", f"BAI{version or '2'}", "", self._encoding, fields[4] or None, created or None, fields[0] or None
        )
        if version not in ("", "2"):
            yield problem("F-VERSION", f"the version is {excerpt(version)!r}, not 2", place(record, "version"))

    def _begin_group(self, record: Record) -> None:
        fields = [*record.fields, *[""] * 8]
        self._accounts = self._group_total = 0
        self._group_records = record.lines
        if fields[2] in _REFUSED_GROUPS:
            raise fail("F-REFUSED", f"the group {_REFUSED_GROUPS[fields[2]]}", place(record, "group status"))
        try:
            day = read_day(fields[3], "as-of date")
        except FieldError as error:
            raise fail("F-FIELD", str(error), place(record, error.field)) from None
        self._group = Group(day, fields[5], fields[6] in _INTERIM)

    def _end_group(self, record: Record) -> Iterator[Event]:
        self._group_records += record.lines
        counted = [("group control total", self._group_total), ("number of accounts", self._accounts)]
        yield from compare(record, [*counted, ("number of records", self._group_records)])
        self._group = None
        self._groups += 1
        self._file_total += self._group_total
        self._file_records += self._group_records

    def _end_file(self, record: Record) -> Iterator[Event]:
        self._file_records += record.lines
        counted = [("file control total", self._file_total), ("number of groups", self._groups)]
        yield from compare(record, [*counted, ("number of records", self._file_records)])
        self._in_file = False
