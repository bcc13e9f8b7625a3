"""One request, read from the WSGI environment without trusting a byte of it (hub-api.md section 2)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec
from django.conf import settings

from nostro.hub.api.errors import ApiError, validation
from nostro.hub.integrations.personal import Person
from nostro.hub.integrations.queries import Grantee, Holder
from nostro.hub.vendors.models import Application
from nostro.web.received import ReceivedFile

Environ = dict[str, Any]

MAX_BODY_BYTES = 1024 * 1024
MAX_QUERY_BYTES = 8 * 1024
MAX_PARAMETERS = 100
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_SNAKE = re.compile(r"_([a-z])")


@dataclass(slots=True)
class Request:
    """What a handler gets. ``parameters`` are the ids of the path, ``query`` holds the last value of each name."""

    environ: Environ
    request_id: str
    verb: str
    mount: str  # "" or "/ponto-connect"
    path: tuple[str, ...]  # segments below the mount
    now: datetime
    parameters: tuple[str, ...] = ()
    grantee: Grantee | None = None
    application: Application | None = None  # of a vendor that shows a client token
    acting: Person | None = None  # who shows a personal access token
    holder: Holder | None = None  # whose credentials were refused, or only exchanged for a token: for its log
    query: dict[str, str] = field(default_factory=dict)
    file: ReceivedFile | None = None  # the body of an endpoint that takes a file
    _body: bytes | None = None
    _host: str = ""

    @property
    def host(self) -> str:
        if not self._host:
            self._host = public_url(self.environ)
        return self._host

    @property
    def base(self) -> str:
        return self.host + self.mount

    @property
    def integration(self) -> Grantee:
        """The caller of an endpoint that requires a token."""
        if self.grantee is None:
            raise AssertionError("this endpoint is declared without a token")
        return self.grantee

    @property
    def vendor(self) -> Application:
        """The caller of an endpoint that requires a client token."""
        if self.application is None:
            raise AssertionError("this endpoint is declared without a client token")
        return self.application

    @property
    def person(self) -> Person:
        """The caller of an endpoint that requires a personal access token."""
        if self.acting is None:
            raise AssertionError("this endpoint is declared without a personal access token")
        return self.acting

    @property
    def caller_id(self) -> UUID:
        """Integration, personal token or vendor: whose idempotency keys and rate limit count."""
        if self.grantee is not None:
            return self.grantee.integration_id
        return self.vendor.id if self.acting is None else self.acting.token_id

    @property
    def organization_id(self) -> UUID | None:
        """The organization that is acted for; None for a vendor."""
        if self.grantee is not None:
            return self.grantee.organization_id
        return None if self.acting is None else self.acting.organization.id

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = read_body(self.environ)
        return self._body

    @property
    def received(self) -> ReceivedFile:
        """The file of an endpoint that takes one."""
        if self.file is None:
            raise AssertionError("this endpoint is declared without a file")
        return self.file

    @property
    def body_checksum(self) -> bytes:
        """SHA-256 of the body: with the same idempotency key it must be the same."""
        return hashlib.sha256(self.body).digest() if self.file is None else self.file.checksum

    @property
    def read_body(self) -> bytes:
        """The body as far as the request needed it; empty when nobody has read it."""
        return self._body or b""


def read_body(environ: Environ) -> bytes:
    """The body, at most MAX_BODY_BYTES. Raises validationError beyond that or for a length that is no number."""
    stream = environ["wsgi.input"]
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length:
        if not (length.isascii() and length.isdigit()):
            raise validation("The header Content-Length is not a number.")
        wanted = int(length[:20])
    elif environ.get("wsgi.input_terminated"):
        wanted = MAX_BODY_BYTES + 1  # chunked: the server ends the stream where the body ends
    else:
        return b""
    if length and wanted > MAX_BODY_BYTES:
        raise _too_large()
    body: bytes = stream.read(wanted) if wanted else b""
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    return body


def _too_large() -> ApiError:
    return validation(f"The body is larger than {MAX_BODY_BYTES} bytes.")


def parse_query(environ: Environ) -> dict[str, str]:
    """Names to values; of a repeated name the last counts (2.1). Brackets may be raw or percent-encoded."""
    text = environ.get("QUERY_STRING") or ""
    if not text:
        return {}
    if len(text) > MAX_QUERY_BYTES:
        raise validation(f"The query is longer than {MAX_QUERY_BYTES} bytes.")
    return parse_form(text)


def parse_form(text: str) -> dict[str, str]:
    """Decode ``a=1&b=2``. What is not UTF-8, and NUL, which PostgreSQL cannot hold, become replacement marks."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise validation(f"More than {MAX_PARAMETERS} parameters.") from None
    return {_storable(name): _storable(value) for name, value in pairs}


def _storable(text: str) -> str:
    if text.isprintable() and text.isascii():
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def parse_json(body: bytes) -> Any:
    """The JSON value, numbers as Decimal. Raises validationError for anything that is no JSON or too deep."""
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError):
        raise validation("The body is not valid JSON, or it is nested too deeply.", pointer="/") from None


_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def attributes(request: Request) -> dict[str, Any]:
    """``data.attributes`` of the body, names in camelCase; camelCase wins over snake_case (2.4)."""
    document = parse_json(request.body)
    data = document.get("data") if isinstance(document, dict) else None
    given = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(given, dict):
        raise validation("The body needs an object at data.attributes.", pointer="/data/attributes")
    return in_camel_case(given)


def in_camel_case(given: dict[str, Any]) -> dict[str, Any]:
    """Names in camelCase; where both forms are there, camelCase wins (2.4)."""
    renamed = {_camel(name): value for name, value in given.items() if "_" in name}
    return {**renamed, **{name: value for name, value in given.items() if "_" not in name}}


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda match: match.group(1).upper(), name)


def parse_id(text: object) -> UUID | None:
    """A UUID in its usual 36 characters, else None."""
    return UUID(text) if isinstance(text, str) and _UUID.fullmatch(text) else None


def public_url(environ: Environ) -> str:
    """The configured public address by which the client came, else the first configured one (2.7)."""
    host, scheme = environ.get("HTTP_HOST", ""), environ.get("wsgi.url_scheme", "http")
    if settings.SECURE_PROXY_SSL_HEADER:
        header, secure = settings.SECURE_PROXY_SSL_HEADER
        scheme = "https" if environ.get(header) == secure else "http"
        host = environ.get("HTTP_X_FORWARDED_HOST") or host
    return _public_url(tuple(settings.PUBLIC_URLS), host.lower(), scheme)


@lru_cache(maxsize=256)
def _public_url(configured: tuple[str, ...], host: str, scheme: str) -> str:
    candidates = [url for url in configured if _host(url) == _without_implied_port(host, urlsplit(url).scheme)]
    same_scheme = [url for url in candidates if urlsplit(url).scheme == scheme]
    return (same_scheme or candidates or list(configured))[0]


def _host(url: str) -> str:
    """Host and port of a configured address."""
    parts = urlsplit(url)
    return _without_implied_port(parts.netloc.lower(), parts.scheme)


def _without_implied_port(host: str, scheme: str) -> str:
    return host.removesuffix(":443" if scheme == "https" else ":80")


def accepts_vendor_type(environ: Environ) -> bool:
    return "application/vnd.api+json" in environ.get("HTTP_ACCEPT", "")


def prefers_html(environ: Environ) -> bool:
    """Whether this is a browser that wants a page: no Authorization, and HTML named before JSON in Accept (3.1)."""
    if "HTTP_AUTHORIZATION" in environ:
        return False
    qualities = {"html": 0.0, "json": 0.0}
    for part in environ.get("HTTP_ACCEPT", "")[:1000].lower().split(","):
        media, *rest = (piece.strip() for piece in part.split(";"))
        kind = {"text/html": "html", "application/xhtml+xml": "html"}.get(media)
        if media in {"application/json", "application/vnd.api+json"}:
            kind = "json"
        if kind:
            qualities[kind] = max(qualities[kind], _quality(rest))
    return qualities["html"] > qualities["json"]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def bearer(environ: Environ) -> str:
    """The bearer token, ``""`` for an empty or absent one. Any other scheme counts as a wrong token (4.5)."""
    header = str(environ.get("HTTP_AUTHORIZATION", "")).strip()
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return header
