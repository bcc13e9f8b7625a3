"""Accounts that a second link takes over from an earlier connection to the same bank.

People often add a bank again where they could have renewed. The accounts are the same ones (connectors.md 1.10), so
they go over to the new connection, and go back if the new link is given up before its accounts are chosen.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.services import move_accounts, set_account_authorisation
from nostro.hub.linking.consents import current_consent, end_of_day
from nostro.hub.linking.models import Authorisation, Connection, Consent


def note_displaced(authorisation: Authorisation, account_keys: Collection[str]) -> None:
    """Remember, before the accounts are stored anew, through which connection and resource id they were read."""
    rows = Account.objects.filter(
        organization=authorisation.organization,
        is_sandbox=authorisation.connection.is_sandbox,
        account_key__in=account_keys,
        removed_at=None,
    ).exclude(connection_id=authorisation.connection_id)
    authorisation.displaced = [[str(row.pk), str(row.connection_id), row.resource_id] for row in rows]
    authorisation.save(update_fields=["displaced"])


def give_back(authorisation: Authorisation) -> None:
    """Let the earlier connections read their accounts again. Called within a transaction."""
    moves = {
        uuid.UUID(account): (uuid.UUID(connection), resource)
        for account, connection, resource in authorisation.displaced
    }
    move_accounts(moves)
    for connection in _connections(authorisation):
        consent = current_consent(connection)
        if consent is not None and consent.authorised_at is not None:
            set_account_authorisation(
                connection.pk, authorised_at=consent.authorised_at, expires_at=end_of_day(consent.valid_until)
            )


def end_displaced(authorisation: Authorisation, now: datetime) -> list[tuple[Connection, Consent]]:
    """End earlier connections that have no account left; returns their consents, to be given back to the bank.

    Called within a transaction.
    """
    ended = []
    for connection in _connections(authorisation).select_for_update(of=("self",)):
        if Account.objects.filter(connection_id=connection.pk, removed_at=None).exists():
            continue
        consent = current_consent(connection)
        connection.removed_at = now
        connection.save(update_fields=["removed_at"])
        Consent.objects.filter(connection=connection, is_current=True).update(is_current=False, ended_at=now)
        if consent is not None and consent.status == "valid":
            ended.append((connection, consent))
    return ended


def _connections(authorisation: Authorisation) -> QuerySet[Connection]:
    ids = {connection for _, connection, _ in authorisation.displaced}
    found = Connection.objects.filter(organization=authorisation.organization, pk__in=ids, removed_at=None)
    return found.select_related("route", "route__institution").order_by("id")
