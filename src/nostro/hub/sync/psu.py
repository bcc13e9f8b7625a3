"""The person who is present: sealed in the run's row, valid for 15 minutes, then dropped (connectors.md 1.4)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid

from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.hub.sync.models import Synchronization
from nostro.keys.envelope import value_context
from nostro.web.secrets import open_sealed, seal

VALID_FOR = dt.timedelta(minutes=15)


def seal_psu(psu: PsuContext, synchronization_id: uuid.UUID, now: dt.datetime) -> bytes | None:
    """The context for the run's row; None when nobody is present."""
    if not psu.present:
        return None
    fields = dataclasses.asdict(psu)
    fields["observed_at"] = (psu.observed_at or now).isoformat()
    return seal(json.dumps(fields), context=_context(synchronization_id))


def psu_of(run: Synchronization, now: dt.datetime) -> PsuContext:
    """The person who asked for this run, as long as they count as present; else nobody."""
    if run.sealed_psu_context is None:
        return UNATTENDED
    fields = json.loads(open_sealed(run.sealed_psu_context, context=_context(run.pk)))
    fields["observed_at"] = dt.datetime.fromisoformat(fields["observed_at"])
    psu = PsuContext(**fields)
    assert psu.observed_at is not None
    return psu if now - psu.observed_at <= VALID_FOR else UNATTENDED


def _context(synchronization_id: uuid.UUID) -> str:
    return value_context("sync_synchronization", "sealed_psu_context", synchronization_id)
