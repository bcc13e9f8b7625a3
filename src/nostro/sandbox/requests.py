"""Reading requests: limits, headers and JSON bodies, refused in the standard's words."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request

from nostro.sandbox.errors import Refusal, format_error

MAX_BODY_BYTES = 64 * 1024
MAX_URI_LENGTH = 2_000
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class BankRequest(Request):
    """A request whose body and forms are limited."""

    max_content_length = MAX_BODY_BYTES
    max_form_memory_size = MAX_BODY_BYTES
    max_form_parts = 200


def request_id(request: Request) -> str:
    """The mandatory ``X-Request-ID``."""
    given = request.headers.get("X-Request-ID", "")
    if not _UUID.fullmatch(given):
        raise format_error("The header X-Request-ID must be a UUID.", "X-Request-ID")
    return given


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


def web_address(text: str, header: str) -> str:
    """An absolute http or https address the browser may be sent back to."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or len(text) > MAX_URI_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise format_error(f"{header} must be an absolute web address.", header)
    return text
