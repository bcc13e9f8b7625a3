"""What the page of an authorisation shows, kept sealed beside the connector's memory, so that a page can be reloaded
and a process restarted at any step (connectors.md 1.3)."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import fields
from typing import Any

from nostro.connectors.contract import (
    AuthorisationStep,
    Challenge,
    CredentialField,
    Decoupled,
    Failed,
    Finished,
    NeedCredentials,
    PasteToken,
    Redirect,
    ScaMethod,
    SelectScaMethod,
)
from nostro.hub.linking.models import Walk
from nostro.keys.envelope import value_context
from nostro.web.secrets import open_sealed, seal

PendingStep = Redirect | Decoupled | SelectScaMethod | Challenge | NeedCredentials | PasteToken

_KINDS: dict[str, type[PendingStep]] = {
    kind.__name__: kind for kind in (Redirect, Decoupled, SelectScaMethod, Challenge, NeedCredentials, PasteToken)
}


def seal_shown(walk: Walk, step: AuthorisationStep) -> bytes:
    """The step without the connector's memory, as it is stored."""
    assert not isinstance(step, Finished | Failed)
    values = {each.name: _written(getattr(step, each.name)) for each in fields(step) if each.name != "state"}
    return seal(json.dumps([type(step).__name__, values]), context=_context(walk))


def shown_step(walk: Walk) -> PendingStep | None:
    """The step that the person is to take now, with an empty memory; None where there is none."""
    if walk.sealed_shown is None:
        return None
    name, values = json.loads(open_sealed(walk.sealed_shown, context=_context(walk)))
    return _KINDS[name](**{key: _read(key, value) for key, value in values.items()}, state={})


def _written(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [{each.name: getattr(item, each.name) for each in fields(item)} for item in value]
    return value


def _read(name: str, value: Any) -> Any:
    if name == "expires_at":
        return dt.datetime.fromisoformat(value)
    if name == "image_png" and value is not None:
        return base64.b64decode(value)
    if name == "methods":
        return tuple(ScaMethod(**each) for each in value)
    if name == "fields":
        return tuple(CredentialField(**each) for each in value)
    return value


def _context(walk: Walk) -> str:
    return value_context(walk._meta.db_table, "sealed_shown", walk.pk)
