"""The health of a connection (connectors.md 1.6)."""

from __future__ import annotations

from datetime import datetime

from nostro.hub.linking.models import Connection, Health


def set_connection_health(
    connection: Connection,
    health: Health,
    *,
    code: str = "",
    reason: str = "",
    until: datetime | None = None,
    consecutive_failures: int | None = None,
    now: datetime,
) -> None:
    """Note the health; ``now`` counts as its beginning when it changes. Failures stay as counted unless given."""
    if connection.health != health or connection.health_since is None:
        connection.health_since = now
    connection.health = Health(health)
    connection.health_code, connection.health_reason = code[:60], reason[:2000]
    connection.health_until = until
    if consecutive_failures is not None:
        connection.consecutive_failures = consecutive_failures
    connection.save(
        update_fields=[
            "health", "health_code", "health_reason", "health_since", "health_until", "consecutive_failures",
        ]
    )  # fmt: skip
