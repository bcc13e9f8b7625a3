"""The raw store: what the Hub sent, as it came (books.md 10 step 5)."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from uuid import UUID

import msgspec
from django.db import connection

from nostro.books.hub_client.values import HubTransaction
from nostro.books.links.models import OnlineAccount


def stage(
    account: OnlineAccount, source: str, items: Iterable[HubTransaction], *, run_id: UUID, now: dt.datetime
) -> dict[str, dt.datetime]:
    """Append every payload that is not there yet. Returns by id when its payload was first seen."""
    unique = {item.id: item.payload for item in items}
    rows = [[key, hashlib.sha256(payload.encode()).hexdigest(), payload] for key, payload in unique.items()]
    with connection.cursor() as cursor:
        # One text for all rows: the driver takes longer for a hundred parameters than the database for the rows.
        cursor.execute(
            "INSERT INTO links_rawtransaction (company_id, identity, source, external_id, payload_hash, payload,"
            " run_id, first_seen, last_seen) SELECT %s, %s, %s, r->>0, r->>1, r->>2, %s, %s, %s"
            " FROM json_array_elements(%s::json) r"
            " ON CONFLICT ON CONSTRAINT no_raw_payload_twice DO UPDATE SET last_seen = EXCLUDED.last_seen"
            " RETURNING external_id, first_seen",
            [account.company_id, account.identity, source, run_id, now, now, msgspec.json.encode(rows).decode()],
        )
        return dict(cursor.fetchall())
