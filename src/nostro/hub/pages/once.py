"""A secret that is shown once. It is kept in the shared cache for a few minutes, so that every web process knows it."""

from __future__ import annotations

from django.core.cache import cache

from nostro.hub.integrations.models import Integration
from nostro.people.models import User
from nostro.web.once import new_form_key, once
from nostro.web.secrets import open_sealed, seal

__all__ = ["forget_secret", "keep_secret", "kept_secret", "new_form_key", "once"]

SECRET_LIFETIME_S = 300


def keep_secret(user: User, integration: Integration, secret: str) -> None:
    """Keep a new Secret ID, sealed, until its owner has copied it or five minutes have passed."""
    name = _name(user, integration)
    cache.set(name, seal(secret.encode(), context=name), SECRET_LIFETIME_S)


def kept_secret(user: User, integration: Integration) -> str | None:
    """The Secret ID that was just made, if it may still be shown to this person."""
    name = _name(user, integration)
    sealed = cache.get(name)
    return open_sealed(sealed, context=name).decode() if sealed else None


def forget_secret(user: User, integration: Integration) -> None:
    """The person has copied it: it is never shown again."""
    cache.delete(_name(user, integration))


def _name(user: User, integration: Integration) -> str:
    return f"secret:{user.id}:{integration.id}"
