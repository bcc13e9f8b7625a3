"""A bank of the directory, and commands about banks that find the tests' database open."""

from __future__ import annotations

import pytest

from nostro.cli import banks
from nostro.hub.directory.models import Institution
from nostro.hub.directory.routes import add_institution


@pytest.fixture
def bank() -> Institution:
    return add_institution("Rice Bank", "ricebebb", "be")[0]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the tests' database open."""
    monkeypatch.setattr(banks, "open_database", lambda: None)
