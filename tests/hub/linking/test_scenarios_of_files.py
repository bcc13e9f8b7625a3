"""The scenario table of connectors.md 5.3, last part: lists that come as CAMT and MT940."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.hub.linking.life import DAY, Life

from nostro.hub.accounts.models import Account, PendingTransaction, RawAnswer, Transaction, TransactionChange
from nostro.hub.accounts.services import open_raw_answer
from nostro.hub.sync.models import Synchronization

Live = Callable[[str], Life]


def test_user_camt(live: Live) -> None:
    good, life = live("user_good"), live("user_camt")
    good.settle()
    life.settle()
    _is_as_good(life, good)
    current, savings = life.accounts()
    assert _content_types(current) == {"application/xml"}
    assert _content_types(savings) == {"application/json", "application/zip"}, "a link, and what is behind it"
    for here, there in zip(life.accounts(), good.accounts(), strict=True):
        assert _told(here, _FIELDS) == _told(there, _FIELDS)
    assert not Transaction.objects.filter(organization=life.organization, entry_reference=None).exists()
    pending = PendingTransaction.objects.filter(removed_at=None)
    amounts = [
        sorted(pending.filter(account=each).values_list("amount", flat=True)) for each in (current, good.account())
    ]
    assert amounts[0] == amounts[1] != []
    batches = Transaction.objects.filter(account=current, batch_indicator=True)
    assert batches.count() == 48
    _has_crlf_umlauts_and_reversals(life, b"<RvslInd>true</RvslInd>")


def test_user_mt940(live: Live) -> None:
    good, life = live("user_good"), live("user_mt940")
    good.settle()
    life.settle()
    _is_as_good(life, good)
    for here, there in zip(life.accounts(), good.accounts(), strict=True):
        assert _content_types(here) == {"text/plain"}
        assert _told(here, _FIELDS_OF_MT940) == _told(there, _FIELDS_OF_MT940)
    _has_crlf_umlauts_and_reversals(life, b"RD")


@pytest.mark.parametrize("format", ["camt.052", "camt.053", "download", "mt940", "mt942"])
def test_another_format_changes_nothing(live: Live, format: str) -> None:
    """A bank that goes over from JSON to files, and back: nothing doubled, nothing gone, every id kept."""
    life = live("user_good")
    life.settle()
    ids = dict(Transaction.objects.filter(organization=life.organization).values_list("pk", "amount"))
    for each in (format, "json"):
        for account in life.accounts():
            told = life.customer.control("POST", "/format", {"account": account.resource_id, "format": each})
            assert told.status_code == 200
        for _ in range(2):
            life.wait(8 * DAY)
            life.ask(attended=True)
            life.equals_truth(of=2)
            assert not Synchronization.objects.filter(organization=life.organization).exclude(status="success").exists()
    now_there = dict(Transaction.objects.filter(organization=life.organization).values_list("pk", "amount"))
    assert ids.items() <= now_there.items()
    assert not TransactionChange.objects.filter(organization=life.organization, kind="removed").exists()
    assert {account.proof for account in life.accounts()} == {"green"}


def test_an_interim_report_tells_booked_and_pending_rows(live: Live) -> None:
    """MT942: what the bank booked is booked, what it expects is pending, and its sums prove both sides."""
    life = live("user_good")
    life.settle()
    current = life.account()
    life.customer.control("POST", "/format", {"account": current.resource_id, "format": "mt942"})
    life.wait(8 * DAY)
    life.ask(attended=True)
    life.equals_truth(of=2)
    assert "text/plain" in _content_types(current)
    truth = life.customer.truth(current.resource_id)
    pending = PendingTransaction.objects.filter(account=current, removed_at=None)
    assert len(truth["pending"]) == pending.count() > 0
    current.refresh_from_db()
    assert current.proof == "green"


_FIELDS_OF_MT940 = ("amount", "currency", "booking_date", "value_date", "end_to_end_id", "mandate_id", "creditor_id")
_FIELDS = (*_FIELDS_OF_MT940, "counterpart_name", "counterpart_reference", "bank_transaction_code")


def _told(account: Account, names: tuple[str, ...]) -> Counter[tuple[object, ...]]:
    rows = Transaction.objects.filter(account=account).values_list(*names)
    # Files spare themselves the word for "there is none".
    return Counter(tuple(None if value == "NOTPROVIDED" else value for value in row) for row in rows)


def _is_as_good(life: Life, good: Life) -> None:
    """Rows equal those of user_good in amounts, dates and counts."""
    life.is_good()
    for here, there in zip(life.accounts(), good.accounts(), strict=True):
        assert life.rows(here) == good.rows(there)
        assert here.current_balance == there.current_balance != Decimal(0)
    assert not any(run.warnings for run in Synchronization.objects.filter(organization=life.organization))


def _content_types(account: Account) -> set[str]:
    return set(RawAnswer.objects.filter(account=account, kind="transactions").values_list("content_type", flat=True))


def _has_crlf_umlauts_and_reversals(life: Life, reversal: bytes) -> None:
    body = open_raw_answer(RawAnswer.objects.get(account=life.account(), kind="transactions")).body
    assert b"\r\n" in body
    assert "ü".encode() in body
    assert reversal in body
    refunds = Transaction.objects.filter(account=life.account(), remittance_information__startswith="REFUND")
    assert refunds
    assert all(row.amount > 0 and row.counterpart_name for row in refunds)
