"""Payments on their pages: registered as a batch, rejected, expected again; the line is matched from the screen."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.pages.conftest import House
from tests.books.reconcile.steps import line_of

from nostro.books.ledger.models import Payment, PaymentBatch, PaymentState
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.choosing import choose_option, option_key
from nostro.books.reconcile.queries import proposals_for
from nostro.people.models import User


def test_a_batch_is_registered_rejected_in_part_and_matched(owner: User, browser: Client, house: House) -> None:
    bills = [
        create_document(
            owner, house.company, kind="bill", partner_name="Paper Ltd", number=f"B-{n}", date=dt.date(2026, 11, 1),
            amount=Decimal(amount),
        )
        for n, amount in enumerate(("70.00", "30.00"))
    ]  # fmt: skip
    add = reverse("books:add_payments", args=[house.company.id])
    assert "B-0" in browser.get(add).content.decode()
    form = {"journal": str(house.journal.id), "date": "2026-11-12", "batch_reference": "RUN-2026-11", "form_key": "k"}
    assert "Choose 1 to 500" in browser.post(add, form).content.decode()
    form["form_key"] = "l"
    chosen = [str(bill.open_item_id) for bill in bills]
    for _ in range(2):  # a double click
        assert browser.post(add, {**form, "items": chosen}).status_code == 302
    assert PaymentBatch.objects.get().payments.count() == 2
    assert "B-0" not in browser.get(add).content.decode()

    rejected = Payment.objects.get(amount=-30)
    change = reverse("books:change_payment", args=[rejected.id])
    assert "left out of its batch" in browser.post(change, {"state": "rejected"}, follow=True).content.decode()
    assert "Payment" in browser.post(change, {"state": "settled"}, follow=True).content.decode()
    rejected.refresh_from_db()
    assert rejected.state == PaymentState.REJECTED

    line = line_of(house.journal, "-70.00", "run")
    page = browser.get(reverse("books:reconcile", args=[house.company.id]), {"line": line.id}).content.decode()
    assert "batch RUN-2026-11" in page
    option = proposals_for([line])[line.id].options[0]
    choose_option(owner, line.id, option_key(option), now=NOW)
    listed = browser.get(reverse("books:payments", args=[house.company.id]), {"show": "all"}).content.decode()
    assert "On a bank line" in listed
    assert "Rejected by the bank" in listed
