"""Connectors by name."""

import datetime as dt

import pytest

from nostro.connectors.registry import UnknownConnectorError, build_connector, connector_names
from nostro.http import Door


def test_every_name_builds_a_connector_of_that_id() -> None:
    assert "berlin_group" in connector_names()
    with Door() as door:
        for name in connector_names():
            connector = build_connector(name, door, lambda: dt.datetime.now(dt.UTC), lambda: "id")
            assert connector.info.id == name


def test_an_unknown_name_lists_the_known_ones() -> None:
    with Door() as door, pytest.raises(UnknownConnectorError, match="berlin_group"):
        build_connector("nothing", door, lambda: dt.datetime.now(dt.UTC), lambda: "id")
