"""Which connectors there are, by name (the ``id`` of :class:`~nostro.connectors.contract.ConnectorInfo`)."""

from __future__ import annotations

from collections.abc import Callable

from nostro.connectors.contract import Clock, Connector, NewRequestId
from nostro.http import Door

ConnectorFactory = Callable[[Door, Clock, NewRequestId], Connector]


class UnknownConnectorError(LookupError):
    """No connector has this name."""


def _berlin_group(door: Door, clock: Clock, new_request_id: NewRequestId) -> Connector:
    from nostro.connectors.berlin_group import BerlinGroupConnector

    return BerlinGroupConnector(door, clock, new_request_id)


#: Each factory imports its connector when it is called, so that an unused protocol costs nothing at start-up.
FACTORIES: dict[str, ConnectorFactory] = {"berlin_group": _berlin_group}


def connector_names() -> tuple[str, ...]:
    """The names of all connectors, sorted."""
    return tuple(sorted(FACTORIES))


def build_connector(name: str, door: Door, clock: Clock, new_request_id: NewRequestId) -> Connector:
    """The connector ``name``, using ``door`` for its requests. Raises :class:`UnknownConnectorError`."""
    factory = FACTORIES.get(name)
    if factory is None:
        raise UnknownConnectorError(f"there is no connector named {name!r}; there are: {', '.join(connector_names())}")
    return factory(door, clock, new_request_id)
