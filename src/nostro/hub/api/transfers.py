"""Whole files on the wire: bodies that are files, and answers that are. Neither is held in memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any
from wsgiref.util import FileWrapper

from nostro.hub.api.errors import validation
from nostro.hub.files.limits import MAX_UPLOAD_BYTES
from nostro.hub.files.problems import too_large

#: Smaller files stay in memory.
IN_MEMORY_BYTES = 1 << 20
PIECE_BYTES = 1 << 16


@dataclass(slots=True)
class ReceivedFile:
    """The body of a request as a file: what ``hand_in`` takes. ``checksum`` is its SHA-256."""

    content: IO[bytes]
    size: int
    checksum: bytes
    name: str = ""

    def chunks(self) -> Iterator[bytes]:
        self.content.seek(0)
        return iter(FileWrapper(self.content, PIECE_BYTES))

    def close(self) -> None:
        self.content.close()


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


def receive(environ: dict[str, Any]) -> ReceivedFile:
    """The body, on disk where it is large. Raises validationError for a body that is a form or ends too early, Problem
    ``F-TOO-LARGE`` above the limit."""
    if str(environ.get("CONTENT_TYPE") or "").lower().startswith("multipart/"):
        raise validation("Send the bytes of the file as the body, not as a form.")
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length and not (length.isascii() and length.isdigit()):
        raise validation("The header Content-Length is not a number.")
    expected = int(length[:20]) if length else None
    if expected is not None and expected > MAX_UPLOAD_BYTES:
        raise too_large("")
    if expected is None and not environ.get("wsgi.input_terminated"):
        expected = 0
    content: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  (closed with the request)
    try:
        size, checksum = _copy(_pieces(environ["wsgi.input"], expected), content)
    except BaseException:
        content.close()
        raise
    if expected is not None and size < expected:
        content.close()
        raise validation("The body ends before the length that Content-Length says.")
    return ReceivedFile(content, size, checksum)


def _pieces(stream: Any, expected: int | None) -> Iterator[bytes]:
    left = MAX_UPLOAD_BYTES + 1 if expected is None else expected
    while left > 0 and (piece := stream.read(min(PIECE_BYTES, left))):
        left -= len(piece)
        yield piece


def _copy(pieces: Iterable[bytes], content: IO[bytes]) -> tuple[int, bytes]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_UPLOAD_BYTES:
            raise too_large("")
        digest.update(piece)
        content.write(piece)
    return size, digest.digest()


def written(chunks: Iterable[bytes], name: str, media_type: str) -> SentFile:
    """A file of these pieces, ready to be sent."""
    content: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  (closed with the answer)
    try:
        size = sum(content.write(piece) for piece in chunks)
    except BaseException:
        content.close()
        raise
    return SentFile(content, size, name, media_type)
