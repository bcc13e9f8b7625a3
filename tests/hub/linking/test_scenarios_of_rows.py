"""The scenario table of connectors.md 5.3, third part: rows that change, pages that are odd, texts that attack."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.urls import reverse
from tests.hub.linking.life import DAY, Life

from nostro.core.money import quantize
from nostro.hub.accounts.models import Account, PendingTransaction, RawAnswer, Transaction, TransactionChange
from nostro.hub.accounts.services import open_raw_answer
from nostro.hub.pages.accounts import totals
from nostro.hub.sync.models import QuotaAccess, Synchronization
from nostro.sandbox.histories.special import HOSTILE_TEXTS
from nostro.sandbox.paging import IN_TURN

Live = Callable[[str], Life]


def test_user_pending_then_booked(live: Live) -> None:
    life = live("user_pending_then_booked")
    life.settle()
    life.days(2)  # to Wednesday, when three rows are announced
    ids = {kind: f"PEND-{kind}-{life.now():%Y%m%d}" for kind in "ABC"}
    announced = {kind: _announced(life, end_to_end) for kind, end_to_end in ids.items()}
    assert [announced[kind].amount for kind in "ABC"] == [Decimal("-20.00"), Decimal("-100.00"), Decimal("-75.00")]
    assert _sums_count_booked_rows_only(life)
    life.days(4)
    for each in announced.values():
        each.refresh_from_db()
        assert each.removed_at is not None
    for kind, amount in (("A", "-20.00"), ("B", "-115.00")):
        booked = Transaction.objects.get(account=life.account(), end_to_end_id=ids[kind])
        assert (announced[kind].booked_as, booked.amount) == (booked.pk, Decimal(amount))
        assert booked.bank_transaction_id is not None, "booked under an id of its own"
    assert announced["C"].booked_as is None
    assert not Transaction.objects.filter(account=life.account(), end_to_end_id=ids["C"]).exists()
    life.equals_truth(of=1)
    assert _sums_count_booked_rows_only(life)


def _announced(life: Life, end_to_end: str) -> PendingTransaction:
    return PendingTransaction.objects.get(account=life.account(), end_to_end_id=end_to_end, removed_at=None)


def _sums_count_booked_rows_only(life: Life) -> bool:
    account = life.account()
    booked = sum((amount * count for (_, amount), count in life.truth(account).items()), Decimal(0))
    return (account.booked_total, account.current_balance, account.proof) == (booked, booked, "green")


def test_user_identical_twins(live: Live) -> None:
    life = live("user_identical_twins")
    life.settle()
    life.equals_truth(of=1)
    twins = max(life.rows(life.account()).values())
    life.days(2)
    life.equals_truth()
    assert max(life.rows(life.account()).values()) == twins + 1
    life.days(10)
    life.equals_truth()
    assert max(life.rows(life.account()).values()) == twins
    assert TransactionChange.objects.filter(transaction__account=life.account(), kind="removed").count() == 1


def test_user_no_ids(live: Live) -> None:
    life = live("user_no_ids")
    life.settle()
    for _ in range(10):
        life.wait(DAY / 3)
        life.ask(attended=True)
    life.equals_truth(of=1)


def test_user_ref_reused(live: Live) -> None:
    life = live("user_ref_reused")
    life.settle()
    life.equals_truth(of=1)
    reused = Transaction.objects.filter(account=life.account(), entry_reference="REUSED-REFERENCE-1", removed_at=None)
    assert sorted(row.amount for row in reused) == [Decimal("-91.50"), Decimal("-44.00")]
    run = Synchronization.objects.get(account=life.account())
    assert run.warnings == ["2 rows of one read have reference repeated"]
    life.days(2)
    assert reused.count() == 2


def test_user_balance_gap(live: Live) -> None:
    life = live("user_balance_gap")
    life.settle()
    assert life.account().proof == "green"
    life.days(3)
    account = life.account()
    assert account.proof == "red"
    assert abs(account.proof_difference) == Decimal("12.34")
    assert "12.34" in life.browser().get(reverse("hub:gap", kwargs={"account_id": account.pk})).content.decode()
    wide = Synchronization.objects.filter(account=account, wide=True).count()
    assert wide == 2, "the whole history, then 90 days once since the proof turned red"
    life.equals_truth()
    life.days(20)
    life.equals_truth()
    assert life.account().proof == "green"


def test_user_backdated(live: Live) -> None:
    life = live("user_backdated")
    life.settle()
    ids = set(Transaction.objects.filter(account=life.account()).values_list("id", flat=True))
    life.days(8)
    life.equals_truth(of=1)
    assert life.account().proof == "green"
    late = Transaction.objects.get(
        account=life.account(), amount=Decimal("-56.78"), creditor_name__startswith="Assekura"
    )
    assert late.id not in ids
    assert 15 <= (late.created_at.date() - late.booking_date).days <= 40
    assert ids <= set(Transaction.objects.filter(account=life.account(), removed_at=None).values_list("id", flat=True))


def test_user_corrections(live: Live) -> None:
    life = live("user_corrections")
    life.settle()
    ids = set(Transaction.objects.filter(account=life.account()).values_list("id", flat=True))
    life.days(9)
    life.equals_truth(of=1)
    changes = TransactionChange.objects.filter(transaction__account=life.account())
    assert changes.filter(kind="modified").values("transaction").distinct().count() == 4
    assert changes.filter(kind="removed").count() == 1
    assert set(changes.values_list("transaction_id", flat=True)) <= ids


def test_user_10k_tx(live: Live) -> None:
    life = live("user_10k_tx")
    life.settle()
    life.equals_truth(of=1)
    assert sum(life.rows(life.account()).values()) >= 10_000
    calls = life.asked(f"/accounts/{life.account().resource_id}/transactions")
    assert sum(call["page"] == "first" for call in calls) == 1
    first = Synchronization.objects.get(account=life.account())
    assert QuotaAccess.objects.filter(synchronization_id=first.pk, endpoint="transactions").count() == 1
    assert first.pages >= 100
    life.wait(DAY / 3)
    life.ask(attended=True)
    life.equals_truth()
    again = Synchronization.objects.filter(account=life.account()).latest("created_at")
    assert (again.status, again.created_count, again.removed_count) == ("success", 0, 0)


def test_user_paging_odd(live: Live) -> None:
    life = live("user_paging_odd")
    life.settle(runs=False)
    for mode in IN_TURN:
        asked = len(life.asked("/transactions"))
        if mode == IN_TURN[0]:
            life.work()
        else:
            life.wait(DAY / 3)
            life.ask(attended=True)
        run = Synchronization.objects.filter(account=life.account()).latest("created_at")
        pages = len(life.asked("/transactions")) - asked
        assert life.of_bank().health == "active"
        if mode == "self_next":
            assert (run.status, run.pages, pages) == ("error", 1, 2)
            assert "lead back" in str(run.errors)
            assert life.account().health == "degraded"
        else:
            assert (run.status, run.errors) == ("success", []), mode
            assert run.pages == pages > 2, mode
            assert life.account().health == "active"
        assert _holds_everything(life, mode)
    assert not TransactionChange.objects.filter(transaction__account=life.account(), kind="removed").exists()


def _holds_everything(life: Life, mode: str) -> bool:
    """The booked rows of the bank; those that an incomplete read could not reach may follow later."""
    held, there = life.rows(life.account()), life.truth(life.account())
    if mode in {"self_next", "row_inserted"}:
        return held <= there and (there - held).total() <= 10
    return held == there


def test_user_multi_currency(live: Live) -> None:
    life = live("user_multi_currency")
    life.settle()
    life.equals_truth(of=3)
    accounts = {account.currency: account for account in life.accounts()}
    assert set(accounts) == {"EUR", "USD", "JPY"}, "and no aggregate"
    assert len({account.reference for account in life.accounts()}) == 1
    assert {account.proof for account in life.accounts()} == {"green"}
    for currency, decimals in (("EUR", 2), ("USD", 2), ("JPY", 0)):
        rows = life.customer.truth(accounts[currency].resource_id)["rows"]
        stored = Transaction.objects.filter(account=accounts[currency])
        assert Counter(str(quantize(row.amount, currency)) for row in stored) == Counter(row["amount"] for row in rows)
        assert {len(row["amount"].partition(".")[2]) for row in rows} == {decimals}
        at_bank = {row["entryReference"]: row["currencyExchange"] for row in rows if "currencyExchange" in row}
        kept = {row.entry_reference: row.currency_exchange for row in stored.exclude(currency_exchange=None)}
        assert kept == at_bank != {}
    sums = totals(life.accounts())
    assert {currency: amount for amount, currency in sums} == {
        currency: account.current_balance for currency, account in accounts.items()
    }


def test_user_dinar(live: Live) -> None:
    """Not a row of the table: a currency with three decimals."""
    life = live("user_dinar")
    life.settle()
    life.equals_truth(of=1)
    assert life.account().currency == "KWD"
    assert any(row.amount % Decimal("0.01") for row in Transaction.objects.filter(account=life.account()))


def test_user_card(live: Live) -> None:
    life = live("user_card")
    # Not a row of the table: card accounts have a list, balances and transactions of their own.
    life.settle()
    card = next(account for account in life.accounts() if account.subtype == "card")
    assert (card.reference_type, card.proof) == ("MASKEDPAN", "green") and card.transaction_count > 10
    for account in life.accounts():
        assert life.rows(account) == life.truth(account)
    life.days(8)
    assert life.rows(card) == life.truth(card) and card.health == "active"


def test_user_hostile_text(live: Live) -> None:
    life = live("user_hostile_text")
    life.settle()
    life.equals_truth(of=1)
    account = life.account()
    texts = list(Transaction.objects.filter(account=account).values_list("remittance_information", flat=True))
    assert any("<script>" in text for text in texts)
    assert max(map(len, texts)) >= 5_000
    assert not any(character < " " and character not in "\n\t" for text in texts for character in text)
    _is_plain_text_on_every_page(life, account)
    cells = [cell for row in _download(life) for cell in row if cell[:1] in tuple("=+-@\t\r")]
    assert cells and all(NUMBER.fullmatch(cell) for cell in cells), "nothing in the export is a formula"
    raw = "".join(
        json.loads(open_raw_answer(answer).body)["transactions"]["booked"][0]["remittanceInformationUnstructured"]
        for answer in RawAnswer.objects.filter(account=account, kind="transactions")
    )
    assert raw
    kept = b"".join(open_raw_answer(a).body for a in RawAnswer.objects.filter(account=account, kind="transactions"))
    for text in HOSTILE_TEXTS:
        assert json.dumps(text)[1:-1].encode() in kept or text.encode() in kept or _as_sent(text) in kept, text


NUMBER = re.compile(r"-?[0-9.]+")


def _as_sent(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


def _download(life: Life) -> list[list[str]]:
    address = reverse("hub:transactions_csv", kwargs={"organization_id": life.organization.pk})
    response: Any = life.browser().get(address, {"mode": "sandbox"})
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def _is_plain_text_on_every_page(life: Life, account: Account) -> None:
    browser = life.browser()
    one = Transaction.objects.filter(account=account, remittance_information__contains="<script>").latest("sequence")
    pages = [
        reverse("hub:account", kwargs={"account_id": account.pk}),
        reverse("hub:transaction", kwargs={"transaction_id": one.pk}),
        reverse("hub:transactions", kwargs={"organization_id": life.organization.pk}) + "?mode=sandbox&q=alert",
    ]
    for address in pages:
        page = browser.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()
    assert "&lt;script&gt;" in page.content.decode()
