"""From a route to a connector that is ready to be used."""

from __future__ import annotations

import datetime as dt
import uuid
from functools import lru_cache

from django.conf import settings

from nostro.connectors.contract import Clock, Configuration, Connector
from nostro.connectors.payments import FACTORIES, PaymentInitiation
from nostro.connectors.registry import build_connector
from nostro.http import Door
from nostro.http.door import DoorSettings
from nostro.hub.directory.models import Route


def connectors_for(route: Route, clock: Clock | None = None) -> tuple[Connector, Configuration]:
    """The route's connector, sending through this process's door, and how to reach the institution with it.

    Raises ``UnknownConnectorError`` for a route of a connector that this version does not have.
    """
    connector = build_connector(route.connector, _process_door(), clock or utc_now, lambda: str(uuid.uuid4()))
    return connector, _configuration(route)


def payments_for(route: Route, clock: Clock) -> tuple[PaymentInitiation, Configuration]:
    """The same for payments. Raises ``KeyError`` where the route's connector prepares none."""
    return FACTORIES[route.connector](_process_door(), clock, lambda: str(uuid.uuid4())), _configuration(route)


def _configuration(route: Route) -> Configuration:
    return Configuration(base_url=route.base_url.rstrip("/"), aspsp=route.institution.name, profile=route.profile)


def utc_now() -> dt.datetime:
    """The clock of production."""
    return dt.datetime.now(dt.UTC)


def _process_door() -> Door:
    return _door(settings.OUTGOING_ALLOW_PRIVATE, settings.OUTGOING_ALLOW_LOOPBACK)


@lru_cache(maxsize=4)
def _door(allow_private: bool, allow_loopback: bool) -> Door:
    # A door pools its connections, so there is one for the process.
    return Door(DoorSettings(allow_private=allow_private, allow_loopback_http=allow_loopback))
