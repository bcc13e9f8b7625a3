"""The OpenAPI document, made from the table of endpoints."""

from __future__ import annotations

from typing import Any

from nostro.books.api.routing import ENDPOINTS, Endpoint

_KEY = {"name": "key", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_PAGING = [
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}},
    {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "meta.paging.after of a page"},
]
_LINES = [
    {"name": "journal", "in": "query", "schema": {"type": "string", "format": "uuid"}},
    {"name": "filter", "in": "query", "schema": {"enum": ["all", "not_matched", "to_check", "held"]}},
    {"name": "q", "in": "query", "schema": {"type": "string"}},
]
_IDEMPOTENCY = {
    "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255},
    "description": "The same key gives the first answer again for 24 hours.",
}  # fmt: skip
_ERRORS = {"type": "object", "required": ["errors"], "properties": {"errors": {"type": "array", "items": {
    "type": "object", "required": ["code", "detail", "meta"],
    "properties": {"code": {"type": "string"}, "detail": {"type": "string"}, "meta": {"type": "object"}},
}}}}  # fmt: skip


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        path = "/books/api/" + endpoint.path.replace("<uuid:key>", "{key}")
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nostro Books", "version": "1"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Errors": _ERRORS},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [_KEY] if "<uuid:key>" in endpoint.path else []
    if endpoint.method == "GET" and not endpoint.path.endswith("<uuid:key>") and endpoint.path != "company":
        parameters += _PAGING
    if endpoint.path == "lines":
        parameters += _LINES
    errors = {
        "description": "An error",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
    }
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {"200": {"description": "Done"}, "default": errors},
    }
    if endpoint.method == "POST":
        parameters.append(_IDEMPOTENCY)
        operation["requestBody"] = _body(endpoint)
    return operation


def _body(endpoint: Endpoint) -> dict[str, Any]:
    required = [name for name in endpoint.attributes if not name.endswith("?")]
    attributes = {
        "type": "object",
        "properties": {name.rstrip("?"): {} for name in endpoint.attributes},
        "required": required,
    }
    data = {"type": "object", "properties": {"attributes": attributes}}
    schema = {"type": "object", "properties": {"data": data}}
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}
