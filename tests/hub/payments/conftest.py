"""A program that may prepare payments, and a neighbour who may as well, but not here."""

from __future__ import annotations

import pytest
from tests.hub.api.client import with_payments
from tests.hub.api.conftest import Street, street

__all__ = ["shop", "street"]


@pytest.fixture
def shop(street: Street) -> Street:
    """The street, where both programs have the scope ``pi``."""
    with_payments(street.caller)
    with_payments(street.neighbour)
    return street
