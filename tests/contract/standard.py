"""The standard's own OpenAPI file as a judge of requests and answers, by JSON Schema (docs/decisions/0031)."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema import Draft4Validator, FormatChecker

FILE = Path(__file__).parent / "openapi" / "berlin-group-ais-1.3.11.yaml"
#: What the judge says of one exchange at most.
MAX_FAULTS = 3


@functools.cache
def read_standard() -> dict[str, Any]:
    """The contract; anchored patterns, because the standard means whole values, and one matching alternative is
    enough, because the alternatives of the authorisation endpoints overlap (the contract's README, Prism)."""
    found = yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    _anchor(found)
    return dict(found)


def _anchor(value: Any) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("oneOf"), list):
            value["anyOf"] = value.pop("oneOf")
        if isinstance(value.get("pattern"), str):
            value["pattern"] = f"^(?:{value['pattern']})$"
        for item in value.values():
            _anchor(item)
    elif isinstance(value, list):
        for item in value:
            _anchor(item)


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    while "$ref" in value:
        found: Any = read_standard()
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


@functools.cache
def _validator(reference: str) -> Draft4Validator:
    schema = {**json.loads(reference), "components": read_standard()["components"]}
    return Draft4Validator(schema, format_checker=FormatChecker())


def schema_faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What a schema finds wrong."""
    errors = _validator(json.dumps(schema, sort_keys=True)).iter_errors(value)
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in errors][:MAX_FAULTS]


@functools.cache
def template_of(path: str) -> str | None:
    """The contract's name of an address; None for one that it does not know."""
    for template in sorted(read_standard()["paths"], key=lambda each: (each.count("{"), each)):
        if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)), path):
            return str(template)
    return None


def request_faults(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> list[str]:
    """What is wrong with a request."""
    parts = urlsplit(url)
    template = template_of(parts.path)
    if template is None:
        return [f"{parts.path} is no address of the standard"]
    item = read_standard()["paths"][template]
    operation = item[method.lower()]
    sent = {name.lower(): value for name, value in headers.items()}
    places = {"header": sent, "query": dict(parse_qsl(parts.query, keep_blank_values=True))}
    found = []
    for parameter in map(resolve, (*item.get("parameters", ()), *operation.get("parameters", ()))):
        if parameter["in"] in places:
            name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
            found += _parameter_faults(parameter, places[parameter["in"]].get(name))
    return found + _body_faults(operation, body)


def _parameter_faults(parameter: dict[str, Any], value: str | None) -> list[str]:
    if value is None:
        return [f"{parameter['name']} is missing"] if parameter.get("required") else []
    schema = resolve(parameter["schema"])
    if schema.get("type") in {"boolean", "integer", "number"}:
        try:
            return [f"{parameter['name']}: {fault}" for fault in schema_faults(schema, json.loads(value))]
        except ValueError:
            return [f"{parameter['name']}: {value!r} is no {schema['type']}"]
    return [f"{parameter['name']}: {fault}" for fault in schema_faults(schema, value)]


def _body_faults(operation: dict[str, Any], body: bytes | None) -> list[str]:
    if "requestBody" not in operation or not body:
        return []
    content = resolve(operation["requestBody"])["content"]["application/json"]
    return schema_faults(content["schema"], json.loads(body))


def answer_faults(method: str, url: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What is wrong with an answer; ``headers`` in lower case."""
    template = template_of(urlsplit(url).path)
    if template is None:
        return []
    responses = read_standard()["paths"][template][method.lower()]["responses"]
    if str(status) not in responses:
        return [f"the standard knows no answer {status} here"]
    response = resolve(responses[str(status)])
    found = [] if "x-request-id" in headers else ["X-Request-ID is missing"]
    if "content" not in response:
        return found + (["a body where none belongs"] if body else [])
    kind = headers.get("content-type", "").split(";")[0].strip()
    if kind not in response["content"]:
        return [*found, f"{kind} is no content type of this answer"]
    if kind.endswith("json"):
        found += schema_faults(response["content"][kind]["schema"], json.loads(body))
    return found
