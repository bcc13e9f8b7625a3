"""Accounts found again by their key, sealed raw answers, balances."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import IBANS, NOW, make_account, make_organization

from nostro.connectors.contract import RawAnswer as BankAnswer
from nostro.core.transactions import Account as BankAccount
from nostro.core.transactions import Balance as BankBalance
from nostro.core.transactions import Window
from nostro.hub.accounts.models import Balance, RawAnswer
from nostro.hub.accounts.services import (
    extend_coverage,
    open_raw_answer,
    record_balances,
    store_raw_answer,
    upsert_accounts,
)
from nostro.keys import SealError

pytestmark = pytest.mark.django_db


def test_a_renewed_consent_brings_the_same_accounts_with_their_ids_and_names():
    account = make_account()
    account.name = "Main"
    account.save()
    connection = uuid.uuid4()
    shown = [
        BankAccount("other-resource", "EUR", iban="be68 5390 0754 7034", name="Zichtrekening"),
        BankAccount("third", "USD", iban=IBANS[0]),
        BankAccount("aggregate", "XXX", iban=IBANS[0]),
    ]
    same, dollars = upsert_accounts(
        account.organization, connection, shown, account.institution, is_sandbox=False, now=NOW
    )
    assert (same.pk, same.name, same.is_selected) == (account.pk, "Main", True)
    assert (same.resource_id, same.bank_name, same.connection_id) == ("other-resource", "Zichtrekening", connection)
    assert (dollars.currency, dollars.is_selected) == ("USD", False)


def test_the_same_iban_of_two_organizations_is_two_accounts():
    one, other = make_account(), make_account(make_organization("Other"))
    assert one.reference == other.reference and one.pk != other.pk


def test_raw_answers_are_sealed_and_open_only_in_their_row():
    account = make_account()
    answer = BankAnswer("https://bank.example", 200, "application/json", b'{"iban":"BE68"}', "request-1")
    common = {
        "organization_id": account.organization_id,
        "account_id": account.pk,
        "connection_id": account.connection_id,
    }
    one, other = (
        RawAnswer.objects.get(
            pk=store_raw_answer(answer, **common, synchronization_id=uuid.uuid4(), kind="transactions", received_at=NOW)
        )
        for _ in range(2)
    )
    assert b"iban" not in bytes(one.sealed_body)
    assert open_raw_answer(one) == answer
    one.sealed_body = other.sealed_body
    with pytest.raises(SealError):
        open_raw_answer(one)


def test_an_answer_is_stored_only_together_with_the_progress_of_its_run():
    account = make_account()
    answer = BankAnswer("https://bank.example", 200, "application/json", b"{}", "request-1")

    def store(statement):
        return store_raw_answer(
            answer,
            organization_id=account.organization_id,
            account_id=None,
            connection_id=account.connection_id,
            synchronization_id=None,
            kind="transactions",
            received_at=NOW,
            provided=(statement, [account.pk]),
        )

    assert store("UPDATE accounts_account SET name = 'held' WHERE id = %s RETURNING id") is not None
    assert store("UPDATE accounts_account SET name = 'lost' WHERE id = %s AND name = '' RETURNING id") is None
    account.refresh_from_db()
    assert (account.name, RawAnswer.objects.count()) == ("held", 1)


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "1.10"), ("JPY", "500"), ("KWD", "2.345")])
def test_balances_are_kept_when_they_change(currency, amount):
    account = make_account(currency=currency)
    booked = BankBalance("interimBooked", Decimal(amount), currency, reference_date=NOW.date())
    available = BankBalance("interimAvailable", Decimal(amount) * 2, currency, credit_limit_included=True)
    foreign = BankBalance("closingBooked", Decimal(9), "CHF")
    assert record_balances(account, [booked, available, foreign], synchronization_id=None, now=NOW) is True
    assert record_balances(account, [booked, available], synchronization_id=None, now=NOW + dt.timedelta(1)) is False
    account.refresh_from_db()
    assert (account.current_balance, account.available_balance) == (Decimal(amount), Decimal(amount) * 2)
    assert account.current_balance_variation_observed_at == NOW
    assert account.current_balance_observed_at == NOW + dt.timedelta(1)
    assert Balance.objects.filter(account=account).count() == 2


def test_coverage_grows_by_windows_that_touch():
    account = make_account()
    day = dt.date(2026, 10, 1)
    for first, last in ((10, 20), (21, 25), (1, 12)):
        extend_coverage(account, Window(day.replace(day=first), day.replace(day=last)))
    assert (account.covered_from.day, account.covered_to.day) == (1, 25)
    extend_coverage(account, Window(dt.date(2026, 12, 1), dt.date(2026, 12, 5)))
    assert account.covered_from == dt.date(2026, 12, 1)
