"""Records of one width (formats.md 6.3, 6.6, 6.7)."""

from __future__ import annotations

import pytest

from nostro.formats.fixed_width import Record, records, repaired


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab  cdefgh", "ab  cdefgh"),
        ("abcdefg ", "abcdefg   "),
        ("ab cdefgh", "ab  cdefgh"),
        ("ab   cdefgh", "ab  cdefgh"),
        ("ab  cdef gh ", "ab cdef gh"),
        ("ab  cdefg   ", "ab  cdefg "),
        ("abcdefgh", None),
        ("abcdefghijk", None),
        ("abc", None),
        ("a             b", None),
    ],
)
def test_blanks_that_were_cut_or_added_are_repaired(text: str, expected: str | None) -> None:
    assert repaired(text, 10) == expected


def test_lines_and_unbroken_files_give_the_same_records() -> None:
    rows = [f"{number:010d}" for number in range(5)]
    assert [record.text for record in records(["\n".join(rows)], 10)] == rows
    unbroken = list(records(["".join(rows)], 10))
    assert [record.text for record in unbroken] == rows
    assert unbroken[3] == Record(1, 30, rows[3])
    assert list(records(["\n", " \n", rows[0], "\n\x1a\x00"], 10)) == [Record(3, 0, rows[0])]
