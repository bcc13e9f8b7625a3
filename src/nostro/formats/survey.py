"""One pass over a file before it is read: digest, size, encoding, format (formats.md 1.4 and 3)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nostro.formats.encodings import EncodingCount, same_encoding
from nostro.formats.limits import RECOGNITION_BYTES
from nostro.formats.problems import problem
from nostro.formats.recognition import Candidate, recognise
from nostro.formats.streams import blocks
from nostro.formats.values import Position, Problem

_BLOCK = 1 << 18
_DECLARED_XML = re.compile(rb"""<\?xml[^>]{0,200}encoding\s{0,10}=\s{0,10}["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARED_OFX = re.compile(rb"CHARSET:\s{0,10}([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_WORKBOOK = b"xl/workbook"


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass found. ``encoding`` is a Python codec name; ``mixed`` says that some lines are UTF-8 beside it.

    ``container`` names a ZIP or gzip, whose members are files of their own. ``problems`` has
    the refusal (fatal) and warnings about the encoding.
    """

    sha256: str
    size: int
    encoding: str
    candidates: tuple[Candidate, ...] = ()
    container: Literal["zip", "gzip"] | None = None
    declared_encoding: str | None = None
    mixed: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def format(self) -> str | None:
        """The format, if there is exactly one candidate."""
        return self.candidates[0].format if len(self.candidates) == 1 else None


def survey(chunks: Iterable[bytes]) -> Survey:
    """Look at all bytes once. Raises ``FormatError`` F-TOO-LARGE; everything else is in ``problems``."""
    digest = hashlib.sha256()
    size, head, has_workbook, before = 0, b"", False, b""
    count: EncodingCount | None = None
    for block in blocks(chunks, _BLOCK):
        if count is None:
            head, count = block[:RECOGNITION_BYTES], EncodingCount(block)
        digest.update(block)
        size += len(block)
        if head.startswith(b"PK"):
            has_workbook = has_workbook or _WORKBOOK in before + block
            before = block[-len(_WORKBOOK) :]
        else:
            count.add(block)
    encoding, mixed = count.result() if count is not None else ("utf-8", False)
    candidates, refusal = recognise(head, encoding)
    container: Literal["zip", "gzip"] | None = None
    if candidates and candidates[0].format in ("zip", "gzip"):
        container = "gzip" if candidates[0].format == "gzip" else "zip"
        candidates = ()
        if has_workbook:
            container, candidates = None, (Candidate("xlsx", "a ZIP archive with a workbook"),)
    declared = _declared(head)
    is_ascii = count is None or count.is_ascii
    problems = [refusal] if refusal else [*_encoding_problems(encoding, None if is_ascii else declared, mixed=mixed)]
    return Survey(
        digest.hexdigest(), size, encoding, candidates, container, declared, mixed, tuple(problems)
    )  # fmt: skip


def _declared(head: bytes) -> str | None:
    found = _DECLARED_XML.search(head[:1024]) or _DECLARED_OFX.search(head[:2048])
    if found is None:
        return None
    name = found.group(1).decode("ascii")
    return {"1252": "cp1252", "NONE": None, "8859-1": "iso-8859-1"}.get(name.upper(), name)


def _encoding_problems(encoding: str, declared: str | None, *, mixed: bool) -> Iterable[Problem]:
    place = Position(line=1)
    if mixed:
        message = f"some lines are UTF-8 and others {encoding}; each line was read in its own"
        yield problem("F-TEXT", message, place)
    elif declared and not same_encoding(declared, encoding):
        yield problem("F-TEXT", f"the file says {declared}, but its bytes are {encoding}; read as {encoding}", place)
