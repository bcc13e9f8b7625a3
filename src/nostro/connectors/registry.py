"""Which connectors there are, by name (the ``id`` of :class:`~nostro.connectors.contract.ConnectorInfo`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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


def _berlin_group_profile(profile: Mapping[str, Any]) -> None:
    from nostro.connectors.berlin_group.profile import check

    check(profile)


#: What reads a profile of each connector to the end, or raises ``ValueError``.
PROFILE_CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {"berlin_group": _berlin_group_profile}


def check_profile(name: str, profile: Mapping[str, Any]) -> None:
    """Raises ``ValueError`` with a sentence for a key or value that the connector ``name`` does not know."""
    PROFILE_CHECKS[name](profile)


def connector_names() -> tuple[str, ...]:
    """The names of all connectors, sorted."""
    return tuple(sorted(FACTORIES))


def build_connector(name: str, door: Door, clock: Clock, new_request_id: NewRequestId) -> Connector:
    """The connector ``name``, using ``door`` for its requests. Raises :class:`UnknownConnectorError`."""
    factory = FACTORIES.get(name)
    if factory is None:
        raise UnknownConnectorError(f"there is no connector named {name!r}; there are: {', '.join(connector_names())}")
    return factory(door, clock, new_request_id)
