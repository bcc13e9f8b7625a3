"""Figures for Prometheus: what this process answered and how long it took.

Every web process counts for itself; whoever runs several scrapes each, or reads the log lines.
"""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from nostro.web.errors import Forbidden

REQUESTS = Counter("nostro_http_requests", "Requests answered by pages", ["method", "route", "status"])
SECONDS = Histogram("nostro_http_request_seconds", "Time from request to answer, in seconds", ["route"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one answered request under its route: addresses themselves would be endless and hold ids."""
    match = request.resolver_match
    route = match.route if match else "none"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for programs on this machine or with the token ``NOSTRO_METRICS_TOKEN`` as bearer."""
    if not (_is_local(request) or _has_token(request)):
        raise Forbidden("The figures of this installation are for its operator.")
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _is_local(request: HttpRequest) -> bool:
    # A request that a proxy passed on comes from this machine too, but it names where it began.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
