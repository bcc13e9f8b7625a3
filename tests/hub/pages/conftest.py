"""People with browsers, an organization with every kind of object in it, and the real sandbox bank."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.test import Client
from tests import factories
from tests.hub.linking.bank import running_bank
from tests.remembered import remembered

from nostro.connectors.contract import RawAnswer
from nostro.core.ids import new_id
from nostro.hub.accounts.models import Account, DuplicateDecision, Transaction
from nostro.hub.accounts.services import store_raw_answer
from nostro.hub.directory.models import Institution, Route
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.services import create_integration
from nostro.hub.linking.models import Authorisation, Connection
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.payments.models import Kind, Payment
from nostro.hub.payments.services import Draft, create_payment
from nostro.hub.sync.models import Synchronization
from nostro.people.models import User

#: One amount and one balance per currency, and how a page in English writes them.
MONEY = {
    "EUR": (Decimal("-1234.50"), "1,234.50"),
    "JPY": (Decimal("-5678"), "5,678"),
    "KWD": (Decimal("-9876.543"), "9,876.543"),
}
RAW_BODY = b"""{"account": {"iban": "BE68539007547034"}, "transactions": {"booked": [{
"entryReference": "2026-77", "bookingDate": "2026-11-05", "creditorName": "Ann Peeters",
"transactionAmount": {"amount": "-12.30", "currency": "EUR"}, "other": "Ghent", "number": 539007547034,
"remittanceInformationUnstructured": "For Ann, house 12"}]}}"""
YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
TODAY = dt.datetime.now(dt.UTC).date()


@dataclass
class World:
    """One organization seen by its owner, an administrator, a member; and a neighbour with one of their own."""

    organization: Organization
    owner: User
    admin: User
    member: User
    neighbour: User
    institution: Institution
    connection: Connection
    accounts: dict[str, Account]
    transactions: dict[str, Transaction]
    integration: Integration
    secret: str
    authorisation: Authorisation
    run: Synchronization
    double: Transaction
    decision: DuplicateDecision
    answer_id: uuid.UUID
    payment: Payment

    @property
    def account(self) -> Account:
        return self.accounts["EUR"]


def browser(user: User | None = None) -> Client:
    """A browser, signed in as ``user``. It speaks English."""
    client = Client(headers={"accept": "text/html", "accept-language": "en"})
    if user is not None:
        client.force_login(user)
    return client


def make_world(*, is_sandbox: bool = True) -> World:
    owner, admin, member, neighbour = (factories.user() for _ in range(4))
    organization = factories.organization(name="Acme Bakery")
    for person, role in ((owner, Role.OWNER), (admin, Role.ADMIN), (member, Role.MEMBER)):
        factories.membership(organization, person, role)
    factories.membership(factories.organization(name="Next door"), neighbour)
    bank = factories.institution(name="Bank of Ghent", is_sandbox=is_sandbox)
    connection = factories.connection(organization, bank, is_sandbox=is_sandbox)
    accounts, transactions = {}, {}
    for currency, (amount, _) in MONEY.items():
        accounts[currency] = account = factories.account(
            organization,
            connection=connection,
            currency=currency,
            is_sandbox=is_sandbox,
            bank_name=f"Account in {currency}",
            current_balance=amount,
            covered_from=TODAY - dt.timedelta(days=60),
            covered_to=TODAY,
        )
        transactions[currency] = factories.transactions(
            account,
            1,
            start=TODAY - dt.timedelta(days=3),
            amount=amount,
            fee=-amount,
            balance_after_transaction=amount,
        )[0]
        factories.pending_transactions(account, 1, amount=amount, counterpart_name=f"On its way {currency}")
        factories.synchronization(account, known_count=1, created_at=YESTERDAY)
    integration, secret = create_integration(
        owner,
        organization,
        name="Books of Acme",
        account_ids=[account.id for account in accounts.values()],
        is_sandbox=is_sandbox,
        now=factories.NOW,
    )
    return World(
        organization, owner, admin, member, neighbour, bank, connection, accounts, transactions, integration, secret,
        make_authorisation(connection, owner), *_looked_into(accounts["EUR"], transactions["EUR"]),
        make_payment(accounts["EUR"], integration),
    )  # fmt: skip


def make_payment(account: Account, integration: Integration, kind: Kind = Kind.PAYMENT, **fields: object) -> Payment:
    """A payment of 12.34 EUR that waits for a signature; outside the sandbox there can be none."""
    if not account.is_sandbox:
        return Payment()
    draft = Draft(Decimal("12.34"), "EUR", "Alex Creditor", "BE84732645584359", remittance_information="Invoice 42")
    payment = create_payment(account, integration.id, kind, [draft], now=factories.NOW)
    Payment.objects.filter(id=payment.id).update(**fields)
    return payment


def _looked_into(
    account: Account, transaction: Transaction
) -> tuple[Synchronization, Transaction, DuplicateDecision, uuid.UUID]:
    """The run of an account, a row that looks like its transaction with what was decided, and a raw answer."""
    run = Synchronization.objects.get(account=account)
    [double] = factories.transactions(account, 1, amount=Decimal("-1.00"), removed_at=YESTERDAY)
    decision = DuplicateDecision.objects.create(
        organization=account.organization, first=transaction, second=double, is_same=False,
        decided_by_name="Somebody", decided_at=YESTERDAY,
    )  # fmt: skip
    answer_id = store_raw_answer(
        RawAnswer("https://bank.example/v1/accounts/3dc3/transactions?dateFrom=2026-11-01", 200, "application/json",
                  RAW_BODY, str(uuid.uuid4())),
        organization_id=account.organization_id, account_id=account.id, connection_id=account.connection_id,
        synchronization_id=run.id, kind="transactions", received_at=YESTERDAY,
    )  # fmt: skip
    assert answer_id is not None
    return run, double, decision, answer_id


def make_authorisation(connection: Connection, user: User, **fields: object) -> Authorisation:
    """An authorisation that waits for the person at the bank, for another half hour."""
    given = {
        "purpose": "link",
        "state_checksum": new_id().bytes * 2,
        "step": "Redirect",
        "status": "open",
        "expires_at": dt.datetime.now(dt.UTC) + dt.timedelta(minutes=30),
        **fields,
    }
    return Authorisation.objects.create(organization=connection.organization, connection=connection, user=user, **given)


@pytest.fixture
def world(db: None) -> World:
    return remembered("world", make_world)


@pytest.fixture(scope="session")
def bank_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_bank(tmp_path_factory.mktemp("sandbox-bank-of-pages")) as address:
        yield address


@pytest.fixture
def test_bank(db: None, bank_address: str) -> Institution:
    """The sandbox bank as the directory knows it."""
    bank = Institution.objects.create(
        name="Nostro Test Bank", folded_name="nostro test bank", bic="NSTRBEB0XXX", country="BE", is_sandbox=True
    )
    Route.objects.create(institution=bank, connector="berlin_group", base_url=bank_address)
    return bank
