"""Middleware of every page: a correlation id, and headers that keep hostile text harmless."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
_CORRELATION_ID = re.compile(r"^[A-Za-z0-9-]{8,64}$")

#: No inline script or style anywhere; images also as data: for the small pictures a bank sends as a challenge.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)


def correlation_id(get_response: GetResponse) -> GetResponse:
    """Give every request an id: the caller's ``X-Correlation-ID`` if it looks like one, else a new one. It is in
    every log line, every error a person sees, and in the response."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Correlation-ID", "")
        value = given if _CORRELATION_ID.match(given) else str(uuid.uuid4())
        request.correlation_id = value  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(correlation_id=value):
            response = get_response(request)
        response["X-Correlation-ID"] = value
        return response

    return middleware


def security_headers(get_response: GetResponse) -> GetResponse:
    """Add the content security policy and its companions. A view may set a policy of its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response

    return middleware
