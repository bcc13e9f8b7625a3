"""A file fills what is empty in rows that are stored, overwrites nothing, and gives it back (formats.md 8.5)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from tests.hub.accounts.factories import apply, row
from tests.hub.files.factories import NOW, camt, entry, imported, make_account, statement

from nostro.hub.accounts.models import Account, Transaction, TransactionChange
from nostro.hub.files import services
from nostro.hub.sync.models import Synchronization
from nostro.people.models import User

pytestmark = pytest.mark.django_db
BARE = entry("-3.50", 10, "Coffee", entry_reference="REF-1")
FULL = entry(
    "-3.50", 10, "Coffee at the corner", entry_reference="REF-1", creditor_name="Coffee Corner",
    creditor_account="BE43068999999501", end_to_end_id="E2E-7", purpose_code="GDDS",
)  # fmt: skip
FILLED = ("creditor_name", "creditor_account", "end_to_end_id", "purpose_code", "counterpart_name")


def only(account: Account) -> Transaction:
    return Transaction.objects.get(account=account)


def values(account: Account, names: tuple[str, ...] = FILLED) -> dict[str, Any]:
    return {name: getattr(only(account), name) for name in names}


def test_empty_texts_are_filled_and_others_stay(account: Account, user: User) -> None:
    imported(user, camt(statement([BARE])), account)
    before = only(account)
    file = imported(user, camt(statement([FULL])), account)
    stored = only(account)
    assert values(account) == {
        "creditor_name": "Coffee Corner", "creditor_account": "BE43068999999501", "end_to_end_id": "E2E-7",
        "purpose_code": "GDDS", "counterpart_name": "Coffee Corner",
    }  # fmt: skip
    assert stored.remittance_information == "Coffee" and stored.remittance_unstructured == ["Coffee"]
    for name in ("fingerprint", "content", "digest", "amount", "booking_date", "entry_reference"):
        assert getattr(stored, name) == getattr(before, name)
    run = Synchronization.objects.get(account=account, pk__in=file.accounts.values("synchronization_id"))
    assert (run.created_count, run.updated_count, run.known_count) == (0, 1, 1)
    [change] = TransactionChange.objects.filter(transaction=stored)
    assert change.kind == "modified" and set(change.before) == set(change.after)
    assert set(change.before.values()) == {None}

    # The same once more changes nothing; undone, the row is as it was.
    imported(user, camt(statement([FULL])), account)
    assert TransactionChange.objects.filter(transaction=stored).count() == 1
    services.undo(user, file.pk, NOW + dt.timedelta(hours=1))
    assert set(values(account).values()) == {None}
    assert only(account).remittance_information == "Coffee"


def test_whichever_file_comes_first_the_row_holds_the_same_names(account: Account, user: User) -> None:
    other = make_account(account.organization)
    for rows, where in (([BARE, FULL], account), ([FULL, BARE], other)):
        for each in rows:
            imported(user, camt(statement([each], iban=where.reference)), where)
    assert values(account) == values(other)


def test_a_row_of_a_connection_is_filled_and_its_next_read_finds_it_unchanged(account: Account, user: User) -> None:
    read = row("-3.50", 10, creditor_name=None, debtor_name=None, entry_reference="REF-1")
    apply(account, read)
    assert only(account).creditor_name is None
    imported(user, camt(statement([FULL])), account)
    assert values(account)["creditor_name"] == "Coffee Corner"
    apply(account, read)
    assert values(account)["creditor_name"] == "Coffee Corner" and Transaction.objects.count() == 1


def test_what_changed_since_is_not_emptied(account: Account, user: User) -> None:
    imported(user, camt(statement([BARE])), account)
    file = imported(user, camt(statement([FULL])), account)
    Transaction.objects.update(creditor_name="Coffee Corner Ltd")
    services.undo(user, file.pk, NOW + dt.timedelta(hours=1))
    assert values(account, ("creditor_name", "end_to_end_id")) == {
        "creditor_name": "Coffee Corner Ltd", "end_to_end_id": None,
    }  # fmt: skip
