"""Accounts, balances and page chains."""

from __future__ import annotations

import pytest
from tests.connectors.berlin_group.bank import (
    ACCOUNT,
    CONSENT_ID,
    FIRST_PAGE,
    PSU,
    TRANSACTIONS,
    WINDOW,
    Bank,
    Reply,
    refusal,
    report,
    row,
)

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.berlin_group import transactions as paging
from nostro.connectors.contract import UNATTENDED, Configuration, ConnectionHandle, Consent, Page
from nostro.connectors.errors import AccountUnavailable, ConsentExpired, NotSupported, ProtocolError


def read(bank: Bank, connector: BerlinGroupConnector, token: str | None = None) -> Page:
    return connector.list_transactions(bank.connection, ACCOUNT, WINDOW, "booked", UNATTENDED, token)


def chain(bank: Bank, connector: BerlinGroupConnector) -> list[Page]:
    pages = [read(bank, connector)]
    while pages[-1].next is not None:
        pages.append(read(bank, connector, pages[-1].next))
    return pages


def test_an_unattended_read_names_the_consent_and_no_person(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on(f"GET {FIRST_PAGE}", report([]))
    read(bank, connector)
    headers = bank.asked[0].headers
    assert headers["Consent-ID"] == CONSENT_ID
    assert headers["X-Request-ID"] == "00000000-0000-0000-0000-000000000001"
    assert not any(name.startswith("PSU-") for name in headers)


def test_an_attended_read_names_the_person_with_clean_headers(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("GET /v1/accounts", Reply(json={"accounts": []}))
    assert connector.list_accounts(bank.connection, PSU) == ()
    headers = bank.asked[0].headers
    assert headers["PSU-IP-Address"] == "192.0.2.10"
    assert headers["PSU-IP-Port"] == "1234"
    assert headers["PSU-User-Agent"] == "Mozilla/5.0 (ncode)Evil: 1"
    assert "Evil" not in headers


def test_multi_currency_accounts_are_their_sub_accounts(bank: Bank, connector: BerlinGroupConnector) -> None:
    items = [{"resourceId": code, "iban": ACCOUNT.iban, "currency": code} for code in ("XXX", "EUR", "JPY", "KWD")]
    bank.on("GET /v1/accounts", Reply(json={"accounts": items}))
    assert [account.currency for account in connector.list_accounts(bank.connection, UNATTENDED)] == [
        "EUR",
        "JPY",
        "KWD",
    ]
    bank.on("GET /v1/accounts", Reply(json={"accounts": items[:1]}))
    with pytest.raises(AccountUnavailable):
        connector.list_accounts(bank.connection, UNATTENDED)


@pytest.mark.parametrize("body", [{}, [], {"accounts": None}, {"accounts": [{"iban": "x"}]}, {"accounts": ["x"]}])
def test_a_list_of_accounts_that_cannot_be_read_is_an_error(
    bank: Bank, connector: BerlinGroupConnector, body: object
) -> None:
    bank.on("GET /v1/accounts", Reply(json=body))
    with pytest.raises(ProtocolError) as caught:
        connector.list_accounts(bank.connection, UNATTENDED)
    assert caught.value.raw is not None


def test_an_unreadable_balance_is_an_error(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("default", Reply(json={"balances": [{"balanceType": "expected"}]}))
    with pytest.raises(ProtocolError, match="balanceAmount"):
        connector.get_balances(bank.connection, ACCOUNT, UNATTENDED)


def test_resource_ids_are_escaped_in_the_path(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("GET /v1/accounts", Reply(json={"accounts": [{"resourceId": "a/../b?c", "currency": "EUR"}]}))
    (account,) = connector.list_accounts(bank.connection, UNATTENDED)
    bank.on("default", Reply(json={"balances": []}))
    connector.get_balances(bank.connection, account, UNATTENDED)
    assert bank.paths()[-1] == "GET /v1/accounts/a%2F..%2Fb%3Fc/balances"


def test_next_links_are_followed_verbatim(bank: Bank, connector: BerlinGroupConnector) -> None:
    href = f"{TRANSACTIONS}?cursor=a%2Fb%3D%3D&x=%20+"
    bank.on(f"GET {FIRST_PAGE}", report([row("1")], href))
    bank.on(f"GET {href}", report([row("2")]))
    assert [page.rows[0].amount for page in chain(bank, connector)] == [1, 2]


def test_an_empty_page_is_not_the_end(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on(f"GET {FIRST_PAGE}", report([], f"{TRANSACTIONS}?p=2"))
    bank.on(f"GET {TRANSACTIONS}?p=2", report([], f"{TRANSACTIONS}?p=3"))
    bank.on(f"GET {TRANSACTIONS}?p=3", report([row("2")]))
    pages = chain(bank, connector)
    assert [len(page.rows) for page in pages] == [0, 0, 1]
    assert pages[-1].complete


@pytest.mark.parametrize("back_to", [FIRST_PAGE, f"{TRANSACTIONS}?p=2"])
def test_a_link_back_is_an_error(bank: Bank, connector: BerlinGroupConnector, back_to: str) -> None:
    bank.on(f"GET {FIRST_PAGE}", report([row("1")], f"{TRANSACTIONS}?p=2"))
    bank.on(f"GET {TRANSACTIONS}?p=2", report([row("2")], back_to))
    with pytest.raises(ProtocolError, match="lead back"):
        chain(bank, connector)


def test_the_same_page_without_ids_under_another_link_is_an_error(bank: Bank, connector: BerlinGroupConnector) -> None:
    nameless = row("1", transactionId=None, entryReference="R-1")
    bank.on(f"GET {FIRST_PAGE}", report([nameless], f"{TRANSACTIONS}?p=2"))
    bank.on(f"GET {TRANSACTIONS}?p=2", report([nameless], f"{TRANSACTIONS}?p=3"))
    with pytest.raises(ProtocolError, match="same page"):
        chain(bank, connector)


def test_a_repeated_page_of_rows_with_ids_is_read_on(bank: Bank, connector: BerlinGroupConnector) -> None:
    """Identity counts such rows once (tests/hub/linking, user_paging_odd)."""
    bank.on(f"GET {FIRST_PAGE}", report([row("1")], f"{TRANSACTIONS}?p=2"))
    bank.on(f"GET {TRANSACTIONS}?p=2", report([row("1")], f"{TRANSACTIONS}?p=3"))
    bank.on(f"GET {TRANSACTIONS}?p=3", report([row("2", transactionId="2")]))
    assert chain(bank, connector)[-1].complete


def test_a_bank_that_ignores_its_own_page_numbers_is_left_after_a_few_pages(
    bank: Bank, connector: BerlinGroupConnector
) -> None:
    for number in range(1, 9):
        path = FIRST_PAGE if number == 1 else f"{TRANSACTIONS}?p={number}"
        bank.on(f"GET {path}", report([row("1")], f"{TRANSACTIONS}?p={number + 1}"))
    with pytest.raises(ProtocolError, match="same page"):
        chain(bank, connector)
    assert len(bank.asked) == 2 + paging.MAX_REPEATED_PAGES


@pytest.mark.parametrize("limit", ["MAX_PAGES", "MAX_ROWS"])
def test_a_chain_beyond_a_limit_is_an_error(
    bank: Bank, connector: BerlinGroupConnector, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(paging, limit, 2)
    for number in range(1, 6):
        path = FIRST_PAGE if number == 1 else f"{TRANSACTIONS}?p={number}"
        bank.on(f"GET {path}", report([row(str(number))], f"{TRANSACTIONS}?p={number + 1}"))
    with pytest.raises(ProtocolError, match="more than"):
        chain(bank, connector)
    assert len(bank.asked) <= 3


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/v1/accounts",
        "//evil.example/v1",
        "http://127.0.0.1:1/v1",
        "https://127.0.0.1/x",
        "file:///etc/passwd",
        "/a b",
        "/a\r\nX: y",
        "/" + "a" * 5000,
        "http://[broken",
    ],
)
def test_links_to_elsewhere_are_not_followed(bank: Bank, connector: BerlinGroupConnector, href: str) -> None:
    bank.on(f"GET {FIRST_PAGE}", report([row("1")], href))
    with pytest.raises(ProtocolError):
        read(bank, connector)
    assert len(bank.asked) == 1


def test_links_count_from_a_base_url_with_a_path(bank: Bank, connector: BerlinGroupConnector) -> None:
    configuration = Configuration(f"{bank.base_url}/psd2", "Test Bank")
    connection = ConnectionHandle(configuration, Consent(CONSENT_ID, "valid"))
    bank.on(f"GET /psd2{FIRST_PAGE}", report([row("1")], f"{TRANSACTIONS}?p=2"))
    bank.on(f"GET /psd2{TRANSACTIONS}?p=2", report([row("2")], f"/psd2{TRANSACTIONS}?p=3"))
    bank.on(f"GET /psd2{TRANSACTIONS}?p=3", report([row("3")], "?p=4"))
    bank.on(f"GET /psd2{TRANSACTIONS}?p=4", report([row("4")]))
    token, amounts = None, []
    for _ in range(4):
        page = connector.list_transactions(connection, ACCOUNT, WINDOW, "booked", UNATTENDED, token)
        token = page.next
        amounts.append(page.rows[0].amount)
    assert amounts == [1, 2, 3, 4]
    assert page.complete


def test_a_row_that_cannot_be_read_makes_the_chain_incomplete(bank: Bank, connector: BerlinGroupConnector) -> None:
    broken = {**row("1"), "transactionAmount": {"amount": "5.00"}}
    bank.on(f"GET {FIRST_PAGE}", report([row("1"), broken, "x"], f"{TRANSACTIONS}?p=2"))
    bank.on(f"GET {TRANSACTIONS}?p=2", report([row("2")]))
    first, last = chain(bank, connector)
    assert [page.rows[0].amount for page in (first, last)] == [1, 2]
    assert any("booked row 2 cannot be read" in warning for warning in first.warnings)
    assert any("booked row 3 cannot be read" in warning for warning in first.warnings)
    assert b'"5.00"' in first.raw.body
    assert last.next is None
    assert not last.complete


def test_pending_rows_and_standing_orders(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("default", report([row("1")], pending=[row("-2")], information=[row("-3")]))
    page = connector.list_transactions(bank.connection, ACCOUNT, WINDOW, "both", UNATTENDED)
    assert "bookingStatus=both" in bank.asked[0].path
    assert [(row.booking_status, row.amount) for row in page.rows] == [("booked", 1), ("pending", -2)]
    assert page.warnings == ("1 standing orders are no transactions and were left out",)


def test_a_bank_without_pending_rows_names_the_feature_and_is_not_asked_again(
    bank: Bank, connector: BerlinGroupConnector
) -> None:
    bank.on("default", refusal(400, "PARAMETER_NOT_SUPPORTED"))
    with pytest.raises(NotSupported) as caught:
        connector.list_transactions(bank.connection, ACCOUNT, WINDOW, "both", UNATTENDED)
    assert caught.value.feature == "bookingStatus=both"
    configuration = Configuration(bank.base_url, "Test Bank", {"unsupported": [caught.value.feature]})
    connection = ConnectionHandle(configuration, bank.connection.consent)
    with pytest.raises(NotSupported) as again:
        connector.list_transactions(connection, ACCOUNT, WINDOW, "both", UNATTENDED)
    assert not again.value.reached_bank
    assert len(bank.asked) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(json={}), ProtocolError),
        (Reply(json={"transactions": []}), ProtocolError),
        (Reply(json={"transactions": {"booked": "none"}}), ProtocolError),
        (Reply(json={"_links": {"download": {"href": "https://elsewhere.example/file"}}}), ProtocolError),
        (Reply(json={"tppMessages": [{"category": "ERROR", "code": "CONSENT_EXPIRED"}]}), ConsentExpired),
        (Reply(text="<html>", headers={"Content-Type": "text/html"}), ProtocolError),
        (Reply(text="<Document/>", headers={"Content-Type": "application/xml"}), ProtocolError),
        (Reply(text=""), ProtocolError),
        (Reply(302, headers={"Location": "/elsewhere"}), ProtocolError),
    ],
)
def test_answers_that_are_no_report(
    bank: Bank, connector: BerlinGroupConnector, reply: Reply, kind: type[Exception]
) -> None:
    bank.on("default", reply)
    with pytest.raises(kind):
        read(bank, connector)


def test_warnings_of_the_bank_are_kept(bank: Bank, connector: BerlinGroupConnector) -> None:
    reply = report([row("1")])
    reply.json["tppMessages"] = [{"category": "WARNING", "code": "W1", "text": "maintenance tonight"}]
    bank.on("default", reply)
    page = read(bank, connector)
    assert page.warnings == ("the bank says W1: maintenance tonight",)
    assert page.complete


@pytest.mark.parametrize("token", ["", "x", "bm9wZQ==", "WzEsMl0="])
def test_a_damaged_page_mark_is_an_error(bank: Bank, connector: BerlinGroupConnector, token: str) -> None:
    bank.on("default", report([]))
    if token:
        with pytest.raises(ProtocolError, match="start again"):
            read(bank, connector, token)
    else:
        assert read(bank, connector, token).complete


def test_the_raw_answer_holds_no_full_card_number_and_reads_the_same(
    bank: Bank, connector: BerlinGroupConnector
) -> None:
    bank.on("default", report([row("1", remittanceInformationUnstructured="PAN 4111111111111111")]))
    page = read(bank, connector)
    assert b"4111111111111111" not in page.raw.body
    assert connector.map_transactions(page.raw, WINDOW).rows == page.rows


def test_stable_transaction_ids_count_where_the_profile_says_so(connector: BerlinGroupConnector) -> None:
    plain, stable = Configuration("https://b", "B"), Configuration("https://b", "B", {"stable_transaction_ids": True})
    assert connector.identity_for(plain).reference_fields == ("entry_reference",)
    assert connector.identity_for(stable).reference_fields == ("entry_reference", "transaction_id")
