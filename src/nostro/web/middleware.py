"""Middleware of every page: a correlation id, and headers that keep hostile text harmless."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from nostro.web import metrics

GetResponse = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger("nostro.web.requests")
_CORRELATION_ID = re.compile(r"^[A-Za-z0-9-]{8,64}$")

#: Parts of an address that open something by themselves: links sent by mail.
_SECRET_PARTS = ("key", "uidb36", "secret")
#: Asked every few seconds by machines; their lines would hide the others.
_QUIET_PATHS = frozenset({"/health", "/ready", "/metrics"})

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


def request_log(get_response: GetResponse) -> GetResponse:
    """One line per request: method, path without its query, status, milliseconds. And one count for the figures."""

    def middleware(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = get_response(request)
        seconds = time.perf_counter() - started
        metrics.observe(request, response.status_code, seconds)
        write = log.debug if request.path in _QUIET_PATHS else log.info
        write(
            "request",
            method=request.method,
            path=_loggable_path(request),
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response

    return middleware


def _loggable_path(request: HttpRequest) -> str:
    path = request.path
    for name in _SECRET_PARTS if request.resolver_match else ():
        value = request.resolver_match.kwargs.get(name)  # type: ignore[union-attr]
        if value:
            path = path.replace(str(value), "…")
    return path


def security_headers(get_response: GetResponse) -> GetResponse:
    """Add the content security policy and its companions. A view may set a policy of its own.

    Pages of somebody who is signed in stay out of shared caches, and a browser asks again before it shows them.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware
