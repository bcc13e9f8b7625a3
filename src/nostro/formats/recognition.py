"""What a file is, by its content and never by its name (formats.md 3). Looks at the first 64 KiB only."""

from __future__ import annotations

import csv
import re
from typing import NamedTuple

from nostro.formats.problems import excerpt, problem
from nostro.formats.values import Position, Problem


class Candidate(NamedTuple):
    """A format the file may be in, and the sign that says so."""

    format: str
    reason: str


Found = tuple[tuple[Candidate, ...], Problem | None]

_TAG = re.compile(r"<(?:[A-Za-z_][\w.-]{0,60}:)?([A-Za-z_][\w.-]{0,80})")
_ELEMENTS_LOOKED_AT = 200
_CAMT = (("BkToCstmrStmt", "camt.053"), ("BkToCstmrAcctRpt", "camt.052"), ("BkToCstmrDbtCdtNtfctn", "camt.054"))
_OTHER_ISO = re.compile(r"(?:CstmrCdtTrfInitn|CstmrPmtStsRpt|CstmrDrctDbtInitn|CstmrPmtRvsl|PmtRtr|FIToFI\w{1,30})$")

_MT_REFERENCE = re.compile(r"^:20:|\{4:", re.MULTILINE)
_MT_ACCOUNT = re.compile(r"^:(?:25P?|60[FM]):", re.MULTILINE)
_MT_OPENING = re.compile(r"^:60[FM]?:", re.MULTILINE)
_MT_INTRADAY = re.compile(r"^:(?:34F|13D|90D|90C):", re.MULTILINE)
_CODA = re.compile(r"00000(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d\d{3}05")
_CFONB = re.compile(r"01\d{5}.{27}(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d.{50}\d{13}[{}A-R]")
_YYMMDD = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_AEB = re.compile(r"11\d{18}" + _YYMMDD + _YYMMDD + r"[12]")
_BAI = re.compile(r"01,[^\n]*(?:/|\n)\s*0[23],")
_QIF_HEADER = re.compile(r"^!(?:Type:|Account|Option:)", re.MULTILINE | re.IGNORECASE)
_QIF_LINE = re.compile(r"[DTUPMNLCASE$^%F]")
_SEPARATORS = (";", ",", "\t", "|")
#: How the header of our own tables begins; one may have fewer rows than a table is otherwise told by.
_OWN_COLUMNS = ("account", "accountKind", "accountCurrency")


def recognise(data: bytes, encoding: str) -> Found:
    """Candidates in the order of the table, or the problem that refuses the file.

    One candidate: that is the format. Several: ask. ``data`` is the beginning of the file.
    """
    if not data.strip(b"\x00 \t\r\n"):
        return (), problem("F-EMPTY", "there is nothing in the file")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return (Candidate("zip", "begins as a ZIP archive"),), None
    if data.startswith(b"\x1f\x8b"):
        return (Candidate("gzip", "begins as gzip"),), None
    text = data.decode(encoding, "replace").lstrip("\ufeff \t\r\n\x00")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    refused = _refused(data, text)
    if refused:
        return (), problem("F-REFUSED", refused, Position(byte=1))
    for look in (_xml, _ofx, _swift, _fixed_width, _bai, _qif, _sie, _table):
        found = look(text)
        if found is not None:
            return found
    shown = excerpt("".join(c if c.isprintable() else " " for c in text[:200]))
    return (), problem("F-UNKNOWN", f"no known format begins like this: {shown!r}", Position(byte=1))


def _refused(data: bytes, text: str) -> str:
    start = text[:2000].lower()
    if data.lstrip().startswith(b"%PDF"):
        return "a PDF is not a statement file"
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return "save the old Excel file as XLSX or CSV"
    if start.startswith(("<html", "<!doctype html")) or ("<html" in start and start.startswith("<?xml")):
        return "this is a web page, probably the bank's login page"
    return ""


def _xml(text: str) -> Found | None:
    if not text.startswith("<"):
        return None
    names = [found.group(1) for found, _ in zip(_TAG.finditer(text), range(_ELEMENTS_LOOKED_AT), strict=False)]
    hits = [
        Candidate(form, f"has an element {name}") for start, form in _CAMT for name in names if name.startswith(start)
    ]
    candidates = {candidate.format: candidate for candidate in hits}
    if candidates:
        return tuple(candidates.values()), None
    if any(name.upper() == "OFX" for name in names):
        return (Candidate("ofx", "has an element OFX"),), None
    other = next((name for name in names if _OTHER_ISO.match(name)), None)
    if other:
        return (), problem(
            "F-REFUSED", f"{other} is a payment message, not a bank statement", Position(path=f"/{other}")
        )
    return None


def _ofx(text: str) -> Found | None:
    start = text.lower()
    if "ofxheader:" in start[:4096] or "<ofx>" in start:
        return (Candidate("ofx", "has an OFX header"),), None
    return None


def _swift(text: str) -> Found | None:
    lines = text.replace("@@", "\n")
    reference = _MT_REFERENCE.search(lines)
    if reference is None:
        return None
    rest = lines[reference.start() :]
    if _MT_INTRADAY.search(rest) and not _MT_OPENING.search(rest):
        return (Candidate("mt942", "has :20: and totals without an opening balance"),), None
    if _MT_ACCOUNT.search(rest):
        return (Candidate("mt940", "has :20: and then an account"),), None
    return None


def _fixed_width(text: str) -> Found | None:
    first, _, rest = text.partition("\n")
    unbroken = len(first) > 256
    if _CODA.match(first) and (unbroken or 126 <= len(first) <= 130):
        second = first[128:129] if unbroken else rest.lstrip("\n")[:1]
        if second == "1" or (not rest.strip() and not unbroken):
            return (Candidate("coda", "begins with a CODA head"),), None
    if _CFONB.match(text[:120]):
        return (Candidate("cfonb120", "begins with a CFONB old balance"),), None
    head = rest if first.startswith("00") and len(first) >= 80 else first[80:] if first.startswith("00") else text
    if _AEB.match(head):
        return (Candidate("aeb43", "begins with an AEB43 account head"),), None
    return None


def _bai(text: str) -> Found | None:
    return ((Candidate("bai2", "begins with BAI2 records"),), None) if _BAI.match(text) else None


def _qif(text: str) -> Found | None:
    if _QIF_HEADER.search(text):
        return (Candidate("qif", "has a QIF header"),), None
    lines = [line.strip() for line in text.split("\n")[:-1] if line.strip()][:200]
    if "^" in lines and all(_QIF_LINE.match(line) for line in lines) and any(line[:1] == "T" for line in lines):
        return (Candidate("qif", "has only QIF lines"),), None
    return None


def _sie(text: str) -> Found | None:
    if "#FLAGGA" in text[:4096] or "#SIETYP" in text[:4096]:
        message = "SIE is an accounting exchange, not a bank statement"
        return (), problem("F-REFUSED", message, Position(byte=1))
    return None


def _table(text: str) -> Found | None:
    """A separator that gives the same number of cells, more than one, in three rows one after another."""
    lines = text.split("\n")[:2000]
    for separator in _SEPARATORS:
        if lines[0].startswith(separator.join(_OWN_COLUMNS)):
            return (Candidate("csv", "has the header of a table that Nostro wrote"),), None
        for counts in (_cells_by_quotes(lines, separator), [_cells(line, separator) for line in lines]):
            run, before = 0, 0
            for cells in counts:
                run = run + 1 if cells == before and cells > 1 else 1
                before = cells
                if run >= 3:
                    return (Candidate("csv", f"a table of {cells} columns, parted by {separator!r}"),), None
    return None


def _cells_by_quotes(lines: list[str], separator: str) -> list[int]:
    """The cells of each row, where quoted ones may hold line breaks."""
    try:
        return [len(row) for row in csv.reader((f"{line}\n" for line in lines), delimiter=separator)]
    except csv.Error:
        return []


def _cells(line: str, separator: str) -> int:
    if '"' in line:
        line = re.sub(r'"[^"]*"', "", line)
    return line.count(separator) + 1 if line.strip() else 0
