"""Secrets in the database: sealed with this installation's keyring, and bound to their row (DESIGN.md section 3).

``context`` names the place, best by ``nostro.keys.envelope.value_context(table, column, row_id)``: a value that was
copied into another row does not open.
"""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from nostro.keys.envelope import Keyring
from nostro.keys.sources import load_keyring


@lru_cache(maxsize=1)
def keyring() -> Keyring:
    """The keyring of this process: from ``NOSTRO_MASTER_KEYS``, else from the data directory (made on first use)."""
    return load_keyring(settings.DATA_DIRECTORY)


def seal(value: str | bytes, *, context: str) -> bytes:
    """Seal a secret for one place."""
    return keyring().seal(value, context=context)


def open_sealed(value: bytes | bytearray | memoryview, *, context: str) -> bytes:
    """Open a secret that was sealed for the same place. Raises ``nostro.keys.envelope.SealError`` when it was not."""
    return keyring().open(value, context=context)
