"""The name of a person's login at the bank, where they gave it here (header ``PSU-ID``): sealed, for renewals."""

from __future__ import annotations

from nostro.core.text import clean
from nostro.hub.linking.models import Connection
from nostro.keys.envelope import value_context
from nostro.web.secrets import open_sealed, seal

MAX_LENGTH = 100


def keep_psu_id(connection: Connection, psu_id: str) -> None:
    """Note the name with a connection; the caller saves. Empty text leaves none."""
    name = clean_psu_id(psu_id)
    connection.sealed_psu_id = seal(name, context=_context(connection)) if name else None


def clean_psu_id(text: str) -> str:
    """The name as a person typed it, without what no name has."""
    return clean(text, MAX_LENGTH).strip()


def psu_id_of(connection: Connection) -> str:
    """The name, empty where none was given."""
    if connection.sealed_psu_id is None:
        return ""
    return open_sealed(connection.sealed_psu_id, context=_context(connection)).decode()


def _context(connection: Connection) -> str:
    return value_context("linking_connection", "sealed_psu_id", connection.pk)
