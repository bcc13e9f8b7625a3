"""The frame of the benchmarks."""

from __future__ import annotations

import json

import pytest

from bench import ingest, main
from nostro.connectors.berlin_group.transactions import map_transactions
from nostro.connectors.contract import RawAnswer
from nostro.core.transactions import Window


def test_benchmarks_are_found_by_name():
    assert "ingest" in main.discover()
    with pytest.raises(LookupError, match="ingest"):
        main.run("nothing", quick=True)


@pytest.mark.django_db
def test_the_machine_is_described_without_naming_it():
    machine = main.describe_machine()
    assert set(machine) == {"cores", "memory_gib", "python", "postgresql"}
    assert json.loads(json.dumps(machine)) == machine


def test_the_bench_sends_what_the_connector_reads():
    body = ingest.page_text(0, 100, None)
    window = Window(ingest.NOW.date().replace(year=2025), ingest.NOW.date())
    page = map_transactions(RawAnswer("u", 200, "application/json", body, "r"), window)
    assert len(page.rows) == 100 and page.complete and not page.warnings
    assert page.rows[0].counterparty_account and page.rows[0].entry_reference
