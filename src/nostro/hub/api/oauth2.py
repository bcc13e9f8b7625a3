"""POST /oauth2/token (hub-api.md 4.1): client credentials from Basic or the body; the grant type from the form, the
query or JSON. Errors have OAuth's shape, at the root with ``errors`` beside it for the clients of the Ponto API."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Callable
from typing import Any

from nostro.hub.api.errors import ApiError
from nostro.hub.api.request import Request, parse_form, parse_json
from nostro.hub.api.responses import Answer
from nostro.hub.integrations.queries import holder_of_client
from nostro.hub.integrations.tokens import issue_access_token, revoke_access_token

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
_CODES = {"invalid_client": "clientIdInvalid", "invalid_grant": "authorizationCodeInvalid"}


class OAuthError(Exception):
    """A refusal of the token endpoint. ``error`` is a code of RFC 6749 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def client_id(request: Request) -> str:
    """The client id as given, unchecked, for the rate limit. ``""`` when it cannot be read."""
    try:
        return credentials(request, parameters(request))[0]
    except (OAuthError, ApiError):
        return ""


def refused_as_oauth(handler: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    """Answer refusals of ``handler`` in OAuth's shape."""

    @functools.wraps(handler)
    def answered(request: Request) -> Answer:
        try:
            return handler(request)
        except OAuthError as error:
            return refusal(request, error)
        except ApiError as error:  # a body that cannot be read
            return refusal(request, OAuthError("invalid_request", error.detail))

    return answered


@refused_as_oauth
def token(request: Request) -> Answer:
    return _issue(request)


@refused_as_oauth
def revoke(request: Request) -> Answer:
    """End one access token (1, 2.6). Unknown tokens are 200 as well, with ``{}``."""
    given = parameters(request)
    identifier, secret = credentials(request, given)
    if "token" not in given:
        raise OAuthError("invalid_request", "The parameter token is missing.")
    if not revoke_access_token(identifier, secret, given["token"]):
        raise OAuthError("invalid_client", "The client id or the client secret is wrong.", 401)
    return Answer(200, {}, NO_STORE, plain=True)


def refusal(request: Request, error: OAuthError) -> Answer:
    """The answer to a refused token call."""
    document: dict[str, Any] = {"error": error.error, "error_description": error.description}
    if not request.mount:
        code = _CODES.get(error.error) or _camel(error.error)
        document["errors"] = [{"code": code, "detail": error.description, "meta": {"requestId": request.request_id}}]
    headers: tuple[tuple[str, str], ...] = NO_STORE
    if error.status == 401:
        headers = (*headers, ("WWW-Authenticate", 'Basic realm="nostro"'))
    return Answer(error.status, document, headers, plain=True)


def _issue(request: Request) -> Answer:
    given = parameters(request)
    identifier, secret = credentials(request, given)
    grant_type = given.get("grant_type", "")
    if not grant_type:
        raise OAuthError("invalid_request", "The parameter grant_type is missing.")
    if grant_type != "client_credentials":
        raise OAuthError("unsupported_grant_type", "This client can only use client_credentials.")
    issued = issue_access_token(identifier, secret, given.get("scope", ""), request.now)
    if issued is None:
        request.holder = holder_of_client(identifier)
        raise OAuthError("invalid_client", "The client id or the client secret is wrong.", 401)
    request.holder = issued.holder
    document = {
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "scope": issued.scope,
        "token_type": "bearer",
    }
    return Answer(200, document, NO_STORE, plain=True)


#: What token calls read; in JSON these must be text. Whatever else a client sends is ignored.
_PARAMETERS = frozenset(
    {
        "grant_type", "scope", "client_id", "client_secret", "code", "code_verifier", "redirect_uri", "refresh_token",
        "token",
    }
)  # fmt: skip


def parameters(request: Request) -> dict[str, str]:
    """Query and body together; the body counts where both have a name. Its kind is seen from its first character,
    because clients send a form content type with no body, and JSON with none."""
    body = request.body.strip()
    if body[:1] in {b"{", b"["}:
        document = parse_json(body)
        if not isinstance(document, dict):
            raise OAuthError("invalid_request", "The body must be a JSON object.")
        given = {name: value for name, value in document.items() if isinstance(value, str)}
        for name in sorted(_PARAMETERS & (document.keys() - given.keys())):
            if document[name] is not None:
                raise OAuthError("invalid_request", f"The parameter {name} must be text.")
    else:
        given = parse_form(body.decode("utf-8", "replace"))
    return {**request.query, **given}


def credentials(request: Request, given: dict[str, str]) -> tuple[str, str]:
    """Client id and secret, from Basic (not percent-encoded, as clients send them) or from the parameters."""
    scheme, _, encoded = request.environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() != "basic":
        if not given.get("client_id"):
            raise OAuthError("invalid_client", "The client credentials are missing.", 401)
        return given["client_id"], given.get("client_secret", "")
    try:
        identifier, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise OAuthError("invalid_client", "The header Authorization cannot be read.", 401) from None
    if given.get("client_id", identifier) != identifier:
        raise OAuthError("invalid_client", "The body names another client than the header.", 401)
    return identifier, secret


def _camel(code: str) -> str:
    head, *rest = code.split("_")
    return head + "".join(word.title() for word in rest)
