"""Every test user of connectors.md 5.3 does what its row of the table says (SCA users are in test_sca.py)."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from tests.sandbox.customer import Customer, code_of

from nostro.sandbox.scenarios import SCENARIOS

DAY_S = 86_400


def _resource(customer: Customer, psu: str, key: str = "current") -> str:
    return str(customer.truth(f"{psu}-{key}")["resourceId"])


def _booked(customer: Customer, consent: str, account: str, since: str = "2023-01-01") -> list[dict[str, Any]]:
    return [row for page in customer.pages(consent, account, since=since) for row in page["booked"]]


def _pass(customer: Customer, seconds: int) -> None:
    assert customer.control("POST", "/clock", {"advance": seconds}).status_code == 200


def _balance(customer: Customer, consent: str, account: str) -> Decimal:
    answer = customer.call("GET", f"/v1/accounts/{account}/balances", consent).json
    (found,) = [b for b in answer["balances"] if b["balanceType"] == "interimBooked"]
    return Decimal(found["balanceAmount"]["amount"])


def _sum(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["transactionAmount"]["amount"]) for row in rows), Decimal(0))


def test_the_table_is_complete() -> None:
    wanted = """good good_oauth mfa_decoupled mfa_embedded cancel consent_expires_60s consent_revoked consent_90d
        quota_exhausted bank_down slow_15s flaky_401 pending_then_booked booked_only identical_twins no_ids uid_changes
        ref_reused balance_gap backdated corrections 10k_tx paging_odd multi_currency history_15min window_limit partial
        closed_account empty hostile_text card dinar camt mt940"""
    assert SCENARIOS.keys() == {f"user_{name}" for name in wanted.split()}


@pytest.mark.parametrize(
    ("psu", "life_s", "code", "status"),
    [
        ("user_consent_expires_60s", 60, "CONSENT_EXPIRED", "expired"),
        ("user_consent_revoked", 3_600, "CONSENT_INVALID", "revokedByPsu"),
    ],
)
def test_a_consent_ends_by_itself(customer: Customer, psu: str, life_s: int, code: str, status: str) -> None:
    consent = customer.link(psu)
    _pass(customer, life_s - 1)
    assert customer.call("GET", "/v1/accounts", consent).status_code == 200
    _pass(customer, 1)
    assert code_of(customer.call("GET", "/v1/accounts", consent)) == (401, code)
    assert customer.call("GET", f"/v1/consents/{consent}/status").json == {"consentStatus": status}
    assert customer.call("GET", "/v1/accounts", customer.link(psu)).status_code == 200


def test_user_quota_exhausted_has_no_place_left_on_the_first_account(customer: Customer) -> None:
    consent = customer.link("user_quota_exhausted")
    first, second = (a["resourceId"] for a in customer.accounts(consent))
    query = "transactions?bookingStatus=booked&dateFrom=2025-12-01"
    for path in ("balances", query):
        refused = customer.call("GET", f"/v1/accounts/{first}/{path}", consent, attended=False)
        assert code_of(refused) == (429, "ACCESS_EXCEEDED")
        assert refused.headers["Retry-After"] == str(DAY_S)
        assert customer.call("GET", f"/v1/accounts/{first}/{path}", consent).status_code == 200
        assert customer.call("GET", f"/v1/accounts/{second}/{path}", consent, attended=False).status_code == 200
    _pass(customer, DAY_S)
    assert customer.call("GET", f"/v1/accounts/{first}/balances", consent, attended=False).status_code == 200


def test_user_bank_down_fails_in_three_ways_and_is_well_again(customer: Customer) -> None:
    consent = customer.link("user_bank_down")
    (account,) = customer.accounts(consent)
    first = f"/v1/accounts/{account['resourceId']}/transactions?bookingStatus=booked&dateFrom=2023-01-01"
    assert customer.call("GET", first, consent).status_code == 503
    with pytest.raises(ConnectionResetError):
        customer.call("GET", first, consent).get_data()
    href = first
    for _ in range(2):
        href = customer.call("GET", href, consent).json["transactions"]["_links"]["next"]["href"]
    with pytest.raises(ConnectionResetError):
        customer.call("GET", href, consent).get_data()
    truth = customer.truth("user_bank_down-current")["rows"]
    assert len(_booked(customer, consent, account["resourceId"])) == len(truth) > 300
    assert customer.call("GET", f"/v1/consents/{consent}/status").json == {"consentStatus": "valid"}


def test_user_slow_15s_takes_its_time_with_all_data(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(customer.application.bank, "sleep", waited.append)
    consent = customer.link("user_slow_15s")
    assert waited == []
    account = customer.accounts(consent)[0]["resourceId"]
    customer.call("GET", f"/v1/accounts/{account}/balances", consent)
    customer.call("GET", f"/v1/accounts/{account}/transactions?bookingStatus=both&dateFrom=2026-01-01", consent)
    customer.call("GET", f"/v1/consents/{consent}/status")
    assert waited == [15, 15, 15]


def test_user_flaky_401_fails_once(customer: Customer) -> None:
    consent = customer.link("user_flaky_401")
    path = f"/v1/accounts/{customer.accounts(consent)[0]['resourceId']}/balances"
    first, second = (customer.call("GET", path, consent) for _ in range(2))
    assert (first.status_code, first.json, second.status_code) == (401, {}, 200)


def test_user_partial_fails_for_the_second_of_three_accounts(customer: Customer) -> None:
    consent = customer.link("user_partial")
    accounts = [account["resourceId"] for account in customer.accounts(consent)]
    for _ in range(3):
        answers = [customer.call("GET", f"/v1/accounts/{account}/balances", consent) for account in accounts]
        assert [answer.status_code for answer in answers] == [200, 500, 200]


def test_faults_of_a_scenario_meet_no_other_customer(customer: Customer) -> None:
    for psu in ("user_partial", "user_slow_15s", "user_bank_down", "user_flaky_401"):
        customer.link(psu)
    consent = customer.link("user_good")
    for account in customer.accounts(consent):
        assert _booked(customer, consent, account["resourceId"])
        assert customer.call("GET", f"/v1/accounts/{account['resourceId']}/balances", consent).status_code == 200


def test_user_identical_twins_become_three_and_two_again(customer: Customer) -> None:
    consent = customer.link("user_identical_twins")
    account = _resource(customer, "user_identical_twins", "twins")

    def count() -> int:
        rows = _booked(customer, consent, account)
        twins = [repr(r) for r in rows if r["bookingDate"] == "2026-01-05" and "entryReference" not in r]
        assert len(set(twins)) == 1
        return len(twins)

    counts = [count()]
    for days in (1, 6, 1):
        _pass(customer, days * DAY_S)
        counts.append(count())
    assert counts == [2, 3, 3, 2]


def test_user_no_ids_has_none_and_breaks_texts_differently(customer: Customer) -> None:
    consent = customer.link("user_no_ids")
    account = _resource(customer, "user_no_ids", "noids")
    reads = [_booked(customer, consent, account) for _ in range(4)]
    assert not any({"transactionId", "entryReference"} & row.keys() for row in reads[0])

    def folded(rows: list[dict[str, Any]]) -> Counter[str]:
        return Counter(re.sub(r"\s", "", repr(sorted(row.items())).replace("\\n", "")) for row in rows)

    texts = [[row.get("remittanceInformationUnstructured") for row in rows] for rows in reads]
    assert all(before != after for before, after in itertools.pairwise(texts))
    assert all(folded(rows) == folded(reads[0]) for rows in reads)


def test_user_uid_changes_gets_new_ids_at_renewal(customer: Customer) -> None:
    psu, consent = "user_uid_changes", customer.link("user_uid_changes")
    old = _resource(customer, psu)
    before = _booked(customer, consent, old)
    assert _booked(customer, consent, old) == before
    renewed = customer.link(psu)
    new = _resource(customer, psu)
    after = _booked(customer, renewed, new)
    assert old != new
    assert len(after) == len(before)
    assert not {r["transactionId"] for r in before} & {r["transactionId"] for r in after}
    kept = {r["entryReference"] for r in before} & {r["entryReference"] for r in after}
    assert 0.8 < len(kept) / len(before) < 0.97


def test_user_ref_reused_shows_one_reference_on_two_payments(customer: Customer) -> None:
    consent = customer.link("user_ref_reused")
    rows = _booked(customer, consent, _resource(customer, "user_ref_reused"))
    repeated = [key for key, count in Counter(row["entryReference"] for row in rows).items() if count > 1]
    assert len(repeated) == 1
    both = [row for row in rows if row["entryReference"] == repeated[0]]
    assert len({(row["transactionAmount"]["amount"], row["bookingDate"], row["transactionId"]) for row in both}) == 2


def test_user_balance_gap_counts_a_row_that_is_listed_later(customer: Customer) -> None:
    consent = customer.link("user_balance_gap")
    account = _resource(customer, "user_balance_gap")
    gaps = []
    for days in (0, 1, 13, 1):
        _pass(customer, days * DAY_S)
        gaps.append(_balance(customer, consent, account) - _sum(_booked(customer, consent, account)))
    assert gaps == [0, Decimal("-12.34"), Decimal("-12.34"), 0]
    assert "unlisted" not in customer.truth("user_balance_gap-current")


def test_user_backdated_gets_an_entry_of_the_past(customer: Customer) -> None:
    consent = customer.link("user_backdated")
    account = _resource(customer, "user_backdated")
    before = {row["transactionId"]: row for row in _booked(customer, consent, account)}
    _pass(customer, DAY_S)
    after = {row["transactionId"]: row for row in _booked(customer, consent, account)}
    assert {key: after[key] for key in before} == before
    late = [row for key, row in after.items() if key not in before and row["bookingDate"] < "2026-01-06"]
    assert [row["bookingDate"] for row in late] == ["2025-12-16"]
    assert _balance(customer, consent, account) == _sum(list(after.values()))


def test_user_corrections_changes_four_rows_and_loses_one(customer: Customer) -> None:
    consent = customer.link("user_corrections")
    account = _resource(customer, "user_corrections")
    before = {row["entryReference"]: row for row in _booked(customer, consent, account)}
    _pass(customer, DAY_S)
    after = {row["entryReference"]: row for row in _booked(customer, consent, account)}
    assert len(before.keys() - after.keys()) == 1
    changes = [
        {key for key in row.keys() | after[ref].keys() if row.get(key) != after[ref].get(key)}
        for ref, row in before.items()
        if ref in after and row != after[ref]
    ]
    assert len(changes) == 4
    assert sorted(changes, key=sorted)[0] <= {"creditorName", "debtorName"}
    assert {"remittanceInformationUnstructured"} in changes
    assert {"valueDate"} in changes
    assert {"transactionAmount"} in changes
    assert _balance(customer, consent, account) == _sum(list(after.values()))
    _pass(customer, 30 * DAY_S)
    later = {row["entryReference"]: row for row in _booked(customer, consent, account)}
    assert {ref: later[ref] for ref in after} == after


def test_a_corrected_row_can_be_altered_further(customer: Customer) -> None:
    customer.link("user_corrections")
    before = {row["truthId"]: row for row in customer.truth("user_corrections-current")["rows"]}
    _pass(customer, DAY_S)
    after = {row["truthId"]: row for row in customer.truth("user_corrections-current")["rows"]}
    (changed,) = [key for key in before if key in after and before[key]["amount"] != after[key]["amount"]]
    customer.control("PATCH", f"/transactions/{changed}", {"additionalInformation": "again"})
    (now,) = [row for row in customer.truth("user_corrections-current")["rows"] if row["truthId"] == changed]
    assert now == after[changed] | {"additionalInformation": "again"}


def test_user_paging_odd_goes_through_all_modes(customer: Customer) -> None:
    consent = customer.link("user_paging_odd")
    account = _resource(customer, "user_paging_odd")
    shapes = []
    for _ in range(10):
        href = f"/v1/accounts/{account}/transactions?bookingStatus=booked&dateFrom=2025-01-01"
        ids: list[str] = []
        sizes, seen = [], set()
        while href and href not in seen:
            seen.add(href)
            answer = customer.call("GET", href, consent).json["transactions"]
            ids += [row["transactionId"] for row in answer["booked"]]
            sizes.append(len(answer["booked"]))
            href = answer["_links"].get("next", {}).get("href", "").removeprefix("http://localhost")
            href = f"/v1/accounts/{account}/{href}" if href.startswith("transactions") else href
        truth = {row["transactionId"] for row in customer.truth("user_paging_odd-current")["rows"]}
        assert set(ids) <= truth
        shapes.append((0 in sizes, len(ids) > len(set(ids)), bool(href)))
    # links (three forms), empty page, repeated page, repeated row, two orders, points to itself, row inserted
    plain = (False, False, False)
    repeats = (False, True, False)
    assert shapes == [
        *(plain, plain, plain, (True, False, False), repeats, repeats, plain, plain, (False, False, True), repeats)
    ]


def test_user_history_15min_is_open_for_a_quarter_of_an_hour(customer: Customer) -> None:
    consent = customer.link("user_history_15min")
    path = f"/v1/accounts/{_resource(customer, 'user_history_15min')}/transactions?bookingStatus=booked&dateFrom="
    whole = customer.call("GET", path + "2024-01-08", consent)
    assert whole.status_code == 200
    _pass(customer, 15 * 60)
    assert code_of(customer.call("GET", path + "2024-01-08", consent)) == (400, "PERIOD_INVALID")
    # A chain that was begun in time may be finished.
    following = whole.json["transactions"]["_links"]["next"]["href"]
    assert customer.call("GET", following, consent).status_code == 200
    assert code_of(customer.call("GET", path + "2025-10-06", consent)) == (400, "PERIOD_INVALID")
    assert customer.call("GET", path + "2025-10-07", consent).status_code == 200


def test_user_window_limit_ends_at_60_days(customer: Customer) -> None:
    consent = customer.link("user_window_limit")
    path = f"/v1/accounts/{_resource(customer, 'user_window_limit')}/transactions?bookingStatus=booked&dateFrom="
    assert code_of(customer.call("GET", path + "2025-11-05", consent)) == (400, "PERIOD_INVALID")
    assert customer.call("GET", path + "2025-11-06", consent).status_code == 200


def test_user_closed_account_closes_after_four_weeks(customer: Customer) -> None:
    consent = customer.link("user_closed_account")
    first, second = (a["resourceId"] for a in customer.accounts(consent))
    _pass(customer, 27 * DAY_S)
    assert customer.call("GET", f"/v1/accounts/{first}/balances", consent).status_code == 200
    _pass(customer, DAY_S)
    assert [a["status"] for a in customer.accounts(consent)] == ["deleted", "enabled"]
    assert code_of(customer.call("GET", f"/v1/accounts/{first}/balances", consent)) == (403, "RESOURCE_EXPIRED")
    assert customer.call("GET", f"/v1/accounts/{second}/balances", consent).status_code == 200


def test_a_plot_plays_once(customer: Customer) -> None:
    for psu, key in (("user_backdated", "current"), ("user_identical_twins", "twins"), ("user_ref_reused", "current")):
        customer.link(psu)
        before = customer.truth(f"{psu}-{key}")
        customer.link(psu)
        assert customer.truth(f"{psu}-{key}") == before
