"""From a bank's error answer to one class of connectors.md 1.7.

The code in the body decides, not the HTTP status: banks mix 400, 401 and 403 freely. Accepted are ``tppMessages`` in
an object and as a bare array (the standard's own mock answers so), the ``additionalErrors`` of the standard's
RFC 7807 form, and OAuth's ``error``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from nostro.connectors.contract import Clock, RawAnswer
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
    ScaFailed,
    ScaRequired,
    ScaTimeout,
    TokenExpired,
    TppConfigInvalid,
)
from nostro.core.masking import mask_for_log
from nostro.core.text import clean

#: What the failed request was about; some codes mean different things for each.
Subject = Literal["consent", "account", "payment"]

MAX_MESSAGES = 20
MAX_BANK_TEXT_LENGTH = 500
#: A bank that says "try again in a year" is not believed.
MAX_RETRY_AFTER = dt.timedelta(days=7)

#: The codes of the standard, and of OAuth 2.0 (RFC 6749, RFC 6750), that mean the same for every subject.
CODES: dict[str, type[ConnectorError]] = {
    "CONSENT_EXPIRED": ConsentExpired,
    "CONSENT_INVALID": ConsentRevoked,
    "CONSENT_UNKNOWN": ConsentUnknown,
    "EXPIRED_SESSION": ConsentExpired,
    "REVOKED_SESSION": ConsentRevoked,
    "CLOSED_SESSION": ConsentRevoked,
    "SCA_REQUIRED": ScaRequired,
    "SERVICE_BLOCKED": PsuActionRequired,
    "PSU_CREDENTIALS_INVALID": CredentialsInvalid,
    "CORPORATE_ID_INVALID": CredentialsInvalid,
    "SCA_METHOD_UNKNOWN": ScaFailed,
    "SCA_INVALID": ScaFailed,
    "ACCESS_EXCEEDED": AccessExceeded,
    "SERVICE_UNAVAILABLE": AspspUnavailable,
    "INTERNAL_SERVER_ERROR": AspspError,
    "PERIOD_INVALID": PeriodInvalid,
    "PARAMETER_NOT_SUPPORTED": NotSupported,
    "REQUESTED_FORMATS_INVALID": NotSupported,
    "SESSIONS_NOT_SUPPORTED": NotSupported,
    "SERVICE_INVALID": NotSupported,
    "ROLE_INVALID": TppConfigInvalid,
    "TIMESTAMP_INVALID": TppConfigInvalid,
    "REDIRECT_URI_NOT_ALLOWED": TppConfigInvalid,
    "TOKEN_UNKNOWN": TokenExpired,
    "TOKEN_INVALID": TokenExpired,
    "TOKEN_EXPIRED": TokenExpired,
    "FORMAT_ERROR": ProtocolError,
    "PARAMETER_NOT_CONSISTENT": ProtocolError,
    "invalid_token": TokenExpired,
    "invalid_grant": TokenExpired,
    "invalid_client": TppConfigInvalid,
    "unauthorized_client": TppConfigInvalid,
    "invalid_scope": TppConfigInvalid,
}
_PREFIXES: dict[str, type[ConnectorError]] = {
    "CERTIFICATE_": TppConfigInvalid,
    "SIGNATURE_": TppConfigInvalid,
    "TOKEN_": TokenExpired,
}
_BY_SUBJECT: dict[tuple[str, Subject], type[ConnectorError]] = {
    ("RESOURCE_UNKNOWN", "consent"): ConsentUnknown,
    ("RESOURCE_UNKNOWN", "account"): AccountUnavailable,
    ("RESOURCE_UNKNOWN", "payment"): AspspError,
    ("RESOURCE_EXPIRED", "consent"): ConsentExpired,
    ("RESOURCE_EXPIRED", "account"): AccountUnavailable,
    ("RESOURCE_EXPIRED", "payment"): ScaTimeout,
    ("STATUS_INVALID", "consent"): ScaFailed,
    ("STATUS_INVALID", "payment"): ScaFailed,
    ("STATUS_INVALID", "account"): AspspError,
}
#: Without a code only these statuses say something definite; a bare 401, 403 or 404 does not (connectors.md 1.6).
_BY_STATUS: dict[int, type[ConnectorError]] = {
    402: PaymentRequired,
    406: NotSupported,
    408: AspspTimeout,
    429: AccessExceeded,
    502: AspspUnavailable,
    503: AspspUnavailable,
    504: AspspTimeout,
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the bank: its code and its text, cleaned and masked."""

    code: str
    text: str
    is_error: bool
    path: str = ""


def messages_of(data: Any) -> list[Message]:
    """All messages in an answer, in the bank's order, at most :data:`MAX_MESSAGES`."""
    found = (_message(item) for item in _raw_messages(data))
    return [message for message in found if message is not None][:MAX_MESSAGES]


def _raw_messages(data: Any) -> Iterator[Any]:
    if isinstance(data, list):
        yield from data
    elif isinstance(data, Mapping):
        for name in ("tppMessages", "additionalErrors"):
            listed = data.get(name)
            if isinstance(listed, list):
                yield from listed
        # RFC 7807 and OAuth put the first message into the object itself.
        if "code" in data or "error" in data:
            yield data


def _message(item: Any) -> Message | None:
    if not isinstance(item, Mapping):
        return None
    code = item.get("code") or item.get("error")
    if not isinstance(code, str):
        return None
    texts = (item.get(name) for name in ("text", "detail", "title", "error_description"))
    text = next((text for text in texts if isinstance(text, str)), "")
    return Message(
        code=clean(code, 80),
        text=mask_for_log(clean(text, MAX_BANK_TEXT_LENGTH)),
        is_error=item.get("category") != "WARNING",
        path=clean(str(item.get("path") or ""), 80),
    )


def error_from_answer(
    raw: RawAnswer,
    data: Any,
    *,
    subject: Subject,
    retry_after: str | None,
    clock: Clock,
    feature: str = "",
) -> ConnectorError:
    """The error an answer stands for. ``data``: its parsed JSON or None. ``feature``: what may have been refused."""
    errors = [message for message in messages_of(data) if message.is_error]
    known = next((message for message in errors if _class_of_code(message.code, subject)), None)
    shown = known or (errors[0] if errors else None)
    kind = (known and _class_of_code(known.code, subject)) or _class_of_status(raw.status)
    fields: dict[str, Any] = {
        "code": shown.code if shown else None,
        "text": shown.text if shown else None,
        "status": raw.status,
        "request_id": raw.request_id,
        "raw": raw,
    }
    if kind is AccessExceeded:
        return AccessExceeded(until=_until(retry_after, clock), **fields)
    if kind is NotSupported:
        return NotSupported(feature=feature or (shown.path if shown else ""), **fields)
    return kind(**fields)


def _class_of_code(code: str, subject: Subject) -> type[ConnectorError] | None:
    by_prefix = next((kind for prefix, kind in _PREFIXES.items() if code.startswith(prefix)), None)
    return CODES.get(code) or _BY_SUBJECT.get((code, subject)) or by_prefix


def _class_of_status(status: int) -> type[ConnectorError]:
    if status < 400:
        return ProtocolError
    return _BY_STATUS.get(status, AspspError)


def _until(retry_after: str | None, clock: Clock) -> dt.datetime | None:
    """The instant of a ``Retry-After`` header (seconds or a date, RFC 9110 section 10.2.3); None where unreadable."""
    if not retry_after:
        return None
    now, text = clock(), retry_after.strip()
    if text.isascii() and text.isdigit():
        seconds = min(int(text[:12]), int(MAX_RETRY_AFTER.total_seconds()))
        return now + dt.timedelta(seconds=seconds)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return min(max(until, now), now + MAX_RETRY_AFTER)
