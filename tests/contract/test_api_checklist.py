"""The tests that the checklist in docs/contributing/api-checklist.md names exist, and no line of it is without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = [
    line.split("|")
    for line in (ROOT / "docs/contributing/api-checklist.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]
NAMED = sorted({tuple(cells[3].strip(" `").split("::")) for cells in LINES})


def test_every_line_of_the_checklist_is_there() -> None:
    places = {cells[1].strip() for cells in LINES}
    assert {f"14.{line}" for line in range(1, 17)} <= places
    assert {place.partition(".")[0] for place in places} >= {str(section) for section in (*range(1, 13), 14)}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_the_named_test_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
