"""Fuzzes one reader, guided by coverage: ``python fuzz_formats.py FORMAT [options of libFuzzer] CORPUS``.

Run by the Python of the environment that atheris has, with the house on ``PYTHONPATH``.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["nostro.formats", "nostro.core"]):
    import importlib

    from nostro.formats import FormatError, Hints, StatementTail, read, survey
    from nostro.formats.registry import READERS

FORM = sys.argv.pop(1)
with atheris.instrument_imports(include=["nostro.formats", "nostro.core"]):
    importlib.import_module(READERS[FORM])
HINTS = Hints(FORM, "BE68539007547034", "EUR", None, "dmy")


def one_input(data: bytes) -> None:
    """Read it whatever it is; anything but a problem is a crash."""
    try:
        for event in read([data], survey([data]), HINTS):
            if isinstance(event, StatementTail):
                assert event.entries_seen == event.entries_emitted + event.skipped
    except FormatError:
        return


atheris.Setup(sys.argv, one_input)
atheris.Fuzz()
