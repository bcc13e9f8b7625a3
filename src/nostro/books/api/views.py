"""The door of the API: token, idempotency, errors in the Hub's shape (hub-api.md 2.6, 6)."""

from __future__ import annotations

import contextlib
import hashlib
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from nostro.books.api.call import Call, Document, encode, read_attributes
from nostro.books.api.models import IdempotentAnswer
from nostro.books.api.openapi import document
from nostro.books.api.routing import ENDPOINTS, Endpoint
from nostro.books.api.tokens import Caller, caller_of
from nostro.books.files.services import MAX_UPLOAD_BYTES
from nostro.books.links.wizard import LinkErrors
from nostro.web.errors import Forbidden, NotFound, Problem
from nostro.web.received import receive

MAX_KEY = 255
log = structlog.get_logger(__name__)
_BY_PATH: dict[str, dict[str, Endpoint]] = {}
for _endpoint in ENDPOINTS:
    _BY_PATH.setdefault(_endpoint.path, {})[_endpoint.method] = _endpoint


class Unauthenticated(Problem):
    status = 401


class Conflict(Problem):
    status = 409


@csrf_exempt
def answer(request: HttpRequest, path: str, key: UUID | None = None) -> HttpResponse:
    """Answer one request; ``path`` is the pattern of its address. A token is needed, a session is not looked at."""
    try:
        caller = _caller(request)
        endpoint = _BY_PATH[path].get(request.method or "")
        if endpoint is None:
            return _errors(request, 405, "methodNotAllowed", "This path does not know this verb.")
        return _respond(200, *_run(request, endpoint, caller, key))
    except Problem as problem:
        return _refused(request, problem)
    except Exception:
        # A program understands only the shape of the API's errors, also when the mistake is ours.
        log.exception("books_api_failed", path=path)
        return _errors(request, 500, "internalServerError", "Something failed inside the Books. Nothing was changed; "
                       "the operator finds the reason by the request id.")  # fmt: skip


@csrf_exempt
def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """There is nothing at this path."""
    del rest
    return _errors(request, 404, "resourceNotFound", "There is nothing at this path.")


@csrf_exempt
def openapi(request: HttpRequest) -> HttpResponse:
    """The description of the API; it names no company and needs no token."""
    del request
    return _respond(200, encode(document()), False)


def _caller(request: HttpRequest) -> Caller:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    caller = caller_of(text.strip(), now=timezone.now()) if scheme.lower() == "bearer" else None
    if caller is None:
        raise Unauthenticated("The access token is missing, invalid or revoked.", code="credentialsInvalid")
    return caller


def _run(request: HttpRequest, endpoint: Endpoint, caller: Caller, key: UUID | None) -> tuple[bytes, bool]:
    """The answer's body, and whether it is one that was given before."""
    if endpoint.takes_file:
        # Before any transaction: a slow sender must not hold one open.
        with contextlib.closing(receive(request.META, MAX_UPLOAD_BYTES)) as file:
            call = Call(caller, timezone.now(), request.GET.dict(), {}, file)
            # The same bytes for another journal are another request.
            said = file.checksum + request.META.get("QUERY_STRING", "").encode()
            return _answered(request, endpoint, call, key, said)
    body = request.body if request.method == "POST" else b""
    call = Call(caller, timezone.now(), request.GET.dict(), read_attributes(body))
    return _answered(request, endpoint, call, key, body)


def _answered(
    request: HttpRequest, endpoint: Endpoint, call: Call, key: UUID | None, body: bytes
) -> tuple[bytes, bool]:  # fmt: skip
    """``body`` is what tells a request from another with the same idempotency key."""
    once = request.headers.get("Idempotency-Key") or request.headers.get("Ibanity-Idempotency-Key") or ""
    if request.method == "GET":
        return encode(_do(endpoint, call, key)), False
    if len(once) > MAX_KEY or not once.isprintable():
        raise Problem(f"The idempotency key must be printable and at most {MAX_KEY} characters long.",
                      code="validationError")  # fmt: skip
    with transaction.atomic():
        return (
            _run_once(request.path, once, body, endpoint, call, key)
            if once
            else (encode(_do(endpoint, call, key)), False)
        )


def _run_once(  # noqa: PLR0917 - what is done, and what it is recognised by
    path: str, once: str, body: bytes, endpoint: Endpoint, call: Call, key: UUID | None
) -> tuple[bytes, bool]:
    """The answer and what it stands for are committed together; a refusal is not kept."""
    token, checksum = call.caller.token, hashlib.sha256(body).hexdigest()
    if not _lock(f"books-api:{token.pk}:{path}:{once}"):
        raise Conflict("The first request with this key is still running.", code="idempotencyKeyInProgress")
    known = IdempotentAnswer.objects.filter(token=token, path=path, key=once).first()
    if known is not None and known.created_at > call.now - IdempotentAnswer.KEPT:
        if known.body_checksum != checksum:
            raise Problem("This key was used with another body.", code="idempotencyKeyReused")
        return bytes(known.document), True
    content = encode(_do(endpoint, call, key))
    IdempotentAnswer.objects.update_or_create(
        token=token, path=path, key=once,
        defaults={"body_checksum": checksum, "status": 200, "document": content, "created_at": call.now},
    )  # fmt: skip
    return content, False


def _do(endpoint: Endpoint, call: Call, key: UUID | None) -> Document:
    return endpoint.handler(call) if key is None else endpoint.handler(call, key)


def _lock(name: str) -> bool:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    if isinstance(problem, LinkErrors):
        items = [
            {"code": error.code, "detail": error.sentence,
             "meta": {"accountId": str(error.account_id), "attribute": error.field, "requestId": _id(request)}}
            for error in problem.errors
        ]  # fmt: skip
        return _respond(400, encode({"errors": items}), False)
    if isinstance(problem, NotFound):
        return _errors(request, 404, "resourceNotFound", "No such resource.", resource=problem.resource)
    if isinstance(problem, Forbidden):
        return _errors(request, 403, "insufficientScope", problem.what)
    detail = " ".join(part for part in (problem.what, problem.why, problem.what_to_do) if part)
    about = {"attribute": problem.field} if problem.field else {}
    return _errors(request, problem.status, problem.code, detail, **about)


def _errors(request: HttpRequest, status: int, code: str, detail: str, **meta: str) -> HttpResponse:
    item = {"code": code, "detail": detail, "meta": {**meta, "requestId": _id(request)}}
    return _respond(status, encode({"errors": [item]}), False)


def _id(request: HttpRequest) -> str:
    return str(getattr(request, "correlation_id", ""))


def _respond(status: int, content: bytes, replayed: bool) -> HttpResponse:
    response = HttpResponse(
        content, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if replayed:
        response["Idempotent-Replayed"] = "true"
    return response
