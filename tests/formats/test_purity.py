"""``formats`` is pure (P-15): it opens nothing, and knows neither clock nor chance."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.formats.samples import camt, camt_entry, mt940, outgoing, reading, written

import nostro.formats

FOLDER = Path(nostro.formats.__file__).parent
FORBIDDEN = {
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "time",
    "urllib",
    "tempfile",
    "django",
    "http",
}


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_module_imports_what_could_read_or_wait(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in names} & FORBIDDEN
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"open", "input", "print", "eval", "exec"}


def test_nothing_is_opened_while_reading_and_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = reading(camt(camt_entry("50.00"))).rows
    reading(mt940("", closing="100,00"))

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    assert reading(written("camt.053", outgoing(rows))).rows[0].amount == rows[0].amount
    assert reading(written("mt940", outgoing(rows))).rows[0].amount == rows[0].amount
