"""Letters for files in cp1252 that every reader takes for what they are (formats.md 7)."""

from __future__ import annotations

import unicodedata

from nostro.formats.texts import tidy

#: Letters of cp1252 whose bytes no reader can take for UTF-8 or for a letter of an older code page.
_LETTERS = frozenset(map(chr, range(0xC0, 0x100))) - frozenset("×÷ÆÐ")
_TRANSLITERATED = {
    "Æ": "AE", "Ð": "D", "Œ": "OE", "œ": "oe", "Ł": "L", "ł": "l", "€": "EUR", "‘": "'", "’": "'", "“": '"', "”": '"',
    "–": "-", "—": "-", "…": "...",
}  # fmt: skip


def letters(text: str) -> str:
    """The text in ASCII and West European letters; what has no place becomes its plain letter or a question mark."""
    text = tidy(text)
    if text.isascii():
        return text
    return "".join(character if character.isascii() else _letter(character) for character in text)


def _letter(character: str) -> str:
    if character in _LETTERS:
        return character
    if character in _TRANSLITERATED:
        return _TRANSLITERATED[character]
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if c.isascii() and c.isprintable())
    return plain or "?"
