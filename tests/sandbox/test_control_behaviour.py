"""The control API: customers, ids, status, paging, quota, faults that cut connections, and playing the customer."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.sandbox.customer import BACK, NOT_OK, Customer, code_of

SAVINGS = "user_good-savings"


def _booked(customer: Customer, consent: str, account: str) -> list[dict[str, Any]]:
    return [row for page in customer.pages(consent, account) for row in page["booked"]]


def _balance(customer: Customer, consent: str, account: str) -> Decimal:
    answer = customer.call("GET", f"/v1/accounts/{account}/balances", consent).json
    (found,) = [b for b in answer["balances"] if b["balanceType"] == "interimBooked"]
    return Decimal(found["balanceAmount"]["amount"])


def _resource(customer: Customer, account: str = SAVINGS) -> str:
    return str(customer.truth(account)["resourceId"])


@pytest.mark.parametrize(
    ("currency", "amount", "text"), [("EUR", "12.34", "12.34"), ("JPY", "1234", "1234"), ("KWD", "1.234", "1.234")]
)
def test_an_ad_hoc_customer_banks_here_like_any_other(
    customer: Customer, currency: str, amount: str, text: str
) -> None:
    assert customer.control("POST", "/psus", {"psu": "shop_7"}).status_code == 201
    made = customer.control("POST", "/psus/shop_7/accounts", {"key": "till", "currency": currency, "name": "Kassa"})
    assert made.json["id"] == "shop_7-till"
    customer.control("POST", "/accounts/shop_7-till/transactions", {"amount": amount})
    consent = customer.link("shop_7")
    (account,) = customer.accounts(consent)
    assert (account["currency"], account["name"], account["iban"]) == (currency, "Kassa", made.json["iban"])
    (row,) = _booked(customer, consent, account["resourceId"])
    assert row["transactionAmount"] == {"currency": currency, "amount": text}
    assert _balance(customer, consent, account["resourceId"]) == Decimal(amount)


def test_an_ad_hoc_customer_may_behave_like_one_of_the_table(customer: Customer) -> None:
    customer.control("POST", "/psus", {"psu": "refuser", "scenario": "user_booked_only"})
    customer.control("POST", "/psus/refuser/accounts", {"history": "company"})
    consent = customer.link("refuser")
    (account,) = customer.accounts(consent)
    path = f"/v1/accounts/{account['resourceId']}/transactions?dateFrom=2025-01-01&bookingStatus="
    assert code_of(customer.call("GET", path + "both", consent)) == (400, "PARAMETER_NOT_SUPPORTED")
    assert len(customer.call("GET", path + "booked", consent).json["transactions"]["booked"]) == 100


def test_customers_and_accounts_exist_once(customer: Customer) -> None:
    for psu in ("user_good", "twice"):
        customer.control("POST", "/psus", {"psu": psu})
        assert code_of(customer.control("POST", "/psus", {"psu": psu})) == (409, "STATUS_INVALID")
    customer.control("POST", "/psus/twice/accounts", {"key": "a"})
    assert code_of(customer.control("POST", "/psus/twice/accounts", {"key": "a"})) == (409, "STATUS_INVALID")
    assert code_of(customer.control("POST", "/psus/nobody/accounts", {})) == (404, "RESOURCE_UNKNOWN")
    customer.control("POST", "/reset", {})
    assert customer.control("POST", "/psus", {"psu": "twice"}).status_code == 201


def test_a_backdated_row_appears_in_the_past(customer: Customer) -> None:
    before = customer.truth(SAVINGS)["rows"]
    made = customer.control("POST", f"/accounts/{SAVINGS}/backdate", {"days": 20, "amount": "-5.00"}).json["truthIds"]
    after = customer.truth(SAVINGS)["rows"]
    (row,) = [row for row in after if row["truthId"] in made]
    assert (row["bookingDate"], row["amount"]) == ("2025-12-16", "-5.00")
    assert [row for row in after if row["truthId"] not in made] == before


def test_a_reference_is_used_again_for_another_row(customer: Customer) -> None:
    made = customer.control("POST", f"/accounts/{SAVINGS}/reuse-entry-reference", {}).json
    rows = [r for r in customer.truth(SAVINGS)["rows"] if r["entryReference"] == made["entryReference"]]
    assert len({(r["amount"], r["transactionId"]) for r in rows}) == 2


@pytest.mark.parametrize(
    ("account", "amount"),
    [(SAVINGS, "12.34"), ("user_multi_currency-multi-jpy", "1234"), ("user_dinar-dinar", "-1.234")],
)
def test_a_gap_stands_between_balance_and_rows_until_it_is_undone(
    customer: Customer, account: str, amount: str
) -> None:
    consent = customer.link(account.split("-", 1)[0])
    resource = _resource(customer, account)
    rows, before = _booked(customer, consent, resource), _balance(customer, consent, resource)
    customer.control("POST", f"/accounts/{account}/balance-gap", {"amount": amount})
    assert _balance(customer, consent, resource) - before == Decimal(amount)
    assert _booked(customer, consent, resource) == rows
    customer.control("POST", f"/accounts/{account}/balance-gap", {"amount": "0"})
    assert _balance(customer, consent, resource) == before


def test_ids_change_now(customer: Customer) -> None:
    consent = customer.link("user_good")
    old_resource = _resource(customer)
    before = _booked(customer, consent, old_resource)
    body = {"resourceId": True, "transactionId": True, "entryReference": 10}
    resource = customer.control("POST", f"/accounts/{SAVINGS}/change-ids", body).json["resourceId"]
    assert resource != old_resource
    assert customer.call("GET", f"/v1/accounts/{old_resource}", consent).status_code == 404
    after = _booked(customer, consent, resource)
    assert not {r["transactionId"] for r in before} & {r["transactionId"] for r in after}
    changed = [a for a, b in zip(after, before, strict=True) if a["entryReference"] != b["entryReference"]]
    assert 0 < len(changed) < len(after) / 3
    ids = {"transactionId", "entryReference"}
    assert [{k: v for k, v in row.items() if k not in ids} for row in after] == [
        {k: v for k, v in row.items() if k not in ids} for row in before
    ]


def test_ids_change_with_each_renewal_when_control_says_so(customer: Customer) -> None:
    customer.control("POST", f"/accounts/{SAVINGS}/change-ids", {"resourceId": True, "on_new_consent": True})
    seen = []
    for _ in range(3):
        customer.link("user_good")
        seen.append(_resource(customer))
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    ("body", "word", "code"),
    [({"blocked": True}, "blocked", "SERVICE_BLOCKED"), ({"deleted": True}, "deleted", "RESOURCE_EXPIRED")],
)
def test_a_closed_account_is_listed_and_shows_nothing(customer: Customer, body: Any, word: str, code: str) -> None:
    consent = customer.link("user_good")
    customer.control("POST", f"/accounts/{SAVINGS}/status", body)
    resource = _resource(customer)
    (listed,) = [a for a in customer.accounts(consent) if a["resourceId"] == resource]
    assert (listed["status"], "balances" in listed, listed["_links"]) == (word, False, {})
    for path in ("balances", "transactions?bookingStatus=booked&dateFrom=2025-01-01", "transactions/x"):
        assert code_of(customer.call("GET", f"/v1/accounts/{resource}/{path}", consent)) == (403, code)
    customer.control("POST", f"/accounts/{SAVINGS}/status", {"deleted": False})
    assert _booked(customer, consent, resource)


def test_the_counter_is_filled_and_emptied(customer: Customer) -> None:
    consent = customer.link("user_good")
    path = f"/v1/accounts/{_resource(customer)}/balances"
    counter = {"consent": consent, "account": SAVINGS, "endpoint": "balances"}
    customer.control("POST", "/quota", {**counter, "used": 4})
    assert code_of(customer.call("GET", path, consent, attended=False)) == (429, "ACCESS_EXCEEDED")
    customer.control("POST", "/quota", {**counter, "used": 3})
    assert [customer.call("GET", path, consent, attended=False).status_code for _ in range(2)] == [200, 429]
    customer.control("POST", "/quota", {"consent": consent, "endpoint": "accounts", "used": 4})
    assert customer.call("GET", "/v1/accounts", consent, attended=False).status_code == 429


def test_pages_cost_places_where_the_bank_counts_them(customer: Customer) -> None:
    consent = customer.link("user_good")
    counter = {"consent": consent, "account": "user_good-current", "endpoint": "transactions"}
    customer.control("POST", "/quota", {**counter, "counts_pages": True})
    href = (
        f"/v1/accounts/{_resource(customer, 'user_good-current')}/transactions?bookingStatus=booked&dateFrom=2024-01-01"
    )
    codes = []
    for _ in range(5):
        answer = customer.call("GET", href, consent, attended=False)
        codes.append(answer.status_code)
        href = answer.json["transactions"]["_links"]["next"]["href"] if answer.status_code == 200 else href
    assert codes == [200, 200, 200, 200, 429]


def test_an_account_has_one_format_and_a_service_that_wants_another_is_refused(customer: Customer) -> None:
    refused = customer.control("POST", "/format", {"account": SAVINGS, "format": "mt941"})
    assert code_of(refused) == (400, "FORMAT_ERROR")
    assert "camt.053, mt940, mt942" in refused.json["tppMessages"][0]["text"]
    refused = customer.control("POST", "/format", {"account": "user_card-card", "format": "mt940"})
    assert code_of(refused) == (400, "PARAMETER_NOT_SUPPORTED")
    assert customer.control("POST", "/format", {"account": SAVINGS, "format": "json"}).status_code == 200
    consent = customer.link("user_good")
    path = f"/v1/accounts/{_resource(customer)}/transactions?bookingStatus=booked&dateFrom=2025-01-01"
    refused = customer.call("GET", path, consent, attended=False, headers={"Accept": "application/xml"})
    assert code_of(refused) == (406, "REQUESTED_FORMATS_INVALID")
    assert customer.control("GET", "/state").json["quota"] == []
    for accepted in ("*/*", "application/xml, application/json;q=0.5"):
        assert customer.call("GET", path, consent, headers={"Accept": accepted}).status_code == 200
    kinds = {
        "camt.053": "application/xml",
        "mt942": "text/plain",
        "mt940": "text/plain",
        "download": "application/json",
    }
    for written, kind in kinds.items():
        assert customer.control("POST", "/format", {"account": SAVINGS, "format": written}).status_code == 200
        assert customer.call("GET", path, consent, headers={"Accept": kind}).status_code == 200
        refused = customer.call("GET", path, consent, headers={"Accept": "image/png"})
        assert code_of(refused) == (406, "REQUESTED_FORMATS_INVALID")


# --- paging -------------------------------------------------------------------------------------------------------


def _paged(customer: Customer, mode: str, size: int = 20) -> tuple[list[list[str]], list[str]]:
    """Ids of the rows of each page, and the links that led on; at most 60 pages."""
    consent = customer.link("user_good")
    customer.control("POST", "/paging", {"account": SAVINGS, "size": size, "mode": mode})
    href = f"/v1/accounts/{_resource(customer)}/transactions?bookingStatus=booked&dateFrom=2023-01-01"
    pages: list[list[str]] = []
    links: list[str] = []
    while href and len(pages) < 60:
        answer = customer.call("GET", _absolute(href, _resource(customer)), consent)
        assert answer.status_code == 200, answer.text
        pages.append([row["transactionId"] for row in answer.json["transactions"]["booked"]])
        href = answer.json["transactions"]["_links"].get("next", {}).get("href")
        links += [href] if href else []
    return pages, links


def _absolute(href: str, resource: str) -> str:
    if href.startswith("transactions?"):
        return f"/v1/accounts/{resource}/{href}"
    return href.removeprefix("http://localhost")


def _truth(customer: Customer) -> list[str]:
    return [row["transactionId"] for row in customer.truth(SAVINGS)["rows"]]


def _flat(pages: list[list[str]]) -> list[str]:
    return [row for page in pages for row in page]


@pytest.mark.parametrize(
    ("mode", "start"),
    [("links", "/v1/accounts/"), ("full_links", "http://localhost/v1/"), ("relative_links", "transactions?")],
)
def test_good_pages_hold_the_truth_whatever_their_links_look_like(customer: Customer, mode: str, start: str) -> None:
    pages, links = _paged(customer, mode)
    assert _flat(pages) == _truth(customer)
    assert len(links) == len(pages) - 1 >= 2
    assert all(link.startswith(start) for link in links)


def test_an_empty_page_stands_in_the_middle(customer: Customer) -> None:
    pages, _ = _paged(customer, "empty_page")
    assert [] in pages[1:-1]
    assert _flat(pages) == _truth(customer)


def test_a_page_comes_twice_under_two_addresses(customer: Customer) -> None:
    pages, links = _paged(customer, "repeated_page")
    counts = Counter(_flat(pages))
    assert counts.keys() == set(_truth(customer))
    assert sum(counts.values()) == len(counts) + 20
    assert len(set(links)) == len(links)


def test_rows_at_the_borders_come_twice(customer: Customer) -> None:
    pages, _ = _paged(customer, "repeated_row")
    assert all(before[-1] == page[0] for before, page in pairwise(pages))
    assert Counter(_flat(pages)).keys() == set(_truth(customer))


def test_pages_and_rows_come_in_another_order(customer: Customer) -> None:
    truth = _truth(customer)
    for mode in ("reordered_pages", "reordered_rows"):
        pages, _ = _paged(customer, mode)
        assert sorted(_flat(pages)) == sorted(truth)
        assert _flat(pages) != truth


def test_a_page_points_to_itself(customer: Customer) -> None:
    pages, links = _paged(customer, "self_next")
    assert len(pages) == 60
    assert links[0] == links[1] == links[2]


def test_a_row_is_inserted_while_paging(customer: Customer) -> None:
    before = _truth(customer)
    pages, _ = _paged(customer, "row_inserted")
    assert pages[0][-1] == pages[1][0]
    assert set(_flat(pages)) == set(before)
    assert len(_truth(customer)) == len(before) + 1


# --- faults that cut connections ------------------------------------------------------------------------------------


def test_a_refused_connection_gives_no_byte_and_a_reset_one_half_of_the_body(customer: Customer) -> None:
    consent = customer.link("user_good")
    whole = customer.call("GET", "/v1/accounts", consent).data
    customer.control("POST", "/faults", {"kind": "refused", "times": 1})
    with pytest.raises(ConnectionResetError):
        customer.call("GET", "/v1/accounts", consent).get_data()
    customer.control("POST", "/faults", {"kind": "reset_in_body", "times": 1, "skip": 1})
    assert customer.call("GET", "/v1/accounts", consent).data == whole
    with pytest.raises(ConnectionResetError):
        customer.call("GET", "/v1/accounts", consent).get_data()
    assert customer.call("GET", "/v1/accounts", consent).data == whole


def test_a_fault_may_meet_one_account_only(customer: Customer) -> None:
    consent = customer.link("user_good")
    customer.control("POST", "/faults", {"kind": "500", "endpoint": "data", "account": SAVINGS})
    codes = {
        account: customer.call("GET", f"/v1/accounts/{_resource(customer, account)}/balances", consent).status_code
        for account in ("user_good-current", SAVINGS)
    }
    assert codes == {"user_good-current": 200, SAVINGS: 500}
    assert customer.call("GET", "/v1/accounts", consent).status_code == 200
    assert customer.call("GET", f"/v1/consents/{consent}", consent).status_code == 200


# --- playing the customer -------------------------------------------------------------------------------------------


def _asked(customer: Customer) -> tuple[str, str, str]:
    answer = customer.ask()
    page = customer.page_of(answer)
    return answer.json["consentId"], page, page.rsplit("/", 1)[1]


def test_control_approves_denies_and_waits(customer: Customer) -> None:
    consent, page, authorisation = _asked(customer)
    path = f"/authorisations/{authorisation}"
    assert code_of(customer.control("POST", path, {"approve": True})) == (400, "FORMAT_ERROR")
    played = customer.control("POST", path, {"approve": True, "psu": "user_good"})
    assert played.json == {"scaStatus": "finalised"}
    assert len(customer.accounts(consent)) == 2
    assert customer.client.get(page).headers["Location"] == BACK
    assert code_of(customer.control("POST", path, {"deny": True})) == (409, "STATUS_INVALID")

    consent, page, authorisation = _asked(customer)
    customer.control("POST", f"/authorisations/{authorisation}", {"deny": True, "after_s": 30})
    customer.control("POST", "/clock", {"advance": 29})
    assert customer.call("GET", f"/v1/consents/{consent}/status").json["consentStatus"] == "received"
    customer.control("POST", "/clock", {"advance": 1})
    assert customer.call("GET", f"/v1/consents/{consent}/status").json["consentStatus"] == "rejected"
    assert customer.client.get(page).headers["Location"] == NOT_OK


def test_a_verdict_that_is_taken_back_never_comes(customer: Customer) -> None:
    consent, _, authorisation = _asked(customer)
    path = f"/authorisations/{authorisation}"
    customer.control("POST", path, {"approve": True, "psu": "user_good", "after_s": 30})
    customer.control("POST", path, {"ignore": True})
    customer.control("POST", "/clock", {"advance": 3_600})
    assert customer.call("GET", f"/v1/consents/{consent}/status").json["consentStatus"] == "received"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/psus", {"psu": "Shop-7"}),
        ("/psus", {"psu": "shop", "scenario": "nobody"}),
        ("/psus/user_good/accounts", {"currency": "EURO"}),
        ("/psus/user_good/accounts", {"key": "a/b"}),
        ("/psus/user_good/accounts", {"history": ["company"]}),
        ("/psus/user_good/accounts", {"currency": "CHF", "history": "trade"}),
        ("/psus/user_good/accounts", {"name": "\n"}),
        (f"/accounts/{SAVINGS}/backdate", {"amount": "1.00"}),
        (f"/accounts/{SAVINGS}/backdate", {"amount": "1.00", "days": 10_000}),
        (f"/accounts/{SAVINGS}/balance-gap", {}),
        (f"/accounts/{SAVINGS}/change-ids", {"resourceId": 10}),
        (f"/accounts/{SAVINGS}/change-ids", {"entryReference": 101}),
        (f"/accounts/{SAVINGS}/status", {"blocked": "yes"}),
        ("/paging", {"account": SAVINGS, "mode": "upside_down"}),
        ("/paging", {"account": SAVINGS, "size": 0}),
        ("/format", {"account": SAVINGS, "format": "pdf"}),
        ("/quota", {"consent": "x", "endpoint": "payments"}),
        ("/faults", {"kind": "refused", "skip": -1}),
    ],
)
def test_wrong_commands_are_refused(customer: Customer, path: str, body: object) -> None:
    assert code_of(customer.control("POST", path, body)) == (400, "FORMAT_ERROR")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/accounts/nobody/backdate", {"days": 1, "amount": "1.00"}),
        ("/accounts/user_multi_currency-multi/balance-gap", {"amount": "1.00"}),
        ("/accounts/nobody/status", {}),
        ("/paging", {"account": "nobody"}),
        ("/format", {"account": 7, "format": "json"}),
        ("/quota", {"consent": "unknown", "endpoint": "accounts"}),
        ("/authorisations/unknown", {"approve": True}),
        ("/faults", {"kind": "500", "account": "nobody"}),
    ],
)
def test_unknown_things_are_not_found(customer: Customer, path: str, body: object) -> None:
    assert customer.control("POST", path, body).status_code == 404
