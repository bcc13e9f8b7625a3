"""Fixtures that all tests share. The environment is prepared in tests/settings.py."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """The names of the test databases are chosen in tests/settings.py already."""
