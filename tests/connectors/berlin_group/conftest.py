"""A bank and a connector wired to it."""

from collections.abc import Iterator

import pytest
from tests.connectors.berlin_group.bank import Bank, connector_for, running_bank

from nostro.connectors.berlin_group import BerlinGroupConnector


@pytest.fixture
def bank() -> Iterator[Bank]:
    with running_bank() as running:
        yield running


@pytest.fixture
def connector(bank: Bank) -> Iterator[BerlinGroupConnector]:
    with connector_for(bank) as wired:
        yield wired
