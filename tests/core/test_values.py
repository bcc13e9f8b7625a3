"""Ids and the values a bank gives."""

import datetime as dt
from decimal import Decimal

from nostro.core.ids import new_id
from nostro.core.transactions import Transaction, Window


def test_ids_are_version_seven_and_ordered_by_time():
    first, second = new_id(at_ms=1_000, random_bits=(1 << 74) - 1), new_id(at_ms=1_001, random_bits=0)
    assert first < second
    assert first.version == second.version == 7
    assert first.variant == second.variant == "specified in RFC 4122"
    assert new_id() != new_id()


def test_the_counterparty_is_the_creditor_of_money_out_and_the_debtor_of_money_in():
    sides = {
        "creditor_name": "C",
        "creditor_account": "CA",
        "creditor_agent": "CB",
        "debtor_name": "D",
        "debtor_account": "DA",
        "debtor_agent": "DB",
    }
    out, incoming = (Transaction(amount=Decimal(amount), currency="EUR", **sides) for amount in (-1, 1))
    assert (out.counterparty_name, out.counterparty_account, out.counterparty_agent) == ("C", "CA", "CB")
    assert (incoming.counterparty_name, incoming.counterparty_account, incoming.counterparty_agent) == ("D", "DA", "DB")


def test_the_structured_reference_comes_first_in_the_remittance_information():
    row = Transaction(
        amount=Decimal(1),
        currency="EUR",
        remittance_information_structured=("RF18",),
        remittance_information_unstructured=("thank", "", "you"),
    )
    assert row.remittance_information == "RF18 thank you"


def test_a_window_includes_both_ends():
    window = Window(dt.date(2026, 11, 1), dt.date(2026, 11, 3))
    assert [dt.date(2026, 11, n) in window for n in (1, 3)] == [True, True]
    assert dt.date(2026, 11, 4) not in window
    assert None not in window
