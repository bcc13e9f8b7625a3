"""The shared contract, with Berlin Group answers."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.connectors.berlin_group.bank import (
    ACCOUNT,
    CONSENT_ID,
    FIRST_PAGE,
    TRANSACTIONS,
    WINDOW,
    Asked,
    Reply,
    connector_for,
    refusal,
    report,
    row,
    running_bank,
)
from tests.contract.connector_contract import ConnectorContract, ContractCase

from nostro.connectors.contract import Configuration, ConnectionHandle, Consent
from nostro.connectors.errors import (
    AccessExceeded,
    AccountUnavailable,
    AspspError,
    AspspUnavailable,
    ConsentExpired,
    PeriodInvalid,
    ProtocolError,
    TokenExpired,
)

TOKEN = "eyJhbGciOiJIUzI1NiJ9.access"

FAILURES = {
    "expired": (refusal(401, "CONSENT_EXPIRED", f"consent-id: {CONSENT_ID} expired"), ConsentExpired),
    "token": (refusal(401, "TOKEN_INVALID", f"Bearer {TOKEN}"), TokenExpired),
    "quota": (refusal(429, "ACCESS_EXCEEDED"), AccessExceeded),
    "gone": (refusal(403, "RESOURCE_UNKNOWN"), AccountUnavailable),
    "period": (refusal(400, "PERIOD_INVALID"), PeriodInvalid),
    "down": (Reply(503, text="<html>maintenance</html>", headers={"Content-Type": "text/html"}), AspspUnavailable),
    "bare 401": (Reply(401), AspspError),
    "no json": (Reply(text='{"transactions": {"booked": ['), ProtocolError),
}


class TestBerlinGroup(ConnectorContract):
    @pytest.fixture
    def case(self) -> Iterator[ContractCase]:
        first = [row("256.67", entryReference="a"), row("-12.30", entryReference="b")]
        second = [row("-1250", "JPY", entryReference="c"), row("3.125", "KWD", entryReference="d")]
        with running_bank() as bank, connector_for(bank) as connector:
            bank.on(f"GET {FIRST_PAGE}", report(first, f"{TRANSACTIONS}?page=2"))
            bank.on(f"GET {TRANSACTIONS}?page=2", report([], f"{bank.base_url}{TRANSACTIONS}?page=3"))
            bank.on(f"GET {TRANSACTIONS}?page=3", report(second))
            account = {"resourceId": ACCOUNT.resource_id, "iban": ACCOUNT.iban, "currency": "EUR"}
            bank.on("GET /v1/accounts", Reply(json={"accounts": [account]}))
            balance = {"balanceAmount": {"currency": "EUR", "amount": 500.05}, "balanceType": "closingBooked"}
            bank.on(f"GET /v1/accounts/{ACCOUNT.resource_id}/balances", Reply(json={"balances": [balance]}))
            with socket.create_server(("127.0.0.1", 0)) as closed:
                nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
            consent = Consent(CONSENT_ID, "valid")
            pages = itertools.count(2)

            def another_page(asked: Asked) -> Reply:
                return report([row("1.00", entryReference="always the same")], f"{TRANSACTIONS}?page={next(pages)}")

            yield ContractCase(
                connector=connector,
                connection=ConnectionHandle(bank.configuration, consent, TOKEN),
                account=ACCOUNT,
                window=WINDOW,
                booked=[
                    (Decimal("256.67"), "EUR"),
                    (Decimal("-12.30"), "EUR"),
                    (Decimal("-1250"), "JPY"),
                    (Decimal("3.125"), "KWD"),
                ],
                errors={name: kind for name, (_, kind) in FAILURES.items()},
                fail_with=lambda name: bank.on(f"GET {FIRST_PAGE}", FAILURES[name][0]),
                endless_pages=lambda: (bank.routes.clear(), bank.on("default", another_page))[1],
                unreachable=ConnectionHandle(Configuration(nowhere, "Test Bank"), consent),
                secrets=[CONSENT_ID, TOKEN],
            )
