"""What ZIP and gzip share: bytes in order, and how much may come out of how little (formats.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nostro.formats.limits import MAX_ZIP_BYTES, MAX_ZIP_RATIO, ZIP_RATIO_FREE
from nostro.formats.problems import fail
from nostro.formats.streams import blocks
from nostro.formats.values import Position


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. ``name`` is a label to show, never a path to open; ``chunks`` can be read once."""

    number: int
    name: str
    chunks: Iterator[bytes]


class Budget:
    """Counts what comes out of an archive while it comes; what headers say is not believed."""

    def __init__(self) -> None:
        self._out = 0

    def spend(self, size: int, packed: int) -> None:
        """``size`` more bytes came out of ``packed`` in all. Raises F-TOO-LARGE, F-UNSAFE."""
        self._out += size
        if self._out > MAX_ZIP_BYTES:
            raise fail("F-TOO-LARGE", f"the archive unpacks to more than {MAX_ZIP_BYTES >> 20} MiB")
        if self._out > ZIP_RATIO_FREE and self._out > MAX_ZIP_RATIO * packed:
            message = f"the archive unpacks to more than {MAX_ZIP_RATIO} times its size, as no statement does"
            raise fail("F-UNSAFE", message, Position(byte=packed))


class Bytes:
    """The bytes of an archive in order. ``position`` counts those taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._blocks = blocks(chunks)
        self._held = b""
        self.position = 0

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay; fewer at the end."""
        while len(self._held) < size:
            block = next(self._blocks, b"")
            if not block:
                break
            self._held += block
        return self._held[:size]

    def read(self, size: int) -> bytes:
        """Exactly the next bytes. Raises F-TRUNCATED."""
        data = self.peek(size)
        if len(data) < size:
            end = Position(byte=self.position + len(data))
            raise fail("F-TRUNCATED", "the archive is not whole", end)
        self._held = self._held[size:]
        self.position += size
        return data

    def read_some(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        data = self.peek(1) and self._held[:size]
        self._held = self._held[len(data) :]
        self.position += len(data)
        return data

    def push_back(self, data: bytes) -> None:
        """Put bytes back that were taken too many."""
        self._held = data + self._held
        self.position -= len(data)
