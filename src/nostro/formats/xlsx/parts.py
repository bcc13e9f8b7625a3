"""A workbook looked at before any of it is interpreted: size, what it holds, cells that have no value (6.10, 4)."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

from nostro.formats.limits import (
    MAX_SHEET_BYTES,
    MAX_SHEET_COLUMNS,
    MAX_SHEET_ROWS,
    MAX_ZIP_MEMBERS,
    MAX_ZIP_RATIO,
    ZIP_RATIO_FREE,
)
from nostro.formats.problems import excerpt, fail
from nostro.formats.values import Position

_BLOCK = 1 << 18
#: Cells of a sheet, used or not, that are laid out at once.
MAX_CELLS = 4_000_000
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_UNSAFE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ODD = re.compile(rb"""<(?:\w+:)?f[\s/>]|\bhidden\s*=|\bt\s*=\s*["']e["']""")
#: One of these stands in everything that ``_ODD`` finds; looking for them is fast.
_ODD_SIGNS = (b"<f", b":f", b"hidden", b'"e"', b"'e'")
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_OVERLAP = 64


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """Of one sheet: rows that are hidden, and the first cell whose formula or error leaves no value."""

    hidden: int = 0
    valueless: str | None = None


@dataclass(slots=True)
class _Extent:
    columns: int = 0
    rows: int = 0


def looked_at(data: bytes) -> dict[str, SheetFacts]:
    """Facts by part name of each sheet. Raises F-UNSAFE and F-TOO-LARGE for what no workbook needs, F-SYNTAX."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError):
        raise fail("F-TRUNCATED", "the workbook is not whole", Position(byte=len(data))) from None
    if len(members) > MAX_ZIP_MEMBERS:
        raise fail("F-TOO-LARGE", f"the workbook has more than {MAX_ZIP_MEMBERS} parts")
    total, facts = 0, {}
    for member in members:
        if member.flag_bits & 1:
            raise fail("F-REFUSED", "the workbook is locked with a password; save it without one")
        is_sheet = bool(_SHEET.fullmatch(member.filename))
        extent, is_odd, tail = _Extent(), False, b""
        for block in _blocks(archive, member):
            total += len(block)
            if total > MAX_SHEET_BYTES or total > max(len(data) * MAX_ZIP_RATIO, ZIP_RATIO_FREE):
                raise fail("F-TOO-LARGE", f"the workbook unpacks to more than {MAX_SHEET_BYTES >> 20} MiB")
            window = tail + block
            if b"<!" in window and _UNSAFE.search(window):
                place = Position(path=excerpt(member.filename))
                raise fail("F-UNSAFE", "a document type or an entity stands in the workbook", place)
            if is_sheet:
                _measure(window, extent)
                is_odd = is_odd or _is_odd(window)
            tail = block[-_OVERLAP:]
        if is_sheet:
            facts[member.filename] = _odd_cells(archive, member) if is_odd else SheetFacts()
    return facts


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(member) as part:
            while block := part.read(_BLOCK):
                yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise fail("F-TRUNCATED", "the workbook is not whole", Position(path=excerpt(member.filename))) from None


def _is_odd(window: bytes) -> bool:
    return any(sign in window for sign in _ODD_SIGNS) and _ODD.search(window) is not None


def _measure(window: bytes, extent: _Extent) -> None:
    found = _REFERENCE.findall(window)
    if not found:
        return
    for letters in {letters for letters, _ in found}:
        extent.columns = max(extent.columns, _column(letters))
    extent.rows = max(extent.rows, *map(int, {row for _, row in found}))
    if extent.columns > MAX_SHEET_COLUMNS or extent.rows > MAX_SHEET_ROWS:
        message = f"the sheet has more than {MAX_SHEET_ROWS} rows or {MAX_SHEET_COLUMNS} columns"
        raise fail("F-TOO-LARGE", message)
    if extent.columns * extent.rows > MAX_CELLS:
        raise fail("F-TOO-LARGE", f"the sheet has more than {MAX_CELLS} cells")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


class _OddCells:
    """Follows the elements of one sheet."""

    def __init__(self) -> None:
        self.hidden = 0
        self.valueless: str | None = None
        self._cell, self._is_error, self._is_formula, self._has_value = "", False, False, False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rsplit(":", 1)[-1]
        if local == "row":
            self.hidden += attributes.get("hidden") in ("1", "true")
        elif local == "c":
            self._cell, self._is_error = attributes.get("r", "?"), attributes.get("t") == "e"
            self._is_formula = self._has_value = False
        elif local == "f":
            self._is_formula = True

    def text(self, data: str) -> None:
        self._has_value = self._has_value or not data.isspace()

    def end(self, name: str) -> None:
        local = name.rsplit(":", 1)[-1]
        if local == "f":
            # The text so far was the formula.
            self._has_value = False
        elif local == "c" and (self._is_error or (self._is_formula and not self._has_value)):
            self.valueless = self.valueless or self._cell


def _odd_cells(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> SheetFacts:
    """Only called where a formula, an error or something hidden is in the sheet."""
    found, parser = _OddCells(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
    parser.CharacterDataHandler = found.text
    try:
        for block in _blocks(archive, member):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        place = Position(line=error.lineno, path=excerpt(member.filename))
        raise fail("F-SYNTAX", "a sheet of the workbook is not well-formed", place) from None
    return SheetFacts(found.hidden, found.valueless)


def part_names(data: bytes) -> dict[str, str]:
    """The part of each sheet, by its name."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    targets: dict[str, str] = {}
    names: dict[str, str] = {}

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name.endswith("Relationship"):
            target = attributes.get("Target", "").removeprefix("/")
            targets[attributes.get("Id", "")] = target if target.startswith("xl/") else f"xl/{target}"

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name.rsplit(":", 1)[-1] == "sheet":
            identifier = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            names[attributes.get("name", "")] = targets.get(identifier, "")

    for part, handler in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        parser = expat.ParserCreate()
        parser.StartElementHandler = handler
        try:
            parser.Parse(archive.read(part), True)
        except (KeyError, expat.ExpatError):
            continue
    return names
