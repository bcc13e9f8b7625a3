"""The tests that the tables of worked examples in docs/contributing name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLES = {
    name: set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/contributing" / name).read_text()))
    for name in ("books-examples.md", "ledger-examples.md", "wishes.md")
}
NAMED = sorted(set().union(*TABLES.values()))


@pytest.mark.parametrize("table", TABLES)
def test_the_table_names_tests(table: str) -> None:
    assert len(TABLES[table]) > 25


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_the_named_test_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
