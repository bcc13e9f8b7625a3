"""MT942 as the bank writes it: rows and their sums, what is expected, and no balance (formats.md 6.2)."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.sandbox.customer import Customer

CURRENT = "user_good-current"
_SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", ".").rstrip("."))


def report(customer: Customer) -> str:
    assert customer.control("POST", "/format", {"account": CURRENT, "format": "mt942"}).status_code == 200
    consent = customer.link("user_good")
    resource = customer.truth(CURRENT)["resourceId"]
    path = f"/v1/accounts/{resource}/transactions?bookingStatus=both&dateFrom=2023-01-01"
    answer = customer.call("GET", path, consent)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    return answer.text


def test_an_interim_report_has_each_row_and_sums_of_the_booked_ones(customer: Customer) -> None:
    text = report(customer)
    assert ":60" not in text and ":62" not in text
    assert re.search(r"^:34F:EUR0,00\r\n:13D:2601050900\+0000\r$", text, re.MULTILINE)
    truth = customer.truth(CURRENT)
    rows = re.findall(r"^:61:\d{6}(?:\d{4})?(E?)(R?[CD])(\d+,\d*)N", text, re.MULTILINE)
    expected = [_SIGNS[mark] * number(amount) for is_expected, mark, amount in rows if is_expected]
    booked = [_SIGNS[mark] * number(amount) for is_expected, mark, amount in rows if not is_expected]
    assert sorted(booked) == sorted(Decimal(each["amount"]) for each in truth["rows"])
    assert sorted(expected) == sorted(Decimal(each["amount"]) for each in truth["pending"]) != []
    for tag, some in (("90D", [each for each in booked if each < 0]), ("90C", [each for each in booked if each >= 0])):
        count, total = re.findall(rf"^:{tag}:(\d+)EUR(\d+,\d*)\r$", text, re.MULTILINE)[0]
        assert (int(count), number(total)) == (len(some), abs(sum(some)))
