"""Consents: stored sealed, one of them current, ended at the bank when they are no longer needed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import structlog

from nostro.connectors.contract import Clock, ConnectionHandle, Connector, ConsentStatus
from nostro.connectors.contract import Consent as BankConsent
from nostro.connectors.errors import ConnectorError, ConsentExpired, ConsentRevoked, ConsentUnknown
from nostro.hub.linking.connectors import connectors_for, utc_now
from nostro.hub.linking.models import Connection, Consent
from nostro.hub.linking.tokens import StoredTokens, seal_tokens
from nostro.keys.envelope import value_context
from nostro.web.secrets import open_sealed, seal

log = structlog.get_logger(__name__)

FINAL_STATUSES = ("rejected", "expired", "revokedByPsu", "terminatedByTpp")


def store_consent(connection: Connection, given: BankConsent, now: datetime) -> Consent:
    """Store a consent that the bank calls valid and make it the current one; the former current one is set aside.

    Called within a transaction that holds the connection's row.
    """
    Consent.objects.filter(connection=connection, is_current=True).update(is_current=False, ended_at=now)
    consent = Consent(
        organization_id=connection.organization_id,
        connection=connection,
        status=given.status,
        raw_status=(given.raw_status or "")[:60],
        valid_until=given.valid_until,
        frequency_per_day=given.frequency_per_day,
        is_current=True,
        created_at=now,
        authorised_at=now,
    )
    consent.sealed_consent_id = seal(given.consent_id, context=_context(consent))
    consent.sealed_tokens = seal_tokens(consent, given.tokens)
    consent.save(force_insert=True)
    return consent


def current_consent(connection: Connection) -> Consent | None:
    """The consent that reads go through."""
    return Consent.objects.filter(connection=connection, is_current=True).first()


def end_of_day(last_day: date | None) -> datetime | None:
    """The end of a consent's last day, which counts in full; the bank's day is taken as UTC."""
    return datetime.combine(last_day, time(23, 59, 59), UTC) if last_day else None


def connection_handle(connection: Connection, clock: Clock | None = None) -> ConnectionHandle:
    """What a connector needs to read; ``clock`` (else the real one) decides when tokens are refreshed.

    Raises ``ConsentUnknown`` where the connection has no current consent.
    """
    consent = current_consent(connection)
    if consent is None:
        raise ConsentUnknown("This connection has no consent at the bank.", reached_bank=False)
    return handle_of(connection, consent, clock)


def handle_of(connection: Connection, consent: Consent, clock: Clock | None = None) -> ConnectionHandle:
    """The handle of one stored consent, current or not."""
    connector, configuration = connectors_for(connection.route, clock)
    source = StoredTokens(consent, connector, clock or utc_now) if consent.sealed_tokens is not None else None
    status: ConsentStatus = consent.status  # type: ignore[assignment]
    opened = BankConsent(
        consent_id=open_sealed(consent.sealed_consent_id, context=_context(consent)).decode(),
        status=status,
        valid_until=consent.valid_until,
        frequency_per_day=consent.frequency_per_day,
        raw_status=consent.raw_status or None,
    )
    return ConnectionHandle(configuration=configuration, consent=opened, access_token=source)


def set_consent_status(connection: Connection, status: ConsentStatus, *, raw_status: str = "", now: datetime) -> None:
    """Note what the bank says about the current consent. A final status ends it; it stays current until renewed."""
    changes: dict[str, object] = {"status": status, "raw_status": raw_status[:60]}
    if status in FINAL_STATUSES:
        changes["ended_at"] = now
    Consent.objects.filter(connection=connection, is_current=True).update(**changes)


def note_end_of_consent(connection: Connection, error: ConnectorError, asked_at: datetime, now: datetime) -> None:
    """A run that was asked for at ``asked_at`` met ``error``: where that says that the consent is over, nobody needs to
    ask through it again. A consent that was given after the run was asked for is not meant."""
    ended: ConsentStatus | None = None
    if isinstance(error, ConsentExpired):
        ended = "expired"
    elif isinstance(error, ConsentRevoked):
        ended = "revokedByPsu"
    consent = current_consent(connection)
    if ended is None or consent is None or consent.status in FINAL_STATUSES:
        return
    if consent.authorised_at is None or consent.authorised_at <= asked_at:
        set_consent_status(connection, ended, raw_status=error.code or "", now=now)


def end_at_bank(connection: Connection, consent: Consent, now: datetime) -> None:
    """Give a consent back that is not needed any more. Never called within a transaction.

    A bank that does not answer is no reason to stop: the consent ends by itself on its last day.
    """
    connector, _ = connectors_for(connection.route, lambda: now)
    if _revoke(connector, handle_of(connection, consent, lambda: now)):
        Consent.objects.filter(pk=consent.pk).update(status="terminatedByTpp", ended_at=now)


def revoke_unstored(connection: Connection, given: BankConsent, now: datetime) -> None:
    """Give a consent back that was granted but is of no use. Never called within a transaction."""
    connector, configuration = connectors_for(connection.route, lambda: now)
    token = given.tokens.access_token if given.tokens else None
    _revoke(connector, ConnectionHandle(configuration=configuration, consent=given, access_token=token))


def _revoke(connector: Connector, handle: ConnectionHandle) -> bool:
    try:
        connector.revoke_consent(handle)
    except ConnectorError as error:
        log.warning("consent_not_revoked", error=type(error).__name__, code=error.code, request_id=error.request_id)
        return False
    return True


def _context(consent: Consent) -> str:
    return value_context("linking_consent", "sealed_consent_id", consent.pk)
