"""The shapes of ids, secrets and tokens of integrations (hub-api.md 4.1).

Nothing here is stored as it is: a secret as a salted hash, a token as its SHA-256.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.contrib.auth.hashers import make_password

from nostro.web.hashers import MachineSecretHasher

#: 32 random bytes are 43 characters of base64url, which has no colon: safe inside Basic credentials.
_RANDOM_BYTES = 32
_HASHER = MachineSecretHasher()


def new_client_id() -> str:
    """A random UUID (version 4, unlike row ids: a Client ID must not tell when it was made)."""
    return str(uuid.uuid4())


def new_secret() -> str:
    """A Secret ID: 43 base64url characters."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def new_access_token() -> str:
    """Two parts of 43 base64url characters joined by a dot, 87 characters in all."""
    return f"{secrets.token_urlsafe(_RANDOM_BYTES)}.{secrets.token_urlsafe(_RANDOM_BYTES)}"


def hash_secret(secret: str) -> str:
    """What is stored of a Secret ID. The salt makes equal secrets unequal in the table."""
    return make_password(secret, hasher=_HASHER)


def verify_secret(secret: str, stored: str) -> bool:
    """Whether ``secret`` is the one that ``stored`` was made from, in constant time."""
    return stored.startswith("machine$") and _HASHER.verify(secret, stored)


def token_checksum(token: str) -> str:
    """What is stored of a token and what it is found by: SHA-256 in hex, as django-oauth-toolkit writes it."""
    return hashlib.sha256(token.encode()).hexdigest()
