"""The OpenAPI 3.1 document, written from the table that serves the requests and the types that write the answers.

``/openapi.json`` gives it to programs, ``/docs/api`` to people. Nothing here can name an endpoint that does not exist.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from nostro.hub.api import documents as d
from nostro.hub.api import examples
from nostro.hub.api.request import Request
from nostro.hub.api.responses import Answer

if TYPE_CHECKING:
    from nostro.hub.api.endpoints import Endpoint

VERSION = "1.4.0"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_REFERENCE = "#/components/schemas/{name}"
_MEDIA = ("application/json", "application/vnd.api+json")
_ERROR = {"$ref": "#/components/schemas/Errors"}
_OAUTH_ERROR = {"$ref": "#/components/schemas/OAuthRefusal"}
_DESCRIPTION = """Bank accounts and their transactions, in the format of the Ponto API: software written for Ponto works
with this address instead. Lists are newest first; `after` gives older items, `before` newer ones, and an empty
`data` is the end. Errors carry a `code` to decide by and a request id to ask the operator about."""
_STATUSES = {
    400: "A wrong value, a cursor that is not of this list, or a synchronization too soon.",
    401: "The access token is missing, wrong or expired.",
    403: "The access token lacks a scope.",
    404: "No such resource, or one of somebody else.",
    405: "The path does not know this verb.",
    409: "The first request with this idempotency key is still running.",
    429: "Too many requests; wait as `Retry-After` says.",
    500: "Something failed inside the Hub.",
    503: "The Hub is starting or stopping.",
}


def openapi_json(request: Request) -> Answer:
    """GET /openapi.json."""
    return Answer(200, {**document(), "servers": [{"url": request.host}]}, plain=True)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The document without ``servers``."""
    from nostro.hub.api.endpoints import ENDPOINTS

    items = {endpoint.item for endpoint in ENDPOINTS if endpoint.item is not None}
    bodies = {endpoint.body for endpoint in ENDPOINTS if endpoint.body is not None}
    shared = [d.PageMeta, d.PageLinks, d.Errors, d.OAuthRefusal]
    types = sorted({*items, *bodies, *shared}, key=lambda kind: str(kind.__name__))
    _, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        for mount in endpoint.mounts:
            path = (mount + endpoint.path).rstrip("/") or "/"
            paths.setdefault(path, {})[endpoint.verb.lower()] = _operation(endpoint, mount)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nostro", "version": VERSION, "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": _with_numbers(schemas), "securitySchemes": _SECURITY_SCHEMES},
    }


def _with_numbers(schema: Any) -> Any:
    """msgspec describes a Decimal as the text it usually is; the API writes numbers."""
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            return {**schema, "type": "number"}
        return {name: _with_numbers(member) for name, member in schema.items()}
    return [_with_numbers(member) for member in schema] if isinstance(schema, list) else schema


_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token of POST /oauth2/token."},
    "client": {"type": "http", "scheme": "basic", "description": "Client ID and Secret ID."},
}


def _operation(endpoint: Endpoint, mount: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation_id(endpoint, mount),
        "tags": [endpoint.resource or "discovery"],
        "summary": endpoint.summary,
        "security": _security(endpoint),
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint, mount)],
        "responses": _responses(endpoint, mount),
    }
    if endpoint.takes_file:
        file = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    elif endpoint.body is not None:
        described["requestBody"] = {"required": True, "content": _request_content(endpoint)}
    return described


def operation_id(endpoint: Endpoint, mount: str) -> str:
    """The name of the operation, unique in the document and stable."""
    words = re.findall(r"\w+", endpoint.path)
    name = endpoint.verb.lower() + "".join(word[:1].upper() + word[1:] for word in words)
    return name + "OfPontoConnect" if mount else name


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    from nostro.hub.api.endpoints import Access

    kinds: dict[Access, list[dict[str, list[str]]]] = {
        Access.OPEN: [],
        Access.OPTIONAL: [{}, {"bearer": []}],
        Access.CLIENT: [{"client": []}],
    }
    return kinds.get(endpoint.access, [{"bearer": []}])


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in _PLACEHOLDER.findall(endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint, mount: str) -> list[dict[str, Any]]:
    asked = [_query(name, {}, text) for name, text in endpoint.filters]
    if endpoint.document is not d.Page:
        return asked
    # Any text is accepted as a size: what is no number counts as 10, what is above 100 as 100 (hub-api.md 5.7).
    size = "Items on a page: 1 to 100, 10 when absent or no number."
    other = "The other style of names is understood as well."
    bracket = "page[{}]" if mount else "{}"
    found = [_query(bracket.format("limit"), {}, f"{size} {other}")]
    for name, text in _CURSORS.items():
        cursor = {"type": "string", "anyOf": [{"format": "uuid"}, {"maxLength": 0}]}
        found.append(_query(bracket.format(name), cursor, text))
    return found + asked


_CURSORS = {
    "after": "The id of an item: the page begins with the next older one.",
    "before": "The id of an item: the page ends with the next newer one.",
}


def _query(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


def _responses(endpoint: Endpoint, mount: str) -> dict[str, Any]:
    from nostro.hub.api.endpoints import Access

    token_call = endpoint.access is Access.CLIENT
    answers = {str(endpoint.status): {"description": endpoint.summary, "content": _content(endpoint, mount)}}
    for status in _refusals(endpoint):
        schema = _OAUTH_ERROR if token_call and status in {400, 401} else _ERROR
        content: dict[str, Any] = {media: {"schema": schema} for media in _MEDIA}
        answers[str(status)] = {"description": _STATUSES[status], "content": content}
    return answers


def _refusals(endpoint: Endpoint) -> list[int]:
    from nostro.hub.api.endpoints import Access

    statuses = [400, 405, 429, 500, 503]
    if endpoint.access is not Access.OPEN:
        statuses.append(401)
    if endpoint.access not in {Access.OPEN, Access.OPTIONAL, Access.CLIENT}:
        statuses.append(403)
    if "{" in endpoint.path or endpoint.takes_file:
        statuses.append(404)
    if endpoint.verb in {"POST", "PATCH"}:
        statuses.append(409)
    return sorted(statuses)


def _content(endpoint: Endpoint, mount: str) -> dict[str, Any]:
    if endpoint.media_types:
        return {media: {"schema": {"type": "string", "format": "binary"}} for media in endpoint.media_types}
    entry: dict[str, Any] = {"schema": _answer_schema(endpoint)}
    example = examples.answer_of(endpoint.verb, endpoint.path, mount)
    if example is not None:
        entry["example"] = example
    return dict.fromkeys(_MEDIA, entry)


def _answer_schema(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.item is None:
        return {"type": "object"}
    item = {"$ref": _REFERENCE.format(name=endpoint.item.__name__)}
    properties: dict[str, Any]
    if endpoint.document is d.Page:
        properties = {
            "data": {"type": "array", "items": item},
            "meta": {"$ref": _REFERENCE.format(name="PageMeta")},
            "links": {"$ref": _REFERENCE.format(name="PageLinks")},
        }
    elif endpoint.document is d.SynchronizationState:
        properties = {"data": item, "status": {"type": "string"}}
    elif endpoint.document is d.One:
        properties = {"data": item}
    else:
        return item
    return {"type": "object", "properties": properties, "required": list(properties)}


def _request_content(endpoint: Endpoint) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name=endpoint.body.__name__)}
    if endpoint.document is dict or endpoint.item is d.Token:
        return {media: {"schema": schema} for media in ("application/x-www-form-urlencoded", "application/json")}
    data = {"type": "object", "properties": {"attributes": schema}, "required": ["attributes"]}
    entry: dict[str, Any] = {"schema": {"type": "object", "properties": {"data": data}, "required": ["data"]}}
    example = examples.body_of(endpoint.verb, endpoint.path)
    if example is not None:
        entry["example"] = example
    return dict.fromkeys(_MEDIA, entry)
