"""Bad input through the engine and the real connector (issue 3): nothing crashes a worker, stops another account or is
half stored; each kind has its class and its sentence."""

from __future__ import annotations

import json
import random
import uuid
from decimal import Decimal
from typing import Any

import pytest
from tests.http.servers import QuietHandler, http_server
from tests.hub.accounts.factories import IBANS, NOW, make_account, make_organization

from nostro.connectors.berlin_group import BerlinGroupConnector, transactions
from nostro.connectors.contract import Configuration, ConnectionHandle, Consent
from nostro.http import Answer, Door, DoorSettings
from nostro.hub.accounts.models import Account, RawAnswer, Transaction
from nostro.hub.sync import engine, reading
from nostro.hub.sync.bank import Bank
from nostro.hub.sync.models import Schedule
from nostro.hub.sync.services import request_synchronization

pytestmark = pytest.mark.django_db
ROW = {
    "entryReference": "r1",
    "bookingDate": "2026-10-30",
    "valueDate": "2026-10-30",
    "transactionAmount": {"amount": "-12.30", "currency": "EUR"},
    "creditorName": "Rice Ltd",
}
OTHER_ROW = {**ROW, "entryReference": "r2", "transactionAmount": {"amount": "7.00", "currency": "EUR"}}


class BadBank:
    """A bank whose lists are what a test says, by account; its balances are always good. The network is a call."""

    settings = DoorSettings(allow_loopback_http=True)

    def __init__(self) -> None:
        self.lists: dict[str, Any] = {}

    def request(self, method: str, url: str, *, request_id: str, **_: Any) -> Answer:
        account, endpoint = url.removeprefix("https://bank.example/v1/accounts/").split("/")
        body = _balances() if endpoint == "balances" else self.lists[account]
        if callable(body):
            body = body(url)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Answer(200, {"content-type": "application/json"}, content, url, request_id)

    def open(self, account: Account, clock: Any) -> Bank:
        connector = BerlinGroupConnector(self, lambda: NOW, lambda: str(uuid.uuid4()))
        handle = ConnectionHandle(Configuration("https://bank.example", "Bad Bank"), Consent("secret", "valid"))
        return Bank(connector, handle, connector.identity, "berlin_group", None, 400)


def _balances() -> dict[str, Any]:
    amount = {"amount": "-5.30", "currency": "EUR"}
    return {"balances": [{"balanceType": "interimBooked", "balanceAmount": amount, "referenceDate": "2026-11-02"}]}


def rows(*booked: Any, **more: Any) -> dict[str, Any]:
    return {"account": {"iban": IBANS[0]}, "transactions": {"booked": list(booked), "_links": {}}, **more}


def with_amount(amount: Any, currency: Any = "EUR") -> dict[str, Any]:
    return {**ROW, "transactionAmount": {"amount": amount, "currency": currency}}


@pytest.fixture
def bank() -> BadBank:
    return BadBank()


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def neighbour(account: Account) -> Account:
    """Another account of the same login."""
    return make_account(account.organization, iban=IBANS[1], resource_id="resource-2")


def synchronize(account: Account, bank: Any) -> Any:
    account.refresh_from_db()
    run = request_synchronization(account, trigger="person", now=NOW)
    done = engine.run(run.pk, clock=lambda: NOW, bank_opener=bank.open, randomness=random.Random(1))
    account.refresh_from_db()
    return done


def amounts(account: Account) -> list[Decimal]:
    return list(Transaction.objects.filter(account=account).order_by("sequence").values_list("amount", flat=True))


UNREADABLE = {
    "invalid UTF-8": (json.dumps(rows(ROW)).encode().replace(b"Rice", b"\xff\xfe"), "cannot be read"),
    "a key twice": (
        json.dumps(rows(ROW)).encode().replace(b'"amount": "-12.30"', b'"amount": "-12.30", "amount": "1.00"'),
        "occurs twice with two different values",
    ),
    "NaN": (json.dumps(rows(with_amount(float("nan")))).encode(), "NaN is no number"),
    "cut in the middle": (json.dumps(rows(ROW, OTHER_ROW)).encode()[:150], "no JSON text"),
    "a page": (b"<html><body>Sorry</body></html>", "no JSON text"),
    "nested without end": (b"[" * 200_000, "no JSON text"),
    "nothing": (b"", "no list of transactions"),
    "null": (b"null", "no list of transactions"),
    "a list": (b"[]", "no list of transactions"),
    "no list of rows": (rows(ROW, transactions={"booked": {"0": ROW}}), "no list under 'booked'"),
    "another account": (rows(ROW, account={"iban": IBANS[1]}), "data of another account"),
    "another currency's account": (rows(ROW, account={"iban": IBANS[0], "currency": "USD"}), "data of another account"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_answer_that_cannot_be_read(account: Account, neighbour: Account, bank: BadBank, kind: str) -> None:
    bank.lists = {"resource-1": rows(ROW), "resource-2": rows(ROW, account={"iban": IBANS[1]})}
    synchronize(account, bank)
    bank.lists["resource-1"], sentence = UNREADABLE[kind]
    run = synchronize(account, bank)
    assert (run.status, run.errors[0]["code"]) == ("error", "financialInstitutionError")
    assert sentence in run.errors[0]["detail"]
    assert (account.health, account.health_code) == ("degraded", "ProtocolError")
    assert amounts(account) == [Decimal("-12.30")], "nothing was added, changed or removed"
    assert Schedule.objects.get(account=account).next_run_at > NOW
    assert RawAnswer.objects.filter(synchronization_id=run.pk, kind="transactionsUnread").count() == 1
    assert synchronize(neighbour, bank).status == "success"

    bank.lists["resource-1"] = rows(ROW, OTHER_ROW)
    assert synchronize(account, bank).status == "success"
    assert amounts(account) == [Decimal("-12.30"), Decimal("7.00")]
    assert account.health == "active"


UNREADABLE_ROWS = {
    "no currency": {**ROW, "transactionAmount": {"amount": "1.00"}},
    "no amount": {**ROW, "transactionAmount": {"currency": "EUR"}},
    "no number": with_amount("12,30"),
    "digits of another script": with_amount("١٢"),
    "too many digits": with_amount("1" + "0" * 400),
    "too large an exponent": with_amount("1e400"),
    "no currency code": with_amount("1.00", "EURO"),
    "no object": "row",
}


@pytest.mark.parametrize("kind", UNREADABLE_ROWS)
def test_a_row_that_cannot_be_read(account: Account, bank: BadBank, kind: str) -> None:
    bank.lists = {"resource-1": rows(ROW)}
    synchronize(account, bank)
    for _ in range(3):
        bank.lists["resource-1"] = rows(UNREADABLE_ROWS[kind], OTHER_ROW)
        run = synchronize(account, bank)
        assert (run.status, account.health, account.health_code) == ("error", "degraded", "PartialData")
        assert "Some rows of the bank's list cannot be read" in run.errors[0]["detail"]
        assert any("row 1 cannot be read" in warning for warning in run.warnings)
        assert amounts(account) == [Decimal("-12.30"), Decimal("7.00")], "rows are added, and none is missed"
    assert synchronize_well(account, bank) == [Decimal("-12.30"), Decimal("7.00")]


def synchronize_well(account: Account, bank: BadBank) -> list[Decimal]:
    bank.lists["resource-1"] = rows(ROW, OTHER_ROW)
    assert synchronize(account, bank).status == "success"
    return amounts(account)


def test_unreadable_rows_never_pause_an_account(account: Account, bank: BadBank) -> None:
    bank.lists = {"resource-1": rows(UNREADABLE_ROWS["no amount"])}
    for _ in range(12):
        assert synchronize(account, bank).status == "error"
    assert not Schedule.objects.get(account=account).paused


STRANGE = {
    "1e18": (with_amount("1000000000000000000.01"), Decimal("1000000000000000000.01")),
    "1e18 as an exponent": (with_amount("1e18"), Decimal(10**18)),
    "a number for text": (with_amount(-12.3), Decimal("-12.3")),
    "numbers and texts changed about": (
        {**ROW, "entryReference": 4711, "creditorName": 12, "batchIndicator": "true", "batchNumberOfTransactions": "3"},
        Decimal("-12.30"),
    ),
    "the year 9999": ({**ROW, "bookingDate": "9999-12-31", "valueDate": "9999-12-31"}, Decimal("-12.30")),
    "the year 1": ({**ROW, "bookingDate": "0001-01-01"}, Decimal("-12.30")),
    "no date at all": ({**ROW, "bookingDate": "soon"}, Decimal("-12.30")),
    "half a character": ({**ROW, "creditorName": "\ud83d"}, Decimal("-12.30")),
    "NUL": ({**ROW, "creditorName": "a\x00b"}, Decimal("-12.30")),
    "a long text": ({**ROW, "remittanceInformationUnstructured": "x" * 100_000}, Decimal("-12.30")),
    "unknown fields": ({**ROW, "shoeSize": {"eu": [42]}}, Decimal("-12.30")),
    "deep fields": ({**ROW, "currencyExchange": [[[[[[]]]]]] * 100}, Decimal("-12.30")),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_row_is_stored_once(account: Account, bank: BadBank, kind: str) -> None:
    row, amount = STRANGE[kind]
    bank.lists = {"resource-1": rows(row)}
    for _ in range(3):
        assert synchronize(account, bank).status == "success"
        assert amounts(account) == [amount]
        assert (account.transaction_count, account.booked_total) == (1, amount)


@pytest.mark.parametrize(
    "named", [{"iban": "BE68*********034"}, {"iban": "be68 5390 0754 7034"}, {"currency": "XXX"}, 7]
)
def test_an_account_named_otherwise_is_still_the_same(account: Account, bank: BadBank, named: Any) -> None:
    bank.lists = {"resource-1": rows(ROW, account=named)}
    assert synchronize(account, bank).status == "success"


def test_the_same_key_with_the_same_value_is_no_contradiction(account: Account, bank: BadBank) -> None:
    body = json.dumps(rows(ROW)).encode().replace(b'"amount": "-12.30"', b'"amount": "-12.30", "amount": "-12.30"')
    bank.lists = {"resource-1": body}
    assert synchronize(account, bank).status == "success"


def test_a_chain_of_too_many_pages(account: Account, bank: BadBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_PAGES", 20)
    monkeypatch.setattr(reading, "MAX_PAGES", 20)

    def page(url: str) -> dict[str, Any]:
        number = int(url.rpartition("page=")[2]) if "page=" in url else 0
        body = rows({**ROW, "entryReference": f"r{number}"})
        body["transactions"]["_links"] = {"next": {"href": f"/v1/accounts/resource-1/transactions?page={number + 1}"}}
        return body

    bank.lists = {"resource-1": page}
    run = synchronize(account, bank)
    assert (run.status, account.health_code) == ("error", "ProtocolError")
    assert "more than 20 pages" in run.errors[0]["detail"]
    assert len(amounts(account)) == 19, "what came in order is kept, nothing of the answer that broke the limit"


def test_an_answer_of_more_than_20_mib(account: Account) -> None:
    class Endless(QuietHandler):
        def do_GET(self) -> None:
            is_balance = self.path.endswith("balances")
            body = json.dumps(_balances()).encode() if is_balance else b" " * (20 * 1024 * 1024 + 1)
            self.answer(200, body, **{"Content-Type": "application/json"})

    with http_server(Endless) as server, Door(DoorSettings(allow_loopback_http=True)) as door:
        connector = BerlinGroupConnector(door, lambda: NOW, lambda: str(uuid.uuid4()))
        address = f"http://127.0.0.1:{server.server_port}"
        handle = ConnectionHandle(Configuration(address, "Bad Bank"), Consent("secret", "valid"))
        opened = Bank(connector, handle, connector.identity, "berlin_group", None, 400)
        run = request_synchronization(account, trigger="person", now=NOW)
        done = engine.run(run.pk, clock=lambda: NOW, bank_opener=lambda *_: opened, randomness=random.Random(1))
    assert done is not None and done.status == "error"
    assert "too long" in done.errors[0]["detail"]


def test_a_read_with_unreadable_rows_that_is_taken_over_is_not_read_twice(account: Account, bank: BadBank) -> None:
    without_reference = {name: value for name, value in ROW.items() if name != "entryReference"}
    bank.lists = {"resource-1": rows(without_reference, UNREADABLE_ROWS["no amount"])}
    run = request_synchronization(account, trigger="person", now=NOW)

    class Died(BaseException):
        pass

    def dies(point: str) -> None:
        if point == "page stored":
            raise Died

    options: dict[str, Any] = {"bank_opener": bank.open, "randomness": random.Random(1)}
    with pytest.raises(Died):
        engine.run(run.pk, clock=lambda: NOW, reached=dies, **options)
    done = engine.run(run.pk, clock=lambda: NOW.replace(hour=10), **options)
    assert done is not None and (done.status, done.pages) == ("error", 1)
    assert amounts(account) == [Decimal("-12.30")]


def test_another_organization_is_not_touched(account: Account, bank: BadBank) -> None:
    other = make_account(make_organization("Other"))
    bank.lists = {"resource-1": b"\xff"}
    synchronize(account, bank)
    bank.lists = {"resource-1": rows(ROW)}
    assert synchronize(other, bank).status == "success"
    assert (other.health, amounts(other)) == ("active", [Decimal("-12.30")])
