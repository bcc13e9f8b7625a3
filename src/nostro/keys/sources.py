"""Where master keys live: an environment variable, a file in the data directory, or a KMS.

The text form is the same for both: one ``id:base64`` per key, newest first, separated by commas or line ends.
A KMS needs no source of this module: whoever has one implements :class:`nostro.keys.envelope.MasterKey` and a
:class:`KeySource` that returns it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from nostro.keys.envelope import KEY_BYTES, Keyring, LocalMasterKey, MasterKey, RandomBytes, SealError

ENVIRONMENT_VARIABLE = "NOSTRO_MASTER_KEYS"
FILE_NAME = "master-keys"
MAX_KEYS = 100


class KeySourceError(SealError):
    """The master keys cannot be read. The message says what to do and contains no key."""


class KeySource(Protocol):
    """Gives the master keys, newest first."""

    def load(self) -> Sequence[MasterKey]: ...


class EnvironmentKeySource:
    """Keys from ``NOSTRO_MASTER_KEYS``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def load(self) -> Sequence[MasterKey]:
        text = self._environment.get(ENVIRONMENT_VARIABLE, "")
        if not text.strip():
            raise KeySourceError(f"{ENVIRONMENT_VARIABLE} is not set")
        return parse_keys(text, ENVIRONMENT_VARIABLE)


class FileKeySource:
    """Keys from the file ``master-keys`` in the data directory, made on first use.

    The file is readable by its owner only. It is written completely and synced to disk before it gets its
    name, so a crash leaves either no file or a whole one; of two processes that start at once, the first
    one's key counts.
    """

    def __init__(self, directory: Path, *, random_bytes: RandomBytes = os.urandom) -> None:
        self.path = directory / FILE_NAME
        self._random_bytes = random_bytes

    def load(self) -> Sequence[MasterKey]:
        if not self.path.exists():
            self._create()
        return parse_keys(self._read(), str(self.path))

    def add_key(self) -> str:
        """Put a new key in front of the others, for rotation, and return its id. Old values still open."""
        self.load()
        line, key_id = self._new_line()
        with self._written(line + self._read()) as temporary:
            os.replace(temporary, self.path)
        return key_id

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line, _ = self._new_line()
        with self._written(line) as temporary:
            try:
                # A link fails when another process was faster; then its key counts.
                os.link(temporary, self.path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()

    def _read(self) -> str:
        mode = self.path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeySourceError(f"{self.path} may be read by others than its owner; run: chmod 600 {self.path}")
        return self.path.read_text()

    def _new_line(self) -> tuple[str, str]:
        key_id = "k" + self._random_bytes(4).hex()
        return f"{key_id}:{base64.b64encode(self._random_bytes(KEY_BYTES)).decode()}\n", key_id

    @contextmanager
    def _written(self, content: str) -> Iterator[Path]:
        """Yield a complete, synced temporary file beside the real one; sync the directory afterwards."""
        temporary = self.path.with_name(f".{FILE_NAME}.{os.getpid()}.{self._random_bytes(4).hex()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def parse_keys(text: str, origin: str) -> list[MasterKey]:
    """Read ``id:base64`` entries, newest first. ``origin`` is named in errors."""
    entries = re.split(r"[,\s]+", text.strip())
    if entries == [""] or len(entries) > MAX_KEYS:
        raise KeySourceError(f"{origin} must hold 1 to {MAX_KEYS} keys")
    return [_parse_entry(entry, number, origin) for number, entry in enumerate(entries, start=1)]


def _parse_entry(entry: str, number: int, origin: str) -> MasterKey:
    key_id, separator, encoded = entry.partition(":")
    if not separator:
        raise KeySourceError(f"key {number} in {origin} must have the form id:base64")
    try:
        return LocalMasterKey(key_id, base64.b64decode(encoded, validate=True))
    except (binascii.Error, SealError):
        # The entry itself stays out of the message, and so does the error that quotes it.
        raise KeySourceError(
            f"key {number} in {origin} must be an id, a colon, and {KEY_BYTES} bytes in base64"
        ) from None


def load_keyring(directory: Path, environment: Mapping[str, str] = os.environ) -> Keyring:
    """The keyring of this installation: ``NOSTRO_MASTER_KEYS`` where set, else the data directory."""
    source: KeySource
    if environment.get(ENVIRONMENT_VARIABLE, "").strip():
        source = EnvironmentKeySource(environment)
    else:
        source = FileKeySource(directory)
    return Keyring(source.load())
