"""Personal tokens of the Books' API: what a person may do in one company, from a program."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from nostro.books.api.models import BooksToken
from nostro.books.companies.models import Company
from nostro.books.companies.queries import access_company
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Tells such a token from all others at a glance, also for scanners that look for lost secrets.
PREFIX = "nostro_books_"
MAX_TOKENS = 20
_USED_AGAIN = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who shows a token, and for which company."""

    user: User
    company: Company
    token: BooksToken


@transaction.atomic
def create_token(user: User, company: Company, *, name: str, now: dt.datetime) -> tuple[BooksToken, str]:
    """A new token; its text is never shown again. Raises :class:`Problem` (``nameMissing``, ``tooManyTokens``)."""
    company = access_company(user, company.id)
    name = clean(name, 100)
    if not name:
        raise Problem("The token has no name.", what_to_do="Say what it is for.", code="nameMissing", field="name")
    User.objects.select_for_update().get(pk=user.pk)
    if len(tokens_of(user, company)) >= MAX_TOKENS:
        raise Problem(f"You have {MAX_TOKENS} tokens already.", what_to_do="Revoke one that you no longer use.",
                      code="tooManyTokens", field="name")  # fmt: skip
    text = PREFIX + secrets.token_urlsafe(32)
    token = BooksToken.objects.create(company=company, user=user, name=name, checksum=_checksum(text), created_at=now)
    _record(user, token, "created", f"{user} made the access token “{name}”.")
    return token, text


def tokens_of(user: User, company: Company) -> list[BooksToken]:
    """The person's own tokens in force, newest first."""
    return list(BooksToken.objects.filter(user=user, company=company, revoked_at=None).order_by("-created_at", "-id"))


@transaction.atomic
def revoke_token(user: User, token_id: UUID, *, now: dt.datetime) -> BooksToken:
    """End one of the person's own tokens. Raises :class:`NotFound`."""
    found = BooksToken.objects.select_for_update(of=("self",)).select_related("company")
    token = found.filter(pk=token_id, user=user, revoked_at=None).first()
    if token is None:
        raise NotFound("token")
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    _record(user, token, "revoked", f"{user} revoked the access token “{token.name}”.")
    return token


def caller_of(text: str, *, now: dt.datetime) -> Caller | None:
    """Who shows the token; ``None`` when it is unknown or revoked, or its person left the company or Nostro."""
    if not text.startswith(PREFIX):
        return None
    token = (
        BooksToken.objects.select_related("user", "company")
        .filter(checksum=_checksum(text), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is None:
        return None
    try:
        company = access_company(token.user, token.company_id)
    except NotFound:
        return None
    if token.last_used_at is None or now - token.last_used_at > _USED_AGAIN:
        BooksToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return Caller(token.user, company, token)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _record(user: User, token: BooksToken, word: str, sentence: str) -> None:
    record(tenant_id=token.company_id, actor=user, action=f"books_token.{word}", obj=token, sentence=sentence)
