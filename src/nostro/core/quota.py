"""How often a bank may be asked without the PSU (connectors.md 1.12; SCA RTS Art. 36(5)(b)).

At most four accesses in any 24 hours for each account and endpoint. The window rolls: a place becomes free 24 hours
after the access that took it, not at midnight. The ledger itself is the caller's; here is only the decision.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

ROLLING_WINDOW = dt.timedelta(hours=24)
LEGAL_LIMIT = 4
SHORTEST_CLOSURE = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A place is free. ``next_place_at`` is when the next used one becomes free, ``None`` if none is used."""

    used: int
    limit: int
    next_place_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """No access before ``next_place_at``."""

    used: int
    limit: int
    next_place_at: dt.datetime


def effective_limit(granted: int | None, profile: int | None) -> int:
    """min(4, ``frequencyPerDay`` granted, the profile's value), at least 1."""
    return max(1, min(value for value in (LEGAL_LIMIT, granted, profile) if value is not None))


def decide(
    counted: Iterable[dt.datetime], *, limit: int, now: dt.datetime, closed_until: dt.datetime | None = None
) -> Allowed | Refused:
    """May an unattended access be made at ``now``?

    ``counted`` are the instants of kept places, in any order; older ones than 24 hours are ignored, and ones in
    the future count, because a clock that was set back must not open places. ``closed_until`` is the closure after
    a 429. Raises :class:`ValueError` for a limit below 1.
    """
    if limit < 1:
        raise ValueError("a quota has at least one place")
    frees = _free_at(counted, now)
    if len(frees) < limit and (closed_until is None or closed_until <= now):
        return Allowed(len(frees), limit, frees[0] if frees else None)
    # With fewer places than used ones, several must become free before the next access.
    place = frees[len(frees) - limit] if len(frees) >= limit else now
    return Refused(len(frees), limit, max(place, closed_until or place))


def _free_at(counted: Iterable[dt.datetime], now: dt.datetime) -> list[dt.datetime]:
    return sorted(at + ROLLING_WINDOW for at in counted if at + ROLLING_WINDOW > now)


def closure_after_429(
    counted: Iterable[dt.datetime],
    *,
    now: dt.datetime,
    retry_after: dt.datetime | None = None,
    provider_reset: dt.datetime | None = None,
) -> dt.datetime:
    """Until when a key is closed after a 429: ``Retry-After``, else the provider's reset, else the oldest place.

    The last is when the oldest counted access is 24 hours old, at least one hour from now (connectors.md 1.12).
    """
    stated = retry_after or provider_reset
    if stated is not None:
        return max(stated, now)
    frees = _free_at(counted, now)
    return max(now + SHORTEST_CLOSURE, frees[0] if frees else now)


def unseen_accesses(decision: Allowed | Refused, reported_remaining: int) -> int:
    """How many accesses to enter so that the ledger shows no more free places than the provider reports.

    Corrects downwards only: 0 when the provider reports more than the ledger has.
    """
    return max(0, decision.limit - decision.used - max(0, reported_remaining))


def describe(decision: Allowed | Refused, now: dt.datetime) -> str:
    """For people and the API: ``3 of 4 used, next place 14:05``, in the time zone of ``now``.

    A place of the next day says so; one more than a day away, after a long closure, is given with its date.
    """
    text = f"{decision.used} of {decision.limit} used"
    if decision.next_place_at is None:
        return text
    place = decision.next_place_at.astimezone(now.tzinfo)
    if place - now > ROLLING_WINDOW:
        return f"{text}, next place {place:%Y-%m-%d %H:%M}"
    return f"{text}, next place {'' if place.date() == now.date() else 'tomorrow '}{place:%H:%M}"
