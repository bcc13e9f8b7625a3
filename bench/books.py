"""From a Hub's page to posted, grouped and proven lines: lines a second of one worker, against bare SQL.

Pages are the JSON text that a Hub sends, 100 transactions each. A fetch goes through all of the Books: lease, client
with token and reading of JSON, the raw store, identity, lines with their entries and aliases, statements, the
balance proof and the commit point. The limit beside it writes the same rows of line, entry, items and alias, ready made
and with other ids, by COPY into the same tables with their constraints, and commits every 500 lines as the import does.

Figures: ``lines_per_s`` of a whole first fetch without the Hub's share, ``import_lines_per_s`` of its import alone
(lines, entries, aliases, statements, proof), ``bare_per_s``, ``sql_ratio`` (bare seconds divided by those of the whole
fetch), ``idle_fetch_cpu_ms`` of this process for a fetch that reads the overlap of ten days and finds nothing new, and
``rows``, the lines of that journal. What a large journal and many journals do is told in :mod:`bench.books_large`.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from bench.books_house import Journal
from bench.books_large import growth, pages, schedule
from bench.scratch import scratch_database

QUICK_ROWS = 10_000
FULL_ROWS = 50_000
BATCH = 500
IDLE_FETCHES = 10


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    with scratch_database():
        rows = QUICK_ROWS if quick else FULL_ROWS
        # The first fetch also loads code and plans statements, so it is not measured.
        Journal(number=0, rows=1_000).fetch()
        journal = Journal(number=1, rows=rows)
        whole, importing = journal.fetch()
        idle_ms = min(journal.fetch_idle() for _ in range(IDLE_FETCHES))
        bare = _bare(journal)
        large, figures = growth(quick=quick)
        figures |= pages(large) | schedule(quick=quick)
        return {
            "lines_per_s": round(rows / whole),
            "import_lines_per_s": round(rows / importing),
            "bare_per_s": round(rows / bare),
            "sql_ratio": round(bare / whole, 3),
            "idle_fetch_cpu_ms": round(idle_ms, 1),
            "rows": rows,
        } | figures


#: Flips one random bit of an id, so that a copied row is another row with as good a place in the index.
_OTHER = 1 << 61
#: (table, what orders and selects its rows by line, the columns that hold ids of copied rows)
_TABLES = (
    ("ledger_entry", "JOIN journals_line l ON l.entry_id = t.id", ("id",)),
    ("ledger_entryitem", "JOIN journals_line l ON l.entry_id = t.entry_id", ("id", "entry_id")),
    ("journals_line", "JOIN journals_line l ON l.id = t.id", ("id", "entry_id")),
    ("journals_alias", "JOIN journals_line l ON l.id = t.line_id", ("line_id",)),
)


def _bare(journal: Journal) -> float:
    """Seconds to write the same balanced rows again under other ids, by COPY, 500 lines a transaction."""
    from django.db import connection, transaction

    ready = [_ready_rows(journal, *table) for table in _TABLES]
    begin = time.perf_counter()
    for first in range(0, journal.rows, BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            for statement, rows in ready:
                share = len(rows) // journal.rows * BATCH
                start = first // BATCH * share
                with cursor.copy(statement) as copy:
                    for row in rows[start : start + share]:
                        copy.write_row(row)
    return time.perf_counter() - begin


def _ready_rows(journal: Journal, table: str, join: str, ids: tuple[str, ...]) -> tuple[str, list[list[Any]]]:
    """A COPY statement and its rows, in the order of the lines."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.* FROM {table} t {join} WHERE l.journal_id = %s ORDER BY l.order_date, l.day_seq, l.id",
            [journal.journal.pk],
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len(rows) % journal.rows == 0
    if table == "journals_alias":
        names.remove("id")
    for row in rows:
        row |= {name: uuid.UUID(int=row[name].int ^ _OTHER) for name in ids}
        if table == "journals_alias":
            row["external_id"] = f"copy-{row['external_id']}"
    columns = ", ".join(f'"{name}"' for name in names)
    return f"COPY {table} ({columns}) FROM STDIN", [[row[name] for name in names] for row in rows]
