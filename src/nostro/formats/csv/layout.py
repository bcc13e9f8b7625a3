"""Which table this is: where its header stands, what parts its cells, and which mapping fits (formats.md 6.9)."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nostro.core.text import fold
from nostro.formats.csv.days import orders_of
from nostro.formats.csv.figures import bare
from nostro.formats.csv.mapping import TableMapping, column_at, mapping_of
from nostro.formats.csv.own import is_own
from nostro.formats.csv.presets import PRESETS
from nostro.formats.csv.proposing import Proposal, propose
from nostro.formats.csv.sheets import Cell, Row
from nostro.formats.limits import MAX_SHEET_COLUMNS
from nostro.formats.problems import excerpt, fail
from nostro.formats.values import Hints, Position

DELIMITERS = (";", ",", "\t", "|")
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Layout:
    """``header_row`` counts the rows before the first row of data, header included. ``mapping`` is none for our own."""

    delimiter: str
    header_row: int
    header: tuple[str, ...]
    names: tuple[str, ...]
    mapping: TableMapping | None


def layout_of(candidates: Sequence[tuple[str, list[Row]]], hints: Hints) -> Layout:
    """The layout of a table whose first rows are given, per delimiter that may part its cells.

    Raises F-MAPPING where no mapping fits, naming what differs from a known bank's table and what is proposed.
    """
    given = mapping_of(hints.mapping) if hints.mapping is not None else None
    if given is not None:
        return _by_mapping(candidates, given)
    for delimiter, rows in candidates:
        for number, row in enumerate(rows):
            names = names_of(row.cells)
            header = tuple(map(fold, names))
            if is_own(names):
                return Layout(delimiter, number + 1, header, names, None)
            preset = _PRESETS_BY_HEADER.get(header)
            if preset is not None and preset.delimiter in (None, delimiter):
                return Layout(delimiter, number + 1, header, names, preset)
    delimiter, number, row = header_row(candidates)
    names = names_of(row.cells)
    proposal = propose(names)
    if hints.profile.get("mapping") == "proposed" and proposal.is_usable:
        mapping = mapping_of(proposal.data)
        return Layout(delimiter, number + 1, tuple(map(fold, names)), names, mapping)
    raise fail("F-MAPPING", _refusal(names, proposal))


def is_known(names: Sequence[str], delimiter: str) -> bool:
    """Whether these columns are our own or those of a bank known here."""
    preset = _PRESETS_BY_HEADER.get(tuple(map(fold, names)))
    return is_own(names) or (preset is not None and preset.delimiter in (None, delimiter))


_PRESETS_BY_HEADER = {preset.header: preset for preset in PRESETS}


def names_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """The names in a row, without empty cells at its end."""
    names = [cell.strip() if isinstance(cell, str) else str(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def head_candidates(lines: Sequence[tuple[int, str]]) -> list[tuple[str, list[Row]]]:
    """The rows of the first lines for each delimiter that gives several cells."""
    found = []
    for delimiter in DELIMITERS:
        reader = csv.reader((line + "\n" for _, line in lines), delimiter=delimiter)
        try:
            rows = [Row(reader.line_num, cells[: MAX_SHEET_COLUMNS + 1]) for cells in reader if any(cells)]
        except csv.Error:
            continue
        if any(len(row.cells) > 1 for row in rows):
            found.append((delimiter, rows))
    if not found:
        raise fail("F-UNKNOWN", "this is no table: no separator parts its lines into cells", Position(line=1))
    return found


def _by_mapping(candidates: Sequence[tuple[str, list[Row]]], mapping: TableMapping) -> Layout:
    wanted = [column for column, _ in mapping.columns]
    best: list[str] = wanted
    for delimiter, rows in candidates:
        if mapping.delimiter not in (None, delimiter, "") and delimiter:
            continue
        for number, row in enumerate(rows):
            names = names_of(row.cells)
            header = tuple(map(fold, names))
            missing = [column for column in wanted if column[:1] != "#" and column_at(column, header) is None]
            if len(missing) < len(best):
                best = missing
            named = any(column[:1] != "#" for column in wanted)
            if named and not missing and (not mapping.header or mapping.header == header):
                return Layout(delimiter, number + 1, header, names, mapping)
            if not named and not is_header(row.cells):
                return Layout(delimiter, number, (), (), mapping)
    raise fail("F-MAPPING", f"the table has no column {', '.join(excerpt(name) for name in best[:5]) or 'as mapped'}")


def header_row(candidates: Sequence[tuple[str, list[Row]]]) -> tuple[str, int, Row]:
    """(delimiter, index, row) of the first row of names before rows of as many cells."""
    for delimiter, rows in candidates:
        for number, row in enumerate(rows[:-1]):
            below = rows[number + 1 : number + 3]
            if len(row.cells) > 1 and is_header(row.cells) and all(len(b.cells) == len(row.cells) for b in below):
                return delimiter, number, row
    delimiter, rows = max(candidates, key=lambda found: _alike(found[1]))
    return delimiter, 0, rows[0]


def _alike(rows: Sequence[Row]) -> int:
    """How many rows have the usual number of cells, if that is more than one."""
    counts = Counter(len(row.cells) for row in rows if len(row.cells) > 1)
    return max(counts.values(), default=0)


def is_header(cells: Iterable[Cell]) -> bool:
    """Names, not values: no cell is a date or an amount, and most are not empty."""
    cells = list(cells)
    named = sum(1 for cell in cells if cell)
    return 2 * named >= len(cells) and not any(_is_value(cell) for cell in cells)


def _is_value(cell: Cell) -> bool:
    if not isinstance(cell, str):
        return True
    text = cell.strip()
    if not text:
        return False
    try:
        bare(text)
    except ValueError:
        return bool(orders_of(text))
    return True


def _refusal(names: Sequence[str], proposal: Proposal) -> str:
    header = {fold(name) for name in names}
    alike = [(len(header & set(p.header)) / max(len(header | set(p.header)), 1), p) for p in PRESETS]
    share, preset = max(alike, key=lambda pair: pair[0], default=(0.0, None))
    if preset is not None and share >= _ALIKE:
        new = [name for name in names if fold(name) not in preset.header]
        missing = [column for column, _ in preset.columns if fold(column) not in header]
        return (
            f"this is nearly the table of {preset.name}, but its columns have changed: new "
            f"{_list(new)}, missing {_list(missing)}"
        )
    known = "; ".join(f"{excerpt(column)} = {field}" for column, field in proposal.columns.items())
    unsure = f"; not clear: {_list(proposal.unsure)}" if proposal.unsure else ""
    return f"no bank's table known here has the columns {_list(names)}. Proposed: {known or 'nothing'}{unsure}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(excerpt(name)) for name in names[:12]) or "none"
