"""From a route to a connector that is ready to be used."""

from __future__ import annotations

import datetime as dt
import ssl
import uuid
from functools import lru_cache

from django.conf import settings

from nostro.connectors.contract import Clock, Configuration, Connector
from nostro.connectors.payments import FACTORIES, PaymentInitiation
from nostro.connectors.registry import build_connector
from nostro.http import Door
from nostro.http.door import DoorSettings
from nostro.hub.directory.models import Route
from nostro.hub.linking.certificates import operator_certificates


def connectors_for(route: Route, clock: Clock | None = None) -> tuple[Connector, Configuration]:
    """The route's connector, sending through this process's door, and how to reach the institution with it.

    Raises ``UnknownConnectorError`` for a route of a connector that this version does not have.
    """
    connector = build_connector(route.connector, _door_of(route), clock or utc_now, lambda: str(uuid.uuid4()))
    return connector, _configuration(route)


def payments_for(route: Route, clock: Clock) -> tuple[PaymentInitiation, Configuration]:
    """The same for payments. Raises ``KeyError`` where the route's connector prepares none."""
    return FACTORIES[route.connector](_door_of(route), clock, lambda: str(uuid.uuid4())), _configuration(route)


def _configuration(route: Route) -> Configuration:
    return Configuration(
        base_url=route.base_url.rstrip("/"),
        aspsp=route.institution.name,
        profile=route.profile,
        identity=operator_certificates().identity,
    )


def utc_now() -> dt.datetime:
    """The clock of production."""
    return dt.datetime.now(dt.UTC)


def _door_of(route: Route) -> Door:
    """Who the operator is, is shown to banks that want it, and to nobody else."""
    context = operator_certificates().context if route.profile.get("mutual_tls") is True else None
    if context is None:
        return _process_door()
    return _door(settings.OUTGOING_ALLOW_PRIVATE, settings.OUTGOING_ALLOW_LOOPBACK, context)


def _process_door() -> Door:
    return _door(settings.OUTGOING_ALLOW_PRIVATE, settings.OUTGOING_ALLOW_LOOPBACK)


@lru_cache(maxsize=4)
def _door(allow_private: bool, allow_loopback: bool, context: ssl.SSLContext | None = None) -> Door:
    # A door pools its connections, so there is one for the process.
    permissions = DoorSettings(allow_private=allow_private, allow_loopback_http=allow_loopback, ssl_context=context)
    return Door(permissions)
