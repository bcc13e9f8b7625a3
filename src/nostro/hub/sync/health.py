"""The one health of an account: the worst of its connection, itself and the end of its consent (connectors.md 1.6)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import unread_history
from nostro.hub.directory.maintenance import maintenance_now
from nostro.hub.linking.models import Connection, Health

#: From here on a consent is about to end; renewing is possible earlier.
EXPIRING_DAYS = 14
#: The code of an account whose bank is not asked because it is being worked on.
MAINTENANCE = "maintenance"
#: The code of an account that is degraded because days of its history were never read.
HISTORY_UNREAD = "historyUnread"
_ORDER = [health.value for health in Health]


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """``until`` goes with ``rateLimited``, ``expiringSoon`` and announced work at the bank. ``reason`` is the sentence
    of the error, if any."""

    health: Health
    reason: str = ""
    code: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None


def health_of(account: Account, connection: Connection | None, now: dt.datetime) -> AccountHealth:
    """How the account stands. What follows from the calendar is worked out here and never stored, so it is right at
    every moment: a consent that ends soon or is over, a closure by the bank that has passed."""
    found = [_stored(each, now) for each in (connection, account) if each is not None]
    found += [_of_maintenance(account, now), _of_history(account), _of_consent(account, now)]
    return min(found, key=lambda each: _ORDER.index(each.health))


def _stored(source: Account | Connection, now: dt.datetime) -> AccountHealth:
    health, until = source.health, source.health_until
    if health not in _ORDER or health == Health.EXPIRING_SOON or _is_over(health, until, now):
        return AccountHealth(Health.ACTIVE)
    return AccountHealth(Health(health), source.health_reason, source.health_code, source.health_since, until)


def _is_over(health: str, until: dt.datetime | None, now: dt.datetime) -> bool:
    return health == Health.RATE_LIMITED and until is not None and until <= now


def _of_maintenance(account: Account, now: dt.datetime) -> AccountHealth:
    work = maintenance_now(account.institution, now)
    if work is None:
        return AccountHealth(Health.ACTIVE)
    return AccountHealth(Health.ASPSP_UNAVAILABLE, code=MAINTENANCE, since=work.begins, until=work.ends)


def _of_history(account: Account) -> AccountHealth:
    """Days of the history that no reading reached are a gap, until a confirmation by the person brings them."""
    if account.covered_from is not None and unread_history(account) is not None:
        return AccountHealth(Health.DEGRADED, code=HISTORY_UNREAD)
    return AccountHealth(Health.ACTIVE)


def _of_consent(account: Account, now: dt.datetime) -> AccountHealth:
    ends = account.authorisation_expires_at
    if ends is None or ends - now > dt.timedelta(days=EXPIRING_DAYS + 1):
        return AccountHealth(Health.ACTIVE)
    if ends <= now:
        return AccountHealth(Health.PSU_ACTION_REQUIRED, code="consentEnded", since=ends)
    return AccountHealth(Health.EXPIRING_SOON, until=ends)
