"""A small Hub over real HTTP that answers from lists: the part of hub-api.md that Books reads."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 100


def transaction_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


@dataclass
class Booked:
    """A booked transaction. ``amount`` is the JSON number's text, so that a test says exactly what is sent."""

    name: str
    date: str
    amount: str
    remittance: str = ""
    currency: str = "EUR"
    counterparty_account: str = ""
    counterparty_name: str = ""
    end_to_end_id: str = ""
    structured: bool = False
    bank_reference: str = ""


@dataclass
class ScriptedAccount:
    """Transactions are newest first by creation, as the API shows them."""

    reference: str = "BE68539007547034"
    currency: str = "EUR"
    balance: str = "0"
    balance_date: str | None = None
    synchronized_at: str = "2026-11-12T08:00:00.000Z"
    expires_at: str | None = None
    transactions: list[Booked] = field(default_factory=list)
    pending: list[Booked] = field(default_factory=list)
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or str(uuid.uuid5(uuid.NAMESPACE_DNS, self.reference + self.currency))


class ScriptedHub:
    """``failures`` are answers (status, body, headers) given instead, once each, to paths that contain the key."""

    def __init__(self) -> None:
        self.accounts: list[ScriptedAccount] = []
        self.client_id, self.secret = "client-1", "secret-1"
        self.token_number = 0
        self.valid_tokens: set[str] = set()
        self.expires_in = 1799
        self.page_limit = PAGE
        self.failures: list[tuple[str, int, dict[str, Any]]] = []
        self.requests: list[str] = []
        self.loop_pages = False
        self.url = ""

    def answer(self, method: str, target: str, authorization: str) -> tuple[int, str]:
        self.requests.append(f"{method} {target}")
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        for index, (part, status, body) in enumerate(self.failures):
            if part in path:
                del self.failures[index]
                return status, json.dumps(body)
        if path == "/oauth2/token":
            return self._token(authorization)
        if authorization.removeprefix("Bearer ") not in self.valid_tokens:
            return 401, _error("credentialsInvalid")
        return self._resource(path, query)

    def _token(self, authorization: str) -> tuple[int, str]:
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if pair != f"{self.client_id}:{self.secret}":
            return 401, json.dumps({"error": "invalid_client", "errors": [{"code": "clientIdInvalid"}]})
        self.token_number += 1
        token = f"token-{self.token_number}"
        self.valid_tokens.add(token)
        return 200, json.dumps({"access_token": token, "expires_in": self.expires_in, "token_type": "bearer"})

    def _resource(self, path: str, query: dict[str, list[str]]) -> tuple[int, str]:
        parts = path.strip("/").split("/")
        if parts == ["accounts"]:
            return 200, _list([self._account(account) for account in self.accounts])
        if parts == ["financial-institutions"]:
            return 200, _list([])
        if parts[0] == "synchronizations":
            attributes = {"status": "success", "errors": []}
            return 201, json.dumps({"data": {"id": transaction_id("sync"), "attributes": attributes}})
        account = next((account for account in self.accounts if parts[1] == account.id), None)
        if account is None:
            return 404, _error("resourceNotFound")
        if len(parts) == 2:
            return 200, f'{{"data": {self._account(account)}}}'
        if len(parts) == 4:
            found = [item for item in account.transactions if transaction_id(item.name) == parts[3]]
            return (200, f'{{"data": {_transaction(found[0])}}}') if found else (404, _error("resourceNotFound"))
        items = account.pending if parts[2] == "pending-transactions" else account.transactions
        return self._page(items, query)

    def _page(self, items: list[Booked], query: dict[str, list[str]]) -> tuple[int, str]:
        limit = min(int(query.get("limit", ["10"])[0]), self.page_limit)
        start, after = 0, query.get("after", [""])[0]
        if after and not self.loop_pages:
            ids = [transaction_id(item.name) for item in items]
            if after not in ids:
                return 400, _error("invalidCursor")
            start = ids.index(after) + 1
        page = items[start : start + limit]
        more = start + limit < len(items) or self.loop_pages
        cursor = transaction_id(page[-1].name) if page and more else None
        return 200, _list([_transaction(item) for item in page], cursor)

    def _account(self, account: ScriptedAccount) -> str:
        date = f'"{account.balance_date}T00:00:00.000Z"' if account.balance_date else "null"
        expires = f'"{account.expires_at}"' if account.expires_at else "null"
        return (
            f'{{"type": "account", "id": "{account.id}", "attributes": {{"subtype": "checking",'
            f' "referenceType": "IBAN", "reference": "{account.reference}", "currency": "{account.currency}",'
            f' "description": "Main", "holderName": "Us", "deprecated": false, "currentBalance": {account.balance},'
            f' "currentBalanceReferenceDate": {date}, "availableBalance": {account.balance},'
            f' "authorizationExpirationExpectedAt": {expires}}},'
            f' "meta": {{"availability": "available", "synchronizedAt": "{account.synchronized_at}"}}}}'
        )


def _transaction(item: Booked) -> str:
    attributes = {
        "executionDate": f"{item.date}T00:00:00.000Z" if len(item.date) == 10 else item.date,
        "valueDate": f"{item.date}T00:00:00.000Z" if len(item.date) == 10 else item.date,
        "currency": item.currency,
        "description": None,
        "counterpartName": item.counterparty_name or None,
        "counterpartReference": item.counterparty_account or None,
        "remittanceInformation": item.remittance,
        "remittanceInformationType": "structured" if item.structured else "unstructured",
        "endToEndId": item.end_to_end_id or None,
        "internalReference": item.bank_reference or None,
        "fee": None,
    }
    text = json.dumps(attributes)[:-1] + f', "amount": {item.amount}}}'
    return f'{{"type": "transaction", "id": "{transaction_id(item.name)}", "attributes": {text}}}'


def _list(items: list[str], after: str | None = None) -> str:
    links = {"first": "x"} | ({"next": f"http://elsewhere.example/x?limit=100&after={after}"} if after else {})
    return f'{{"data": [{", ".join(items)}], "meta": {{}}, "links": {json.dumps(links)}}}'


def _error(code: str) -> str:
    return json.dumps({"errors": [{"code": code, "detail": "scripted"}]})


class HubServer:
    """Serves a hub on a free port of this machine; which one it serves may change."""

    def __init__(self) -> None:
        self.hub: ScriptedHub = ScriptedHub()
        serving = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                hub = serving.hub
                status, body = hub.answer(self.command, self.path, self.headers.get("Authorization", ""))
                content = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Ibanity-Request-Id", f"request-{len(hub.requests)}")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _serve

            def log_message(self, *arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def serve(self, hub: ScriptedHub) -> ScriptedHub:
        """Serve this one from now on."""
        hub.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.hub = hub
        return hub

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def running(hub: ScriptedHub) -> Iterator[ScriptedHub]:
    """Serve the hub on a port of its own."""
    server = HubServer()
    try:
        yield server.serve(hub)
    finally:
        server.stop()
