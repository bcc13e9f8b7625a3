"""Histories: the same every time, only growing, with numbers that pass their checks."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stdnum import iban as stdnum_iban
from stdnum import iso11649
from stdnum.ch import esr
from tests.sandbox.customer import Customer

from nostro.sandbox.check_digits import creditor_id, creditor_reference, qr_reference, structured_communication
from nostro.sandbox.histories.rows import Place
from nostro.sandbox.money import amount_text, parse_minor
from nostro.sandbox.scenarios import HISTORIES, SCENARIOS
from nostro.sandbox.server import create_application

START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def _truths(directory: Path) -> dict[str, Any]:
    customer = Customer(create_application(directory, 42, "virtual", START, "control"))
    names = [account["id"] for account in customer.control("GET", "/state").json["accounts"]]
    return {name: customer.truth(name) for name in names}


def test_the_same_seed_and_day_give_the_same_bytes(customer: Customer, tmp_path: Path) -> None:
    again = _truths(tmp_path / "again")
    assert {name: customer.truth(name) for name in again} == again


@pytest.mark.parametrize(
    ("psu", "keys", "digest"),
    [
        (
            "user_good",
            ("current", "savings"),
            "51a34e62bdaa45fc5e6801d26e74f4b2d6bb6718fb1e17cb972fd6b0ad442a3e",
        ),
        (
            "user_multi_currency",
            ("multi-eur", "multi-usd", "multi-jpy"),
            "c227415a28b90b8d309779231386f5d9f0baaee01505c987838234e293421cff",
        ),
    ],
)
def test_the_histories_that_others_rely_on_stay_as_they_are(
    customer: Customer, psu: str, keys: tuple[str, ...], digest: str
) -> None:
    """Whoever changes these changes the demonstration and every picture of it: then the version of the storage has
    to rise, and these figures with it."""
    rows = b"".join(json.dumps(customer.truth(f"{psu}-{key}")["rows"]).encode() for key in keys)
    assert hashlib.sha256(rows).hexdigest() == digest


def test_another_seed_gives_another_bank(customer: Customer, tmp_path: Path) -> None:
    other = Customer(create_application(tmp_path / "other", 7, "virtual", START, "control")).truth("user_good-current")
    here = customer.truth("user_good-current")
    assert other["iban"] != here["iban"]
    assert other["balances"] != here["balances"]


def test_a_clock_that_moves_on_adds_rows_and_changes_none(customer: Customer) -> None:
    before = {row["truthId"]: row for row in customer.truth("user_good-current")["rows"]}
    customer.control("POST", "/clock", {"advance": 40 * 86_400})
    after = {row["truthId"]: row for row in customer.truth("user_good-current")["rows"]}
    assert {truth_id: after[truth_id] for truth_id in before} == before
    assert min(row["bookingDate"] for key, row in after.items() if key not in before) > "2026-01-05"
    assert len(after) > len(before) + 40


def test_it_does_not_matter_in_which_steps_the_clock_moves(customer: Customer, tmp_path: Path) -> None:
    other = Customer(create_application(tmp_path / "steps", 42, "virtual", START, "control"))
    for _ in range(10):
        other.control("POST", "/clock", {"advance": 86_400})
    customer.control("POST", "/clock", {"advance": 10 * 86_400})
    for account in ("user_good-current", "user_multi_currency-multi", "user_pending_then_booked-pending"):
        assert customer.truth(account) == other.truth(account)


def test_ten_thousand_stay_ten_thousand(customer: Customer) -> None:
    customer.control("POST", "/clock", {"advance": 30 * 86_400})
    assert len(customer.truth("user_10k_tx-many")["rows"]) == 10_000


def test_a_company_lives_through_everything_a_company_lives_through(customer: Customer) -> None:
    rows = customer.truth("user_good-current")["rows"]
    texts = " ".join(row.get("remittanceInformationUnstructured", "") for row in rows)
    for word in ("Wages", "fees", "REFUND", "Collection", "Huur", "Energie", "Reserve"):
        assert word in texts, word
    assert len([r for r in rows if r.get("additionalInformation", "").startswith("VAT")]) == 8
    assert len([r for r in rows if "mandateId" in r and "creditorId" in r]) > 70
    references = [r["remittanceInformationStructured"] for r in rows if "remittanceInformationStructured" in r]
    assert {reference["referenceType"] for reference in references} == {"OGM", "SCOR", "QRR"}
    assert len([r for r in rows if r.get("currencyExchange")]) > 24


def test_a_batch_is_the_sum_of_its_parts(customer: Customer) -> None:
    batches = [row for row in customer.truth("user_good-current")["rows"] if row.get("batchIndicator")]
    assert len(batches) == 48
    for row in batches:
        parts = [parse_minor(part["transactionAmount"]["amount"], "EUR") for part in row["entryDetails"]]
        assert len(parts) == row["batchNumberOfTransactions"]
        assert sum(parts) == parse_minor(row["amount"], "EUR")


def test_a_company_never_runs_out_of_money(customer: Customer) -> None:
    for account in ("user_good-current", "user_good-savings", "user_dinar-dinar"):
        balance = 0
        for row in reversed(customer.truth(account)["rows"]):
            balance += parse_minor(row["amount"], row["currency"])
            assert balance > 0, row


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value


def test_every_number_passes_its_check(customer: Customer) -> None:
    seen = {"iban": 0, "RF": 0, "OGM": 0, "QRR": 0}
    for account in ("user_good-current", "user_good-savings", "user_10k_tx-many", "user_multi_currency-multi"):
        truth = customer.truth(account)
        for text in {text for text in _strings(truth) if text[:2].isalpha() and text[2:4].isdigit() and len(text) > 14}:
            if re.fullmatch(r"(BE|DE|CH|LU)\d{2}[0-9A-Z]+", text) and "ZZZ" not in text:
                stdnum_iban.validate(text, check_country=False)
                seen["iban"] += 1
        for row in truth["rows"]:
            structured = row.get("remittanceInformationStructured", {})
            reference, kind = structured.get("reference", ""), structured.get("referenceType")
            if kind == "SCOR":
                iso11649.validate(reference)
                seen["RF"] += 1
            elif kind == "QRR":
                esr.validate(reference)
                assert len(reference) == 27
                seen["QRR"] += 1
            elif kind == "OGM":
                digits = re.sub(r"\D", "", reference)
                assert int(digits[10:]) == (int(digits[:10]) % 97 or 97)
                seen["OGM"] += 1
    assert min(seen.values()) > 20, seen


def test_known_check_digits() -> None:
    assert creditor_reference("539007547034") == "RF18539007547034"
    assert structured_communication(1234567890) == "+++123/4567/89002+++"
    assert structured_communication(97) == "+++000/0000/09797+++"
    assert qr_reference(21000000000313947143000901) == "210000000003139471430009017"
    assert creditor_id("DE", "09999999999") == "DE98ZZZ09999999999"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (-350, "EUR", "-3.50"), (5, "EUR", "0.05"), (350, "JPY", "350"), (-1, "JPY", "-1"), (0, "JPY", "0"),
        (3_500, "KWD", "3.500"), (-7, "KWD", "-0.007"), (0, "KWD", "0.000"),
    ],
)  # fmt: skip
def test_amounts_are_written_and_read_exactly(minor: int, currency: str, text: str) -> None:
    assert amount_text(minor, currency) == text
    assert parse_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"), [("1.5", "JPY"), ("1.005", "EUR"), ("1,5", "EUR"), (1.5, "EUR"), ("1e3", "EUR")]
)
def test_amounts_that_are_none_are_refused(text: object, currency: str) -> None:
    with pytest.raises(ValueError, match="decimal"):
        parse_minor(text, currency)


def test_pending_rows_book_change_or_vanish(customer: Customer) -> None:
    account = "user_pending_then_booked-pending"
    customer.control("POST", "/clock", {"set": "2026-01-07T09:00:00Z"})
    waiting = {row["endToEndId"][:6]: row for row in customer.truth(account)["pending"] if "endToEndId" in row}
    assert {key: row["amount"] for key, row in waiting.items()} == {
        "PEND-A": "-20.00",
        "PEND-B": "-100.00",
        "PEND-C": "-75.00",
    }
    customer.control("POST", "/clock", {"set": "2026-01-10T09:00:00Z"})
    truth = customer.truth(account)
    booked = {
        row["endToEndId"]: row["amount"] for row in truth["rows"] if row.get("endToEndId", "").endswith("20260107")
    }
    assert booked == {"PEND-A-20260107": "-20.00", "PEND-B-20260107": "-115.00"}
    assert not [row for row in truth["pending"] if "endToEndId" in row]


def test_twins_are_equal_and_have_no_ids(customer: Customer) -> None:
    consent = customer.link("user_identical_twins")
    (account,) = customer.accounts(consent)
    rows = [r for r in customer.pages(consent, account["resourceId"])[0]["booked"] if r["bookingDate"] == "2026-01-05"]
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert not {"transactionId", "entryReference"} & rows[0].keys()


def test_every_plan_has_a_history_and_every_body_is_json() -> None:
    for scenario in SCENARIOS.values():
        for plan in scenario.accounts:
            place = Place(1, scenario.psu, plan.key, plan.currency, dt.date(2026, 1, 5))
            json.dumps([row.body for row in HISTORIES[plan.history](place, dt.date(2026, 1, 5))], allow_nan=False)
