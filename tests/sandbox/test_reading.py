"""Accounts, balances and transactions as a service sees them, against the bank's own truth."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from tests.sandbox.customer import Customer, code_of


def _sum(rows: list[dict]) -> Decimal:
    return sum((Decimal(row["transactionAmount"]["amount"]) for row in rows), Decimal(0))


def test_user_good_has_two_accounts_with_24_months(customer: Customer) -> None:
    consent = customer.link("user_good")
    accounts = customer.accounts(consent)
    assert [(a["currency"], a["cashAccountType"]) for a in accounts] == [
        ("EUR", "CACC"),
        ("EUR", "SVGS"),
    ]
    rows = [row for page in customer.pages(consent, accounts[0]["resourceId"]) for row in page["booked"]]
    assert rows[-1]["bookingDate"] == "2024-01-08"
    assert rows[0]["bookingDate"] == "2026-01-05"


@pytest.mark.parametrize("psu", ["user_good", "user_multi_currency", "user_10k_tx", "user_hostile_text", "user_empty"])
def test_pages_hold_exactly_the_truth_and_every_balance_is_the_sum_of_its_rows(customer: Customer, psu: str) -> None:
    consent = customer.link(psu)
    for account in customer.accounts(consent):
        pages = customer.pages(consent, account["resourceId"])
        truth = customer.truth(account["resourceId"])
        booked = [row for page in pages for row in page["booked"]]
        assert all(len(page["booked"]) == 100 for page in pages[:-1])
        assert Counter(r["transactionId"] for r in booked) == Counter(r["transactionId"] for r in truth["rows"])
        assert [r["bookingDate"] for r in booked] == sorted((r["bookingDate"] for r in booked), reverse=True)
        if account["currency"] == "XXX":
            continue
        pending = [row for page in pages for row in page.get("pending", ())]
        figures = {b["balanceType"]: Decimal(b["balanceAmount"]["amount"]) for b in account["balances"]}
        assert figures["interimBooked"] == _sum(booked)
        assert figures["expected"] == _sum(booked) + _sum(pending)
        assert figures["closingBooked"] == _sum([r for r in booked if r["bookingDate"] < "2026-01-05"])
        assert all(r["transactionAmount"]["currency"] == account["currency"] for r in booked)


def test_ten_thousand_rows_come_in_a_hundred_pages(customer: Customer) -> None:
    consent = customer.link("user_10k_tx")
    (account,) = customer.accounts(consent)
    pages = customer.pages(consent, account["resourceId"], attended=False)
    assert (len(pages), sum(len(page["booked"]) for page in pages)) == (100, 10_000)
    ids = {row["transactionId"] for page in pages for row in page["booked"]}
    references = {row["entryReference"] for page in pages for row in page["booked"]}
    assert (len(ids), len(references)) == (10_000, 10_000)


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_amounts_have_the_decimals_of_their_currency(customer: Customer, currency: str, places: int) -> None:
    consent = customer.link("user_dinar" if currency == "KWD" else "user_multi_currency")
    (account,) = [a for a in customer.accounts(consent) if a["currency"] == currency]
    amounts = [
        r["transactionAmount"]["amount"] for p in customer.pages(consent, account["resourceId"]) for r in p["booked"]
    ]
    amounts += [b["balanceAmount"]["amount"] for b in account["balances"]]
    assert len(amounts) > 100
    assert {len(amount.partition(".")[2]) for amount in amounts} == {places}


def test_the_aggregate_shares_the_iban_of_its_parts_and_holds_their_rows(customer: Customer) -> None:
    consent = customer.link("user_multi_currency")
    accounts = customer.accounts(consent)
    assert len({a["iban"] for a in accounts}) == 1
    counts = [sum(len(p["booked"]) for p in customer.pages(consent, a["resourceId"])) for a in accounts]
    assert accounts[0]["currency"] == "XXX"
    assert counts[0] == sum(counts[1:])


def test_own_transfers_stand_on_both_sides(customer: Customer) -> None:
    current, savings = (customer.truth(f"user_good-{key}") for key in ("current", "savings"))
    euro, dollars = (customer.truth(f"user_multi_currency-multi-{key}") for key in ("eur", "usd"))

    def transfers(truth: dict, start: str) -> dict[str, Decimal]:
        return {
            r["endToEndId"]: Decimal(r["amount"]) for r in truth["rows"] if r.get("endToEndId", "").startswith(start)
        }

    here, there = transfers(current, "OWN-"), transfers(savings, "OWN-")
    assert len(here) > 24
    assert here == {reference: -amount for reference, amount in there.items()}
    sold = transfers(dollars, "FX-")
    assert len(sold) > 20
    assert sold.keys() == {reference for reference in transfers(euro, "FX-") if reference.endswith("-USD")}
    assert all(amount > 0 for amount in transfers(euro, "FX-").values())


def test_period_and_status_narrow_the_list(customer: Customer) -> None:
    consent = customer.link("user_good")
    account = customer.accounts(consent)[0]["resourceId"]
    path = f"/v1/accounts/{account}/transactions?dateFrom=2025-03-01&dateTo=2025-03-31&bookingStatus="
    march = customer.call("GET", path + "booked", consent).json["transactions"]
    assert "pending" not in march
    assert {row["bookingDate"][:7] for row in march["booked"]} == {"2025-03"}
    pending = customer.call("GET", path + "pending", consent).json["transactions"]
    assert "booked" not in pending
    assert pending["pending"]
    assert not any("bookingDate" in row or "transactionId" in row for row in pending["pending"])


def test_a_single_transaction_is_shown_in_full(customer: Customer) -> None:
    consent = customer.link("user_good")
    account = customer.accounts(consent)[0]["resourceId"]
    row = customer.pages(consent, account)[0]["booked"][0]
    answer = customer.call("GET", f"/v1/accounts/{account}/transactions/{row['transactionId']}", consent)
    assert answer.json == {"transactionsDetails": row}
    unknown = customer.call("GET", f"/v1/accounts/{account}/transactions/nothing", consent)
    assert code_of(unknown) == (403, "RESOURCE_UNKNOWN")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("dateFrom=2025-01-01", "FORMAT_ERROR"),
        ("bookingStatus=booked", "FORMAT_ERROR"),
        ("bookingStatus=some&dateFrom=2025-01-01", "FORMAT_ERROR"),
        ("bookingStatus=booked&dateFrom=2025-02-30", "FORMAT_ERROR"),
        ("bookingStatus=booked&dateFrom=20250101", "FORMAT_ERROR"),
        ("bookingStatus=booked&dateFrom=2025-01-01&after=%FF%00", "FORMAT_ERROR"),
        ("bookingStatus=booked&dateFrom=2025-02-01&dateTo=2025-01-01", "PERIOD_INVALID"),
        ("bookingStatus=information&dateFrom=2025-01-01", "PARAMETER_NOT_SUPPORTED"),
        ("bookingStatus=booked&deltaList=true", "PARAMETER_NOT_SUPPORTED"),
    ],
)
def test_wrong_queries_are_refused_and_cost_no_place(customer: Customer, query: str, code: str) -> None:
    consent = customer.link("user_good")
    account = customer.accounts(consent)[0]["resourceId"]
    answer = customer.call("GET", f"/v1/accounts/{account}/transactions?{query}", consent, attended=False)
    assert code_of(answer) == (400, code)
    assert customer.control("GET", "/state").json["quota"] == []


def test_user_booked_only_refuses_pending_rows(customer: Customer) -> None:
    consent = customer.link("user_booked_only")
    account = customer.accounts(consent)[0]["resourceId"]
    path = f"/v1/accounts/{account}/transactions?dateFrom=2025-01-01&bookingStatus="
    assert code_of(customer.call("GET", path + "both", consent)) == (400, "PARAMETER_NOT_SUPPORTED")
    assert customer.call("GET", path + "booked", consent).status_code == 200


def test_other_peoples_accounts_are_unknown(customer: Customer) -> None:
    consent = customer.link("user_good")
    other = customer.truth("user_10k_tx-many")["resourceId"]
    for path in ("", "/balances", "/transactions?bookingStatus=booked&dateFrom=2025-01-01"):
        assert code_of(customer.call("GET", f"/v1/accounts/{other}{path}", consent)) == (404, "RESOURCE_UNKNOWN")
    # The bank's own id of an account is no name for it outside.
    assert code_of(customer.call("GET", "/v1/accounts/user_good-current", consent)) == (404, "RESOURCE_UNKNOWN")


def test_five_unattended_reads_are_one_too_many_until_a_day_has_passed(customer: Customer) -> None:
    consent = customer.link("user_good")
    account, other = (a["resourceId"] for a in customer.accounts(consent)[:2])
    path = f"/v1/accounts/{account}/balances"
    for hour in range(4):
        assert customer.call("GET", path, consent, attended=False).status_code == 200, hour
        customer.control("POST", "/clock", {"advance": 3_600})
    refused = customer.call("GET", path, consent, attended=False)
    assert code_of(refused) == (429, "ACCESS_EXCEEDED")
    assert refused.headers["Retry-After"] == str(20 * 3_600)
    assert customer.call("GET", path, consent, attended=True).status_code == 200
    assert customer.call("GET", f"/v1/accounts/{other}/balances", consent, attended=False).status_code == 200
    customer.control("POST", "/clock", {"advance": 20 * 3_600 - 1})
    assert customer.call("GET", path, consent, attended=False).status_code == 429
    customer.control("POST", "/clock", {"advance": 1})
    assert customer.call("GET", path, consent, attended=False).status_code == 200
    assert customer.call("GET", path, consent, attended=False).status_code == 429


def test_follow_up_pages_are_free_and_the_log_tells_them_apart(customer: Customer) -> None:
    consent = customer.link("user_good")
    account = customer.accounts(consent)[0]["resourceId"]
    for _ in range(4):
        assert len(customer.pages(consent, account, attended=False)) > 10
    records = [r for r in customer.control("GET", "/log").json["records"] if r["endpoint"] == "transactions"]
    assert sum(r["counted"] for r in records) == 4
    assert Counter(r["page"] for r in records)["first"] == 4
    assert not any(r["attended"] for r in records)
    (counter,) = customer.control("GET", "/state").json["quota"]
    assert (counter["endpoint"], counter["used"]) == ("transactions", 4)
