"""What an authorisation ends with: a consent and its accounts, or nothing at all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from nostro.connectors.contract import Failed, Finished, PsuContext
from nostro.connectors.errors import ConnectorError, PsuActionRequired, ScaCancelled
from nostro.core.account_keys import AccountKeyError
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.accounts.services import (
    remove_accounts_of_connection,
    set_account_authorisation,
    set_account_health,
    upsert_accounts,
)
from nostro.hub.events.services import record_event
from nostro.hub.linking.consents import (
    current_consent,
    end_at_bank,
    end_of_day,
    handle_of,
    revoke_unstored,
    store_consent,
)
from nostro.hub.linking.displaced import give_back, note_displaced
from nostro.hub.linking.health import set_connection_health
from nostro.hub.linking.identity import (
    NOT_IN_CONSENT,
    account_keys,
    known_as,
    may_be_known,
    note_questions,
    open_questions,
)
from nostro.hub.linking.models import Authorisation, Connection, Consent, Health
from nostro.hub.linking.signals import accounts_chosen
from nostro.hub.linking.states import CHOICE_LIFETIME
from nostro.people import audit
from nostro.web.errors import Problem

#: A consent that opens more accounts than this is a mistake of the bank's.
MAX_ACCOUNTS = 1_000


def finish(authorisation: Authorisation, step: Finished, psu: PsuContext, now: datetime) -> Finished | Failed:
    """Keep what the bank granted, or fail where it is of no use; then give back the consent nobody needs.

    A link waits for the choice of accounts. A renewal takes the old consent's place at once, in one transaction, and
    only then is the old one ended at the bank (connectors.md 1.11 point 6).
    """
    connection = authorisation.connection
    refusal = _refusal(authorisation, step)
    if refusal is not None:
        fail(authorisation, refusal, now)
        revoke_unstored(connection, step.consent, now)
        return Failed(refusal, may_retry=True)
    with transaction.atomic():
        wanted = _still_wanted(authorisation)
        former = _keep(authorisation, step, psu, now) if wanted else None
    if not wanted:
        revoke_unstored(connection, step.consent, now)
        return Failed(ScaCancelled(reached_bank=False), may_retry=True)
    if former is not None:
        _end_former(connection, former, step, now)
    return step


def _keep(authorisation: Authorisation, step: Finished, psu: PsuContext, now: datetime) -> Consent | None:
    """Write what the bank granted; returns the consent that was current before."""
    connection = authorisation.connection
    former = current_consent(connection)
    known = {account.pk for account in accounts_of_connection(connection)}
    note_displaced(authorisation, account_keys(connection, step.accounts))
    store_consent(connection, step.consent, now)
    accounts = upsert_accounts(
        authorisation.organization,
        connection.pk,
        step.accounts,
        connection.institution,
        is_sandbox=connection.is_sandbox,
        now=now,
        known_as=known_as(connection, step.accounts),
    )
    set_account_authorisation(connection.pk, authorised_at=now, expires_at=end_of_day(step.consent.valid_until))
    _await_choice(authorisation, now)
    if authorisation.purpose == "renew":
        _after_renewal(authorisation, accounts, known, psu, now)
    return former


def fail(authorisation: Authorisation, error: ConnectorError, now: datetime) -> None:
    """Note why it ended. A link leaves no connection behind; a renewal leaves the old consent in use."""
    status = "cancelled" if isinstance(error, ScaCancelled) else "failed"
    with transaction.atomic():
        close(authorisation, status, now, code=error.code or type(error).__name__, reason=error.reason)


def close(authorisation: Authorisation, status: str, now: datetime, *, code: str = "", reason: str = "") -> None:
    """End an authorisation that brought nothing. Called within a transaction."""
    authorisation.status, authorisation.ended_at = status, now
    authorisation.sealed_state = authorisation.sealed_shown = None
    authorisation.error_code, authorisation.error_reason = code[:60], reason[:2000]
    authorisation.save(
        update_fields=["status", "ended_at", "sealed_state", "sealed_shown", "error_code", "error_reason"]
    )
    if authorisation.purpose == "link":
        Connection.objects.filter(pk=authorisation.connection_id, linked_at=None).update(removed_at=now)


def _refusal(authorisation: Authorisation, step: Finished) -> ConnectorError | None:
    """Why a granted consent is of no use, None if it is."""
    if not step.accounts or len(step.accounts) > MAX_ACCOUNTS:
        return PsuActionRequired(
            "The bank shows no account for this consent." if not step.accounts else "The bank shows too many accounts.",
            next_action="Start again and choose at least one account at the bank.",
        )
    try:
        keys = account_keys(authorisation.connection, step.accounts)
    except AccountKeyError:
        return PsuActionRequired(
            "The bank shows an account without any number.",
            next_action="Start again and leave this account out, or tell the operator of this Hub.",
        )
    if authorisation.purpose == "renew":
        read = [account for account in accounts_of_connection(authorisation.connection) if account.is_selected]
        if read and not keys & {account.account_key for account in read} and not may_be_known(step.accounts, read):
            return PsuActionRequired(
                "The bank shows none of the accounts of this connection.",
                next_action="Renew with the login that you used before, or add the other accounts as a new connection.",
            )
    return None


def _still_wanted(authorisation: Authorisation) -> bool:
    """Lock the connection and see whether nobody cancelled or disconnected while the bank was asked."""
    connection = Connection.objects.select_for_update().get(pk=authorisation.connection_id)
    status = Authorisation.objects.select_for_update().values_list("status", flat=True).get(pk=authorisation.pk)
    return connection.removed_at is None and status == "working"


def _await_choice(authorisation: Authorisation, now: datetime) -> None:
    authorisation.status, authorisation.step = "choosing", "Finished"
    authorisation.sealed_state = authorisation.sealed_shown = None
    authorisation.expires_at = now + CHOICE_LIFETIME
    authorisation.save(update_fields=["status", "step", "sealed_state", "sealed_shown", "expires_at"])


def _after_renewal(
    authorisation: Authorisation, shown: Sequence[Account], known: set[uuid.UUID], psu: PsuContext, now: datetime
) -> None:
    """Accounts that were read before go on at once; only accounts never seen before (not in ``known``) wait for a
    choice.
    """
    connection, user = authorisation.connection, authorisation.user
    before = [account for account in accounts_of_connection(connection) if account.is_selected]
    shown_ids = {account.pk for account in shown}
    for account in before:
        if account.pk in shown_ids:
            set_account_health(account, Health.ACTIVE, now=now)
        else:
            set_account_health(
                account,
                Health.DEGRADED,
                code=NOT_IN_CONSENT,
                reason="The renewed consent does not include this account. Renew again and choose it at the bank.",
                now=now,
            )
    set_connection_health(connection, Health.ACTIVE, consecutive_failures=0, now=now)
    audit.record(
        tenant_id=authorisation.organization_id,
        actor=user,
        action="connection.renewed",
        obj=connection,
        sentence=f"Renewed the consent at {connection.institution.name}.",
    )
    note_questions(connection, [account for account in shown if account.pk not in known])
    if shown_ids <= known and not open_questions(connection):
        authorisation.status, authorisation.ended_at = "finished", now
        authorisation.save(update_fields=["status", "ended_at"])
    going_on = [account for account in before if account.pk in shown_ids]
    for account in going_on:
        record_event(authorisation.organization_id, "account.reauthorized", account_id=account.pk, now=now)
    accounts_chosen.send(Connection, accounts=going_on, user=user, psu=psu, now=now)


def _end_former(connection: Connection, former: Consent, step: Finished, now: datetime) -> None:
    if former.status == "valid" and handle_of(connection, former).consent.consent_id != step.consent.consent_id:
        end_at_bank(connection, former, now)


def withdraw(authorisation: Authorisation, status: str, now: datetime) -> Consent | None:
    """End a link whose accounts were never chosen; returns the consent to give back. Called within a transaction."""
    consent = current_consent(authorisation.connection)
    Consent.objects.filter(connection=authorisation.connection, is_current=True).update(is_current=False, ended_at=now)
    give_back(authorisation)
    remove_accounts_of_connection(authorisation.connection_id, now)
    close(authorisation, status, now)
    return consent


def bank_problem(error: ConnectorError, what: str) -> Problem:
    """A connector's error as a person is told it: reason, next action, the bank's own code or the kind of error."""
    return Problem(what, why=error.reason, what_to_do=error.next_action, code=error.code or type(error).__name__)
