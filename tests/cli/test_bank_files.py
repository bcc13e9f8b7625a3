"""``nostro inspect`` and ``nostro convert``, as a person runs them (issue 7)."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import bank_files
from nostro.cli.application import application


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    path = tmp_path / "anything.bin"
    path.write_bytes(b"".join(bank_files.camt(12)))
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(application, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_inspect_shows_the_arithmetic(statement: Path) -> None:
    status, output = run("inspect", statement)
    assert status == 0
    for words in ("camt.053.001.08", "BE68539007547034", "12 rows", "= computed", "100,000.00", "proved"):
        assert words in output


def test_inspect_puts_a_wrong_balance_in_quarantine(statement: Path) -> None:
    text = statement.read_text()
    statement.write_text(text[: text.rindex("<Amt")] + text[text.rindex("<Amt") :].replace(">9", ">8", 1))
    status, output = run("inspect", statement)
    assert status == 1
    assert "difference -10,000.00" in output
    assert "F-BALANCE" in output


@pytest.mark.parametrize(
    ("content", "words"), [(b"%PDF-1.7", "a PDF is not a statement file"), (b"", "nothing in the file")]
)
def test_what_is_no_statement_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "statement.xml"
    path.write_bytes(content)
    status, output = run("inspect", path)
    assert (status, words in output) == (2, True)
    assert run("inspect", tmp_path / "missing")[0] == 2


def test_convert_there_and_back_keeps_the_rows(statement: Path, tmp_path: Path) -> None:
    status, output = run("convert", statement, tmp_path / "out.sta")
    assert status == 0
    assert "mt940, 1 statements, 12 rows" in output
    assert "could not hold all of" in output
    assert run("convert", tmp_path / "out.sta", tmp_path / "back.xml")[0] == 0
    assert "12 rows" in run("inspect", tmp_path / "back.xml")[1]


def test_convert_overwrites_only_when_told_and_leaves_nothing_half_written(statement: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.sta"
    target.write_text("mine")
    assert run("convert", statement, target)[0] == 2
    assert target.read_text() == "mine"
    assert run("convert", statement, target, "--force")[0] == 0
    wrong = tmp_path / "wrong.xml"
    wrong.write_text(statement.read_text().replace(">100000.00<", ">1.00<"))
    status, output = run("convert", wrong, tmp_path / "new.sta")
    assert (status, "do not prove" in output) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anything.bin", "out.sta", "wrong.xml"]
    assert run("convert", statement, tmp_path / "nameless")[0] == 2
