"""From a path to an endpoint (hub-api.md 2.1): repeated slashes are one, a trailing one is none, nothing redirects."""

from __future__ import annotations

from nostro.hub.api.endpoints import CONNECT, ENDPOINTS, ROOT, Endpoint
from nostro.hub.api.errors import method_not_allowed, unknown_path

#: First segments that belong to the API alone; everything under them is answered in JSON, known or not.
OWNED = frozenset(
    {
        "oauth2", "accounts", "synchronizations", "financial-institutions", "webhooks", "sandbox", "ponto-connect",
        "xs2a", "me", "organization-accounts", "users", "user-invitations", "integrations", "given-mandates",
        "received-mandates", "openapi.json", "bank-files", "account-files",
    }
)  # fmt: skip
#: Paths below these that are pages: the person who is asked for consent sees them.
PAGES = frozenset({("oauth2", "auth"), ("ponto-connect", "oauth2", "auth")})
MAX_PATH_BYTES = 2_000
_PARAMETER = "{}"
_Shape = tuple[str, ...]


def split(path_info: str) -> _Shape:
    """The segments of WSGI's PATH_INFO, empty ones left out. Bytes that are no UTF-8 become replacement marks."""
    text = path_info[:MAX_PATH_BYTES].encode("latin-1", "replace").decode("utf-8", "replace")
    return tuple(segment for segment in text.split("/") if segment)


def mount_of(segments: _Shape) -> tuple[str, _Shape]:
    """The mount and the segments below it."""
    if segments[:1] == ("ponto-connect",):
        return CONNECT, segments[1:]
    return ROOT, segments


def _table() -> dict[tuple[str, int, str], list[tuple[_Shape, dict[str, Endpoint]]]]:
    """Endpoints by mount, number of segments and the first of these, then by shape; few enough to be compared one after
    the other. No path begins with an id."""
    shapes: dict[tuple[str, _Shape], dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        shape = tuple(_PARAMETER if part.startswith("{") else part for part in split(endpoint.path))
        for mount in endpoint.mounts:
            shapes.setdefault((mount, shape), {})[endpoint.verb] = endpoint
    table: dict[tuple[str, int, str], list[tuple[_Shape, dict[str, Endpoint]]]] = {}
    for (mount, shape), verbs in shapes.items():
        table.setdefault((mount, len(shape), "".join(shape[:1])), []).append((shape, verbs))
    return table


_TABLE = _table()


def route(mount: str, segments: _Shape, verb: str) -> tuple[Endpoint, tuple[str, ...]]:
    """The endpoint and the ids of its path. Raises 404 for an unknown path, 405 for another verb on a known one.

    HEAD is answered like GET without a body.
    """
    for shape, verbs in _TABLE.get((mount, len(segments), segments[0] if segments else ""), ()):
        if all(expected in (_PARAMETER, given) for expected, given in zip(shape, segments, strict=True)):
            endpoint = verbs.get("GET" if verb == "HEAD" else verb)
            if endpoint is None:
                raise method_not_allowed(tuple(sorted(verbs)))
            ids = tuple(given for expected, given in zip(shape, segments, strict=True) if expected == _PARAMETER)
            return endpoint, ids
    raise unknown_path()
