"""The engine and the real Berlin Group connector, over HTTP, against the sandbox bank and its truth."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
import uuid
from collections import Counter
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import make_organization
from tests.sandbox.customer import Customer
from werkzeug.serving import make_server

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import Configuration, ConnectionHandle, Consent
from nostro.core.transactions import Account as BankAccount
from nostro.http import Door
from nostro.http.door import DoorSettings
from nostro.hub.accounts.models import Transaction
from nostro.hub.accounts.services import upsert_accounts
from nostro.hub.directory.models import Institution
from nostro.hub.sync import engine
from nostro.hub.sync.bank import Bank
from nostro.hub.sync.services import request_synchronization
from nostro.sandbox.server import create_application

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def furnished_directory(tmp_path_factory):
    """Writing two years of histories takes longer than all tests, so it is done once and copied."""
    directory = tmp_path_factory.mktemp("bank")
    create_application(directory, 42, "virtual").close()
    return directory


@pytest.fixture
def customer(furnished_directory, tmp_path):
    shutil.copytree(furnished_directory, tmp_path / "bank")
    customer = Customer(create_application(tmp_path / "bank", 42, "virtual", control_token="control"))
    server = make_server("127.0.0.1", 0, customer.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    customer.url = f"http://127.0.0.1:{server.server_port}"
    yield customer
    server.shutdown()
    thread.join()
    customer.application.close()


def opener(customer, consent_id):
    connector = BerlinGroupConnector(
        Door(DoorSettings(allow_private=False, allow_loopback_http=True)), lambda: NOW, lambda: str(uuid.uuid4())
    )
    handle = ConnectionHandle(Configuration(customer.url, "Nostro Test Bank"), Consent(consent_id, "valid"))
    return lambda account, clock: Bank(connector, handle, connector.identity, "berlin_group", 4, 1200)


def link(customer, psu):
    consent_id = customer.link(psu)
    shown = [
        BankAccount(item["resourceId"], item["currency"], iban=item["iban"])
        for item in customer.accounts(consent_id)
        if item["currency"] != "XXX"
    ]
    institution = Institution.objects.create(name="Nostro Test Bank", folded_name="nostrotestbank")
    accounts = upsert_accounts(make_organization(), uuid.uuid4(), shown, institution, is_sandbox=True, now=NOW)
    for account in accounts:
        account.is_selected = True
        account.save()
    return accounts, opener(customer, consent_id)


def synchronize(account, bank_opener):
    run = request_synchronization(account, trigger="schedule", now=NOW)
    done = engine.run(run.id, clock=lambda: NOW, bank_opener=bank_opener)
    account.refresh_from_db()
    return done


def agrees_with_the_bank(customer, account):
    truth = customer.truth(account.resource_id)
    at_bank = Counter((row["bookingDate"], Decimal(row["amount"])) for row in truth["rows"])
    rows = Transaction.objects.filter(account=account, removed_at=None)
    assert Counter((row.booking_date.isoformat(), row.amount) for row in rows) == at_bank
    assert account.booked_total == sum((amount * n for (_, amount), n in at_bank.items()), Decimal(0))
    return len(rows)


@pytest.mark.parametrize("psu", ["user_good", "user_multi_currency"])
def test_every_account_agrees_with_the_bank_and_a_second_run_adds_nothing(customer, psu):
    accounts, bank_opener = link(customer, psu)
    assert len(accounts) >= 2
    for account in accounts:
        run = synchronize(account, bank_opener)
        assert (run.status, run.errors) == ("success", [])
        assert agrees_with_the_bank(customer, account) == run.created_count > 0
        again = synchronize(account, bank_opener)
        assert (again.status, again.created_count, again.updated_count, again.removed_count) == ("success", 0, 0, 0)
        assert account.proof == "green"


@pytest.mark.slow
def test_ten_thousand_rows_are_one_access_and_all_arrive_once(customer):
    accounts, bank_opener = link(customer, "user_10k_tx")
    runs = [synchronize(account, bank_opener) for account in accounts]
    assert max(run.created_count for run in runs) >= 10_000
    for account in accounts:
        agrees_with_the_bank(customer, account)
        assert synchronize(account, bank_opener).created_count == 0
