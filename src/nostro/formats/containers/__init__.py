"""ZIP and gzip as files to read one by one (formats.md 3 and 4). Streaming, so nothing of them is unpacked to disk.

::

    found = survey(chunks())
    if found.container:
        for member in members(chunks(), found.container):
            each = survey(member.chunks)         # then walk once more and read(member.chunks, each, hints)

An archive is whole only when the walk has ended without an error; nothing read from it may be kept before.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Literal

from nostro.formats.containers.inflating import Budget, Bytes, Member
from nostro.formats.containers.zips import zip_members
from nostro.formats.problems import fail
from nostro.formats.survey import Survey
from nostro.formats.values import Position

__all__ = ["Member", "members", "require_no_archive"]

_GZIP = 31
_READ = 1 << 16


def members(chunks: Iterable[bytes], container: Literal["zip", "gzip"]) -> Iterator[Member]:
    """The files in an archive, in its order. What a caller leaves of one is read on before the next is given.

    Raises F-TOO-LARGE and F-UNSAFE for what no bank packs, F-REFUSED for a locked archive, F-TRUNCATED for a damaged
    one; all of them also from the members' chunks.
    """
    stream = Bytes(chunks)
    if container == "zip":
        yield from zip_members(stream)
        return
    content = _gunzipped(stream)
    yield Member(1, "", content)
    for _ in content:
        pass


def require_no_archive(found: Survey, member: Member) -> None:
    """Raises F-UNSAFE for an archive within an archive; a workbook is none."""
    if found.container is not None:
        where = f"file {member.number} ({member.name})" if member.name else "the content"
        raise fail("F-UNSAFE", f"{where} is an archive within the archive; unpack it first")


def _gunzipped(stream: Bytes) -> Iterator[bytes]:
    """The content; several gzip streams one after another are one content."""
    budget = Budget()
    while True:
        inflater = zlib.decompressobj(_GZIP)
        while not inflater.eof:
            data = inflater.unconsumed_tail or stream.read_some(_READ)
            if not data:
                raise fail("F-TRUNCATED", "the gzip file is not whole", Position(byte=stream.position))
            try:
                content = inflater.decompress(data, _READ)
            except zlib.error:
                raise fail("F-TRUNCATED", "the gzip file is damaged", Position(byte=stream.position)) from None
            budget.spend(len(content), stream.position)
            if content:
                yield content
        stream.push_back(inflater.unused_data)
        # Some programs fill the file up with zeros.
        rest = stream.peek(2)
        if rest != b"\x1f\x8b":
            return
