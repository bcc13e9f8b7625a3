"""Whether an answer looks like the example that the documentation shows of it."""

from __future__ import annotations

import json
from typing import Any

from tests.hub.api.client import Reply

from nostro.hub.api import examples


def _shape(value: Any) -> Any:
    """Member names all the way down; of a list its first item. What may be null is any value, and so is an empty list.
    A list may have neighbours."""
    if isinstance(value, dict):
        return {name: _shape(member) for name, member in value.items() if name not in {"next", "prev"}}
    return [_shape(value[0])] if isinstance(value, list) and value else "value"


def require_shape_of_example(reply: Reply, verb: str, path: str, mount: str = "") -> None:
    """Fails where there is no example of this call, or one with other members, types of resources or kinds."""
    shown = examples.answer_of(verb, path, mount)
    assert shown is not None, f"{verb} {path} has no example"
    assert _shape(reply.json) == _shape(shown), f"{verb} {path}"
    assert _types(json.loads(reply.body)) == _types(shown), f"{verb} {path}"


def _types(document: Any) -> Any:
    data = document.get("data") if isinstance(document, dict) else None
    first = data[0] if isinstance(data, list) and data else data
    return first.get("type") if isinstance(first, dict) else None
