"""Fixtures that all tests share. The environment is prepared in tests/settings.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """The names of the test databases are chosen in tests/settings.py already."""


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A page that was read in Dutch leaves no Dutch to the next test."""
    yield
    translation.deactivate()
