"""A small bank for tests: a real HTTP server whose answers a test writes down.

The bodies follow the examples of the standard (NextGenPSD2 Framework 1.3, Implementation Guidelines). It is no second
sandbox bank: it keeps no state, it says what it was told to say and remembers what it was asked.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.http.servers import QuietHandler, http_server

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import Configuration, ConnectionHandle, Consent, ConsentRequest, PsuContext
from nostro.core.transactions import Account, Window
from nostro.http import Door, DoorSettings

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
CONSENT_ID = "1234-wertiq-983"
PSU = PsuContext(
    present=True,
    ip="192.0.2.10",
    ip_port=1234,
    user_agent="Mozilla/5.0 (ünïcode)\r\nEvil: 1",
    accept="text/html",
    accept_language="de",
    observed_at=NOW,
)
ACCOUNT = Account(resource_id="3dc3d5b3-7023-4848-9853-f5400a64e80f", currency="EUR", iban="DE2310010010123456789")
WINDOW = Window(dt.date(2025, 10, 1), dt.date(2026, 1, 5))
TRANSACTIONS = f"/v1/accounts/{ACCOUNT.resource_id}/transactions"
FIRST_PAGE = f"{TRANSACTIONS}?bookingStatus=booked&dateFrom=2025-10-01&dateTo=2026-01-05"


@dataclass
class Asked:
    """One request as the bank saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Reply:
    """One answer: JSON, or ``text`` where the bank does not send JSON."""

    status: int = 200
    json: Any = None
    text: str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        if self.text is not None:
            return self.text.encode() if isinstance(self.text, str) else self.text
        return b"" if self.json is None else json.dumps(self.json).encode()


Answering = Reply | Callable[[Asked], Reply]


class Bank:
    """Answers by ``"METHOD path"``; a list is used up one by one, its last entry stays."""

    def __init__(self) -> None:
        self.routes: dict[str, list[Answering]] = {}
        self.asked: list[Asked] = []
        self.base_url = ""
        self.now = NOW

    def on(self, route: str, *answers: Answering) -> None:
        self.routes[route] = list(answers)

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        queue = self.routes.get(f"{asked.method} {asked.path}") or self.routes.get("default")
        if not queue:
            return Reply(404, {"tppMessages": [{"category": "ERROR", "code": "RESOURCE_UNKNOWN"}]})
        answering = queue.pop(0) if len(queue) > 1 else queue[0]
        return answering(asked) if callable(answering) else answering

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    @property
    def configuration(self) -> Configuration:
        return Configuration(base_url=self.base_url, aspsp="Test Bank")

    @property
    def connection(self) -> ConnectionHandle:
        return ConnectionHandle(self.configuration, Consent(CONSENT_ID, "valid"))


@contextmanager
def running_bank() -> Iterator[Bank]:
    bank = Bank()

    class Handler(QuietHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            asked = Asked(self.command, self.path, dict(self.headers), json.loads(content) if content else None)
            reply = bank.answer(asked)
            headers = {"Content-Type": "application/json", **reply.headers}
            self.answer(reply.status, reply.body(), **headers)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

    with http_server(Handler) as server:
        bank.base_url = f"http://127.0.0.1:{server.server_port}"
        yield bank


@contextmanager
def connector_for(bank: Bank) -> Iterator[BerlinGroupConnector]:
    numbers = itertools.count(1)
    settings = DoorSettings(allow_loopback_http=True, connect_timeout_s=2, read_timeout_s=2, total_timeout_s=5)
    with Door(settings) as door:
        yield BerlinGroupConnector(door, lambda: bank.now, lambda: str(uuid.UUID(int=next(numbers))))


def consent_request(**changes: Any) -> ConsentRequest:
    values: dict[str, Any] = {
        "psu_type": "business",
        "valid_until": dt.date(2026, 7, 4),
        "frequency_per_day": 4,
        "redirect_uri": "https://hub.example/back",
        "nok_redirect_uri": "https://hub.example/back?nok=1",
        "state": "handle-256",
    }
    return ConsentRequest(**{**values, **changes})


def row(amount: str, currency: str = "EUR", **more: Any) -> dict[str, Any]:
    """A transaction of the standard's account report."""
    return {
        "transactionId": "1234567",
        "bookingDate": "2025-10-25",
        "valueDate": "2025-10-26",
        "transactionAmount": {"currency": currency, "amount": amount},
        "remittanceInformationUnstructured": "Example 1",
        **more,
    }


def report(booked: list[Any], next_href: str | None = None, **more: Any) -> Reply:
    """An account report with or without a further page."""
    links: dict[str, Any] = {"account": {"href": f"/v1/accounts/{ACCOUNT.resource_id}"}}
    if next_href is not None:
        links["next"] = {"href": next_href}
    return Reply(json={"account": {"iban": ACCOUNT.iban}, "transactions": {"booked": booked, "_links": links, **more}})


def refusal(status: int, code: str, text: str = "") -> Reply:
    """An error as the standard writes it."""
    return Reply(status, {"tppMessages": [{"category": "ERROR", "code": code, "text": text}]})
