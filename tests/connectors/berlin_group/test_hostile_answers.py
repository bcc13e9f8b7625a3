"""Whatever a bank sends, reading it gives a page or exactly one error of the contract."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.berlin_group.bank import WINDOW
from tests.contract.connector_contract import floats_in

from nostro.connectors.berlin_group.mapping import KNOWN_TRANSACTION_FIELDS
from nostro.connectors.berlin_group.transactions import map_transactions
from nostro.connectors.contract import Page, RawAnswer
from nostro.connectors.errors import ConnectorError

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("4111111111111111"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
amounts = st.fixed_dictionaries(
    {"amount": st.decimals(allow_nan=False, places=3).map(str) | anything, "currency": st.just("KWD") | anything}
)
rows = st.dictionaries(st.sampled_from(sorted(KNOWN_TRANSACTION_FIELDS)), anything, max_size=8).flatmap(
    lambda fields: amounts.map(lambda amount: {**fields, "transactionAmount": amount})
)


def read(body: bytes) -> Page | None:
    raw = RawAnswer("https://bank.example/v1/accounts/a/transactions", 200, "application/json", body, "request")
    try:
        return map_transactions(raw, WINDOW)
    except ConnectorError:
        return None


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    read(body)


@given(anything)
def test_any_json(value: Any) -> None:
    for data in (value, {"transactions": value}, {"transactions": {"booked": value, "_links": value}}):
        read(json.dumps(data).encode())


@given(st.lists(rows, max_size=4))
def test_no_row_vanishes_in_silence(items: list[Any]) -> None:
    page = read(json.dumps({"transactions": {"booked": items}}, allow_nan=False).encode()) if finite(items) else None
    if page is None:
        return
    unreadable = [warning for warning in page.warnings if "cannot be read" in warning]
    assert len(page.rows) + len(unreadable) == len(items)
    assert page.complete is (not unreadable)
    assert not list(floats_in(page.rows))


def finite(value: Any) -> bool:
    """False if JSON cannot hold the value."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
