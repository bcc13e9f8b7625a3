"""A bank's own payload of a row or a page as bytes, to recognise it when it comes again (hub-api.md 7.2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

_written = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode


def payload_bytes(value: Any) -> bytes:
    """JSON in the order of the bank's members; equal payloads give equal bytes."""
    try:
        return _written(value)
    except (OverflowError, ValueError, RecursionError):
        # Whole numbers beyond 64 bits, and halves of surrogate pairs.
        return json.dumps(value, default=str, separators=(",", ":")).encode()


def payload_digest(raw: Mapping[str, Any]) -> bytes:
    """SHA-256 of the payload of one row; a row without payload has the digest of ``null``."""
    return hashlib.sha256(payload_bytes(raw or None)).digest()
