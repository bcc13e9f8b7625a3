"""Repeating a POST without doing it twice (hub-api.md 2.6).

The answer is stored in the same transaction as what the request did: either both are there or neither. A second
request with the same key that arrives meanwhile meets an advisory lock and is told so at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection, transaction

from nostro.hub.api.errors import ApiError, internal, validation
from nostro.hub.api.models import IdempotentRequest
from nostro.hub.api.request import Request
from nostro.hub.api.responses import Answer
from nostro.web.errors import Problem

MAX_KEY_LENGTH = 255
MAX_PATH_LENGTH = 300
HEADER = "HTTP_IBANITY_IDEMPOTENCY_KEY"
log = structlog.get_logger(__name__)


def run_once(request: Request, handler: Callable[[Request], Answer]) -> Answer:
    """Run ``handler`` in a transaction; with a key in the header only if its answer is not known yet.

    Refusals (ApiError) undo everything and are not stored: they come before execution.
    """
    key = request.environ.get(HEADER, "")
    if not key:
        with transaction.atomic():
            return handler(request)
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise validation(f"The idempotency key must be printable and at most {MAX_KEY_LENGTH} characters long.")
    with transaction.atomic():
        return _run_once(request, key, handler)


def _run_once(request: Request, key: str, handler: Callable[[Request], Answer]) -> Answer:
    scope = {
        "integration_id": request.caller_id,
        "verb": request.verb,
        "path": _path(request),
        "key": key,
    }
    if not _lock(repr(sorted(scope.items()))):
        raise ApiError(409, "idempotencyKeyInProgress", "The first request with this key is still running.")
    checksum = request.body_checksum
    known = IdempotentRequest.objects.filter(**scope).first()
    if known is not None and known.created_at > request.now - IdempotentRequest.KEPT:
        if bytes(known.body_checksum) != checksum:
            raise ApiError(400, "idempotencyKeyReused", "This key was used with another body.")
        return Answer(known.status, bytes(known.document), (("idempotent-replayed", "true"),))
    answer = _execute(request, handler)
    if known is not None:
        known.delete()
    IdempotentRequest.objects.create(
        **scope,
        organization_id=request.organization_id,
        body_checksum=checksum,
        status=answer.status,
        document=answer.kept_body,
        created_at=request.now,
    )
    return answer


def _path(request: Request) -> str:
    """The path as its column can hold it: a strange or overlong one by its checksum."""
    path = request.mount + "/" + "/".join(request.path)
    if path.isprintable() and len(path) <= MAX_PATH_LENGTH:
        return path
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()


def _execute(request: Request, handler: Callable[[Request], Answer]) -> Answer:
    """An unforeseen failure is an answer too: what it did is undone, and repeating the key does not try again."""
    try:
        with transaction.atomic():
            return handler(request)
    except (ApiError, Problem, DatabaseError):
        raise
    except Exception:
        log.exception("api request failed", request_id=request.request_id)
        return Answer(500, {"errors": [internal().item(request.request_id)]})


def _lock(name: str) -> bool:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])
