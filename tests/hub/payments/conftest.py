"""Programs that may prepare payments, and the sandbox bank of a person who signs them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import factories
from tests.hub.api.client import caller_for, with_payments
from tests.hub.api.conftest import Street, street
from tests.hub.pages.conftest import world
from tests.hub.payments.bank import BankWorld
from tests.sandbox.customer import Customer
from werkzeug.serving import make_server

from nostro.hub.linking.models import Connection
from nostro.hub.linking.psu_id import keep_psu_id
from nostro.sandbox.server import create_application

__all__ = ["street", "world"]


@pytest.fixture
def shop(street: Street) -> Street:
    """The street, where both programs have the scope ``pi``."""
    with_payments(street.caller)
    with_payments(street.neighbour)
    return street


@pytest.fixture(scope="session")
def furnished_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bank-of-payments")
    create_application(directory, 42, "virtual").close()
    return directory


@pytest.fixture
def bank(furnished_directory: Path, tmp_path: Path) -> Iterator[Customer]:
    shutil.copytree(furnished_directory, tmp_path / "bank")
    application = create_application(tmp_path / "bank", 42, "virtual", control_token="control")
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    customer = Customer(application)
    customer.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield customer
    server.shutdown()
    thread.join()
    application.close()


@pytest.fixture
def bank_world(db: None, bank: Customer) -> BankWorld:
    return make_bank_world(bank, "user_good")


def make_bank_world(bank: Customer, psu: str, psu_id: str = "") -> BankWorld:
    """``psu_id``: the name of the login, where the person gave it when the account was linked."""
    owner = factories.membership()
    institution = factories.institution(is_sandbox=True)
    institution.routes.update(base_url=bank.url)  # type: ignore[attr-defined]
    own = next(each for each in bank.application.bank.ledger.accounts(psu) if each.currency == "EUR")
    account = factories.account(owner.organization, institution, reference=own.iban)
    connection = Connection.objects.get(id=account.connection_id)
    keep_psu_id(connection, psu_id)
    connection.save()
    return BankWorld(bank, owner, account, with_payments(caller_for(owner, [account])), psu)
