"""Fixtures that all tests share. The environment is prepared in tests/settings.py."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django import DjangoDbBlocker
from tests.database import empty_written_tables, template


def pytest_collection_finish() -> None:
    """What was loaded to collect the tests stays to the end; looking through it for garbage is time for nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_blocker: DjangoDbBlocker) -> None:
    """The names of the test databases are chosen in tests/settings.py already; each is a copy of a migrated one."""
    with django_db_blocker.unblock():
        settings.DATABASES["default"]["TEST"]["TEMPLATE"] = template(os.environ["DATABASE_URL"])
    TransactionTestCase._fixture_teardown = empty_written_tables  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A page that was read in Dutch leaves no Dutch to the next test."""
    yield
    translation.deactivate()
