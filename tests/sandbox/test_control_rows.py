"""Rows one by one: made, read in pages, replaced, with notes that no service sees."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.customer import SINCE, Customer

ACCOUNT = "user_good-savings"
HERE = f"/accounts/{ACCOUNT}"


def body(**fields: Any) -> dict[str, Any]:
    return {
        "amount": "12.34", "bookingDate": "2025-12-16", "valueDate": "2025-12-17",
        "body": {"debtorName": "Test"}, "note": {"cards": "6666"}, **fields,
    }  # fmt: skip


def test_a_row_is_made_and_its_note_is_no_services_business(customer: Customer) -> None:
    before = customer.control("GET", HERE).get_json()
    made = customer.control("POST", f"{HERE}/rows", body())
    row = made.get_json()
    assert made.status_code == 201
    assert row == {
        "number": row["number"], "amount": "12.34", "currency": "EUR", "pending": False, "bookingDate": "2025-12-16",
        "valueDate": "2025-12-17", "body": {"debtorName": "Test"}, "note": {"cards": "6666"},
    }  # fmt: skip
    assert customer.control("GET", f"{HERE}/rows/{row['number']}").get_json() == row
    after = customer.control("GET", HERE).get_json()
    assert float(after["booked"]) == round(float(before["booked"]) + 12.34, 2) and after["booked"] == after["expected"]
    assert "6666" not in json.dumps(customer.truth(ACCOUNT))
    consent = customer.link("user_good")
    [shown] = [a for a in customer.accounts(consent) if a["iban"] == customer.truth(ACCOUNT)["iban"]]
    path = f"/v1/accounts/{shown['resourceId']}/transactions?bookingStatus=booked&dateFrom={SINCE}"
    listed = customer.call("GET", path, consent).text
    assert "12.34" in listed and "_note" not in listed and "6666" not in listed


def test_a_pending_row_is_replaced_by_a_booked_one_under_its_number(customer: Customer) -> None:
    row = customer.control("POST", f"{HERE}/rows", body(pending=True)).get_json()
    assert (
        row["pending"]
        and customer.control("GET", HERE).get_json()["expected"] != customer.control("GET", HERE).get_json()["booked"]
    )
    there = f"{HERE}/rows/{row['number']}"
    booked = customer.control("PUT", there, body(amount="-1.00", body={"creditorName": "Shop"})).get_json()
    assert booked["number"] == row["number"] and not booked["pending"] and booked["amount"] == "-1.00"
    assert customer.control("GET", there).get_json() == booked
    other = customer.control("GET", f"/accounts/user_good-current/rows/{row['number']}")
    assert other.status_code == 404
    assert customer.control("PUT", f"/accounts/user_good-current/rows/{row['number']}", body()).status_code == 404


def test_rows_are_read_in_pages_by_their_number(customer: Customer) -> None:
    for number in range(5):
        customer.control("POST", f"{HERE}/rows", body(amount=f"{number}.00"))
    newest = customer.control("GET", f"{HERE}/rows?limit=3").get_json()["rows"]
    assert [row["amount"] for row in newest] == ["4.00", "3.00", "2.00"]
    older = customer.control("GET", f"{HERE}/rows?limit=2&older_than={newest[-1]['number']}").get_json()["rows"]
    assert [row["amount"] for row in older] == ["1.00", "0.00"]
    newer = customer.control("GET", f"{HERE}/rows?limit=2&newer_than={older[-1]['number']}").get_json()["rows"]
    assert [row["amount"] for row in newer] == ["2.00", "1.00"]


def test_bad_rows_are_refused(customer: Customer) -> None:
    for bad in (body(amount="1.234"), body(bookingDate="today"), body(body=[]), {}, body(note=1)):
        assert customer.control("POST", f"{HERE}/rows", bad).status_code == 400
    for query in ("older_than=x", "limit=-1", "newer_than=9999999999999999"):
        assert customer.control("GET", f"{HERE}/rows?{query}").status_code == 400
    assert customer.control("GET", f"{HERE}/rows/99999999999999999999").status_code == 404
