"""Loading the directory: the bank registry that schwifty ships, and the sandbox bank (connectors.md section 2)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from schwifty import registry

from nostro.core.text import clean
from nostro.hub.directory.folding import fold_words
from nostro.hub.directory.identifiers import full_bic
from nostro.hub.directory.models import Institution, Route

#: Ids are derived within this namespace, so that every host gives a bank the same id for ever.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://nostro.invalid/financial-institutions")
MAX_NAME_LENGTH = 200
#: PostgreSQL's advisory lock of this work: two hosts that start together load one after the other.
_LOCK = 0x6E6F7374726F01

SANDBOX_BANK_NAME = "Nostro Test Bank"
SANDBOX_BANK_BIC = "NSTRBEB0XXX"
SANDBOX_BANK_COUNTRY = "BE"


@dataclass(slots=True)
class _Listing:
    name: str
    bic: str
    country: str
    bank_codes: set[str] = field(default_factory=set)


def institution_id(country: str, bic: str, name: str) -> uuid.UUID:
    """The id of a bank: the same on every host and after every reload."""
    return uuid.uuid5(NAMESPACE, "\x1f".join((country, full_bic(bic), fold_words(name))))


def load_directory() -> int:
    """Bring the institutions in line with the registry and the settings; returns how many rows changed.

    Repeating it changes nothing. Banks that left the registry stay, marked deprecated, because accounts may hang on
    them. The sandbox bank's route follows ``SANDBOX_BANK_URL`` and ``SANDBOX_ENABLED``.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        return _upsert(_registry()) + _load_sandbox_bank()


def _registry() -> dict[uuid.UUID, _Listing]:
    """One listing for each country, BIC and name, with all its bank codes."""
    listings: dict[uuid.UUID, _Listing] = {}
    ids: dict[tuple[str, str, str], uuid.UUID] = {}
    for bank in registry.get_all_banks():
        bic = full_bic(bank.bic or "")
        key = (bank.country_code, bic, bank.name)
        if key not in ids:
            ids[key] = institution_id(*key)
        name = clean(bank.name, limit=MAX_NAME_LENGTH)
        listing = listings.setdefault(ids[key], _Listing(name, bic, bank.country_code))
        # Of two spellings the first by the alphabet wins, so that the order of the registry's files does not matter.
        listing.name = min(listing.name, name)
        if bank.bank_code:
            listing.bank_codes.add(bank.bank_code)
    return listings


_STAGE = """
CREATE TEMPORARY TABLE staged_institution
    (id uuid, name text, folded_name text, bic text, country text, bank_codes text[]) ON COMMIT DROP
"""
_UPSERT = """
INSERT INTO directory_institution AS known
    (id, name, folded_name, bic, country, bank_codes, time_zone, status, is_sandbox, deprecated, maintenance_type,
     updated_at, added_by_operator)
SELECT id, name, folded_name, bic, country, bank_codes, '', 'stable', false, false, '', now(), false
FROM staged_institution ORDER BY id
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, folded_name = excluded.folded_name, bic = excluded.bic, country = excluded.country,
    bank_codes = excluded.bank_codes, deprecated = false, updated_at = now()
WHERE (known.name, known.folded_name, known.bic, known.country, known.bank_codes, known.deprecated)
    IS DISTINCT FROM
    (excluded.name, excluded.folded_name, excluded.bic, excluded.country, excluded.bank_codes, false)
"""
_DEPRECATE = """
UPDATE directory_institution SET deprecated = true, updated_at = now()
WHERE NOT is_sandbox AND NOT added_by_operator AND NOT deprecated AND id NOT IN (SELECT id FROM staged_institution)
"""


def _upsert(listings: dict[uuid.UUID, _Listing]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        columns = "(id, name, folded_name, bic, country, bank_codes)"
        with cursor.copy(f"COPY staged_institution {columns} FROM STDIN") as copy:
            for row in _rows(listings):
                copy.write_row(row)
        cursor.execute(_UPSERT)
        changed: int = cursor.rowcount
        cursor.execute(_DEPRECATE)
        changed += cursor.rowcount
        cursor.execute("DROP TABLE staged_institution")
    return changed


def _rows(listings: dict[uuid.UUID, _Listing]) -> Iterable[tuple[object, ...]]:
    for key, bank in listings.items():
        folded = fold_words(bank.name)[:MAX_NAME_LENGTH]
        yield key, bank.name, folded, bank.bic, bank.country, sorted(bank.bank_codes)


def _load_sandbox_bank() -> int:
    wanted = {
        "name": SANDBOX_BANK_NAME,
        "folded_name": fold_words(SANDBOX_BANK_NAME),
        "bic": SANDBOX_BANK_BIC,
        "country": SANDBOX_BANK_COUNTRY,
        "time_zone": "Europe/Brussels",
        "is_sandbox": True,
        "deprecated": not settings.SANDBOX_ENABLED,
    }
    key = institution_id(SANDBOX_BANK_COUNTRY, SANDBOX_BANK_BIC, SANDBOX_BANK_NAME)
    if not settings.SANDBOX_ENABLED and not Institution.objects.filter(pk=key).exists():
        return 0
    institution, made = Institution.objects.get_or_create(pk=key, defaults=wanted)
    changed = made or _bring_in_line(institution, wanted)
    route_wanted = {
        "base_url": settings.SANDBOX_BANK_URL.rstrip("/"),
        "sca_approaches": ["redirect"],
        "enabled": settings.SANDBOX_ENABLED,
    }
    route, route_made = Route.objects.get_or_create(
        institution=institution, connector="berlin_group", defaults=route_wanted
    )
    route_changed = route_made or _bring_in_line(route, route_wanted)
    return int(changed) + int(route_changed)


def _bring_in_line(row: Institution | Route, wanted: dict[str, object]) -> bool:
    """Save the values that differ; True if any did."""
    differing = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not differing:
        return False
    for name, value in differing.items():
        setattr(row, name, value)
    updates = [*differing, "updated_at"] if isinstance(row, Institution) else list(differing)
    row.save(update_fields=updates)
    return True
