"""Reads one file with one peer library and prints its CPU seconds: ``python bank_files.py PEER FILE``.

Run by the peer's own Python (see ``environments.py``), so it imports nothing of the house.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

REPEATS = 3


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _febelfin(path: str) -> int:
    return sum(len(statement.moves) for statement in _module("coda").CODA(path).statements)


def _pycoda(path: str) -> int:
    with open(path, "rb") as file:
        statements = _module("coda.parser").Parser().parse(file.read())
    return sum(len(statement.movements) for statement in statements)


def _ofxtools(path: str) -> int:
    tree = _module("ofxtools.Parser").OFXTree()
    tree.parse(path)
    return sum(len(statement.transactions) for statement in tree.convert().statements)


def _ofxparse(path: str) -> int:
    with open(path, "rb") as file:
        parsed = _module("ofxparse").OfxParser.parse(file)
    return sum(len(account.statement.transactions) for account in parsed.accounts)


def _bankstatementparser(path: str) -> int:
    return len(_module("bankstatementparser.additional_parsers").OfxParser(path).parse())


def _bai2(path: str) -> int:
    with open(path) as file:
        parsed = _module("bai2.bai2").parse_from_file(file)
    return sum(len(account.children) for group in parsed.children for account in group.children)


def _quiffen(path: str) -> int:
    with open(path) as file:
        parsed = _module("quiffen").Qif.parse_string(file.read(), day_first=True)
    return sum(
        len(list(transactions))
        for account in parsed.accounts.values()
        for transactions in account.transactions.values()
    )  # fmt: skip


_PEERS: dict[str, Callable[[str], int]] = {
    "febelfin": _febelfin,
    "pycoda": _pycoda,
    "ofxtools": _ofxtools,
    "ofxparse": _ofxparse,
    "bankstatementparser": _bankstatementparser,
    "bai2": _bai2,
    "quiffen": _quiffen,
}


def main(peer: str, path: str) -> None:
    """Print seconds (best of three) and rows."""
    warnings.simplefilter("ignore")
    best, rows = float("inf"), 0
    for _ in range(REPEATS):
        begin = time.process_time()
        rows = _PEERS[peer](path)
        best = min(best, time.process_time() - begin)
    print(json.dumps({"seconds": best, "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
