"""Secrets at rest: envelope encryption and where the master keys live."""

from nostro.keys.envelope import (
    DamagedValueError,
    Keyring,
    LocalMasterKey,
    MasterKey,
    SealError,
    UnknownKeyError,
    WrongContextError,
    value_context,
)
from nostro.keys.sources import (
    EnvironmentKeySource,
    FileKeySource,
    KeySource,
    KeySourceError,
    load_keyring,
)

__all__ = [
    "DamagedValueError",
    "EnvironmentKeySource",
    "FileKeySource",
    "KeySource",
    "KeySourceError",
    "Keyring",
    "LocalMasterKey",
    "MasterKey",
    "SealError",
    "UnknownKeyError",
    "WrongContextError",
    "load_keyring",
    "value_context",
]
