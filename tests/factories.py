"""Rows for tests, written straight to the tables. Every function makes a whole, valid object; name what matters.

Tests of a room's services use the services; these are for what a test stands on.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import itertools
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import make_password

from nostro.hub.accounts.models import Account, PendingTransaction, Transaction
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking.models import Connection
from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.hub.sync.models import Synchronization
from nostro.people.models import User

NOW = dt.datetime(2026, 11, 25, 9, 30, tzinfo=dt.UTC)
AMOUNTS = {"EUR": Decimal("12.30"), "JPY": Decimal("120"), "KWD": Decimal("1.234")}
_numbers = itertools.count(1)


@functools.cache
def _hashed(password: str) -> str:
    """Hashing as people's passwords are hashed is slow on purpose; once per run is enough."""
    return make_password(password)


def user(*, password: str = "correct horse", **fields: Any) -> User:
    """A person with a unique address."""
    fields.setdefault("email", f"person{next(_numbers)}@example.org")
    return User.objects.create(password=_hashed(password), **fields)


def organization(**fields: Any) -> Organization:
    fields.setdefault("name", f"Organization {next(_numbers)}")
    fields.setdefault("created_at", NOW)
    return Organization.objects.create(**fields)


def membership(of: Organization | None = None, person: User | None = None, role: str = Role.OWNER) -> Membership:
    return Membership.objects.create(
        organization=of or organization(), user=person or user(), role=role, created_at=NOW
    )


def institution(**fields: Any) -> Institution:
    """A bank with a route of the connector ``berlin_group``."""
    fields.setdefault("name", f"Bank {next(_numbers)}")
    fields.setdefault("folded_name", fields["name"].lower())
    fields.setdefault("bic", "NOSTBEB1")
    fields.setdefault("country", "BE")
    fields.setdefault("time_zone", "Europe/Brussels")
    bank = Institution.objects.create(**fields)
    Route.objects.create(institution=bank, connector="berlin_group", base_url="https://bank.example/v1")
    return bank


def connection(of: Organization, bank: Institution | None = None, **fields: Any) -> Connection:
    bank = bank or institution()
    fields.setdefault("is_sandbox", True)
    fields.setdefault("linked_at", NOW)
    return Connection.objects.create(organization=of, institution=bank, route=bank.routes.first(), **fields)


def account(of: Organization | None = None, bank: Institution | None = None, **fields: Any) -> Account:
    """A sandbox account, in EUR unless ``currency`` says otherwise, with a balance."""
    of = of or organization()
    link = fields.pop("connection", None) or connection(of, bank)
    number = next(_numbers)
    fields.setdefault("currency", "EUR")
    fields.setdefault("is_sandbox", True)
    fields.setdefault("account_key", f"NOSTBEB1:{number}:{fields['currency']}")
    fields.setdefault("resource_id", f"resource-{number}")
    fields.setdefault("reference_type", "IBAN")
    fields.setdefault("reference", f"BE{number:014d}")
    fields.setdefault("bank_name", "Current account")
    fields.setdefault("current_balance", AMOUNTS.get(fields["currency"], Decimal(1)))
    linked_at = fields.pop("linked_at", None)
    made = Account.objects.create(organization=of, institution=link.institution, connection_id=link.id, **fields)
    if linked_at is not None:  # auto_now_add overrules what create() is given
        Account.objects.filter(id=made.id).update(linked_at=linked_at)
        made.refresh_from_db()
    return made


def transactions(of: Account, n: int, *, start: dt.date = dt.date(2026, 1, 1), **fields: Any) -> list[Transaction]:
    """``n`` booked transactions, oldest first, one a day from ``start``, after those that are there already."""
    return list(Transaction.objects.bulk_create(_rows(Transaction, of, n, start, fields)))


def pending_transactions(
    of: Account, n: int, *, start: dt.date = dt.date(2026, 1, 1), **fields: Any
) -> list[PendingTransaction]:
    """Like ``transactions``, pending."""
    return list(PendingTransaction.objects.bulk_create(_rows(PendingTransaction, of, n, start, fields)))


def _rows(model: Any, of: Account, n: int, start: dt.date, fields: dict[str, Any]) -> list[Any]:
    last = model.objects.filter(account=of).order_by("-sequence").values_list("sequence", flat=True).first() or 0
    rows = []
    for number in range(last + 1, last + n + 1):
        day = start + dt.timedelta(days=number - 1)
        digest = hashlib.sha256(f"{of.id}:{number}".encode()).digest()
        defaults = {
            "amount": AMOUNTS.get(of.currency, Decimal(1)),
            "currency": of.currency,
            "booking_date": day,
            "value_date": day,
            "remittance_unstructured": [f"Invoice {number}"],
            "remittance_information": f"Invoice {number}",
            "counterpart_name": "Rice Ltd",
            "digest": digest,
            "fingerprint": digest,
            "sequence": number,
        }
        rows.append(model(organization_id=of.organization_id, account=of, **{**defaults, **fields}))
    return rows


def synchronization(of: Account, **fields: Any) -> Synchronization:
    """A run that succeeded a moment before NOW."""
    fields.setdefault("status", "success")
    fields.setdefault("trigger", "schedule")
    fields.setdefault("subtype", "accountTransactionsWithUnsettled")
    fields.setdefault("created_at", NOW - dt.timedelta(minutes=10))
    fields.setdefault("started_at", fields["created_at"])
    fields.setdefault("finished_at", fields["created_at"] + dt.timedelta(seconds=2))
    fields.setdefault("updated_at", fields["finished_at"] or fields["created_at"])
    return Synchronization.objects.create(organization_id=of.organization_id, account=of, **fields)
