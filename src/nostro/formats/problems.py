"""Codes of problems in bank files, their severity and remedy, and the error that ends a reading (formats.md 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nostro.core.masking import mask_for_log
from nostro.core.text import clean
from nostro.formats.limits import MAX_EXCERPT
from nostro.formats.values import NOWHERE, Position, Problem, Severity


class Code(NamedTuple):
    """What a code means to a person: how bad it is, and what to do."""

    severity: Severity
    remedy: str


_AGAIN = "Ask the bank for the file again, or send us this message."

#: formats.md 5.2, and of section 2.5 F-REFERENCE, of 2.3 F-TEXT: things worth saying that need no action.
CODES: dict[str, Code] = {
    "F-EMPTY": Code("fatal", "The file is empty. Choose another file."),
    "F-UNKNOWN": Code(
        "fatal", "Choose a statement file: CAMT, MT940, CODA, OFX, QIF, CFONB120, AEB43, BAI2, CSV, XLSX."
    ),
    "F-REFUSED": Code("fatal", "Choose the bank's statement file instead."),
    "F-TOO-LARGE": Code("fatal", "Ask the bank for a shorter period, or split the file."),
    "F-UNSAFE": Code("fatal", "The file contains what no statement needs and is refused. Ask the bank for it again."),
    "F-ENCODING": Code("fatal", "Choose the encoding by hand."),
    "F-SYNTAX": Code("fatal", _AGAIN),
    "F-FIELD": Code("fatal", _AGAIN),
    "F-TRUNCATED": Code("fatal", "The end is missing. Download the file again."),
    "F-ACCOUNT": Code("fatal", "Choose the account and its currency."),
    "F-MAPPING": Code("fatal", "Open the mapping screen and say which column is what."),
    "F-LOST": Code("fatal", "This is a fault of ours. Copy the details and send them to us."),
    "F-BALANCE": Code("quarantine", "Compare with the bank's own statement, then import as stated or discard."),
    "F-TOTALS": Code("quarantine", "Compare with the bank's own statement, then import as stated or discard."),
    "F-SCALE": Code("quarantine", "The amount has more decimals than the currency. Compare with the bank's statement."),
    "F-CHAIN": Code("warning", "A statement or a page between is missing. Import it as well."),
    "F-DATE": Code("warning", "Check the date."),
    "F-VERSION": Code("warning", "Check the result: this version has not been tested."),
    "F-DETAILS": Code("warning", "The details do not add up to the entry. The entry counts."),
    "F-REFERENCE": Code("warning", "The reference was kept as text."),
    "F-TEXT": Code("warning", "Check names and texts for wrong letters."),
    "F-SKIPPED": Code("warning", "This was not read as a row."),
    "F-UNPROVED": Code("warning", "A balance is missing, so nothing proves that all rows are there."),
    "F-SEEN": Code("info", "The same file was received before. Importing it again changes nothing."),
}


def problem(code: str, message: str, position: Position = NOWHERE, *, severity: Severity | None = None) -> Problem:
    """A problem with the severity of its code, unless the place makes another of it."""
    return Problem(severity or CODES[code].severity, code, message, position)


def sentence(found: Problem) -> str:
    """The problem as a person reads it: where, what, what became of it, what to do, code (formats.md 5.1)."""
    place = str(found.position)
    what = f"{place[:1].upper()}{place[1:]}: {found.message}" if place else found.message
    outcome = {"fatal": "Nothing was imported.", "quarantine": "The file waits in quarantine."}.get(found.severity)
    return " ".join(filter(None, [what.rstrip(".") + ".", outcome, CODES[found.code].remedy, f"{found.code}."]))


def excerpt(text: str) -> str:
    """A piece of the file for a message: at most 40 characters, account and card numbers masked."""
    return mask_for_log(clean(text, 4 * MAX_EXCERPT))[:MAX_EXCERPT]


class FormatError(Exception):
    """The file cannot be used; no row of it may be stored. ``problem`` is the first, ``problems`` all that were met."""

    def __init__(self, problem: Problem, problems: Sequence[Problem] = ()) -> None:
        super().__init__(sentence(problem))
        self.problem = problem
        self.problems: tuple[Problem, ...] = tuple(problems) or (problem,)


class WriteError(Exception):
    """Nothing was written: the rows do not prove, or the format cannot hold amounts, dates, currency or counts."""


def fail(code: str, message: str, position: Position = NOWHERE) -> FormatError:
    """The error to raise for a fatal problem: ``raise fail("F-FIELD", …)``."""
    return FormatError(problem(code, message, position, severity="fatal"))
