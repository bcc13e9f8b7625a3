"""Lives commit for good and clean up after themselves: each has a connection beside the one on which pytest-django
keeps a transaction of its own open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections


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
