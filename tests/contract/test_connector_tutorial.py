"""The connector of docs/contributing/connector-tutorial.md passes the contract that every connector must pass.

The code is taken out of the text itself, so the text cannot rot.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import sys
import types
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.contract.connector_contract import ConnectorContract, ContractCase
from tests.http.servers import QuietHandler, http_server

from nostro.connectors.contract import (
    UNATTENDED,
    Configuration,
    ConnectionHandle,
    Consent,
    ConsentRequest,
    Finished,
    PasteToken,
    PsuInput,
)
from nostro.connectors.errors import AccessExceeded, AspspError, AspspUnavailable, ConsentExpired, ProtocolError
from nostro.core.transactions import Account, Window
from nostro.http import Door, DoorSettings

TUTORIAL = Path(__file__).parents[2] / "docs" / "contributing" / "connector-tutorial.md"
NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
TOKEN = "paper-token-0123456789abcdef"
IBAN = "BE68539007547034"
WINDOW = Window(dt.date(2025, 10, 1), dt.date(2026, 1, 5))
FAILURES: dict[str, tuple[int, Any, type]] = {
    "expired": (401, {"error": "token_expired"}, ConsentExpired),
    "quota": (429, {"error": "too_many"}, AccessExceeded),
    "bare 401": (401, None, AspspError),
    "odd code": (400, {"error": ["?"]}, AspspError),
    "down": (503, "<html>", AspspUnavailable),
    "no json": (200, "{", ProtocolError),
    "no entries": (200, {"entries": None}, ProtocolError),
    "page 1 leads to itself": (200, {"entries": [], "next": 1}, ProtocolError),
}


def entry(amount: str, direction: str, currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"ref": amount, "day": "2026-01-03", "amount": amount, "direction": direction, "currency": currency} | more


PAGES = {
    1: {"entries": [entry("256.67", "in"), entry("12.30", "out", name="Shop")], "next": 2},
    2: {"entries": [entry("1250", "out", "JPY"), entry("3.125", "in", "KWD")]},
}


@pytest.fixture(scope="module")
def tutorial() -> Iterator[types.ModuleType]:
    """The code of the tutorial as a module."""
    code = "\n\n".join(re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.DOTALL))
    module = types.ModuleType("connector_tutorial")
    sys.modules[module.__name__] = module
    exec(compile(code, str(TUTORIAL), "exec"), module.__dict__)
    yield module
    del sys.modules[module.__name__]


class PaperBankServer:
    """Plays the bank: the answers of the tutorial, or the one that a test wants instead for entries."""

    def __init__(self) -> None:
        self.entries: Callable[[int], tuple[int, Any]] = lambda page: (200, PAGES[page])
        self.tokens: list[str] = []

    def answer(self, path: str) -> tuple[int, Any]:
        if path == "/accounts":
            return 200, {"accounts": [{"id": "a/1", "iban": IBAN, "currency": "EUR", "name": "Till"}]}
        if path.endswith("/balance"):
            return 200, {"booked": "500.05", "currency": "EUR", "day": "2026-01-04"}
        assert path.startswith("/accounts/a%2F1/entries?from=2025-10-01&to=2026-01-05&page="), path
        return self.entries(int(path.rpartition("=")[2]))


@pytest.fixture
def bank() -> PaperBankServer:
    return PaperBankServer()


@pytest.fixture
def address(bank: PaperBankServer) -> Iterator[str]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            bank.tokens.append(self.headers["Authorization"])
            status, body = bank.answer(self.path)
            sent = (body if isinstance(body, str) else json.dumps(body)).encode() if body is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

    with http_server(Handler) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def connector(tutorial: types.ModuleType) -> Iterator[Any]:
    with Door(DoorSettings(allow_loopback_http=True)) as door:
        yield tutorial.PaperBank(door, lambda: NOW, lambda: str(uuid.uuid4()))


class TestTutorial(ConnectorContract):
    @pytest.fixture
    def case(self, bank: PaperBankServer, address: str, connector: Any) -> ContractCase:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
        consent = Consent(TOKEN, "valid")

        def fail_with(name: str) -> None:
            status, body, _ = FAILURES[name]
            bank.entries = lambda page: (status, body)

        def endless() -> None:
            bank.entries = lambda page: (200, {"entries": [entry("1.00", "in")], "next": 2})

        return ContractCase(
            connector=connector,
            connection=ConnectionHandle(Configuration(address, "Paper Bank"), consent),
            account=Account("a/1", "EUR", iban=IBAN),
            window=WINDOW,
            booked=[
                (Decimal("256.67"), "EUR"), (Decimal("-12.30"), "EUR"), (Decimal("-1250"), "JPY"),
                (Decimal("3.125"), "KWD"),
            ],
            errors={name: kind for name, (_, _, kind) in FAILURES.items()},
            fail_with=fail_with,
            endless_pages=endless,
            unreachable=ConnectionHandle(Configuration(nowhere, "Paper Bank"), consent),
            secrets=[TOKEN],
        )  # fmt: skip


def test_a_row_that_cannot_be_read_is_told_and_keeps_the_page_incomplete(
    bank: PaperBankServer, address: str, connector: Any
) -> None:
    bank.entries = lambda page: (200, {"entries": [entry("1.00", "sideways"), entry("2.00", "in"), 7]})
    handle = ConnectionHandle(Configuration(address, "Paper Bank"), Consent(TOKEN, "valid"))
    page = connector.list_transactions(handle, Account("a/1", "EUR", iban=IBAN), WINDOW, "booked", UNATTENDED)
    assert [row.amount for row in page.rows] == [Decimal("2.00")]
    assert [warning.split(" cannot")[0] for warning in page.warnings] == ["row 1", "row 3"]
    assert not page.complete


def test_the_pasted_token_is_tried_before_it_counts(bank: PaperBankServer, address: str, connector: Any) -> None:
    configuration = Configuration(address, "Paper Bank")
    request = ConsentRequest(
        "business", dt.date(2026, 4, 1), 4, "https://hub.example/ok", "https://hub.example/nok", "state"
    )
    step = connector.create_consent(configuration, request, UNATTENDED)
    assert isinstance(step, PasteToken)
    given = PsuInput("token", {"token": TOKEN})
    done = connector.continue_authorisation(configuration, step.state, given, UNATTENDED)
    assert isinstance(done, Finished)
    assert done.consent.valid_until == dt.date(2026, 4, 1)
    assert bank.tokens == [f"Bearer {TOKEN}"]
