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
_PARTNERS = [
    {"name": "q", "in": "query", "schema": {"type": "string"}},
    {"name": "archived", "in": "query", "schema": {"type": "boolean", "default": False}},
]
_IDEMPOTENCY = {
    "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255},
    "description": "The same key gives the first answer again for 24 hours.",
}  # fmt: skip
#: What is one thing without an id in its address.
_SINGLE = {"company", "reconcile-settings", "document-settings"}
_ERRORS = {"type": "object", "required": ["errors"], "properties": {"errors": {"type": "array", "items": {
    "type": "object", "required": ["code", "detail", "meta"],
    "properties": {"code": {"type": "string"}, "detail": {"type": "string"}, "meta": {"type": "object"}},
}}}}  # fmt: skip


_UUID = {"type": "string", "format": "uuid"}
_DAY = {"type": ["string", "null"], "format": "date"}
_AMOUNT = {"type": ["number", "string"], "description": "Exact; a text keeps digits that a program would round."}
_FLAG = {"type": "boolean"}
_UUIDS = {"type": "array", "items": _UUID, "minItems": 1, "maxItems": 100}
_TEXT = {"type": "string", "maxLength": 2000}
_REFERENCE = {"type": "string", "maxLength": 35}
#: Attributes that are no plain text.
_TYPES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("accountId", "journalId", "entryId", "ruleId", "keptId", "numberId"), _UUID),
    "partnerId": {"type": ["string", "null"], "format": "uuid"},
    "file": {"type": "string", "contentEncoding": "base64", "description": "At most 700 kB before it is encoded."},
    "version": {"type": "integer", "minimum": 0, "description": "That of the draft as it was read."},
    "graceDays": {"type": "integer", "minimum": 0}, "lookBackMonths": {"type": "integer", "minimum": 1},
    "reconcileMode": {"enum": ["edit", "keep_suspense"]}, "references": {"enum": ["country", "rf", "none"]},
    "purpose": {"enum": ["receivable", "payable"]},
    "sides": {"type": "array", "maxItems": 100, "items": {
        "type": "object", "required": ["accountId", "amount"],
        "properties": {
            "accountId": _UUID, "amount": _AMOUNT, "partnerName": _TEXT, "label": _TEXT, "dueDate": _DAY,
            "structuredReference": _TEXT,
        },
    }},
    "rests": {"type": "array", "minItems": 1, "maxItems": 10, "items": {
        "type": "object", "required": ["accountId"],
        "properties": {"accountId": _UUID, "amount": _AMOUNT, "taxPercent": _AMOUNT, "label": _TEXT},
    }},
    **dict.fromkeys(("itemIds", "lineIds", "otherIds", "ruleIds", "transactionIds"), _UUIDS),
    **dict.fromkeys(("date", "dueDate", "fetchFrom", "validFrom", "first", "last", "discountUntil"), _DAY),
    **dict.fromkeys(("lockDate", "salesLockDate", "purchaseLockDate", "bankLockDate", "hardLockDate"), _DAY),
    **dict.fromkeys(("amount", "rate", "discountPercent"), _AMOUNT),
    **dict.fromkeys(
        ("automaticSynchronization", "confirmedNumber", "declined", "toCheck", "active", "applies",
         "transactions", "balances", "enabled", "remember"), _FLAG
    ),
    "kind": {"type": "string", "description": "bank or credit_card; invoice, bill, misc, ...; manual or automated"},
    "role": {"enum": ["reader", "clerk", "accountant", "owner"]},
    "email": {"type": "string", "format": "email"},
    "hubUrl": {"type": "string", "format": "uri", "maxLength": 300},
    "currency": {"type": "string", "pattern": "^[A-Za-z]{3}$"},
    "fetchTimes": {"type": "array", "maxItems": 24, "items": {"type": "string", "description": "08:00"}},
    "addresses": {"type": "array", "maxItems": 100, "items": {"type": "string"}},
    "definition": {"type": "object", "description": "As a rule shows it."},
    "table": {"type": "integer", "description": "The number of a table of an archive; 0 is the file itself."},
    "mapping": {"type": "object", "description": "What the columns mean, as of `nostro convert --mapping`."},
    "accounts": {"type": "array", "maxItems": 100, "items": {
        "type": "object", "required": ["id", "decision"],
        "properties": {"id": _UUID, "decision": {"enum": ["import", "create", "skip"]}},
    }},
    "state": {"enum": ["outstanding", "rejected", "cancelled"]},
    "discountTax": {"enum": ["always", "on_early_payment", "never"]},
    "taxes": {"type": "array", "maxItems": 100, "items": {
        "type": "object", "required": ["percent", "net"],
        "properties": {"percent": _AMOUNT, "net": _AMOUNT, "tax": _AMOUNT},
    }},
    "payments": {"type": "array", "minItems": 1, "maxItems": 100, "items": {
        "type": "object", "required": ["itemId"],
        "properties": {"itemId": _UUID, "amount": _AMOUNT, "endToEndId": _REFERENCE},
    }},
    **dict.fromkeys(("batchReference", "messageId"), _REFERENCE),
    "rows": {"type": "array", "minItems": 1, "maxItems": 100, "items": {
        "type": "object", "required": ["accountId"],
        "properties": {
            "accountId": _UUID, "action": {"enum": ["create", "link", "skip"]}, "journalId": _UUID,
            "grouping": {"type": "string"}, "fetchSchedule": {"type": "string"}, "fetchFrom": _DAY,
            "opening": {"type": "string"}, "openingAmount": _AMOUNT, "openingAccountId": _UUID,
            "exchangeRate": _AMOUNT, "confirmedNumber": _FLAG, "changedCurrency": _FLAG,
        },
    }},
}  # fmt: skip
_RESOURCE = {"type": "object", "required": ["type", "id", "attributes"], "properties": {
    "type": {"type": "string"}, "id": {"type": "string"}, "attributes": {"type": "object"},
    "relationships": {"type": "object"},
}}  # fmt: skip
_ONE = {"type": "object", "required": ["data"], "properties": {"data": {"$ref": "#/components/schemas/Resource"}}}
_LIST = {"type": "object", "required": ["data", "meta"], "properties": {
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Resource"}},
    "meta": {"type": "object", "required": ["paging"], "properties": {"paging": {
        "type": "object", "required": ["after"], "properties": {"after": {"type": ["string", "null"]}},
    }}},
}}  # fmt: skip
#: Verbs that answer with a list although their name does not say so.
_LISTING = {"create_links", "reload", "fetch_connection", "order_rules", "order"}


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
            "schemas": {"Errors": _ERRORS, "Resource": _RESOURCE, "One": _ONE, "List": _LIST},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [_KEY] if "<uuid:key>" in endpoint.path else []
    if endpoint.method == "GET" and not endpoint.path.endswith("<uuid:key>") and endpoint.path not in _SINGLE:
        parameters += _PAGING
    if endpoint.handler.__name__ in {"list_missing", "list_duplicates"}:
        names = ["since"] if endpoint.handler.__name__ == "list_duplicates" else ["first", "last"]
        parameters += [{"name": name, "in": "query", "schema": {"type": "string", "format": "date"}} for name in names]
    if endpoint.path == "lines":
        parameters += _LINES
    if endpoint.handler.__name__ == "list_partners":
        parameters += _PARTNERS
    parameters += [
        {"name": name, "in": "query", "description": meaning,
         "schema": _UUID if name.endswith("Id") else _TEXT} for name, meaning in endpoint.parameters.items()
    ]  # fmt: skip
    errors = {
        "description": "An error",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
    }
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": {"$ref": _answer(endpoint)}}}},
            "default": errors,
        },
    }
    if endpoint.method == "POST":
        parameters.append(_IDEMPOTENCY)
        operation["requestBody"] = _body(endpoint)
    return operation


def _answer(endpoint: Endpoint) -> str:
    name = endpoint.handler.__name__
    return f"#/components/schemas/{'List' if name.startswith('list_') or name in _LISTING else 'One'}"


def _body(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.takes_file:
        return {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    required = [name for name in endpoint.attributes if not name.endswith("?")]
    attributes = {
        "type": "object",
        "properties": {name.rstrip("?"): _TYPES.get(name.rstrip("?"), _TEXT) for name in endpoint.attributes},
        "required": required,
    }
    data = {"type": "object", "properties": {"attributes": attributes}}
    schema = {"type": "object", "properties": {"data": data}}
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}
