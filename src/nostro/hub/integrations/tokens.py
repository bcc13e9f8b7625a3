"""The client credentials grant (RFC 6749 4.4) on django-oauth-toolkit's tables.

docs/decisions/0010-client-credentials-grant.md says why this does not go through the toolkit's view.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from oauth2_provider.models import get_access_token_model

from nostro.hub.integrations.credentials import hash_secret, new_access_token, new_secret, token_checksum, verify_secret
from nostro.hub.integrations.queries import Holder
from nostro.web.hot_reads import execute, fetch_one

#: hub-api.md 4.1, documented as the integer 1799.
LIFETIME_S = 1799
#: Compared with when the client id is unknown, so that an unknown id takes as long as a wrong secret.
_NOBODY = hash_secret(new_secret())


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token just issued; its text exists only here and at the client."""

    token: str
    expires_in: int
    scope: str
    holder: Holder


_CLIENT = """
    SELECT id, client_secret, scope, organization_id FROM integrations_integration
    WHERE client_id = %s AND revoked_at IS NULL AND vendor_id IS NULL AND NOT is_blocked
"""
# The secret is compared once more while the row is locked: when it is being regenerated or revoked at this moment,
# this statement waits, and then inserts nothing.
_ISSUE = """
    INSERT INTO oauth2_provider_accesstoken
        (token, token_checksum, application_id, expires, scope, resource, created, updated)
    SELECT '', %s, id, %s, %s, '[]', %s, %s
    FROM integrations_integration
    WHERE id = %s AND client_secret = %s AND revoked_at IS NULL AND NOT is_blocked
    FOR SHARE
"""


def issue_access_token(client_id: str, secret: str, requested_scope: str, now: datetime) -> AccessToken | None:
    """A new token for the integration with these credentials; None when they are wrong or revoked.

    ``requested_scope`` narrows what the integration may do; unknown words in it are ignored (hub-api.md 4.1).
    Earlier tokens stay valid until they expire.
    """
    client = _client_uuid(client_id)
    row = None if client is None else fetch_one(_CLIENT, [client])
    integration_id, stored, allowed, organization_id = row or (None, _NOBODY, "", None)
    if not verify_secret(secret, stored) or integration_id is None:
        return None
    token, scope = new_access_token(), _narrowed(allowed, requested_scope)
    expires = now + timedelta(seconds=LIFETIME_S)
    issued = execute(_ISSUE, [token_checksum(token), expires, scope, now, now, integration_id, stored])
    if issued != 1:
        return None
    return AccessToken(token, LIFETIME_S, scope, Holder(organization_id, integration_id))


_REVOKE = "DELETE FROM oauth2_provider_accesstoken WHERE token_checksum = %s AND application_id = %s"


def revoke_access_token(client_id: str, secret: str, token: str) -> bool:
    """End one token of the integration; an unknown one is no error (RFC 7009). False for wrong credentials."""
    client = _client_uuid(client_id)
    row = None if client is None else fetch_one(_CLIENT, [client])
    integration_id, stored = (row[0], row[1]) if row else (None, _NOBODY)
    if not verify_secret(secret, stored) or integration_id is None:
        return False
    execute(_REVOKE, [token_checksum(token), integration_id])
    return True


def delete_expired_tokens(now: datetime, limit: int = 100_000) -> int:
    """Delete up to ``limit`` tokens that expired; returns how many. Their checksums are of no further use."""
    tokens = get_access_token_model().objects
    expired = list(tokens.filter(expires__lt=now).order_by("id").values_list("id", flat=True)[:limit])
    deleted: int = tokens.filter(id__in=expired)._raw_delete(tokens.db) if expired else 0
    return deleted


def _client_uuid(text: str) -> str | None:
    # Only the canonical form: the column is text, and a value with a NUL would be refused by PostgreSQL.
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def _narrowed(allowed: str, requested: str) -> str:
    granted = [scope for scope in allowed.split() if scope in requested.split()]
    return " ".join(granted) or allowed
