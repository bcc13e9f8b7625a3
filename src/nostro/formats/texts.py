"""Texts, account numbers and references as every reader gives them (formats.md 2.3 to 2.6)."""

from __future__ import annotations

import re
import unicodedata

from nostro.core.account_keys import normalise_account_number
from nostro.core.masking import is_iban
from nostro.core.references import STRONG_DIGITS, canonical_keys
from nostro.core.text import clean
from nostro.formats.limits import MAX_TEXT

_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED", "UNKNOWN", "N/A"})
#: Schemes of ``references`` (formats.md 2.6).
REFERENCE_SCHEMES = frozenset(
    (
        "acctSvcrRef", "ntryRef", "txId", "uetr", "pmtInfId", "msgId", "instrId", "clrSysRef", "mt940Bank",
        "mt940Customer", "codaBank", "codaSequence", "fitId", "cfonbNumber", "aeb43Document", "bai2Bank",
        "bai2Customer", "tableId",
    )
)  # fmt: skip
_POSITION = re.compile(r"\d{4}-\d\d-\d\d\.\d{1,9}")
_REFERENCE_START = frozenset("0123456789+*RrSs")
_BLANKS = re.compile(r"\s+")


def tidy(text: str) -> str:
    """NFC, without control characters, ends stripped, runs of blanks collapsed."""
    if text.isascii():
        if (
            text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " " and len(text) < MAX_TEXT
        ):  # the only blank that is printable
            return text
    else:
        text = unicodedata.normalize("NFC", text)
    return clean(text, MAX_TEXT)


def account_number(text: str) -> str:
    """A valid IBAN in its compact form, anything else as given without blanks."""
    if text.isalnum() and text.isascii() and text == text.upper():
        return text
    compact = _BLANKS.sub("", text)
    normalised = normalise_account_number(compact)
    return normalised if is_iban(normalised) else compact


def passes_gate(reference: str, ordinal: int) -> bool:
    """False for what identifies nothing: NONREF and its like, one character repeated, the row's running number."""
    if (len(reference) < 13 and reference.upper() in _NO_REFERENCE) or not reference.strip(reference[0]):
        return False
    if len(reference) < 8:
        return not (reference.isascii() and reference.isdigit() and int(reference) == ordinal)
    return not (reference[4] == "-" and _POSITION.fullmatch(reference))


def structured_reference(text: str) -> str | None:
    """The text as a structured reference if it is one as a whole, by check digits; else ``None``."""
    if len(text) > 60 or not canonical_keys(text):
        return None
    if text[:3] in ("+++", "***") or text.count("/") == 2:
        return "".join(c for c in text if c.isdigit())
    return _BLANKS.sub("", text).upper()


def lone_reference(text: str) -> str | None:
    """As :func:`structured_reference`, for a text the file does not mark: short numbers are coincidence too often."""
    if text[:1] not in _REFERENCE_START or len(text) > 60:
        return None
    if text[:2].upper() != "RF" and sum(c.isdigit() for c in text) < STRONG_DIGITS:
        return None
    return structured_reference(text)


def sort_remittance(parts: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(structured, unstructured) of the bank's unmarked parts: a reference that stands alone is structured (2.5)."""
    if len(parts) != 1:
        return (), tuple(parts)
    reference = lone_reference(parts[0])
    return ((reference,), ()) if reference else ((), tuple(parts))


def is_valid_iban(text: str) -> bool:
    """True for an IBAN with right check digits, blanks allowed."""
    return is_iban(text)


def mask_card(text: str) -> str:
    """A card number with only its last four characters shown (formats.md 2.4)."""
    compact = re.sub(r"[\s-]", "", text)
    return "x" * max(len(compact) - 4, 0) + compact[-4:]
