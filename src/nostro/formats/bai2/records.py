"""Lines of BAI2 to records: continuations joined, several records on one line parted (formats.md 6.8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nostro.formats.limits import MAX_TOKEN
from nostro.formats.problems import fail
from nostro.formats.values import Position

#: Fields behind the funds type, before the references: S has three amounts, V date and time; D a count and pairs.
FUNDS_FIELDS = {"S": 3, "V": 2}
_REFERENCES = 2
#: A slash that another record follows.
_NEXT = re.compile(r"/(?=[0-9]{2},)")


class Record(NamedTuple):
    """``fields`` without the code; the text of a 16 is the last one. ``lines`` counts its physical records."""

    code: str
    fields: list[str]
    line: int
    lines: int


class _Open:
    """A record that continuations may follow."""

    def __init__(self, code: str, body: str, line: int) -> None:
        self.code, self.body, self.line, self.lines = code, body, line, 1
        #: Where the text of a 16 begins, once all fields before it are there.
        self.text_at = _text_at(body) if code == "16" else None

    def go_on(self, body: str) -> None:
        """Take a continuation: fields go on with a comma, a text with a blank."""
        self.lines += 1
        if self.text_at is not None:
            text = self.body.removesuffix("/").rstrip()
            self.body = f"{text} {body}" if len(text) > self.text_at else text + body
        else:
            self.body = f"{self.body.removesuffix('/')},{body}"
            self.text_at = _text_at(self.body) if self.code == "16" else None
        if len(self.body) > MAX_TOKEN:
            message = f"the record with its continuations has more than {MAX_TOKEN} characters"
            raise fail("F-TOO-LARGE", message, Position(line=self.line, record=self.code))

    def record(self) -> Record:
        """The whole of it."""
        body = self.body.removesuffix("/")
        at = self.text_at
        # The comma before the text ends the fields.
        fields = body.split(",") if at is None else [*self.body[: at - 1].split(","), body[at:]]
        return Record(self.code, [field.strip() for field in fields], self.line, self.lines)


def records(lines: Iterable[tuple[int, str]]) -> Iterator[Record]:
    """All records in order. Raises F-SYNTAX for a line that is none, or a continuation of nothing."""
    waiting: _Open | None = None
    for number, line in lines:
        rest = line.strip(" \t\x00\x1a")
        while rest:
            code, body = rest[:2], rest[3:]
            if not (code.isascii() and code.isdigit() and rest[2:3] == ","):
                if rest.strip("/ ") == "":
                    break
                raise fail("F-SYNTAX", "the line does not begin with the two digits of a record", Position(line=number))
            if code == "88":
                if waiting is None:
                    raise fail("F-SYNTAX", "a continuation has no record before it", Position(line=number, record="88"))
                body, rest = _own(waiting.code, body, waiting)
                waiting.go_on(body)
                continue
            if waiting is not None:
                yield waiting.record()
            body, rest = _own(code, body, None)
            waiting = _Open(code, body, number)
    if waiting is not None:
        yield waiting.record()


def _own(code: str, body: str, continued: _Open | None) -> tuple[str, str]:
    """(what belongs to the record, the records behind it on the same line)."""
    found = _NEXT.search(body)
    if found is None:
        return body, ""
    if code == "16":
        # The text owns everything to the end of the line.
        if continued is not None and continued.text_at is not None:
            return body, ""
        before = f"{continued.body.removesuffix('/')}," if continued is not None else ""
        text_at = _text_at(before + body)
        if text_at is not None and text_at <= len(before) + found.start():
            return body, ""
    return body[: found.start() + 1], body[found.end() :]


def _text_at(body: str) -> int | None:
    """Where the text of a 16 begins in its body: behind type, amount, funds and two references."""
    fields = body.split(",", 5)
    if len(fields) < 6:
        return None
    funds = fields[2].strip()
    count = 3 + FUNDS_FIELDS.get(funds, 0) + _REFERENCES
    if funds == "D":
        pairs = fields[3].strip()
        count += 1 + 2 * (int(pairs) if pairs.isascii() and pairs.isdigit() and len(pairs) < 4 else 0)
    if count == 5:
        return len(body) - len(fields[5])
    fields = body.split(",", count)
    return len(body) - len(fields[count]) if len(fields) > count else None
