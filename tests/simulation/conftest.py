"""Lives commit for good and clean up after themselves: each has a connection beside the one on which pytest-django
keeps a transaction of its own open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from tests.sandbox.customer import Customer
from tests.simulation.world import open_bank


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Customer:
    """One bank for all lives of a module; each is a customer of its own."""
    return open_bank(tmp_path_factory.mktemp("simulated-bank"))


@pytest.fixture(autouse=True)
def committing(db: None) -> Iterator[None]:
    """What the test commits is committed."""
    usual = connections["default"]
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = usual
