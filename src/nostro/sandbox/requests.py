"""Reading requests: limits, headers and JSON bodies, refused in the standard's words."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request

from nostro.sandbox.errors import Refusal, format_error

MAX_BODY_BYTES = 64 * 1024
MAX_URI_LENGTH = 2_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class BankRequest(Request):
    """A request whose body and forms are limited."""

    max_content_length = MAX_BODY_BYTES
    max_form_memory_size = MAX_BODY_BYTES
    max_form_parts = 200


def is_uuid(text: str) -> bool:
    """Whether ``text`` is a UUID in the usual writing."""
    return _UUID.fullmatch(text) is not None


def require_request_id(request: Request) -> None:
    """Refuse a request without the mandatory ``X-Request-ID``."""
    if not is_uuid(request.headers.get("X-Request-ID", "")):
        raise format_error("The header X-Request-ID must be a UUID.", "X-Request-ID")


def is_attended(request: Request) -> bool:
    """Whether the customer is present: the service passes on their address."""
    return bool(request.headers.get("PSU-IP-Address"))


def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises FORMAT_ERROR for everything else."""
    if request.mimetype != "application/json":
        raise Refusal(415, "FORMAT_ERROR", "The body must be application/json.")
    try:
        body = json.loads(request.get_data(), parse_float=Decimal)
    except (ValueError, RecursionError):
        raise format_error("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise format_error("The body must be a JSON object.")
    return body


def whole_number(body: dict[str, Any], name: str, default: int | None, low: int, high: int) -> int:
    """A whole number of the body within limits."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise format_error(f"{name} must be a whole number from {low} to {high}.", name)
    return value


def truth_value(body: dict[str, Any], name: str, default: bool | None) -> bool:
    """True or false of the body; without a default it must be there."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise format_error(f"{name} must be true or false.", name)
    return value


def iso_date(value: object, name: str) -> dt.date:
    """A date written as the standard wants it: year, month, day."""
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise format_error(f"{name} must be a date such as 2026-01-31.", name)


def web_address(text: str, header: str) -> str:
    """An absolute http or https address the browser may be sent back to."""
    try:
        parts = urlsplit(text)
        host = parts.netloc.removesuffix(f":{parts.port}")
        good = parts.scheme in {"http", "https"} and parts.port != 0 and _HOST.fullmatch(host) is not None
    except ValueError:
        good = False
    if not good or len(text) > MAX_URI_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise format_error(f"{header} must be an absolute web address.", header)
    return text


def ways_back(request: BankRequest, *, is_needed: bool) -> tuple[str, str]:
    """Where the browser goes after a yes and after a no. Only a browser that left needs a way back."""
    given = request.headers.get("TPP-Redirect-URI", "")
    if not given and not is_needed:
        return "", ""
    ok_uri = web_address(given, "TPP-Redirect-URI")
    return ok_uri, web_address(request.headers.get("TPP-Nok-Redirect-URI") or ok_uri, "TPP-Nok-Redirect-URI")
