"""Bank files to normalised rows and back (formats.md). Pure: bytes in, values out; no file, clock or network.

::

    found = survey(chunks)                      # one pass: digest, encoding, format
    for event in read(chunks, found, Hints()):  # FileHead, StatementHead, Entry …, StatementTail, Problem
        ...

docs/architecture.md ("Bank files") says how a format is added.
"""

from nostro.formats.problems import CODES, FormatError, WriteError, sentence
from nostro.formats.proof import Proof, RunningProof, prove, row_hints
from nostro.formats.reading import read
from nostro.formats.survey import Survey, survey
from nostro.formats.values import (
    Detail,
    Entry,
    Event,
    FileAccount,
    FileHead,
    Hints,
    Position,
    Problem,
    StatementHead,
    StatementTail,
    Totals,
)
from nostro.formats.writing import OutgoingStatement, WriteOptions, lossy_fields, write

__all__ = [
    "CODES",
    "Detail",
    "Entry",
    "Event",
    "FileAccount",
    "FileHead",
    "FormatError",
    "Hints",
    "OutgoingStatement",
    "Position",
    "Problem",
    "Proof",
    "RunningProof",
    "StatementHead",
    "StatementTail",
    "Survey",
    "Totals",
    "WriteError",
    "WriteOptions",
    "lossy_fields",
    "prove",
    "read",
    "row_hints",
    "sentence",
    "survey",
    "write",
]
