"""Checking that a webhook really comes from the Hub (hub-api.md 10). Usable alone: no database, no Django.

    keys = read_keys(json.loads(answer_of("GET /webhooks/keys")))
    event = verify(body, headers["Signature"], keys, audience=client_id, issuer="https://hub.example.org", now=now)

``body`` must be the bytes exactly as they arrived. A delivery may come twice: ``event.id`` stays the same.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

#: Clocks may differ by this much (hub-api.md 10).
CLOCK_SKEW_S = 30
MAX_SIGNATURE_CHARACTERS = 8_000
_MIN_KEY_BITS = 2048


class WebhookRefused(Exception):
    """The request does not come from the Hub, or not to us, or not now; the message says which. Answer 400."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What happened. ``related`` has the ids of account, organization, synchronization and so on, by their names."""

    id: str
    type: str
    attributes: Mapping[str, Any]
    related: Mapping[str, str]


def read_keys(document: Any) -> dict[str, rsa.RSAPublicKey]:
    """The keys of ``GET /webhooks/keys`` by ``kid``; those that are not for RS512 signatures are left out."""
    found = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str, rsa.RSAPublicKey] = {}
    for item in found if isinstance(found, list) else []:
        if not isinstance(item, dict) or item.get("kty") != "RSA" or item.get("use", "sig") != "sig":
            continue
        if item.get("alg", "RS512") != "RS512" or item.get("status", "ACTIVE") != "ACTIVE":
            continue
        try:
            exponent, modulus = (int.from_bytes(_decoded(str(item.get(name, "")))) for name in ("e", "n"))
            key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        except ValueError:
            continue
        if key.key_size >= _MIN_KEY_BITS:
            keys[str(item.get("kid"))] = key
    return keys


def verify(
    body: bytes,
    signature: str,
    keys: Mapping[str, rsa.RSAPublicKey],
    *,
    audience: str,
    issuer: str,
    now: dt.datetime,
) -> WebhookEvent:
    """The event, if the header ``Signature`` belongs to exactly these bytes, to us (``audience`` is our Client ID) and
    to this moment. Raises :class:`WebhookRefused`. With an unknown key, fetch the keys once more and try again."""
    claims = _claims(signature, keys)
    digest = base64.b64encode(hashlib.sha512(body).digest()).decode()
    if not hmac.compare_digest(str(claims.get("digest", "")).encode(), digest.encode()):
        raise WebhookRefused("the body is not the one that was signed")
    if claims.get("aud") != audience:
        raise WebhookRefused("it was sent to somebody else")
    if claims.get("iss") != issuer.rstrip("/"):
        raise WebhookRefused("it comes from another Hub")
    moment = now.timestamp()
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise WebhookRefused("the signature does not say when it was made")
    if not issued - CLOCK_SKEW_S <= moment <= expires + CLOCK_SKEW_S:
        raise WebhookRefused("the signature is too old, or from the future")
    return _event(body)


def _claims(signature: str, keys: Mapping[str, rsa.RSAPublicKey]) -> dict[str, Any]:
    parts = signature.split(".") if len(signature) <= MAX_SIGNATURE_CHARACTERS else []
    if len(parts) != 3:
        raise WebhookRefused("the signature is no compact JSON Web Signature")
    header = _object(parts[0])
    # The algorithm is ours to choose, never the sender's.
    if header.get("alg") != "RS512":
        raise WebhookRefused("the signature is not RS512")
    key = keys.get(str(header.get("kid")))
    if key is None:
        raise WebhookRefused("the signing key is unknown")
    try:
        signed = f"{parts[0]}.{parts[1]}".encode("ascii")
        key.verify(_decoded(parts[2]), signed, padding.PKCS1v15(), hashes.SHA512())
    except (InvalidSignature, ValueError):
        raise WebhookRefused("the signature is wrong") from None
    return _object(parts[1])


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        raise WebhookRefused("the signature cannot be read") from None
    if not isinstance(value, dict):
        raise WebhookRefused("the signature cannot be read")
    return value


def _decoded(text: str) -> bytes:
    """Base64url with or without padding. Raises ValueError."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare.encode("ascii") + b"=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _event(body: bytes) -> WebhookEvent:
    try:
        data = json.loads(body)["data"]
        relations = data.get("relationships", {})
        related = {name: str(each["data"]["id"]) for name, each in relations.items()}
        return WebhookEvent(str(data["id"]), str(data["type"]), dict(data["attributes"]), related)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise WebhookRefused("the body is no event") from None
