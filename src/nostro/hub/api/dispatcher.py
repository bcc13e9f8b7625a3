"""The WSGI layer in front of Django that answers the API's paths (DESIGN.md section 3).

It has none of Django's middleware but uses Django's database connection, in autocommit. Whatever happens, an API
path is answered in JSON with an ``ibanity-request-id``; everything else goes on to Django.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connections
from django.urls import Resolver404, get_resolver, resolve

from nostro.hub.api import errors, oauth2, rate_limits, routing
from nostro.hub.api.endpoints import Access, Endpoint
from nostro.hub.api.errors import ApiError
from nostro.hub.api.idempotency import run_once
from nostro.hub.api.request import Environ, Request, accepts_vendor_type, bearer, parse_query, prefers_html
from nostro.hub.api.request_log import entry_of
from nostro.hub.api.responses import Answer
from nostro.hub.api.transfers import SentFile
from nostro.hub.files.limits import MAX_UPLOAD_BYTES
from nostro.hub.integrations.legacy import Revoked, access_by_legacy_token
from nostro.hub.integrations.personal import access_by_personal_token
from nostro.hub.integrations.queries import access_by_token, holder_of_token
from nostro.hub.integrations.request_log import Entry
from nostro.hub.vendors.grants import application_by_token
from nostro.web.errors import Problem
from nostro.web.received import receive

StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

log = structlog.get_logger(__name__)
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_JSON = "application/json; charset=utf-8"
_VENDOR = "application/vnd.api+json"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_request_id() -> str:
    """The text of a random UUID, several times faster than making the object."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class Dispatcher:
    """WSGI application: the API, and ``django`` for the rest. Clocks are passed in by tests; ``record`` is given the
    requests of integrations for their log."""

    def __init__(
        self,
        django: Application,
        *,
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        requests: rate_limits.Limit = rate_limits.INTEGRATION,
        token_calls: rate_limits.Limit = rate_limits.TOKEN_CALLS,
        record: Callable[[Entry], None] | None = None,
    ) -> None:
        self._django = django
        self._now = now
        self._monotonic = monotonic
        self._requests = rate_limits.Buckets(requests)
        self._token_calls = rate_limits.Buckets(token_calls)
        self._record = record
        # Django reads the pages' modules when it first looks an address up. Done now, one that cannot be read stops
        # the start; later it would fail whichever request is the first to ask for an unknown path.
        _ = get_resolver().url_patterns

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        segments = routing.split(environ.get("PATH_INFO", ""))
        if not _is_for_api(environ, segments):
            return self._django(environ, start_response)
        begin = self._monotonic()
        request_id = _new_request_id()
        mount, path = routing.mount_of(segments)
        request = Request(environ, request_id, environ["REQUEST_METHOD"], mount, path, self._now())
        if request.verb == "GET":
            # A read logs nothing but its own failure, which names the request.
            answer = self._answer(request)
        else:
            with structlog.contextvars.bound_contextvars(correlation_id=request_id):
                answer = self._answer(request)
        if self._record is not None:
            entry = entry_of(request, answer, self._monotonic() - begin)
            if entry is not None:
                self._record(entry)
        return _send(request, answer, start_response)

    def _answer(self, request: Request) -> Answer:
        """The answer, or the one to whatever went wrong on the way."""
        try:
            return self._routed(request)
        except Problem as problem:
            return _refused(request, errors.from_problem(problem))
        except ApiError as error:
            return _refused(request, error)
        except (OperationalError, InterfaceError):
            log.warning("the database does not answer", exc_info=True, request_id=request.request_id)
            return _refused(request, errors.unavailable())
        except Exception:
            log.exception("api request failed", request_id=request.request_id)
            return _refused(request, errors.internal())
        finally:
            _leave_connection_usable()

    def _routed(self, request: Request) -> Answer:
        endpoint, request.parameters = routing.route(request.mount, request.path, request.verb)
        request.query = parse_query(request.environ)
        self._first_question(request, endpoint)
        self._limit(request, endpoint)
        if endpoint.access is Access.CLIENT:
            return endpoint.handler(request)
        if endpoint.takes_file:
            # Before any transaction: a slow sender must not hold one open.
            request.file = receive(request.environ, MAX_UPLOAD_BYTES)
            with contextlib.closing(request.file):
                return run_once(request, endpoint.handler)
        if request.verb in {"POST", "PATCH"}:
            return run_once(request, endpoint.handler)
        return endpoint.handler(request)

    def _first_question(self, request: Request, endpoint: Endpoint) -> None:
        """Authenticate. A connection that died since the last request (the server was restarted) is replaced once;
        Django would send a query before every request to find that out."""
        try:
            self._authenticate(request, endpoint)
        except (OperationalError, InterfaceError):
            connection = connections["default"]
            if connection.connection is None or connection.in_atomic_block:
                raise  # it could not even connect
            connection.close()
            self._authenticate(request, endpoint)

    def _authenticate(self, request: Request, endpoint: Endpoint) -> None:
        if endpoint.access is Access.OPEN or endpoint.access is Access.CLIENT:
            return
        token = bearer(request.environ)
        if token:
            self._recognize(request, token)
        known = request.grantee is not None or request.application is not None or request.acting is not None
        if not known and (token or endpoint.access is not Access.OPTIONAL):
            request.holder = holder_of_token(token) if token else None
            raise errors.credentials_invalid()
        _check_kind(request, endpoint.access)

    def _recognize(self, request: Request, token: str) -> None:
        """A token is valid on the mount that issued it only (section 1)."""
        request.grantee = access_by_token(token, request.now, of_vendor=bool(request.mount))
        if request.grantee is None and request.mount:
            request.application = application_by_token(token, request.now)
        elif request.grantee is None and "." not in token:
            request.acting = access_by_personal_token(token, request.now)
            if request.acting is not None:
                return
            try:
                request.grantee = access_by_legacy_token(token, request.now)
            except Revoked:
                raise errors.legacy_token_revoked() from None

    def _limit(self, request: Request, endpoint: Endpoint) -> None:
        if request.grantee is not None:
            wait_s = self._requests.take(request.grantee.integration_id, self._monotonic())
        elif endpoint.access is Access.CLIENT:
            wait_s = self._token_calls.take(oauth2.client_id(request), self._monotonic())
        else:
            known = request.application is not None or request.acting is not None
            caller = request.caller_id if known else request.environ.get("REMOTE_ADDR", "")
            wait_s = self._requests.take(caller, self._monotonic())
        if wait_s:
            raise errors.too_many_requests(wait_s)


def _check_kind(request: Request, access: Access) -> None:
    """A vendor's token where an organization's is needed, or the reverse, or one without the scope: 403 (4.3)."""
    if access is Access.ACCOUNT_INFORMATION or access is Access.PAYMENT_INITIATION:
        if request.grantee is None or access.value not in request.grantee.scopes:
            raise errors.insufficient_scope(access.value)
        return
    if access is Access.READER and request.acting is None:
        _check_kind(request, Access.ACCOUNT_INFORMATION)
    if access is Access.PERSON and request.acting is None:
        raise errors.insufficient_scope("user")
    if access is Access.VENDOR and request.application is None:
        raise errors.insufficient_scope("client")
    if access is Access.GRANTED and request.grantee is None:
        raise errors.insufficient_scope("ai")
    if access is Access.SANDBOX and (request.grantee is None or not request.grantee.is_sandbox):
        raise errors.insufficient_scope("sandbox")


def _is_for_api(environ: Environ, segments: tuple[str, ...]) -> bool:
    """The API owns its paths; ``/`` too, unless a browser asks. A program that asks for a path nobody knows gets
    the API's 404, not a page."""
    if not segments:
        return not prefers_html(environ)
    if segments in routing.PAGES or segments[:1] == ("authorize",):
        return False
    if segments[0] in routing.OWNED:
        return True
    if "text/html" in environ.get("HTTP_ACCEPT", ""):
        return False
    return segments[0] != "static" and not _is_known_to_django(segments)


def _is_known_to_django(segments: tuple[str, ...]) -> bool:
    path = "/" + "/".join(segments)
    for candidate in (path, path + "/"):
        try:
            resolve(candidate)
        except Resolver404:
            continue
        return True
    return False


def _refused(request: Request, error: ApiError) -> Answer:
    return Answer(error.status, {"errors": [error.item(request.request_id)]}, error.headers)


def _send(request: Request, answer: Answer, start_response: StartResponse) -> Iterable[bytes]:
    body: Iterable[bytes]
    if isinstance(answer.document, SentFile):
        file = answer.document
        body, size, media = file.chunks(), file.size, file.media_type
        disposition = [("Content-Disposition", f'attachment; filename="{file.name}"')]
    else:
        body, size, disposition = [content := answer.body], len(content), []
        media = _VENDOR if not answer.plain and accepts_vendor_type(request.environ) else _JSON
    headers = [
        ("Content-Type", media),
        ("Content-Length", str(size)),
        *disposition,
        ("ibanity-request-id", request.request_id),
        ("X-Content-Type-Options", "nosniff"),
        *answer.headers,
    ]
    if request.grantee is not None or request.application is not None or request.acting is not None:
        headers.append(("Cache-Control", "no-store"))
    if request.grantee is not None and request.grantee.is_legacy:
        headers.append(("Deprecation", "true"))
    start_response(_STATUS_LINES[answer.status], headers)
    return [] if request.verb == "HEAD" else body


def _leave_connection_usable() -> None:
    """What Django does after a request: a connection that failed is tested and closed if it is broken."""
    connection = connections["default"]
    if connection.errors_occurred and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
