"""Which module reads and writes which format. A new format is a folder and a line here (docs/architecture.md)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from nostro.formats.problems import WriteError, fail
from nostro.formats.streams import Source
from nostro.formats.values import Event

if TYPE_CHECKING:
    from nostro.formats.writing import Outgoing, WriteOptions

Reader = Callable[[Source], Iterator[Event]]
Writer = Callable[["Outgoing", "WriteOptions"], Iterator[bytes]]
LossyFields = Callable[["Outgoing"], Iterable[str]]

#: Format → module with ``read(source)``.
READERS = {
    "aeb43": "nostro.formats.aeb43.reader",
    "cfonb120": "nostro.formats.cfonb120.reader",
    "csv": "nostro.formats.csv.reader",
    "xlsx": "nostro.formats.xlsx.reader",
    "bai2": "nostro.formats.bai2.reader",
    "coda": "nostro.formats.coda.reader",
    "camt.052": "nostro.formats.camt.reader",
    "camt.053": "nostro.formats.camt.reader",
    "camt.054": "nostro.formats.camt.reader",
    "mt940": "nostro.formats.mt940.reader",
    "mt942": "nostro.formats.mt940.reader",
    "ofx": "nostro.formats.ofx.reader",
    "qif": "nostro.formats.qif.reader",
}
#: Format → module with ``write(outgoing, options)`` and ``lossy_fields(outgoing)``.
WRITERS = {
    "csv": "nostro.formats.csv.writer",
    "xlsx": "nostro.formats.xlsx.writer",
    "coda": "nostro.formats.coda.writer",
    "camt.053": "nostro.formats.camt.writer",
    "mt940": "nostro.formats.mt940.writer",
    "ofx": "nostro.formats.ofx.writer",
}


def reader_of(name: str) -> Reader:
    """The reader of a format. Raises F-UNKNOWN for one without."""
    if name not in READERS:
        raise fail("F-UNKNOWN", f"files in the format {name} cannot be read")
    reader: Reader = importlib.import_module(READERS[name]).read
    return reader


def writer_of(name: str) -> tuple[Writer, LossyFields]:
    """The writer of a format and what tells its losses. Raises :class:`WriteError` for one without."""
    if name not in WRITERS:
        raise WriteError(f"{name} cannot be written; these can: {', '.join(sorted(WRITERS))}")
    module = importlib.import_module(WRITERS[name])
    return module.write, module.lossy_fields
