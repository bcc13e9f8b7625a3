"""The reader of CSV and of the workbooks that hold such tables (formats.md 6.9, 6.10)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from nostro.formats.csv.layout import Layout, head_candidates, layout_of
from nostro.formats.csv.mapped import MappedRows
from nostro.formats.csv.ownrows import OwnRows
from nostro.formats.csv.sheets import HEAD_LINES, Ending, Place, Row, csv_rows, cut_warning
from nostro.formats.problems import fail
from nostro.formats.streams import Source
from nostro.formats.values import Event, FileHead, Hints, Position, StatementHead


def read(source: Source) -> Iterator[Event]:
    """The events of a CSV file."""
    ending = Ending(source.chunks)
    lines = replace(source, chunks=ending).lines()
    head = list(itertools.islice(lines, HEAD_LINES))
    layout = layout_of(head_candidates(head), source.hints)
    rows = csv_rows(itertools.chain(head, lines), layout.delimiter)
    yield FileHead("csv", "", layout.mapping.name if layout.mapping else "Nostro", source.encoding)
    last = 0

    def watched() -> Iterator[Row]:
        nonlocal last
        for row in rows:
            last = row.line
            yield row

    yield from table_events(watched(), layout, source.hints, None)
    if not ending.is_complete:
        yield cut_warning(last)


def table_events(rows: Iterator[Row], layout: Layout, hints: Hints, sheet: str | None) -> Iterator[Event]:
    """The events of a table whose layout is known; ``rows`` begin with the first of the sheet or file."""
    place = Place(layout.names, sheet)
    before = list(itertools.islice(rows, layout.header_row))
    events: Iterator[Event]
    if layout.mapping is None:
        events = OwnRows(layout, place, is_guarded=sheet is None).read(rows)
    else:
        events = MappedRows(layout, hints, place, before[:-1] if layout.header else before).read(rows)
    found = False
    for event in events:
        found = found or type(event) is StatementHead
        yield event
    if not found:
        where = Position(line=before[-1].line) if before and sheet is None else Position(sheet=sheet)
        raise fail("F-EMPTY", "the table has no rows", where)
