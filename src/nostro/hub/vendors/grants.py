"""The grants of Ponto Connect: authorization code with PKCE, rotating refresh tokens, client token (4.2, 4.3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from oauth2_provider.models import get_access_token_model

from nostro.hub.integrations.credentials import (
    hash_secret,
    new_access_token,
    new_secret,
    token_checksum,
    verify_secret,
)
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.tokens import LIFETIME_S
from nostro.hub.vendors.models import Application, AuthorizationCode, ClientToken, RefreshToken

CODE_LIFETIME = timedelta(minutes=10)
#: Compared with when the client id is unknown, so that an unknown id takes as long as a wrong secret.
_NOBODY = hash_secret(new_secret())


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens just made; their text exists only here and at the vendor. No refresh token without offline_access."""

    access_token: str
    scope: str
    refresh_token: str = ""
    expires_in: int = LIFETIME_S


class InvalidGrant(Exception):
    """The code or refresh token does not work; the reason is for the vendor."""


def application_of(client_id: str, secret: str) -> Application | None:
    """The vendor's application with these credentials, None when they are wrong or revoked."""
    found = Application.objects.filter(client_id=client_id, revoked_at=None).first() if _is_id(client_id) else None
    right = verify_secret(secret, found.client_secret if found else _NOBODY)
    return found if right else None


def issue_code(
    application: Application, integration: Integration, *, scope: str, redirect_uri: str, challenge: str, now: datetime
) -> str:
    """A new authorization code for what a person of the organization has just granted."""
    code = new_secret()
    AuthorizationCode.objects.create(
        checksum=token_checksum(code), application=application, integration=integration, scope=scope,
        redirect_uri=redirect_uri, code_challenge=challenge, expires_at=now + CODE_LIFETIME,
    )  # fmt: skip
    return code


def exchange_code(application: Application, code: str, redirect_uri: str, verifier: str, now: datetime) -> Issued:
    """Tokens for a code. Raises InvalidGrant; a code that comes twice also ends what it gave the first time."""
    with transaction.atomic():
        found = (
            AuthorizationCode.objects.select_for_update(of=("self",))
            .select_related("integration")
            .filter(
                checksum=token_checksum(code),
                application=application,
                integration__revoked_at=None,
                integration__is_blocked=False,
            )
            .first()
        )
        if found is None or found.expires_at <= now:
            raise InvalidGrant("The code is unknown or has expired.")
        replayed = found.used_at is not None
        if replayed:
            end_chains(found.integration, now)
        else:
            _check_code(found, redirect_uri, verifier)
            AuthorizationCode.objects.filter(id=found.id).update(used_at=now)
            return _issue(application, found.integration, found.scope, uuid.uuid4(), now)
    raise InvalidGrant("The code was used before; everything it gave is revoked.")


def _check_code(found: AuthorizationCode, redirect_uri: str, verifier: str) -> None:
    if redirect_uri != found.redirect_uri:
        raise InvalidGrant("redirect_uri is not the one of the authorization.")
    if found.code_challenge:
        digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
        expected = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not hmac.compare_digest(expected, found.code_challenge):
            raise InvalidGrant("code_verifier does not belong to the code_challenge.")


def refresh(application: Application, token: str, now: datetime) -> Issued:
    """New tokens for a refresh token, which works once. Raises InvalidGrant; a used one ends its whole chain."""
    with transaction.atomic():
        found = (
            RefreshToken.objects.select_for_update(of=("self",))
            .select_related("integration")
            .filter(checksum=token_checksum(token), application=application, revoked_at=None)
            .first()
        )
        if found is None or found.integration.revoked_at is not None or found.integration.is_blocked:
            raise InvalidGrant("The refresh token is unknown or revoked.")
        if found.used_at is None:
            RefreshToken.objects.filter(id=found.id).update(used_at=now)
            return _issue(application, found.integration, found.scope, found.chain_id, now)
        # Committed, unlike the refusal: whoever holds another token of this chain loses it too.
        end_chains(found.integration, now)
    raise InvalidGrant("The refresh token was used before; its whole chain is revoked.")


def revoke(application: Application, token: str, now: datetime) -> None:
    """End a refresh token's chain, or one access token. Unknown tokens are no error (RFC 7009)."""
    checksum = token_checksum(token)
    found = RefreshToken.objects.select_related("integration").filter(checksum=checksum, application=application)
    for refresh_token in found:
        end_chains(refresh_token.integration, now)
    own = Integration.objects.filter(vendor_id=application.id).values("id")
    get_access_token_model().objects.filter(token_checksum=checksum, application_id__in=own).delete()
    ClientToken.objects.filter(checksum=checksum, application=application).delete()


def end_chains(integration: Integration, now: datetime) -> None:
    """End every token that a vendor holds for one organization."""
    RefreshToken.objects.filter(integration=integration, revoked_at=None).update(revoked_at=now)
    get_access_token_model().objects.filter(application_id=integration.id).delete()


def issue_client_token(application: Application, now: datetime) -> Issued:
    """A token of the vendor itself; its scope is empty."""
    token = new_access_token()
    ClientToken.objects.filter(application=application, expires_at__lt=now).delete()
    ClientToken.objects.create(
        checksum=token_checksum(token), application=application, expires_at=now + timedelta(seconds=LIFETIME_S)
    )
    return Issued(token, "")


def application_by_token(token: str, now: datetime) -> Application | None:
    """The vendor behind a client token; None when it is unknown, expired or revoked."""
    found = ClientToken.objects.select_related("application").filter(
        checksum=token_checksum(token), expires_at__gt=now, application__revoked_at=None
    )
    client_token = found.first()
    return None if client_token is None else client_token.application


def _issue(application: Application, integration: Integration, scope: str, chain: uuid.UUID, now: datetime) -> Issued:
    token, refresh_token = new_access_token(), ""
    get_access_token_model().objects.create(
        token="", token_checksum=token_checksum(token), application_id=integration.id, scope=scope,
        expires=now + timedelta(seconds=LIFETIME_S), resource=[],
    )  # fmt: skip
    if "offline_access" in scope.split():
        refresh_token = new_access_token()
        RefreshToken.objects.create(
            checksum=token_checksum(refresh_token), chain_id=chain, application=application,
            integration=integration, scope=scope, created_at=now,
        )  # fmt: skip
    return Issued(token, scope, refresh_token)


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
