"""Bytes in any chunks to blocks, text and lines that do not depend on the chunks (formats.md 1.2 rule 6, 2.3)."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nostro.formats.limits import MAX_FILE_BYTES, MAX_TOKEN
from nostro.formats.problems import fail
from nostro.formats.values import Hints, Position

if TYPE_CHECKING:
    from nostro.formats.survey import Survey

BLOCK_BYTES = 64 * 1024


def blocks(chunks: Iterable[bytes], size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The same bytes in blocks of exactly ``size``, the last one shorter. Raises F-TOO-LARGE beyond 512 MiB."""
    waiting: list[bytes] = []
    length = total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_FILE_BYTES:
            raise fail("F-TOO-LARGE", f"the file has more than {MAX_FILE_BYTES >> 20} MiB", Position(byte=total))
        waiting.append(chunk)
        length += len(chunk)
        if length < size:
            continue
        joined = waiting[0] if len(waiting) == 1 else b"".join(waiting)
        whole = length - length % size
        for start in range(0, whole, size):
            yield joined[start : start + size]
        waiting, length = [joined[whole:]], length - whole
    rest = b"".join(waiting)
    if rest:
        yield rest


@dataclass(frozen=True, slots=True)
class Source:
    """What a reader is given: the bytes, what the survey found, and the answers of a person.

    Use :meth:`blocks` for formats read as bytes, :meth:`texts` or :meth:`lines` for text.
    """

    chunks: Iterable[bytes]
    survey: Survey
    hints: Hints

    @property
    def encoding(self) -> str:
        """The encoding to read in: the person's, else the one found."""
        return self.hints.encoding or self.survey.encoding

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[bytes]:
        """The bytes in blocks of ``size``."""
        return blocks(self.chunks, size)

    def texts(self, size: int = BLOCK_BYTES) -> Iterator[str]:
        """The text in pieces of about ``size`` bytes; line ends are LF, no byte order mark. Raises F-ENCODING."""
        if self.survey.mixed and not self.hints.encoding:
            yield from _mixed_texts(self.blocks(size), self.survey.encoding)
            return
        errors = "strict" if self.encoding.lower().startswith("utf") else "replace"
        try:
            decoder = codecs.getincrementaldecoder(self.encoding)(errors)
        except LookupError:
            raise fail("F-ENCODING", f"there is no encoding named {self.encoding!r}") from None
        yield from _translated(self.blocks(size), io.IncrementalNewlineDecoder(decoder, translate=True), self.encoding)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Pairs (number from 1, line without its end); a last empty line is left out. Raises F-TOO-LARGE."""
        number, carry = 0, ""
        for text in self.texts():
            lines = (carry + text).split("\n")
            carry = lines.pop()
            for line in lines:
                number += 1
                if len(line) > MAX_TOKEN:
                    raise _line_too_long(number)
                yield number, line
            if len(carry) > MAX_TOKEN:
                raise _line_too_long(number + 1)
        if carry:
            yield number + 1, carry


def _line_too_long(number: int) -> Exception:
    return fail("F-TOO-LARGE", f"the line has more than {MAX_TOKEN} characters", Position(line=number))


def _translated(pieces: Iterable[bytes], decoder: io.IncrementalNewlineDecoder, encoding: str) -> Iterator[str]:
    start, at_start = 0, True
    for final, piece in _with_final(pieces):
        try:
            text = decoder.decode(piece, final=final)
        except UnicodeDecodeError as error:
            place = Position(byte=start + error.start + 1)
            raise fail("F-ENCODING", f"the bytes are no {encoding} text", place) from None
        start += len(piece)
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        if text:
            yield text


def _with_final(pieces: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    for piece in pieces:
        yield False, piece
    yield True, b""


def _mixed_texts(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Lines of UTF-8 and lines of an 8-bit encoding in one file, decided line by line (formats.md 2.3)."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    carry = b""
    for piece in pieces:
        carry += piece
        end = max(carry.rfind(b"\n"), carry.rfind(b"\r")) + 1
        if not end and len(carry) > MAX_TOKEN:
            end = len(carry)
        if end:
            yield newlines.decode(_mixed(carry[:end], encoding))
            carry = carry[end:]
    yield newlines.decode(_mixed(carry, encoding), final=True)


def _mixed(data: bytes, encoding: str) -> str:
    return "".join(_decoded_line(line, encoding) for line in data.splitlines(keepends=True))


def _decoded_line(line: bytes, encoding: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode(encoding, "replace")
