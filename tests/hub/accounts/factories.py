"""An organization with an account, made the shortest way."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from decimal import Decimal
from typing import Any

from nostro.connectors.contract import IdentityPolicy
from nostro.core.transactions import Account as BankAccount
from nostro.core.transactions import Transaction as BankTransaction
from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.services import Counts, PageInMemory, apply_booked, upsert_accounts
from nostro.hub.directory.models import Institution
from nostro.hub.organizations.models import Membership, Organization
from nostro.people.models import User

NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
TODAY = NOW.date()
POLICY = IdentityPolicy(("iban", "currency"), ("entry_reference",))
WINDOW = Window(dt.date(2026, 10, 1), dt.date(2026, 11, 2))
IBANS = ("BE68539007547034", "BE43068999999501", "BE62510007547061", "FR7630006000011234567890189")
_numbers = itertools.count(1)


def make_organization(name: str = "Acme") -> Organization:
    return Organization.objects.create(name=name)


def make_member(organization: Organization, role: str = "owner") -> User:
    user = User.objects.create_user(email=f"person{next(_numbers)}@example.org", password="x")
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


def make_account(organization: Organization | None = None, currency: str = "EUR", **fields: Any) -> Account:
    organization = organization or make_organization()
    institution = Institution.objects.create(name="Test Bank", folded_name="testbank", bic="NSTRBEB0XXX", country="BE")
    [account] = upsert_accounts(
        organization,
        fields.pop("connection_id", uuid.uuid4()),
        [BankAccount("resource-1", currency, iban=fields.pop("iban", IBANS[0]), name="Current account")],
        institution,
        is_sandbox=fields.pop("is_sandbox", False),
        now=NOW,
    )
    fields.setdefault("is_selected", True)
    for name, value in fields.items():
        setattr(account, name, value)
    account.save()
    return account


def row(amount: str = "-10.00", day: int | dt.date | None = 5, currency: str = "EUR", **fields: Any) -> BankTransaction:
    """A booked row of October 2026, or of another day."""
    booking_date = dt.date(2026, 10, day) if isinstance(day, int) else day
    fields.setdefault("creditor_name", "Shop")
    fields.setdefault("debtor_name", "Customer")
    fields.setdefault("value_date", booking_date)
    return BankTransaction(Decimal(amount), currency, booking_date=booking_date, **fields)


def apply(account: Account, *rows: BankTransaction, complete: bool = True, pages: int = 1, **options: Any) -> Counts:
    """One read of ``WINDOW`` that shows ``rows``, spread over ``pages``."""
    split = [PageInMemory(tuple(rows[number::pages])) for number in range(pages)]
    options.setdefault("policy", POLICY)
    options.setdefault("window", WINDOW)
    options.setdefault("now", NOW)
    options.setdefault("synchronization_id", uuid.uuid4())
    return apply_booked(account, split, source="test", complete=complete, **options)
