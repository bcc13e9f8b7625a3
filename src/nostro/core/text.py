"""Text from banks is hostile: cleaned on the way in, folded for comparison, neutralised on the way out.

Three different jobs that must not be mixed up:

* :func:`clean` makes text safe to store and show and keeps what a person reads (connectors.md 1.1 rule 7);
* :func:`fold` reduces text to what identifies it, for fingerprints (connectors.md 1.10);
* :func:`neutralise_formula` keeps a spreadsheet from executing a payment's text in an export.

Nothing is lost by cleaning: the bank's answer is stored as it came.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Longest text kept of a field, in characters. ISO 20022 allows 140 for a name and a remittance line, 35 for
#: a reference; banks exceed all of them.
MAX_NAME_LENGTH = 280
MAX_REFERENCE_LENGTH = 256
MAX_TEXT_LENGTH = 4000

# Characters that reorder, hide or forge the text around them: bidirectional controls, zero-width space, word
# joiner, byte order mark. The joiners U+200C and U+200D stay because Persian and Indic words need them.
_INVISIBLE = [
    *range(0x202A, 0x202F),
    *range(0x2066, 0x2070),
    *range(0xE0000, 0xE0080),
    0x061C,
    0x200B,
    0x200E,
    0x200F,
    0x2060,
    0xFEFF,
]
# Control characters that are no blanks (those become blanks) and halves of surrogate pairs.
_CONTROLS = [*range(0x09), *range(0x0E, 0x1C), *range(0x7F, 0x85), *range(0x86, 0xA0), *range(0xD800, 0xE000)]
_REMOVED = re.compile("[" + "".join(map(re.escape, map(chr, [*_INVISIBLE, *_CONTROLS]))) + "]+")

_ASCII_KEPT = {code: chr(code).lower() if chr(code).isalnum() else None for code in range(128)}
_FOLD_KEPT_CATEGORIES = frozenset("LMN")

# A cell that begins with one of these is a formula or a command to Excel, LibreOffice or Google Sheets. The
# full-width forms are read as their narrow ones by some of them.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def clean(text: str, limit: int = MAX_TEXT_LENGTH) -> str:
    """The text without control and invisible characters, blanks collapsed, at most ``limit`` characters.

    Line breaks and tabs become blanks, so that words do not run together.
    """
    # Cutting first bounds the work; removing and collapsing only ever makes a text shorter.
    text = text[: 4 * limit]
    if not text.isprintable():
        text = _REMOVED.sub("", text)
    elif len(text) <= limit and "  " not in text and text[:1] != " " and text[-1:] != " ":
        # The only blank that counts as printable is the common one, so nothing is left to do.
        return text
    return " ".join(text.split())[:limit].rstrip()


class _FoldedCharacters(dict[int, str | None]):
    """For ``str.translate``: letters, marks and digits stay, everything else goes. Each character is looked up once."""

    def __missing__(self, code: int) -> str | None:
        kept = chr(code) if unicodedata.category(chr(code))[0] in _FOLD_KEPT_CATEGORIES else None
        self[code] = kept
        return kept


_FOLDED_CHARACTERS = _FoldedCharacters()


def fold(text: str | None) -> str:
    """The text reduced to its letters and digits: NFKC, case folded, blanks, punctuation and symbols removed.

    Two texts that a bank wrapped, spaced or capitalised differently fold to the same; ``None`` folds to
    ``""`` (connectors.md 1.10).
    """
    if not text:
        return ""
    return _folded(text) if len(text) <= _FOLDS_KEPT_UP_TO else _fold(text)


#: Currencies, codes and names return on every row, and a row's texts are folded for two digests.
_FOLDS_KEPT_UP_TO = 200


def _fold(text: str) -> str:
    if text.isascii():
        return text.translate(_ASCII_KEPT)
    normalised = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return normalised.translate(_FOLDED_CHARACTERS)


_folded = lru_cache(maxsize=8192)(_fold)


def neutralise_formula(text: str) -> str:
    """The text as a spreadsheet cell that is shown, never executed: an apostrophe is put before a formula.

    For text columns only; amounts are written as numbers and do not pass here.
    """
    if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS):
        return "'" + text
    return text
