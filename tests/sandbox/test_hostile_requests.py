"""Whatever arrives, the bank answers in the standard's words and never with a failure of its own."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sandbox.customer import Customer, code_of

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["iban", "currency", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
SAFE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_request_id_is_required_and_given_back(customer: Customer) -> None:
    for given_id in ("", "1", "not-a-uuid", "0" * 36):
        answer = customer.client.get("/v1/accounts", headers={"X-Request-ID": given_id})
        assert code_of(answer) == (400, "FORMAT_ERROR")
        assert "X-Request-ID" not in answer.headers
    given_id = str(uuid.uuid4())
    for path in ("/v1/accounts", "/v1/nowhere", "/v1/consents/unknown"):
        answer = customer.client.get(path, headers={"X-Request-ID": given_id})
        assert answer.headers["X-Request-ID"] == given_id


def test_consents_that_do_not_exist_are_unknown(customer: Customer) -> None:
    assert code_of(customer.call("GET", "/v1/accounts")) == (400, "FORMAT_ERROR")
    assert code_of(customer.call("GET", "/v1/accounts", "unknown")) == (400, "CONSENT_UNKNOWN")
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/status"), ("POST", "/authorisations")):
        assert code_of(customer.call(method, f"/v1/consents/unknown{path}")) == (403, "CONSENT_UNKNOWN")


def test_a_consent_needs_its_customers_address(customer: Customer) -> None:
    answer = customer.call("POST", "/v1/consents", attended=False, json={})
    assert code_of(answer) == (400, "FORMAT_ERROR")
    assert answer.json["tppMessages"][0]["path"] == "PSU-IP-Address"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 50_000, b'{"a":' + b"9" * 5_000 + b"}"]
)
def test_bodies_that_are_no_json_object_are_refused(customer: Customer, body: bytes) -> None:
    answer = customer.call("POST", "/v1/consents", data=body, content_type="application/json")
    assert code_of(answer) == (400, "FORMAT_ERROR")


def test_oversized_bodies_are_refused(customer: Customer) -> None:
    answer = customer.call("POST", "/v1/consents", data=b" " * 70_000, content_type="application/json")
    assert code_of(answer) == (413, "FORMAT_ERROR")
    page = customer.page_of(customer.ask())
    assert customer.log_in(page, "x" * 70_000).status_code == 413


def test_other_content_types_and_methods_are_refused(customer: Customer) -> None:
    assert customer.call("POST", "/v1/consents", data="a=b").status_code == 415
    refused = customer.call("PATCH", "/v1/accounts")
    assert code_of(refused) == (405, "SERVICE_INVALID")
    assert "GET" in refused.headers["Allow"]
    assert code_of(customer.call("GET", "/v1/payments")) == (404, "RESOURCE_UNKNOWN")


@SAFE
@given(access=ANY_JSON, frequency=ANY_JSON, until=ANY_JSON)
def test_no_consent_body_makes_the_bank_fail(
    customer: Customer, access: object, frequency: object, until: object
) -> None:
    answer = customer.ask(access, frequencyPerDay=frequency, validUntil=until)
    assert answer.status_code == 400


@SAFE
@given(references=ANY_JSON)
def test_no_account_reference_makes_the_bank_fail(customer: Customer, references: object) -> None:
    assert customer.ask({"accounts": references}).status_code in {201, 400}


@SAFE
@given(text=st.text(max_size=40))
def test_no_query_or_path_makes_the_bank_fail(customer: Customer, text: str) -> None:
    for query in ({"after": text}, {"dateFrom": text}, {"bookingStatus": text}, {"withBalance": text}):
        assert customer.call("GET", "/v1/accounts/x/transactions", "y", query_string=query).status_code < 500
    encoded = text.encode("utf-8").hex()
    path = "".join(f"%{encoded[at : at + 2]}" for at in range(0, len(encoded), 2))
    for start in ("/v1/accounts/", "/v1/consents/", "/sca/", "/"):
        assert customer.call("GET", start + path, "y").status_code < 500
    page = customer.page_of(customer.ask())
    assert customer.client.post(page, data={"act": text, "psu": text, "password": text}).status_code < 500


def test_hostile_texts_travel_unchanged(customer: Customer) -> None:
    consent = customer.link("user_hostile_text")
    (account,) = customer.accounts(consent)
    rows = [row for page in customer.pages(consent, account["resourceId"]) for row in page["booked"]]
    texts = {row.get("remittanceInformationUnstructured", "") for row in rows}
    assert any("<script>" in text for text in texts)
    assert any("\x00" in text for text in texts)
    assert any("\u202e" in text for text in texts)
    assert any(text.startswith("=HYPERLINK") for text in texts)
