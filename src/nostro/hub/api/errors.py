"""Errors of the API in the shape of hub-api.md section 6. Clients decide by ``code``, never by ``detail``."""

from __future__ import annotations

from typing import Any

from nostro.web.errors import Forbidden, NotFound, Problem


class ApiError(Exception):
    """An answer with status >= 400."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        meta: dict[str, Any] | None = None,
        pointer: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.meta = meta or {}
        self.pointer = pointer
        self.headers = headers

    def item(self, request_id: str) -> dict[str, Any]:
        """The member of ``errors``."""
        item: dict[str, Any] = {
            "code": self.code,
            "detail": self.detail,
            "meta": {**self.meta, "requestId": request_id},
        }
        if self.pointer:
            item["source"] = {"pointer": self.pointer}
        return item


def not_found(resource: str) -> ApiError:
    return ApiError(404, "resourceNotFound", "No such resource.", meta={"resource": resource})


def unknown_path() -> ApiError:
    return ApiError(404, "resourceNotFound", "There is nothing at this path.", meta={"resource": "path"})


def method_not_allowed(allowed: tuple[str, ...]) -> ApiError:
    return ApiError(
        405, "methodNotAllowed", "This path does not know this verb.", headers=(("Allow", ", ".join(allowed)),)
    )


def credentials_invalid() -> ApiError:
    return ApiError(
        401,
        "credentialsInvalid",
        "The access token is missing, invalid or expired.",
        headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),),
    )


def legacy_token_revoked() -> ApiError:
    """Shown by the old connectors as an invalid key (4.5)."""
    return ApiError(
        401,
        "authorizationCodeInvalid",
        "This API token was revoked.",
        headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),),
    )


def insufficient_scope(scope: str) -> ApiError:
    return ApiError(403, "insufficientScope", f"The access token lacks the scope {scope}.", meta={"scope": scope})


def validation(detail: str, attribute: str = "", pointer: str = "") -> ApiError:
    """A wrong attribute (``attribute`` alone gives its pointer), or a body that cannot be read."""
    if attribute and not pointer:
        pointer = f"/data/attributes/{attribute}"
    return ApiError(400, "validationError", detail, meta={"attribute": attribute} if attribute else {}, pointer=pointer)


def invalid_cursor(parameter: str) -> ApiError:
    return ApiError(
        400, "invalidCursor", "The cursor does not name an item of this list.", meta={"attribute": parameter}
    )


def too_many_requests(retry_after_s: int) -> ApiError:
    return ApiError(
        429,
        "tooManyRequests",
        f"Too many requests. Try again in {retry_after_s} seconds.",
        headers=(("Retry-After", str(retry_after_s)),),
    )


def unavailable() -> ApiError:
    return ApiError(
        503,
        "serviceUnavailable",
        "The database does not answer. Try again in a few seconds.",
        headers=(("Retry-After", "5"),),
    )


def internal() -> ApiError:
    return ApiError(
        500, "internalServerError", "Something failed inside the hub. Its operator finds the reason by the request id."
    )


def from_problem(problem: Problem) -> ApiError:
    """A room's refusal, in the API's words."""
    if isinstance(problem, NotFound):
        return not_found(problem.resource)
    if isinstance(problem, Forbidden):
        return insufficient_scope("admin")
    detail = " ".join(part for part in (problem.what, problem.why, problem.what_to_do) if part)
    return ApiError(problem.status, problem.code, detail, meta={"attribute": problem.field} if problem.field else {})
