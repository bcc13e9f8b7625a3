"""Payments, taxes, locks by kind and technical settings over the API (books.md 1: all that the screens can do)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from tests.books.api.conftest import Ask

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.ledger.models import Document, LedgerAccount, Payment, Purpose
from nostro.books.links.models import JournalLink

BILL = {"kind": "bill", "partnerName": "Supplier", "date": "2026-11-01"}


def bill(ask: Ask, number: str, amount: str, **more: object) -> str:
    """Post a bill; the id of its open item."""
    status, answer = ask("POST", "documents", {**BILL, "number": number, "amount": amount, **more})
    assert status == 200, answer
    return str(answer["data"]["relationships"]["openItem"]["data"]["id"])


def attributes(answer: Any) -> Any:
    return answer["data"]["attributes"]


def test_payments_are_ordered_as_a_batch_changed_and_listed(ask: Ask, company: Company, link: JournalLink) -> None:
    first, second = bill(ask, "1", "700.00"), bill(ask, "2", "300.00")
    body = {
        "journalId": str(link.journal_id), "date": "2026-11-12", "batchReference": "BATCH-1", "messageId": "MSG-1",
        "payments": [{"itemId": first, "endToEndId": "E2E-1"}, {"itemId": second, "amount": "-100.00"}],
    }  # fmt: skip
    status, made = ask("POST", "payments", body, Idempotency_Key="once")
    assert status == 200, made
    assert ask("POST", "payments", body, Idempotency_Key="once") == (200, made)
    assert Payment.objects.count() == 2
    by_item = {each["relationships"]["openItem"]["data"]["id"]: each for each in made["data"]}
    assert by_item[first]["attributes"] == {
        "amount": Decimal("-700.00"), "currency": "EUR", "date": "2026-11-12", "reference": "1", "endToEndId": "E2E-1",
        "state": "outstanding", "batchReference": "BATCH-1", "messageId": "MSG-1",
    }  # fmt: skip
    assert by_item[second]["attributes"]["amount"] == Decimal("-100.00")

    payment = by_item[first]["id"]
    assert attributes(ask("POST", f"payments/{payment}", {"state": "rejected"})[1])["state"] == "rejected"
    assert attributes(ask("GET", f"payments/{payment}")[1])["state"] == "rejected"
    assert {each["id"] for each in ask("GET", "payments")[1]["data"]} == {each["id"] for each in made["data"]}
    status, refused = ask("POST", f"payments/{payment}", {"state": "settled"})
    assert (status, refused["errors"][0]["code"]) == (400, "paymentState")


@pytest.mark.parametrize(
    ("payments", "code"),
    [
        ([], "itemsMissing"),
        ("x", "validationError"),
        ([{"itemId": "x"}], "validationError"),
        ([{"itemId": "same"}, {"itemId": "same"}], "validationError"),
        ([{"itemId": "same", "amount": "700.00"}], "amountInvalid"),
        ([{"itemId": "same", "endToEndId": "x" * 36}], "validationError"),
    ],
    ids=["none", "text", "no id", "twice", "other sign", "long id"],
)
def test_orders_that_make_no_sense_are_refused(
    payments: Any, code: str, ask: Ask, company: Company, link: JournalLink
) -> None:
    item = bill(ask, "1", "700.00")
    rows = (
        [{**row, "itemId": item if row["itemId"] == "same" else row["itemId"]} for row in payments]
        if isinstance(payments, list)
        else payments
    )
    status, answer = ask(
        "POST", "payments", {"journalId": str(link.journal_id), "date": "2026-11-12", "payments": rows}
    )
    assert (status, answer["errors"][0]["code"]) == (400, code)
    assert not Payment.objects.exists()


def test_a_bill_with_taxes_and_a_discount_is_posted_with_its_figures(ask: Ask, company: Company) -> None:
    taxes = [{"percent": 21, "net": "100.00"}, {"percent": "6", "net": "50.00", "tax": "3.00"}]
    bill(
        ask, "7", "174.00", taxes=taxes, discountPercent=2, discountUntil="2026-11-10", partnerReference="THEIRS",
        endToEndId="e2e-7",
    )  # fmt: skip
    shown = attributes(ask("GET", f"documents/{Document.objects.get().id}")[1])
    assert shown["taxAmount"] == Decimal("24.00")
    assert [(each["percent"], each["net"], each["tax"]) for each in shown["taxes"]] == [(21, 100, 21), (6, 50, 3)]
    assert (shown["discountPercent"], shown["discountUntil"]) == (2, "2026-11-10")
    assert (shown["partnerReference"], shown["endToEndId"]) == ("THEIRS", "E2E-7")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"taxes": [{"percent": 21, "net": "100.00"}]}, "taxesDoNotAddUp"),
        ({"taxes": [{"percent": 21}]}, "validationError"),
        ({"taxes": {"percent": 21}}, "validationError"),
        ({"discountPercent": 2}, "validationError"),
        ({"discountPercent": 2, "discountUntil": "2026-11-10", "discountTax": "x"}, "validationError"),
        ({"accountId": "00000000-0000-4000-8000-000000000000"}, "resourceNotFound"),
    ],
    ids=["sum", "no net", "object", "no day", "option", "account"],
)
def test_taxes_that_make_no_sense_are_refused(more: dict[str, Any], code: str, ask: Ask, company: Company) -> None:
    status, answer = ask("POST", "documents", {**BILL, "number": "1", "amount": "174.00", **more})
    assert status in {400, 404}
    assert answer["errors"][0]["code"] == code
    assert not Document.objects.exists()


def test_locks_are_set_by_kind_together_or_not_at_all(ask: Ask, company: Company) -> None:
    status, answer = ask("POST", "lock", {"salesLockDate": "2026-10-31", "bankLockDate": "2026-09-30"})
    assert status == 200, answer
    shown = attributes(ask("GET", "company")[1])
    assert (shown["lockDate"], shown["salesLockDate"], shown["bankLockDate"]) == (None, "2026-10-31", "2026-09-30")
    assert ask("POST", "documents", {**BILL, "date": "2026-10-15", "number": "1", "amount": 5})[0] == 200
    invoice = {**BILL, "kind": "invoice", "date": "2026-10-15", "number": "1", "amount": 5}
    assert ask("POST", "documents", invoice)[0] == 400
    ask("POST", "lock", {"hardLockDate": "2026-06-30"})
    status, refused = ask("POST", "lock", {"salesLockDate": None, "hardLockDate": "2026-01-31"})
    assert status == 400, refused
    company.refresh_from_db()
    assert (company.sales_lock_date, company.hard_lock_date) == (dt.date(2026, 10, 31), dt.date(2026, 6, 30))
    assert ask("POST", "lock", {})[1]["errors"][0]["code"] == "validationError"


def test_the_suspense_account_of_new_journals_is_chosen(ask: Ask, company: Company) -> None:
    fit = LedgerAccount.objects.create(company=company, code="499900", name="Waiting", kind="current_asset")
    assert ask("POST", "suspense-account", {"accountId": str(fit.id)})[0] == 200
    fit.refresh_from_db()
    assert fit.purpose == Purpose.SUSPENSE
    unfit = LedgerAccount.objects.get(company=company, purpose=Purpose.SALES)
    status, refused = ask("POST", "suspense-account", {"accountId": str(unfit.id)})
    assert (status, refused["errors"][0]["code"]) == (400, "accountUnfit")


def test_signs_are_turned_and_raw_payloads_are_read_page_by_page(ask: Ask, link: JournalLink) -> None:
    account = link.online_account_id
    turned = attributes(ask("POST", f"online-accounts/{account}/signs", {"balances": True})[1])
    assert (turned["invertedTransactions"], turned["invertedBalances"]) == (False, True)
    first = ask("GET", f"online-accounts/{account}/raw?limit=2")[1]
    second = ask("GET", f"online-accounts/{account}/raw?limit=2&after={first['meta']['paging']['after']}")[1]
    both = [*first["data"], *second["data"]]
    assert second["meta"]["paging"]["after"] is None
    assert len({each["id"] for each in both}) == len(both) == Line.objects.count()
    assert any("-50.10" in each["attributes"]["payload"] for each in both)
    assert ask("GET", f"online-accounts/{account}/raw?after=x")[1]["errors"][0]["code"] == "invalidCursor"
