"""Whole files as answers. They are not held in memory; bodies that are files are ``nostro.web.received``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO
from wsgiref.util import FileWrapper

from nostro.web.received import IN_MEMORY_BYTES, PIECE_BYTES


@dataclass(frozen=True, slots=True)
class SentFile:
    """An answer that is a file. It is complete before its first byte is sent, so that a fault is an error."""

    content: IO[bytes]
    size: int
    name: str
    media_type: str

    def chunks(self) -> FileWrapper:
        """The pieces; the server closes them and the file with them."""
        self.content.seek(0)
        return FileWrapper(self.content, PIECE_BYTES)


def written(chunks: Iterable[bytes], name: str, media_type: str) -> SentFile:
    """A file of these pieces, ready to be sent."""
    content: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  (closed with the answer)
    try:
        size = sum(content.write(piece) for piece in chunks)
    except BaseException:
        content.close()
        raise
    return SentFile(content, size, name, media_type)
