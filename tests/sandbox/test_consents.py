"""Consents and the customer's way through the bank's pages."""

from __future__ import annotations

import threading

import pytest
from tests.sandbox.customer import BACK, NOT_OK, Customer, code_of

from nostro.sandbox.pages import money


def _status(customer: Customer, consent: str) -> str:
    return str(customer.call("GET", f"/v1/consents/{consent}/status").json["consentStatus"])


def test_approval_leads_back_with_the_state_and_grants_what_was_chosen(customer: Customer) -> None:
    answer = customer.ask()
    assert answer.headers["ASPSP-SCA-Approach"] == "REDIRECT"
    consent, page = answer.json["consentId"], customer.page_of(answer)
    status_link = answer.json["_links"]["scaStatus"]["href"]
    assert _status(customer, consent) == "received"
    assert code_of(customer.call("GET", "/v1/accounts", consent)) == (401, "CONSENT_INVALID")
    assert "user_good" in customer.client.get(page).text
    customer.log_in(page, "user_good")
    assert customer.call("GET", status_link).json["scaStatus"] == "psuAuthenticated"
    chosen = customer.choices(page)[:1]
    assert customer.approve(page, chosen).headers["Location"] == BACK
    assert customer.call("GET", status_link).json["scaStatus"] == "finalised"
    assert [a["resourceId"] for a in customer.accounts(consent)] == chosen
    shown = customer.call("GET", f"/v1/consents/{consent}").json
    assert shown["consentStatus"] == "valid"
    assert len(shown["access"]["transactions"]) == 1
    # A second click and a page that is opened again lead the same way.
    assert customer.approve(page, chosen).headers["Location"] == BACK
    assert customer.client.get(page).headers["Location"] == BACK


def test_denial_leads_to_the_other_address_and_rejects(customer: Customer) -> None:
    answer = customer.ask()
    page = customer.page_of(answer)
    customer.log_in(page, "user_good")
    assert customer.client.post(page, data={"act": "deny"}).headers["Location"] == NOT_OK
    assert _status(customer, answer.json["consentId"]) == "rejected"
    assert customer.client.get(page).headers["Location"] == NOT_OK


def test_user_cancel_denies_whatever_is_pressed(customer: Customer) -> None:
    answer = customer.ask()
    page = customer.page_of(answer)
    customer.log_in(page, "user_cancel")
    assert customer.approve(page, customer.choices(page)).headers["Location"] == NOT_OK
    assert _status(customer, answer.json["consentId"]) == "rejected"


def test_nobody_approves_without_logging_in(customer: Customer) -> None:
    answer = customer.ask()
    page = customer.page_of(answer)
    accounts = [customer.truth("user_good-current")["resourceId"]]
    assert customer.approve(page, accounts).status_code == 403
    customer.log_in(page, "user_good")
    customer.client.delete_cookie("sandbox_session", path=page)
    assert customer.approve(page, accounts).status_code == 403
    assert _status(customer, answer.json["consentId"]) == "received"


def test_foreign_accounts_cannot_be_slipped_into_the_form(customer: Customer) -> None:
    page = customer.page_of(customer.ask())
    customer.log_in(page, "user_good")
    assert customer.approve(page, [customer.truth("user_10k_tx-many")["resourceId"]]).status_code == 400


def test_three_wrong_passwords_or_codes_end_the_attempt(customer: Customer) -> None:
    first = customer.page_of(customer.ask())
    assert customer.log_in(first, "user_good", "wrong").status_code == 401
    assert customer.log_in(first, "nobody").status_code == 401
    assert customer.log_in(first, "user_good", "wrong").headers["Location"] == NOT_OK
    second = customer.page_of(customer.ask())
    customer.log_in(second, "user_good")
    accounts = customer.choices(second)
    assert [customer.approve(second, accounts, "000000").status_code for _ in range(3)] == [400, 400, 303]


def test_an_approval_that_nobody_finishes_ends(customer: Customer) -> None:
    answer = customer.ask()
    customer.control("POST", "/clock", {"advance": 15 * 60})
    assert customer.client.get(customer.page_of(answer)).headers["Location"] == NOT_OK


def test_explicit_start_of_the_authorisation(customer: Customer) -> None:
    answer = customer.ask(headers={"TPP-Explicit-Authorisation-Preferred": "true"})
    assert "scaRedirect" not in answer.json["_links"]
    started = customer.call("POST", answer.json["_links"]["startAuthorisation"]["href"])
    assert started.status_code == 201
    page = customer.page_of(started)
    customer.log_in(page, "user_good")
    assert customer.approve(page, customer.choices(page)).headers["Location"] == BACK
    listed = customer.call("GET", f"/v1/consents/{answer.json['consentId']}/authorisations").json
    assert listed == {"authorisationIds": [started.json["authorisationId"]]}
    again = customer.call("POST", answer.json["_links"]["startAuthorisation"]["href"])
    assert code_of(again) == (409, "STATUS_INVALID")


def test_named_accounts_are_the_only_ones_offered(customer: Customer) -> None:
    iban = customer.truth("user_good-savings")["iban"]
    reference = [{"iban": iban, "currency": "EUR"}]
    consent = customer.link("user_good", {"accounts": reference, "balances": reference})
    (account,) = customer.accounts(consent)
    assert account["iban"] == iban
    path = f"/v1/accounts/{account['resourceId']}/transactions?bookingStatus=booked&dateFrom=2025-01-01"
    assert code_of(customer.call("GET", path, consent)) == (401, "CONSENT_INVALID")
    assert "transactions" not in account["_links"]


def test_all_psd2_covers_everything(customer: Customer) -> None:
    consent = customer.link("user_good", {"allPsd2": "allAccounts"})
    assert {"balances", "transactions"} <= customer.accounts(consent)[0]["_links"].keys()


def test_a_consent_ends_with_its_last_day(customer: Customer) -> None:
    consent = customer.link("user_good", validUntil="2026-01-10")
    customer.control("POST", "/clock", {"set": "2026-01-10T23:59:59Z"})
    assert customer.call("GET", "/v1/accounts", consent).status_code == 200
    customer.control("POST", "/clock", {"advance": 1})
    assert code_of(customer.call("GET", "/v1/accounts", consent)) == (401, "CONSENT_EXPIRED")
    assert _status(customer, consent) == "expired"


def test_user_consent_90d_gets_90_days(customer: Customer) -> None:
    consent = customer.link("user_consent_90d", validUntil="2026-06-30")
    assert customer.call("GET", f"/v1/consents/{consent}").json["validUntil"] == "2026-04-05"


@pytest.mark.parametrize(
    ("how", "status", "code"), [("expire", "expired", "CONSENT_EXPIRED"), ("revoke", "revokedByPsu", "CONSENT_INVALID")]
)
def test_control_ends_a_consent(customer: Customer, how: str, status: str, code: str) -> None:
    consent = customer.link("user_good")
    assert customer.control("POST", f"/consents/{consent}/{how}", {}).json == {"consentStatus": status}
    assert code_of(customer.call("GET", "/v1/accounts", consent)) == (401, code)


def test_a_deleted_consent_reads_no_more(customer: Customer) -> None:
    consent = customer.link("user_good")
    assert customer.call("DELETE", f"/v1/consents/{consent}").status_code == 204
    assert _status(customer, consent) == "terminatedByTpp"
    assert code_of(customer.call("GET", "/v1/accounts", consent)) == (401, "CONSENT_INVALID")


@pytest.mark.parametrize(
    "changes",
    [
        {"access": {}},
        {"access": None},
        {"access": {"accounts": "all"}},
        {"access": {"allPsd2": ["allAccounts"]}},
        {"access": {"allPsd2": "allAccounts", "accounts": []}},
        {"access": {"accounts": [], "balances": [{"iban": "BE00"}]}},
        {"access": {"accounts": [{"pan": "1"}]}},
        {"recurringIndicator": "yes"},
        {"recurringIndicator": False},
        {"combinedServiceIndicator": None},
        {"frequencyPerDay": 0},
        {"frequencyPerDay": 2.5},
        {"validUntil": "2026-01-04"},
        {"validUntil": "2026-W02-1"},
        {"validUntil": 20260630},
    ],
)
def test_wrong_consent_bodies_are_refused(customer: Customer, changes: dict) -> None:
    assert code_of(customer.ask(**changes)) == (400, "FORMAT_ERROR")


@pytest.mark.parametrize(
    "address",
    ["", "javascript:alert(1)", "/back", "https://", "https://a b/", "https://a;script-src *.evil/", "https://a:b@c:99999/",
     "https://user@host/", "https://hub.example/" + "a" * 2_000],
)  # fmt: skip
def test_the_browser_is_sent_to_web_addresses_only(customer: Customer, address: str) -> None:
    assert code_of(customer.ask(headers={"TPP-Redirect-URI": address})) == (400, "FORMAT_ERROR")


def test_frequency_is_granted_up_to_four(customer: Customer) -> None:
    consent = customer.link("user_good", frequencyPerDay=100)
    assert customer.call("GET", f"/v1/consents/{consent}").json["frequencyPerDay"] == 4


def test_pages_run_no_script_and_load_nothing_from_elsewhere(customer: Customer) -> None:
    page = customer.page_of(customer.ask(headers={"PSU-ID": '"><script>'}))
    for address in ("/", page):
        answer = customer.client.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        assert answer.text.count("<h1") == 1
    assert "form-action 'self' https://hub.example" in customer.client.get(page).headers["Content-Security-Policy"]
    assert customer.client.get("/static/sandbox.css").content_type == "text/css; charset=utf-8"
    assert customer.client.get("/sca/unknown").status_code == 404


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(-1234567, "EUR", "−12\u202f345.67 EUR"), (17354811, "JPY", "17\u202f354\u202f811 JPY"), (5, "KWD", "0.005 KWD")],
)
def test_pages_show_amounts_with_the_decimals_of_their_currency(minor: int, currency: str, shown: str) -> None:
    assert money(minor, currency) == f'<span class="money">{shown}</span>'


def test_a_consent_that_ends_while_its_page_is_open_stays_ended(customer: Customer) -> None:
    answer = customer.ask()
    page = customer.page_of(answer)
    customer.log_in(page, "user_good")
    accounts = customer.choices(page)
    customer.call("DELETE", f"/v1/consents/{answer.json['consentId']}")
    assert customer.approve(page, accounts).headers["Location"] == NOT_OK
    assert _status(customer, answer.json["consentId"]) == "terminatedByTpp"


def test_of_two_clicks_at_once_both_lead_back_and_one_approves(customer: Customer) -> None:
    page = customer.page_of(customer.ask())
    customer.log_in(page, "user_good")
    accounts = customer.choices(page)
    places: list[str] = []

    def click() -> None:
        places.append(customer.approve(page, accounts).headers["Location"])

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert places == [BACK, BACK]
