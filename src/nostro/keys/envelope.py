"""Envelope encryption of secrets at rest: AES-256-GCM, one data key for every value (DESIGN.md section 3).

A sealed value is self-describing, so that any later version can still open it:

    format version (1 byte) | length of key id (1) | key id | digest of the context (8)
    | length of wrapped data key (2) | wrapped data key | nonce (12) | ciphertext and tag

Every value has a fresh data key of its own, wrapped by a master key. A master key in a KMS therefore never
leaves it, and a stolen data key opens one value only. The context (table, column, row) is authenticated with
the value: a value copied into another row or column does not open. The digest of the context is no secret; it
only lets the error say "wrong context" instead of "damaged".

No message and no repr of this module contains a key, a plaintext or a sealed value.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT_VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
CONTEXT_DIGEST_BYTES = 8
#: One value is a secret or one raw answer of a bank; 64 MiB is the largest body Nostro reads (connectors.md
#: 1.1).
MAX_PLAINTEXT_BYTES = 64 * 1024 * 1024

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")

RandomBytes = Callable[[int], bytes]


class SealError(Exception):
    """A value cannot be sealed or opened. Messages never contain secrets."""


class WrongContextError(SealError):
    """The value was sealed for another table, column or row."""


class UnknownKeyError(SealError):
    """The value was sealed with a master key this installation does not have."""


class DamagedValueError(SealError):
    """The value is cut, changed, or not a sealed value at all."""


class MasterKey(Protocol):
    """A key that wraps data keys. A KMS client implements this with its encrypt and decrypt calls.

    ``wrap`` and ``unwrap`` must authenticate ``associated_data``. ``unwrap`` raises
    :class:`DamagedValueError` where the wrapped key is not authentic; a KMS that cannot be reached raises its
    own error, which is passed on.
    """

    @property
    def key_id(self) -> str: ...

    def wrap(self, data_key: bytes, associated_data: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, associated_data: bytes) -> bytes: ...


class LocalMasterKey:
    """A 256-bit master key held in memory.

    Nonces are random, so one master key should wrap fewer than 2**32 values (NIST SP 800-38D); rotate before.
    """

    def __init__(self, key_id: str, key: bytes, *, random_bytes: RandomBytes = os.urandom) -> None:
        if not _KEY_ID.fullmatch(key_id):
            raise SealError("a key id has 1 to 32 letters, digits, hyphens or underscores")
        if len(key) != KEY_BYTES:
            raise SealError(f"master key {key_id} must have {KEY_BYTES} bytes")
        self._key_id = key_id
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    @property
    def key_id(self) -> str:
        return self._key_id

    def wrap(self, data_key: bytes, associated_data: bytes) -> bytes:
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data_key, associated_data)

    def unwrap(self, wrapped: bytes, associated_data: bytes) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], associated_data)
        except (InvalidTag, ValueError):
            raise DamagedValueError(
                f"the data key of this value does not open with master key {self._key_id}: "
                "the value is damaged or the key was replaced under the same id"
            ) from None

    def __repr__(self) -> str:
        return f"LocalMasterKey({self._key_id!r})"


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The parts of a sealed value. ``header``: all before the wrapped key, authenticated with both parts."""

    key_id: str
    header: bytes
    context_digest: bytes
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes


class Keyring:
    """Seals with the newest master key, opens with any it holds.

    ``keys``: newest first, at least one, ids distinct.
    """

    def __init__(self, keys: Sequence[MasterKey], *, random_bytes: RandomBytes = os.urandom) -> None:
        if not keys:
            raise SealError("a keyring needs at least one master key")
        self._keys = {key.key_id: key for key in keys}
        if len(self._keys) != len(keys):
            raise SealError("two master keys have the same id")
        self._newest = keys[0]
        self._random_bytes = random_bytes

    @property
    def newest_key_id(self) -> str:
        return self._newest.key_id

    def seal(self, plaintext: bytes | str, *, context: str) -> bytes:
        """Encrypt ``plaintext`` (text as UTF-8) for one place, named by ``context`` (see
        :func:`value_context`).
        """
        data = plaintext.encode() if isinstance(plaintext, str) else bytes(plaintext)
        if len(data) > MAX_PLAINTEXT_BYTES:
            raise SealError("the value is too large to be sealed")
        header = _header(self._newest.key_id, context)
        data_key = self._random_bytes(KEY_BYTES)
        wrapped = self._newest.wrap(data_key, header)
        nonce = self._random_bytes(NONCE_BYTES)
        ciphertext = AESGCM(data_key).encrypt(nonce, data, header + context.encode())
        return b"".join((header, len(wrapped).to_bytes(2, "big"), wrapped, nonce, ciphertext))

    def open(self, value: bytes | bytearray | memoryview, *, context: str) -> bytes:
        """Decrypt a value sealed for the same ``context``.

        Raises :class:`WrongContextError`, :class:`UnknownKeyError` or :class:`DamagedValueError`.
        """
        sealed = _parse(value)
        if sealed.context_digest != _context_digest(context):
            raise WrongContextError("this value was sealed for another table, column or row")
        master = self._keys.get(sealed.key_id)
        if master is None:
            known = ", ".join(self._keys)
            raise UnknownKeyError(f"this value needs master key {sealed.key_id}; known keys: {known}")
        data_key = master.unwrap(sealed.wrapped_key, sealed.header)
        try:
            return AESGCM(data_key).decrypt(sealed.nonce, sealed.ciphertext, sealed.header + context.encode())
        except (InvalidTag, ValueError):
            raise DamagedValueError("this value is damaged: its content does not match its seal") from None

    def open_text(self, value: bytes | bytearray | memoryview, *, context: str) -> str:
        """:meth:`open` for a value that was sealed from text."""
        return self.open(value, context=context).decode()

    def needs_rotation(self, value: bytes | bytearray | memoryview) -> bool:
        """True if another key than the newest sealed the value. Raises :class:`DamagedValueError`."""
        return _parse(value).key_id != self._newest.key_id

    def rotate(self, value: bytes | bytearray | memoryview, *, context: str) -> bytes:
        """The same secret sealed with the newest key; a value that needs no rotation comes back unchanged."""
        if not self.needs_rotation(value):
            return bytes(value)
        return self.seal(self.open(value, context=context), context=context)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"


def value_context(table: str, column: str, row_id: object) -> str:
    """The context of one database value. A separator that occurs in no name keeps two contexts from being
    equal.
    """
    return "\x1f".join((table, column, str(row_id)))


def _context_digest(context: str) -> bytes:
    if not context:
        raise SealError("a sealed value needs a context (table, column, row id)")
    return hashlib.sha256(context.encode()).digest()[:CONTEXT_DIGEST_BYTES]


def _header(key_id: str, context: str) -> bytes:
    if not _KEY_ID.fullmatch(key_id):
        raise SealError("a key id has 1 to 32 letters, digits, hyphens or underscores")
    return bytes((FORMAT_VERSION, len(key_id))) + key_id.encode() + _context_digest(context)


def _parse(value: bytes | bytearray | memoryview) -> _Sealed:
    data = bytes(value)
    if len(data) < 2 or data[0] != FORMAT_VERSION:
        raise DamagedValueError("this is not a sealed value, or one of a newer version of Nostro")
    key_end = 2 + data[1]
    digest_end = key_end + CONTEXT_DIGEST_BYTES
    wrapped_start = digest_end + 2
    wrapped_end = wrapped_start + int.from_bytes(data[digest_end:wrapped_start], "big")
    nonce_end = wrapped_end + NONCE_BYTES
    # The shortest ciphertext is the 16-byte tag of an empty value.
    if len(data) < nonce_end + 16 or not _KEY_ID.fullmatch(key_id := data[2:key_end].decode("ascii", "replace")):
        raise DamagedValueError("this sealed value is cut or damaged")
    return _Sealed(
        key_id=key_id,
        header=data[:digest_end],
        context_digest=data[key_end:digest_end],
        wrapped_key=data[wrapped_start:wrapped_end],
        nonce=data[wrapped_end:nonce_end],
        ciphertext=data[nonce_end:],
    )
