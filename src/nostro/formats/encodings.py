"""Which encoding a file is written in, decided over all its bytes (formats.md 2.3)."""

from __future__ import annotations

import codecs
import re
from collections import Counter

_EIGHT_BIT = ("cp1252", "cp850", "iso-8859-15", "cp437")
_WEST_EUROPEAN = frozenset("àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþßœžšÿÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŒŽŠŸ")
_HIGH = re.compile(rb"([A-Za-z\x80-\xff]?)([\x80-\xff])(?=([A-Za-z\x80-\xff]?))")
_LINE_WITH_HIGH = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
#: Different surroundings of high bytes that are counted; more of them say nothing new.
_MAX_CONTEXTS = 4096
#: Lines in an 8-bit encoding that are looked at to tell which; more of them would not change it.
_MAX_LINES_LOOKED_AT = 20_000


class EncodingCount:
    """Counts over all blocks of a file; ``add`` each block in order, then ask :meth:`result`."""

    def __init__(self, first: bytes) -> None:
        self._wide = _utf16(first)
        self._wide_decoder = codecs.getincrementaldecoder(self._wide)() if self._wide else None
        self._wide_is_valid = True
        self._carry = b""
        self._utf8_lines = 0
        self._other_lines = 0
        self._bytes_with_neighbours: Counter[tuple[bytes, bytes, int]] = Counter()

    def add(self, block: bytes) -> None:
        """Count one block."""
        if self._wide_decoder is not None:
            self._add_wide(block)
            return
        if block.isascii() and not self._carry:
            return
        data = self._carry + block
        # Cut after a byte that is a character by itself in every encoding looked for.
        end = len(data)
        while end and data[end - 1] >= 0x80 and len(data) - end < 8:
            end -= 1
        if data[max(end - 1, 0)] >= 0x80:
            end = len(data)
        self._carry = data[end:]
        self._count(data[:end])

    def _add_wide(self, block: bytes) -> None:
        try:
            if self._wide_decoder is not None and self._wide_is_valid:
                self._wide_decoder.decode(block)
        except UnicodeDecodeError:
            self._wide_is_valid = False

    def _count(self, data: bytes) -> None:
        if data.isascii():
            return
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            for found in _LINE_WITH_HIGH.finditer(data):
                self._count_line(found.group())
        else:
            self._utf8_lines += 1

    def _count_line(self, line: bytes) -> None:
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            self._other_lines += 1
            if self._other_lines > _MAX_LINES_LOOKED_AT:
                return
            for before, high, after in _HIGH.findall(line):
                key = (before, after, high[0])
                if key in self._bytes_with_neighbours or len(self._bytes_with_neighbours) < _MAX_CONTEXTS:
                    self._bytes_with_neighbours[key] += 1
        else:
            self._utf8_lines += 1

    @property
    def is_ascii(self) -> bool:
        """True if no byte tells one encoding from another. Ask after :meth:`result`."""
        return not (self._wide or self._utf8_lines or self._other_lines)

    def result(self) -> tuple[str, bool]:
        """(encoding, mixed): ``mixed`` if lines of UTF-8 stand beside lines of the 8-bit encoding named."""
        if self._wide and self._wide_is_valid:
            return self._wide, False
        if self._carry:
            self._count(self._carry)
            self._carry = b""
        if not self._other_lines:
            return "utf-8", False
        return self._eight_bit(), self._utf8_lines > 0

    def _eight_bit(self) -> str:
        scores = dict.fromkeys(_EIGHT_BIT, 0)
        for (before, after, high), count in self._bytes_with_neighbours.items():
            for encoding in _EIGHT_BIT:
                letter = bytes([high]).decode(encoding, "replace")
                around = (before + after).decode(encoding, "replace")
                if letter in _WEST_EUROPEAN and any(c.isalpha() for c in around):
                    # Lower case inside a lower case word is what text looks like; É behind a small letter is not.
                    fits = letter.islower() or not before.islower()
                    scores[encoding] += count * (2 if fits else 1)
        return max(_EIGHT_BIT, key=lambda encoding: scores[encoding])


def _utf16(first: bytes) -> str:
    """UTF-16 by its mark, or by the NUL bytes that every other byte of a Western text in it is."""
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = first[:200]
    half = len(sample) // 2
    if half >= 8 and sample[1::2].count(0) > half * 0.8 and sample[::2].count(0) == 0:
        return "utf-16-le"
    if half >= 8 and sample[::2].count(0) > half * 0.8 and sample[1::2].count(0) == 0:
        return "utf-16-be"
    return ""


def same_encoding(declared: str, found: str) -> bool:
    """True if a declaration names what was found, by any of its names; ASCII is part of every one."""
    try:
        one, other = codecs.lookup(declared).name, codecs.lookup(found).name
    except LookupError:
        return False
    return one == other or "ascii" in (one, other) or one.replace("-", "").startswith(other.replace("-", "")[:5])
