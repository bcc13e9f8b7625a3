"""Strict mode: no request without a TPP certificate and a signature that fits."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.customer import ALL, BACK, Customer, code_of
from tests.sandbox.tpp import Tpp
from werkzeug.test import TestResponse

from nostro.sandbox.server import create_application

BODY = {
    "access": ALL,
    "recurringIndicator": True,
    "validUntil": "2026-06-30",
    "frequencyPerDay": 4,
    "combinedServiceIndicator": False,
}


@pytest.fixture(scope="module")
def tpp() -> Tpp:
    return Tpp()


@pytest.fixture
def strict(furnished_directory: Path, tmp_path: Path) -> Customer:
    shutil.copytree(furnished_directory, tmp_path / "bank")
    return Customer(create_application(tmp_path / "bank", 42, "virtual", control_token="control", is_strict=True))


def _post(customer: Customer, headers: dict[str, str], body: bytes = json.dumps(BODY).encode()) -> TestResponse:
    return customer.client.post("/v1/consents", data=body, headers=headers, content_type="application/json")


def _good(tpp: Tpp) -> dict[str, str]:
    return tpp.headers(json.dumps(BODY).encode(), PSU_ID="user_good", TPP_Redirect_URI=BACK)


def test_a_signed_request_is_answered(strict: Customer, tpp: Tpp) -> None:
    made = _post(strict, _good(tpp))
    assert made.status_code == 201
    path = f"/v1/consents/{made.json['consentId']}/status"
    assert strict.client.get(path, headers=tpp.headers(b"")).json == {"consentStatus": "received"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"X-SSL-Client-Cert": None}, "CERTIFICATE_MISSING"),
        ({"X-SSL-Client-Cert": "rubbish"}, "CERTIFICATE_INVALID"),
        ({"X-SSL-Client-Cert": "A" * 20_000}, "CERTIFICATE_INVALID"),
        ({"TPP-Signature-Certificate": None}, "CERTIFICATE_INVALID"),
        ({"TPP-Signature-Certificate": "AAAA"}, "CERTIFICATE_INVALID"),
        ({"Signature": None}, "SIGNATURE_MISSING"),
        ({"Digest": None}, "SIGNATURE_MISSING"),
        ({"Signature": "rubbish"}, "SIGNATURE_INVALID"),
        ({"Digest": "SHA-256=AAAA"}, "SIGNATURE_INVALID"),
        ({"Digest": "MD5=AAAA"}, "SIGNATURE_INVALID"),
        ({"X-Request-ID": str(uuid.UUID(int=7))}, "SIGNATURE_INVALID"),
        ({"PSU-ID": "user_10k_tx"}, "SIGNATURE_INVALID"),
        ({"PSU-Corporate-ID": "unsigned"}, "SIGNATURE_INVALID"),
    ],
)
def test_what_is_missing_or_wrong_is_refused(strict: Customer, tpp: Tpp, changes: dict[str, Any], code: str) -> None:
    headers = {name: value for name, value in (_good(tpp) | changes).items() if value is not None}
    assert code_of(_post(strict, headers)) == (401, code)
    assert strict.control("GET", "/state").json["consents"] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("SN=9fa1", "SN=9fa2"), ("SN=9fa1", "SN=zz"), ("rsa-sha256", "rsa-sha512"), ("rsa-sha256", "none"),
     ("digest ", ""), (" psu-id", ""), ('signature="', 'signature="AAAA')],
)  # fmt: skip
def test_a_signature_that_was_tampered_with_is_refused(strict: Customer, tpp: Tpp, old: str, new: str) -> None:
    headers = _good(tpp)
    assert old in headers["Signature"]
    headers["Signature"] = headers["Signature"].replace(old, new)
    assert code_of(_post(strict, headers)) == (401, "SIGNATURE_INVALID")


def test_another_body_or_another_key_is_refused(strict: Customer, tpp: Tpp) -> None:
    assert code_of(_post(strict, _good(tpp), b"{}")) == (401, "SIGNATURE_INVALID")
    headers = _good(tpp) | {"TPP-Signature-Certificate": _good(Tpp())["TPP-Signature-Certificate"]}
    assert code_of(_post(strict, headers)) == (401, "SIGNATURE_INVALID")


def test_a_certificate_is_judged_by_the_banks_clock(strict: Customer) -> None:
    short = Tpp("2026-01-01", "2026-01-10")
    assert _post(strict, _good(short)).status_code == 201
    strict.control("POST", "/clock", {"advance": 10 * 86_400})
    assert code_of(_post(strict, _good(short))) == (401, "CERTIFICATE_EXPIRED")


def test_pages_and_control_need_no_signature(strict: Customer) -> None:
    assert strict.client.get("/").status_code == 200
    assert strict.client.get("/health").status_code == 200
    assert strict.control("GET", "/state").status_code == 200
