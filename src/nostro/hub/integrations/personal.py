"""Personal access tokens: what a person may do in one organization, from a program (hub-api.md 9, token U).

A token is never more than its person: every verb looks at their membership and role again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from nostro.hub.integrations.credentials import new_secret, token_checksum
from nostro.hub.integrations.models import PersonalToken
from nostro.hub.integrations.services import checked_name
from nostro.hub.organizations.models import Organization
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Tells such a token from all others at a glance, also for scanners that look for lost secrets.
PREFIX = "nostro_pat_"
MAX_TOKENS = 20


@dataclass(frozen=True, slots=True)
class Person:
    """Who shows a personal access token, and for which organization."""

    user: User
    organization: Organization
    token_id: uuid.UUID


@transaction.atomic
def create_personal_token(
    user: User, organization: Organization, *, name: str, now: datetime
) -> tuple[PersonalToken, str]:
    """A new token of ``user``; its text is never shown again. Raises Problem (``nameMissing``, ``nameInvalid``,
    ``tooManyTokens``), NotFound for strangers."""
    organization = access_organization(user, organization.id)
    User.objects.select_for_update().get(pk=user.pk)
    if len(personal_tokens_of(user, organization)) >= MAX_TOKENS:
        raise Problem(
            f"You have {MAX_TOKENS} tokens already.", what_to_do="Revoke one that you no longer use.",
            code="tooManyTokens", field="name",
        )  # fmt: skip
    text = PREFIX + new_secret()
    token = PersonalToken.objects.create(
        organization=organization, user=user, name=checked_name(name), checksum=token_checksum(text), created_at=now
    )
    _record(user, token, "created", f"Made the personal access token “{token.name}”.")
    return token, text


def personal_tokens_of(user: User, organization: Organization) -> list[PersonalToken]:
    """The person's own tokens in force, newest first."""
    found = PersonalToken.objects.filter(user=user, organization=organization, revoked_at=None)
    return list(found.order_by("-created_at", "-id"))


@transaction.atomic
def revoke_personal_token(user: User, organization: Organization, token_id: uuid.UUID, now: datetime) -> None:
    """End one of the person's own tokens. Raises NotFound."""
    token = PersonalToken.objects.select_for_update().filter(
        id=token_id, user=user, organization=organization, revoked_at=None
    ).first()  # fmt: skip
    if token is None:
        raise NotFound("token")
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    _record(user, token, "revoked", f"Revoked the personal access token “{token.name}”.")


def access_by_personal_token(text: str, now: datetime) -> Person | None:
    """Who shows the token; None when it is unknown or revoked, or the person left."""
    if not text.startswith(PREFIX):
        return None
    token = (
        PersonalToken.objects.select_related("user", "organization")
        .filter(checksum=token_checksum(text), revoked_at=None)
        .first()
    )
    if token is None:
        return None
    try:
        organization = access_organization(token.user, token.organization_id)
    except NotFound:
        return None
    if token.last_used_at is None or (now - token.last_used_at).total_seconds() > 60:
        PersonalToken.objects.filter(id=token.id).update(last_used_at=now)
    return Person(token.user, organization, token.id)


def _record(user: User, token: PersonalToken, action: str, sentence: str) -> None:
    audit.record(
        tenant_id=token.organization_id, actor=user, action=f"personal_token.{action}", obj=token, sentence=sentence
    )
