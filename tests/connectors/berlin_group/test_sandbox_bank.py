"""The connector and the sandbox bank: two programs that know each other only by the standard, over real HTTP."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from tests.connectors.berlin_group.bank import consent_request

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import (
    UNATTENDED,
    Configuration,
    ConnectionHandle,
    Failed,
    Finished,
    PsuContext,
    PsuInput,
    Redirect,
)
from nostro.connectors.errors import ConsentRevoked, ScaCancelled
from nostro.core.transactions import Account, Transaction, Window
from nostro.http import Door, DoorSettings

START = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
PSU = PsuContext(present=True, ip="192.0.2.10", observed_at=START)
CONTROL_TOKEN = "control-token-of-this-test"
HUB = "http://127.0.0.1:9/back"


class Forms(HTMLParser):
    """The forms of a page: where they go, their fields, and their buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({"action": given.get("action") or "", "fields": [], "buttons": []})
        elif self.forms and tag == "input" and given.get("name"):
            self.forms[-1]["fields"].append((given["name"], given.get("type") or "text", given.get("value") or ""))
        elif self.forms and tag == "button" and given.get("name"):
            self.forms[-1]["buttons"].append((given["name"], given.get("value") or ""))


def walk(url: str, psu: str, decision: str) -> str:
    """Be the person at the bank: sign in, keep every account ticked, decide. Returns where the bank sends us."""
    typed = {"psu": psu, "password": "sandbox", "code": "123456"}
    with httpx.Client(timeout=10) as browser:
        answer = browser.get(url)
        for _ in range(8):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(HUB):
                    return target
                answer = browser.get(target)
                continue
            assert answer.status_code == 200, answer.text
            forms = Forms(answer.text).forms
            form = next((f for f in forms if any(value == decision for _, value in f["buttons"])), forms[0])
            fields = [(name, typed.get(name, value)) for name, _, value in form["fields"]]
            button = next((b for b in form["buttons"] if b[1] == decision), form["buttons"][0])
            content = httpx.QueryParams([*fields, button])
            answer = browser.post(
                urljoin(str(answer.url), form["action"]),
                content=str(content),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
    raise AssertionError("the bank's pages did not end")


@dataclass
class Sandbox:
    """A running sandbox bank."""

    url: str

    def truth(self, account: Account) -> dict[str, Any]:
        answer = httpx.get(
            f"{self.url}/_control/truth/{account.resource_id}", headers={"Authorization": f"Bearer {CONTROL_TOKEN}"}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    directory: Path = tmp_path_factory.mktemp("sandbox")
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "nostro.sandbox", "--port", str(port), "--data-dir", str(directory / "bank")),
                *("--clock", "real"),
            ],
            env={**os.environ, "NOSTRO_SANDBOX_CONTROL_TOKEN": CONTROL_TOKEN},
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(port, process, log)
        yield Sandbox(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the sandbox bank did not start")


@pytest.fixture
def connector() -> Iterator[BerlinGroupConnector]:
    with Door(DoorSettings(allow_loopback_http=True)) as door:
        yield BerlinGroupConnector(door, lambda: dt.datetime.now(dt.UTC), lambda: str(uuid.uuid4()))


def authorise(sandbox: Sandbox, connector: BerlinGroupConnector, psu: str, decision: str = "approve") -> Any:
    configuration = Configuration(sandbox.url, "Nostro Test Bank")
    today = dt.datetime.now(dt.UTC).date()
    request = consent_request(
        valid_until=today + dt.timedelta(days=180), redirect_uri=f"{HUB}?ok=1", nok_redirect_uri=f"{HUB}?nok=1"
    )
    step = connector.create_consent(configuration, request, PSU)
    assert isinstance(step, Redirect)
    back = httpx.URL(walk(step.url, psu, decision))
    assert back.params["state"] == "handle-256"
    return connector.continue_authorisation(configuration, step.state, PsuInput("callback", dict(back.params)), PSU)


def read_all(connector: BerlinGroupConnector, connection: ConnectionHandle, account: Account) -> list[Transaction]:
    today = dt.datetime.now(dt.UTC).date()
    window = Window(today - dt.timedelta(days=3 * 365), today)
    rows: list[Transaction] = []
    token = None
    for _ in range(500):
        page = connector.list_transactions(connection, account, window, "booked", UNATTENDED, token)
        assert page.warnings == ()
        rows.extend(page.rows)
        token = page.next
        if token is None:
            assert page.complete
            return rows
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize(
    ("psu", "currencies"),
    [("user_good", {"EUR"}), ("user_multi_currency", {"EUR", "USD", "JPY"}), ("user_dinar", {"KWD"})],
)
def test_what_the_bank_holds_is_what_is_read(
    sandbox: Sandbox, connector: BerlinGroupConnector, psu: str, currencies: set[str]
) -> None:
    finished = authorise(sandbox, connector, psu)
    assert isinstance(finished, Finished)
    connection = ConnectionHandle(Configuration(sandbox.url, "Nostro Test Bank"), finished.consent)
    assert {account.currency for account in finished.accounts} >= currencies
    longest = 0
    for account in finished.accounts:
        truth = sandbox.truth(account)
        rows = read_all(connector, connection, account)
        held = sorted((row["entryReference"], Decimal(row["amount"]), row["bookingDate"]) for row in truth["rows"])
        assert sorted((r.entry_reference, r.amount, str(r.booking_date)) for r in rows) == held
        balances, _ = connector.get_balances(connection, account, UNATTENDED)
        booked = next(balance for balance in balances if balance.balance_type == "interimBooked")
        assert booked.amount == sum(row.amount for row in rows) == Decimal(truth["balances"][0]["booked"])
        assert {row.currency for row in rows} <= {account.currency}
        longest = max(longest, len(rows))
    assert longest > 200, "no account needed several pages"


def test_a_refusal_at_the_bank_is_a_cancellation(sandbox: Sandbox, connector: BerlinGroupConnector) -> None:
    failed = authorise(sandbox, connector, "user_good", "deny")
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ScaCancelled)


def test_a_revoked_consent_opens_nothing(sandbox: Sandbox, connector: BerlinGroupConnector) -> None:
    finished = authorise(sandbox, connector, "user_good")
    connection = ConnectionHandle(Configuration(sandbox.url, "Nostro Test Bank"), finished.consent)
    connector.revoke_consent(connection)
    assert connector.get_consent(connection).status == "terminatedByTpp"
    with pytest.raises(ConsentRevoked):
        connector.list_accounts(connection, UNATTENDED)
    connector.revoke_consent(connection)
