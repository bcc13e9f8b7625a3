"""The memory of an authorisation between two steps (connectors.md 1.3).

The person's browser carries a random 256-bit handle, of which the database has only the checksum. The connector's own
memory is sealed in the row, bound to organization, connection, connector and step number, and taken out once: whoever
claims a step first may take it, everybody else is told so. A process that is killed while it asks the bank leaves the
row ``working``; after ``WORKING_LIMIT`` the person may answer again, with an answer of their own.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from nostro.connectors.contract import AuthorisationStep, Decoupled, Failed, Finished, Redirect
from nostro.hub.linking.models import Walk
from nostro.hub.linking.shown import seal_shown
from nostro.keys.envelope import value_context
from nostro.web.secrets import open_sealed, seal

REDIRECT_LIFETIME = timedelta(minutes=30)
DECOUPLED_LIFETIME = timedelta(minutes=5)
OTHER_LIFETIME = timedelta(minutes=10)
#: How long the choice of accounts stays open; what was granted meanwhile is given back afterwards.
CHOICE_LIFETIME = timedelta(hours=24)
#: Longer than any request takes (``nostro.http.door``); whoever asked the bank then is dead.
WORKING_LIMIT = timedelta(minutes=3)
#: Two tabs that wait together ask no faster than this (connectors.md 5.3, user_mfa_decoupled).
MIN_BETWEEN_POLLS = timedelta(seconds=1)
#: No bank asks for more steps than this; a connector that does runs in circles. Five minutes of polls have room.
MAX_STEPS = 200


def new_handle() -> str:
    """A handle for the OAuth ``state`` parameter."""
    return secrets.token_urlsafe(32)


def checksum(handle: str) -> bytes:
    """What the database knows of a handle."""
    return hashlib.sha256(handle.encode()).digest()


def is_pending(step: AuthorisationStep) -> bool:
    """Whether the person has something left to do."""
    return not isinstance(step, Finished | Failed)


def expiry(step: AuthorisationStep, now: datetime) -> datetime:
    """When a pending step ends: as the bank says, but never later than our own limit for its kind."""
    assert not isinstance(step, Finished | Failed)
    lifetime = OTHER_LIFETIME
    if isinstance(step, Redirect):
        lifetime = REDIRECT_LIFETIME
    elif isinstance(step, Decoupled):
        lifetime = DECOUPLED_LIFETIME
    return min(step.expires_at, now + lifetime)


def put_step(walk: Walk, step: AuthorisationStep, now: datetime) -> None:
    """Note a pending step in the row, with the connector's memory sealed. The caller saves."""
    assert not isinstance(step, Finished | Failed)
    put_state(walk, step.state)
    walk.step = type(step).__name__
    walk.sealed_shown = seal_shown(walk, step)
    walk.expires_at = expiry(step, now)


def put_state(walk: Walk, state: Mapping[str, Any]) -> None:
    """Seal the connector's memory for the row's present step number and open the row for one answer."""
    walk.sealed_state = _sealed(walk, state)
    walk.status = "open"


def is_open(walk: Walk, now: datetime) -> bool:
    """Whether an answer may be given: one is awaited, or whoever took the last one is dead."""
    if walk.status == "working" and walk.asked_at is not None:
        return walk.sealed_state is not None and walk.asked_at <= now - WORKING_LIMIT
    return walk.status == "open"


def claim(walk: Walk, now: datetime) -> Mapping[str, Any] | None:
    """Take the connector's memory, once for each step. None if somebody else was faster, or it has expired.

    The row is ``working`` afterwards and counts as the next step; the memory stays sealed in it under that step, for
    the case that this process dies.
    """
    if walk.sealed_state is None or not is_open(walk, now):
        return None
    state: Mapping[str, Any] = json.loads(open_sealed(walk.sealed_state, context=_context(walk)))
    before = {"status": walk.status, "step_number": walk.step_number}
    walk.step_number += 1
    walk.status, walk.asked_at = "working", now
    walk.sealed_state = _sealed(walk, state)
    claimed = (
        type(walk)
        ._base_manager.filter(pk=walk.pk, expires_at__gt=now, **before)
        .update(status="working", step_number=walk.step_number, sealed_state=walk.sealed_state, asked_at=now)
    )
    return state if claimed else None


def _sealed(walk: Walk, state: Mapping[str, Any]) -> bytes:
    return seal(json.dumps(dict(state)), context=_context(walk))


def _context(walk: Walk) -> str:
    return value_context(walk._meta.db_table, "sealed_state", f"{walk.place}/{walk.step_number}")
