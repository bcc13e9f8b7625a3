"""Keys and signatures of webhooks: RS512 JSON Web Signatures in compact form (hub-api.md section 10).

A key is published a day before it signs and a day after it last signed, so that receivers that fetch keys rarely
always know the one that is used.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.db import connection, transaction

from nostro.hub.webhooks.models import SigningKey
from nostro.keys.envelope import value_context
from nostro.web.secrets import open_sealed, seal

PUBLISHED_BEFORE = timedelta(hours=24)
PUBLISHED_AFTER = timedelta(hours=24)
SIGNS_FOR = timedelta(days=90)
SIGNATURE_LIFETIME_S = 60
_KEY_BITS = 2048
_LOCK = 0x6E6F7374726F  # any constant: who makes a key does so alone


def signing_key(now: datetime) -> SigningKey:
    """The key that signs at ``now``. The first one of an installation signs at once: nobody knows another."""
    key = SigningKey.objects.filter(signs_from__lte=now).order_by("-number").first()
    if key is not None:
        return key
    with transaction.atomic():
        _alone()
        return SigningKey.objects.filter(signs_from__lte=now).order_by("-number").first() or _make(now, now)


def published_keys(now: datetime) -> list[SigningKey]:
    """The keys of ``GET /webhooks/keys``, newest first."""
    found: list[SigningKey] = []
    successor: SigningKey | None = None
    for key in SigningKey.objects.order_by("-number")[:10]:
        if successor is None or successor.signs_from + PUBLISHED_AFTER > now:
            found.append(key)
        successor = key
    return found


def rotate(now: datetime) -> SigningKey | None:
    """Publish the successor of a key that has signed for 90 days. Returns it, or None when it is not time."""
    with transaction.atomic():
        _alone()
        newest = SigningKey.objects.order_by("-number").first()
        if newest is None or newest.signs_from + SIGNS_FOR > now:
            return None
        return _make(now, now + PUBLISHED_BEFORE)


def sign(body: bytes, *, key: SigningKey, audience: str, issuer: str, now: datetime) -> str:
    """The header ``Signature`` for one attempt; ``jti`` is new each time."""
    issued = int(now.timestamp())
    claims = {
        "aud": audience,
        "iss": issuer,
        "digest": base64.b64encode(hashlib.sha512(body).digest()).decode(),
        "iat": issued,
        "exp": issued + SIGNATURE_LIFETIME_S,
        "jti": str(uuid.uuid4()),
    }
    signed = f"{_part({'alg': 'RS512', 'kid': key.kid})}.{_part(claims)}"
    private = serialization.load_der_private_key(
        open_sealed(key.sealed_private_key, context=_context(key.id)), password=None
    )
    assert isinstance(private, rsa.RSAPrivateKey)
    signature = private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA512())
    return f"{signed}.{_base64url(signature)}"


def _make(now: datetime, signs_from: datetime) -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    newest = SigningKey.objects.order_by("-number").first()
    key = SigningKey(number=newest.number + 1 if newest else 1, created_at=now, signs_from=signs_from)
    modulus = private.public_key().public_numbers().n.to_bytes(_KEY_BITS // 8, "big")
    key.modulus = base64.urlsafe_b64encode(modulus).decode()
    encoded = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key.sealed_private_key = seal(encoded, context=_context(key.id))
    key.save()
    return key


def _context(key_id: object) -> str:
    return value_context("webhooks_signingkey", "sealed_private_key", key_id)


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _part(value: dict[str, Any]) -> str:
    return _base64url(msgspec.json.encode(value))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
