"""Pending rows become booked ones (connectors.md 1.10; scenario user_pending_then_booked)."""

import datetime as dt
from uuid import UUID

import pytest
from tests.core.identity.bank import DAY, transaction

from nostro.core.identity import link_pending, link_row


def row(number, *args, references=(), source_link="", **fields):
    return link_row(UUID(int=number), transaction(*args, **fields), references, source_link)


def links(pending, booked):
    return {(link.pending.id.int, link.booked.id.int, link.evidence) for link in link_pending(pending, booked)}


def test_the_link_of_the_source_comes_first():
    pending = [row(1, source_link="p1", end_to_end_id="E"), row(2, source_link="p2", end_to_end_id="E")]
    assert links(pending, [row(9, source_link="p2", end_to_end_id="E")]) == {(2, 9, "source")}


def test_a_higher_amount_with_the_same_end_to_end_id_is_linked():
    assert links([row(1, "-10", end_to_end_id="E-1")], [row(9, "-12", end_to_end_id="e1")]) == {(1, 9, "end_to_end_id")}


def test_the_reference_links_when_there_is_no_end_to_end_id():
    assert links([row(1, references=("x",))], [row(9, "-4", references=("x",))]) == {(1, 9, "reference")}


@pytest.mark.parametrize("filler", ["NOTPROVIDED", "NOT PROVIDED", "notavailable", None])
def test_the_fillers_of_the_standard_link_nothing(filler):
    assert links([row(1, "-10", end_to_end_id=filler)], [row(9, "-12", end_to_end_id=filler)]) == set()


def test_an_opposite_direction_or_another_currency_is_another_payment():
    pending = [row(1, "-10", end_to_end_id="E")]
    assert links(pending, [row(9, "10", end_to_end_id="E")]) == set()
    assert links(pending, [row(9, "-10", end_to_end_id="E", currency="JPY")]) == set()


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_a_unique_equal_amount_and_counterparty_within_ten_days_is_linked(currency):
    pending = [row(1, "-10", currency=currency, creditor_name="Shop")]
    for days, expected in ((10, {(1, 9, "amount")}), (11, set())):
        booked = row(9, "-10.000", day=DAY + dt.timedelta(days=days), currency=currency, creditor_name="SHOP")
        assert links(pending, [booked]) == expected


def test_two_candidates_or_no_counterparty_link_nothing():
    shop = {"creditor_name": "Shop"}
    assert links([row(1, **shop)], [row(8, **shop), row(9, **shop)]) == set()
    assert links([row(1, **shop), row(2, **shop)], [row(9, **shop)]) == set()
    assert links([row(1)], [row(9)]) == set()
    assert links([], [row(9)]) == links([row(1)], []) == set()
