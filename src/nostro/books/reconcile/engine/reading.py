"""The evidence in a line's texts, read once: references, tokens that may be document numbers, words, amounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from nostro.books.reconcile.engine.values import LineFacts
from nostro.core.references import STRONG_DIGITS, canonical_keys, find_references
from nostro.core.text import MAX_TEXT_LENGTH

#: Shortest document number that is evidence (books.md 16.2 step 5), and the longest a document may have.
MIN_NUMBER, MAX_NUMBER = 5, 60
#: Tokens and words taken from one line; more is no payment text.
MAX_TOKENS, MAX_WORDS, MAX_AMOUNTS = 400, 200, 20
#: A number may itself contain delimiters ("INV/2026/0007"), so up to this many pieces are joined.
_MAX_PIECES = 5

_PIECE = re.compile(r"[^\s.;,:?!()/]+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_AMOUNT = re.compile(r"(?<![\w.,])(\d{1,3}(?:[.,'\s]\d{3})+|\d{1,12})[.,](\d{2,3})(?![\w]|[.,]\d)")
_NO_ID = frozenset({"", "NOTPROVIDED", "NOTAVAILABLE", "NONE", "NONREF", "N/A", "NA"})


class FoundKey(NamedTuple):
    """A canonical key of books.md 15 in a line. Keys with the same ``span`` are readings of the same characters."""

    key: str
    weak: bool
    place: str
    span: tuple[int, int]
    printed: str


class Token(NamedTuple):
    """A delimited piece of text, in upper case, that may be a document number."""

    text: str
    place: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """What a line's texts say. ``words`` are case folded, at least three letters."""

    keys: tuple[FoundKey, ...]
    tokens: tuple[Token, ...]
    words: frozenset[str]
    amounts: frozenset[Decimal]
    end_to_end_id: str


def read_line(line: LineFacts) -> LineEvidence:
    """Read order of books.md 15: the structured field first, then remittance text, description, label."""
    texts = _texts(line)
    joined = " ".join(text for _place, text in texts)
    return LineEvidence(
        keys=tuple(_keys(line, texts)),
        tokens=tuple(_tokens(texts)),
        words=frozenset(word.casefold() for word in _WORD.findall(f"{line.counterparty_name} {joined}")[:MAX_WORDS]),
        amounts=frozenset(_amounts(joined)),
        end_to_end_id=end_to_end_id(line.end_to_end_id),
    )


def end_to_end_id(text: str) -> str:
    """The id in upper case; empty where the bank says that there is none."""
    text = text.strip().upper()
    return "" if text in _NO_ID else text


def _texts(line: LineFacts) -> list[tuple[str, str]]:
    """Place and text; the same text in two places (a label is often the remittance text again) counts once."""
    seen: dict[str, str] = {}
    for place, text in zip(("message", "description", "label"), line.texts, strict=False):
        if text and not any(text in known for known in seen):
            seen[text[:MAX_TEXT_LENGTH]] = place
    return [(place, text) for text, place in seen.items()]


def _keys(line: LineFacts, texts: list[tuple[str, str]]) -> Iterator[FoundKey]:
    structured = line.structured_reference.strip()
    found = set()
    for key in canonical_keys(structured):
        found.add(key)
        yield FoundKey(key, False, "structured reference", (-1, -1), structured)
    offset = 0
    for place, text in texts:
        for reference in find_references(text):
            if reference.key not in found:
                found.add(reference.key)
                span = (offset + reference.start, offset + reference.end)
                yield FoundKey(reference.key, reference.weak, place, span, text[reference.start : reference.end])
        offset += len(text) + 1


def _tokens(texts: list[tuple[str, str]]) -> Iterator[Token]:
    """Every run of up to :data:`_MAX_PIECES` pieces that has a digit and the length of a number."""
    count = offset = 0
    for place, text in texts:
        pieces = [match.span() for match in _PIECE.finditer(text)]
        for index, (start, first_end) in enumerate(pieces):
            for _, end in pieces[index : index + _MAX_PIECES]:
                if end - start > MAX_NUMBER or (end != first_end and "\n" in text[start:end]):
                    break
                token = text[start:end]
                if end - start >= MIN_NUMBER and any(character.isdigit() for character in token):
                    yield Token(token.upper(), place, offset + start, offset + end)
                    count += 1
                    if count >= MAX_TOKENS:
                        return
        offset += len(text) + 1


def _amounts(text: str) -> Iterator[Decimal]:
    for whole, fraction in _AMOUNT.findall(text)[:MAX_AMOUNTS]:
        yield Decimal(re.sub(r"\D", "", whole) + "." + fraction)


def is_strong_number(token: str) -> bool:
    """A payment's own reference needs at least six characters (books.md 16.2 step 4)."""
    return len(token) >= 6


__all__ = ["STRONG_DIGITS", "FoundKey", "LineEvidence", "Token", "end_to_end_id", "is_strong_number", "read_line"]
