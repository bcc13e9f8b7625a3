"""Structured payment references (books.md 15).

Every reference is reduced to a canonical key ``scheme:value``. Keys are indexed on open items and on bank lines, so
``020343057642`` in a payment's text meets ``+++020/3430/57642+++`` on the invoice. One text may satisfy several
schemes; all keys are given, and the reconciliation asks which of them leads to an open item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from nostro.core.check_digits import (
    be_check_digits,
    ch_check_digit,
    fi_check_digit,
    luhn_check_digit,
    mod97,
    nl_check_digit,
    no_mod11_check_digit,
    rf_check_digits,
    si_check_digit,
)
from nostro.core.text import MAX_TEXT_LENGTH

Scheme = Literal["RF", "BE", "FI", "NO", "SE", "CH", "SI", "DK", "NL"]

#: Below this number of digits a valid check digit in free text is coincidence too often to be strong evidence.
STRONG_DIGITS = 8
#: References taken from one text; more is no payment text.
MAX_REFERENCES = 64

_SI_BASE_DIGITS = 12


class ReferenceError(ValueError):
    """A base number from which no reference of the scheme can be made."""


class Reference(NamedTuple):
    """A reference found in a text. ``weak`` evidence needs the exact amount beside it (books.md 15)."""

    key: str
    scheme: Scheme
    start: int
    end: int
    weak: bool


# --- whole strings ---------------------------------------------------------------------------------------------


def canonical_keys(text: str) -> tuple[str, ...]:
    """Keys of all schemes that the whole text is a valid reference of, for structured fields and documents.

    Printed forms (blanks, ``+++ddd/dddd/ddddd+++``) are understood. Slovenian references without a check digit
    are keys as they stand. Empty if the text is no reference.
    """
    compact = re.sub(r"\s", "", text[:MAX_TEXT_LENGTH]).upper()
    if not compact.isascii():
        return ()
    keys: list[str] = []
    for read in (_rf, _be, _digits_only, _no_with_dash, _si, _dk):
        keys.extend(read(compact))
    if not keys and re.fullmatch(r"[\dA-Z./*+\-]{4,60}", compact):
        # Groups parted by something else than blanks, as some systems print them.
        bare = _PARTS.sub("", compact)
        keys.extend([*_rf(bare), *_be(bare), *_digits_only(bare)])
    if re.fullmatch(r"SI\d{2}[\d-]{1,22}", compact) and not _si_has_check_digit(compact):
        keys.append(f"SI:{compact}")
    return tuple(dict.fromkeys(keys))


def _rf(compact: str) -> Iterator[str]:
    if re.fullmatch(r"RF\d{2}[A-Z0-9]{1,21}", compact) and mod97(compact[4:] + compact[:4]) == 1:
        yield f"RF:{compact[:4]}{compact[4:].lstrip('0') or '0'}"


def _be(compact: str) -> Iterator[str]:
    printed = re.fullmatch(r"(\+\+\+|\*\*\*)?(\d{3})/(\d{4})/(\d{5})(?(1)\1)", compact)
    digits = "".join(printed.group(2, 3, 4)) if printed else compact
    if re.fullmatch(r"\d{12}", digits) and be_check_digits(digits[:10]) == digits[10:]:
        yield f"BE:{digits}"


def _digits_only(compact: str) -> Iterator[str]:
    """The schemes that are nothing but digits: FI, NO, SE, CH, NL."""
    if not re.fullmatch(r"\d{2,27}", compact):
        return
    base, check = compact[:-1], compact[-1]
    national = compact.lstrip("0")
    if len(national) >= 4 and len(compact) <= 20 and fi_check_digit(base) == check:
        yield f"FI:{national}"
        yield f"RF:RF{rf_check_digits(national)}{national}"
    if len(compact) <= 25:
        is_luhn = luhn_check_digit(base) == check
        if is_luhn or no_mod11_check_digit(base) == check:
            yield f"NO:{compact}"
        if is_luhn:
            yield f"SE:{compact}"
    if len(compact) == 27 and ch_check_digit(base) == check:
        yield f"CH:{compact}"
    if _is_nl(compact):
        yield f"NL:{compact}"


def _is_nl(digits: str) -> bool:
    if len(digits) == 7:
        return True
    if len(digits) == 16:
        return nl_check_digit(digits[1:]) == digits[0]
    if 9 <= len(digits) <= 14:
        return int(digits[1]) == (len(digits) - 2) % 10 and nl_check_digit(digits[1:]) == digits[0]
    return False


def _no_with_dash(compact: str) -> Iterator[str]:
    if re.fullmatch(r"\d{1,24}-", compact) and no_mod11_check_digit(compact[:-1]) == "-":
        yield f"NO:{compact}"


def _si_has_check_digit(compact: str) -> bool:
    """Models 01 and 12 of their own form carry a check digit as the last one; all others are exact text."""
    form = {"01": r"\d+(-\d+){0,2}", "12": r"\d+"}.get(compact[2:4])
    digits = sum(character.isdigit() for character in compact[4:])
    return form is not None and bool(re.fullmatch(form, compact[4:])) and 2 <= digits <= _SI_BASE_DIGITS + 1


def _si(compact: str) -> Iterator[str]:
    if re.fullmatch(r"SI\d{2}[\d-]{1,22}", compact) and _si_has_check_digit(compact):
        digits = compact[4:].replace("-", "")
        if si_check_digit(digits[:-1]) == digits[-1]:
            yield f"SI:{compact}"


def _dk(compact: str) -> Iterator[str]:
    found = re.fullmatch(r"\+?(71<(\d{15})|75<(\d{16}))\+(\d{8})<?", compact)
    if found is not None:
        digits = found.group(2) or found.group(3)
        if luhn_check_digit(digits[:-1]) == digits[-1]:
            yield f"DK:{found.group(1)}+{found.group(4)}"


# --- free text -------------------------------------------------------------------------------------------------

# No letter or digit directly before or after: an IBAN or an order number that merely contains digits is no reference.
_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"

_CANDIDATES: tuple[tuple[re.Pattern[str], Callable[[str], Iterator[str]]], ...] = tuple(
    (re.compile(_BEFORE + pattern + _AFTER), read)
    for pattern, read in (
        (r"\d{3}\s?/\s?\d{4}\s?/\s?\d{5}", _be),
        (r"\d{12}", _be),
        (r"\d{2,27}", _digits_only),
        (r"\d{2} \d{5} \d{5} \d{5} \d{5} \d{5}", _digits_only),
        (r"\d{1,24}-", _no_with_dash),
        (r"SI\d{2} ?\d[\d-]{0,21}", _si),
        (r"\+?(?:71<\s?\d{15}|75<\s?\d{16})\s?\+\s?\d{8}<", _dk),
    )
)
# People and banks print references in groups and wrap them at the end of a field; at most three characters part them.
_SEPARATOR = r"[\s./\-]{1,3}"
_GROUPED = re.compile(rf"{_BEFORE}\d+(?:{_SEPARATOR}\d+)+{_AFTER}")
_RF_START = re.compile(rf"{_BEFORE}RF(?:{_SEPARATOR})?\d{{2}}[A-Z0-9]*(?:{_SEPARATOR}[A-Z0-9]+){{0,12}}{_AFTER}")
_GROUP = re.compile(r"[A-Z0-9]+")
_PARTS = re.compile(r"[^A-Z0-9]+")
#: Longest reference made of digits alone, and groups of one run that are tried.
_MAX_DIGITS, _MAX_GROUPS = 27, 14


def find_references(text: str) -> list[Reference]:
    """All structured references in a free text, in order of place (books.md 15).

    A candidate must be delimited and pass its check digits. Digits in groups ("0203 4305 7642") are read together. A
    candidate is weak with fewer than :data:`STRONG_DIGITS` digits, and where it is only some groups of a longer run,
    because then it may be a piece of something else. Reads :data:`~nostro.core.text.MAX_TEXT_LENGTH` characters and
    gives :data:`MAX_REFERENCES` at most.
    """
    # Upper case character by character, because the place in the text must stay the same ("ß" would become two).
    upper = "".join(c.upper() if c.isascii() else c for c in text[:MAX_TEXT_LENGTH])
    found: dict[tuple[str, int], Reference] = {}
    for reference in _find(upper):
        found.setdefault((reference.key, reference.start), reference)
    return sorted(found.values(), key=lambda reference: (reference.start, reference.key))[:MAX_REFERENCES]


def _find(text: str) -> Iterator[Reference]:
    for pattern, read in _CANDIDATES:
        for match in pattern.finditer(text):
            yield from _references(match.group(), match.start(), read)
    for match in _RF_START.finditer(text):
        yield from _longest_rf(match.group(), match.start())
    for match in _GROUPED.finditer(text):
        yield from _grouped(match.group(), match.start())


def _longest_rf(printed: str, start: int) -> Iterator[Reference]:
    """Words behind a reference look like more groups of it, so ends are tried from the last to the first."""
    for end in sorted((match.end() for match in _GROUP.finditer(printed)), reverse=True):
        references = list(_references(printed[:end], start, _rf))
        if references:
            yield from references
            return


def _grouped(printed: str, start: int) -> Iterator[Reference]:
    """Digits in groups: the whole run is as good as one word, some of its groups are weak evidence."""
    groups = [match.span() for match in _GROUP.finditer(printed)][:_MAX_GROUPS]
    for first, (begin, _) in enumerate(groups):
        digits = 0
        for last in range(first, len(groups)):
            digits += groups[last][1] - groups[last][0]
            if digits > _MAX_DIGITS:
                break
            if last > first:
                end = groups[last][1]
                weak = begin > 0 or end < len(printed)
                yield from _references(printed[begin:end], start + begin, _digits_or_be, weak=weak)


def _digits_or_be(compact: str) -> Iterator[str]:
    yield from _be(compact)
    yield from _digits_only(compact)


def _references(
    printed: str, start: int, read: Callable[[str], Iterator[str]], *, weak: bool = False
) -> Iterator[Reference]:
    if not printed.isascii():
        return
    weak = weak or sum(character.isdigit() for character in printed) < STRONG_DIGITS
    keeps_marks = read in (_be, _no_with_dash, _si, _dk)
    for key in read(re.sub(r"\s", "", printed) if keeps_marks else _PARTS.sub("", printed)):
        scheme: Scheme = key[:2]  # type: ignore[assignment]
        yield Reference(key, scheme, start, start + len(printed), weak)


# --- own documents ---------------------------------------------------------------------------------------------


def make_reference(scheme: Literal["RF", "BE", "FI", "NO", "SE", "CH", "NL"], base: str) -> str:
    """A reference for an outgoing document: ``base`` with its check digits, in compact form.

    ``base`` is a number of digits, for RF also letters. BE takes up to 10 digits and CH up to 26, filled with
    zeros in front; NO uses Luhn, SE adds the length digit, NL makes the form with a length digit from 7 to 12
    digits. Raises :class:`ReferenceError` for a base that does not fit.
    """
    body = re.sub(r"\s", "", base).upper()
    form, make = _MAKERS[scheme]
    if not (body.isascii() and re.fullmatch(form, body)):
        raise ReferenceError(f"no {scheme} reference can be made from {base!r}")
    return make(body)


def _make_se(base: str) -> str:
    with_length = base + str((len(base) + 2) % 10)
    return with_length + luhn_check_digit(with_length)


def _make_nl(base: str) -> str:
    with_length = str(len(base) % 10) + base
    return nl_check_digit(with_length) + with_length


_MAKERS: dict[str, tuple[str, Callable[[str], str]]] = {
    "RF": (r"[A-Z0-9]{1,21}", lambda base: f"RF{rf_check_digits(base)}{base}"),
    "BE": (r"\d{1,10}", lambda base: base.zfill(10) + be_check_digits(base)),
    "FI": (r"\d{3,19}", lambda base: base + fi_check_digit(base)),
    "NO": (r"\d{1,24}", lambda base: base + luhn_check_digit(base)),
    "SE": (r"\d{1,23}", _make_se),
    "CH": (r"\d{1,26}", lambda base: base.zfill(26) + ch_check_digit(base.zfill(26))),
    "NL": (r"\d{7,12}", _make_nl),
}


def print_reference(key: str) -> str:
    """A canonical key as people print it: ``+++020/3430/57642+++``, ``RF18 1234 5678 9``, QR in groups of five."""
    scheme, _, value = key.partition(":")
    if scheme == "BE":
        return f"+++{value[:3]}/{value[3:7]}/{value[7:]}+++"
    if scheme == "RF":
        return " ".join(value[start : start + 4] for start in range(0, len(value), 4))
    if scheme == "CH":
        return " ".join([value[:2], *(value[start : start + 5] for start in range(2, 27, 5))])
    if scheme == "SI":
        return f"{value[:4]} {value[4:]}"
    return f"+{value}<" if scheme == "DK" else value


def is_qr_iban(iban: str) -> bool:
    """True if a Swiss or Liechtenstein IBAN takes QR references: positions 5-9 are 30000-31999 (books.md 15)."""
    compact = re.sub(r"\s", "", iban).upper()
    return bool(re.fullmatch(r"(CH|LI)\d{2}3[01]\d{3}[A-Z0-9]{12}", compact))
