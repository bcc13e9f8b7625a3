"""Files of records of one width, with line ends or without (formats.md 6.3, 6.6, 6.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from nostro.formats.problems import excerpt, fail
from nostro.formats.values import Position

#: Characters that a mail program may have added to a record or cut from it.
SLACK = 2

_BLANKS = re.compile(" +")


class Record(NamedTuple):
    """``text`` as it stands in ``line``, behind ``offset`` characters of it: above zero where no line ends are."""

    line: int
    offset: int
    text: str


def records(texts: Iterable[str], width: int) -> Iterator[Record]:
    """All records that are not blank, in order. Lines much longer than ``width`` are several records.

    The last one of a line may be shorter or a little longer than ``width``; that is for the caller to judge.
    """
    line, offset, carry = 1, 0, ""
    for text in texts:
        *whole, carry = (carry + text).split("\n")
        for content in whole:
            if len(content) == width and content[0] != " ":
                # As Record(line, offset, content), at half the time, for nearly all records.
                yield tuple.__new__(Record, (line, offset, content))
            else:
                yield from _cut(line, offset, content, width)
            line, offset = line + 1, 0
        while len(carry) > width + SLACK:
            yield from _one(line, offset, carry[:width])
            carry, offset = carry[width:], offset + width
    yield from _cut(line, offset, carry, width)


def _cut(line: int, offset: int, text: str, width: int) -> Iterator[Record]:
    while len(text) > width + SLACK:
        yield from _one(line, offset, text[:width])
        text, offset = text[width:], offset + width
    yield from _one(line, offset, text)


def _one(line: int, offset: int, text: str) -> Iterator[Record]:
    # A NUL or the end mark of old systems may close the file.
    if text.strip(" \t\x00\x1a"):
        yield Record(line, offset, text)


def repaired(text: str, width: int) -> str | None:
    """The record in its width, where blanks were cut or added; ``None`` if it is too short or too long for that.

    A record that ends in a character lost or won its blanks within: the longest run of them is taken to be the place.
    """
    if len(text) == width:
        return text
    if not width - SLACK <= len(text) <= width + SLACK:
        return None
    bare = text.rstrip()
    if len(bare) <= width and bare != text:
        return bare.ljust(width)
    run = max(_BLANKS.findall(bare), key=len, default="")
    at, length = bare.find(run), len(run) + width - len(bare)
    if not run or length < 0:
        return None
    return bare[:at] + " " * length + bare[at + len(run) :]


def whole(record: Record, width: int, least: Mapping[str, int], kinds: str) -> Record:
    """The record with its whole text, blanks that were cut at its end put back.

    ``least`` says for each kind, its first two characters, how much must be there; ``kinds`` names those that a person
    may expect. Raises ``FormatError``: F-SYNTAX for another kind or too long a record, F-TRUNCATED for a short one.
    """
    text, kind = record.text, record.text[:2]
    if kind not in least:
        raise fail("F-SYNTAX", f"a record begins with {excerpt(kind)!r} instead of {kinds}", place(record, (1, 2)))
    if len(text.rstrip()) > width:
        raise fail("F-SYNTAX", f"the record has more than {width} characters", place(record, (width + 1, len(text))))
    if len(text) < least[kind]:
        message = f"the record {kind} has {len(text)} characters instead of {width}"
        raise fail("F-TRUNCATED", message, place(record, (1, len(text))))
    return record._replace(text=text[:width].ljust(width))


def place(record: Record, columns: tuple[int, int] | None = None) -> Position:
    """Where a record stands, or some of its columns, which begin at 1."""
    if columns and record.offset:
        columns = columns[0] + record.offset, columns[1] + record.offset
    return Position(None, record.line, columns, None, None, record.text[:2])
