"""The bank's errors: the code decides, in whatever shape it comes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from nostro.connectors.berlin_group.errors import error_from_answer
from nostro.connectors.contract import RawAnswer
from nostro.connectors.errors import (
    AccessExceeded,
    AccountUnavailable,
    AspspError,
    AspspTimeout,
    AspspUnavailable,
    ConnectorError,
    ConsentExpired,
    ConsentRevoked,
    ConsentUnknown,
    CredentialsInvalid,
    NotSupported,
    PaymentRequired,
    PeriodInvalid,
    ProtocolError,
    PsuActionRequired,
    TokenExpired,
    TppConfigInvalid,
)

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def error_of(
    data: Any, *, status: int = 400, subject: Any = "account", retry_after: str | None = None
) -> ConnectorError:
    raw = RawAnswer("https://bank/x", status, "application/json", b"", "request-1")
    return error_from_answer(raw, data, subject=subject, retry_after=retry_after, clock=lambda: NOW)


CODES = {
    "CONSENT_EXPIRED": ConsentExpired,
    "CONSENT_INVALID": ConsentRevoked,
    "CONSENT_UNKNOWN": ConsentUnknown,
    "RESOURCE_UNKNOWN": AccountUnavailable,
    "RESOURCE_EXPIRED": AccountUnavailable,
    "PERIOD_INVALID": PeriodInvalid,
    "PARAMETER_NOT_SUPPORTED": NotSupported,
    "REQUESTED_FORMATS_INVALID": NotSupported,
    "ACCESS_EXCEEDED": AccessExceeded,
    "TOKEN_EXPIRED": TokenExpired,
    "TOKEN_SOMETHING_NEW": TokenExpired,
    "CERTIFICATE_REVOKED": TppConfigInvalid,
    "SIGNATURE_MISSING": TppConfigInvalid,
    "PSU_CREDENTIALS_INVALID": CredentialsInvalid,
    "SERVICE_BLOCKED": PsuActionRequired,
    "FORMAT_ERROR": ProtocolError,
}


@pytest.mark.parametrize(("code", "kind"), CODES.items())
@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_the_code_decides_not_the_status(code: str, kind: type[ConnectorError], status: int) -> None:
    messages = [{"category": "ERROR", "code": code, "text": "why"}]
    problem = {"type": "https://bank/e", "code": code, "detail": "why"}
    for data in ({"tppMessages": messages}, messages, {"additionalErrors": messages}, problem):
        error = error_of(data, status=status)
        assert type(error) is kind
        assert (error.code, error.text, error.status, error.request_id) == (code, "why", status, "request-1")


def test_what_a_code_is_about_matters() -> None:
    data = [{"category": "ERROR", "code": "RESOURCE_UNKNOWN"}]
    assert type(error_of(data, subject="consent")) is ConsentUnknown
    assert type(error_of(data, subject="account")) is AccountUnavailable


def test_the_first_known_code_counts_and_warnings_do_not() -> None:
    data = [
        {"category": "WARNING", "code": "CONSENT_EXPIRED"},
        {"category": "ERROR", "code": "BANK_9000"},
        {"category": "ERROR", "code": "PERIOD_INVALID"},
    ]
    assert type(error_of(data)) is PeriodInvalid


STATUSES = {
    400: AspspError,
    401: AspspError,
    402: PaymentRequired,
    403: AspspError,
    404: AspspError,
    406: NotSupported,
    408: AspspTimeout,
    429: AccessExceeded,
    500: AspspError,
    502: AspspUnavailable,
    503: AspspUnavailable,
    504: AspspTimeout,
    302: ProtocolError,
    418: AspspError,
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
@pytest.mark.parametrize(
    "data", [None, {}, [], "text", {"tppMessages": "x"}, {"tppMessages": [None, {"code": 7}]}, [{"code": "BANK_9000"}]]
)
def test_without_a_known_code_the_status_decides(status: int, kind: type[ConnectorError], data: Any) -> None:
    assert type(error_of(data, status=status)) is kind


def test_oauth_errors() -> None:
    error = error_of({"error": "invalid_token", "error_description": "expired"}, status=401)
    assert (type(error), error.text) == (TokenExpired, "expired")


@pytest.mark.parametrize(
    ("header", "until"),
    [
        ("3600", NOW + dt.timedelta(hours=1)),
        ("Mon, 05 Jan 2026 10:00:00 GMT", NOW + dt.timedelta(hours=1)),
        ("Mon, 05 Jan 2026 08:00:00 GMT", NOW),
        ("99999999999999999999", NOW + dt.timedelta(days=7)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", NOW + dt.timedelta(days=7)),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, until: dt.datetime | None) -> None:
    error = error_of(None, status=429, retry_after=header)
    assert isinstance(error, AccessExceeded)
    assert error.until == until


def test_the_banks_text_is_cleaned_and_masked() -> None:
    text = "\x00Consent-ID: s3cret for DE89370400440532013000 " + "x" * 5000
    error = error_of([{"code": "CONSENT_EXPIRED", "text": text}])
    assert error.text is not None
    assert "s3cret" not in error.text
    assert "370400440532013000" not in error.text
    assert len(error.text) <= 500


def test_ten_thousand_messages_are_read_in_bounds() -> None:
    data = [{"code": f"BANK_{number}"} for number in range(10_000)] + [{"code": "CONSENT_EXPIRED"}]
    assert type(error_of(data, status=500)) is AspspError
