"""Bodies of requests that are whole files. They are received onto disk and not held in memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from wsgiref.util import FileWrapper

from nostro.web.errors import Problem

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


def receive(environ: dict[str, Any], limit: int) -> ReceivedFile:
    """The body, on disk where it is large; ``limit`` is in bytes.

    Raises Problem: validationError for a body that is a form or ends too early, F-TOO-LARGE above the limit.
    """
    if str(environ.get("CONTENT_TYPE") or "").lower().startswith("multipart/"):
        raise _wrong("Send the bytes of the file as the body, not as a form.")
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length and not (length.isascii() and length.isdigit()):
        raise _wrong("The header Content-Length is not a number.")
    expected = int(length[:20]) if length else None
    if expected is not None and expected > limit:
        raise _too_large(limit)
    if expected is None and not environ.get("wsgi.input_terminated"):
        expected = 0
    content: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  (closed with the request)
    try:
        # One byte more than is taken tells that there are more.
        received = _copied(environ["wsgi.input"], content, limit + 1 if expected is None else expected, limit)
        if expected is not None and received.size < expected:
            raise _wrong("The body ends before the length that Content-Length says.")
    except BaseException:
        content.close()
        raise
    return received


def _copied(stream: Any, content: IO[bytes], left: int, limit: int) -> ReceivedFile:
    digest, size = hashlib.sha256(), 0
    while left > 0 and (piece := stream.read(min(PIECE_BYTES, left))):
        left -= len(piece)
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        digest.update(piece)
        content.write(piece)
    return ReceivedFile(content, size, digest.digest())


def _wrong(what: str) -> Problem:
    return Problem(what, code="validationError")


def _too_large(limit: int) -> Problem:
    return Problem(
        "The file is too large.", why=f"At most {limit >> 20} MiB are taken.",
        what_to_do="Ask the bank for a shorter period, or split the file.", code="F-TOO-LARGE", field="uploads",
    )  # fmt: skip
