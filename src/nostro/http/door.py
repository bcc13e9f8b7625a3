"""The one door for outgoing requests: guards, limits, timeouts, request ids (DESIGN.md section 1).

Every request of the house leaves through a :class:`Door`. It connects to allowed addresses only, speaks https
with certificate checks, follows no redirect, keeps no cookie, reads no proxy from the environment, and stops
at its limits of time and size (connectors.md 1.1 rules 4 and 5). A door is thread-safe and pools its
connections: make one per process, not one per request.
"""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType

import httpcore
import httpx

from nostro.http.errors import DoorError, Refused, TimedOut, TooLarge, Unreachable
from nostro.http.transport import (
    AddressPolicy,
    Exchange,
    GuardedBackend,
    GuardedTransport,
    Monotonic,
    Resolve,
    current_exchange,
    resolve_with_system,
)

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 45.0
#: The whole exchange, from the connection to the last byte; a drip of bytes ends here.
TOTAL_TIMEOUT_S = 120.0
MAX_BODY_BYTES = 20 * 1024 * 1024
MAX_CONNECTIONS = 100
KEEPALIVE_S = 30.0
MAX_URL_LENGTH = 8192
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Limits and permissions of a door. The permissions are off unless the operator turns them on."""

    allow_private: bool = False
    allow_loopback_http: bool = False
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    read_timeout_s: float = READ_TIMEOUT_S
    total_timeout_s: float = TOTAL_TIMEOUT_S
    max_body_bytes: int = MAX_BODY_BYTES
    max_connections: int = MAX_CONNECTIONS
    user_agent: str = "Nostro"
    #: For client certificates (QWAC) or a private certificate authority; None trusts the usual authorities.
    ssl_context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. ``headers`` has lower-case names; ``body`` is decompressed and within the limit."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    request_id: str

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, ``""`` where the other side gave none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Door:
    """Sends requests. ``resolve`` and ``monotonic`` are given by tests; both have the system's as default."""

    def __init__(
        self,
        settings: DoorSettings | None = None,
        *,
        resolve: Resolve = resolve_with_system,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self.settings = settings = settings or DoorSettings()
        self._monotonic = monotonic
        policy = AddressPolicy(settings.allow_private, settings.allow_loopback_http)
        pool = httpcore.ConnectionPool(
            ssl_context=settings.ssl_context or usual_authorities(),
            max_connections=settings.max_connections,
            max_keepalive_connections=settings.max_connections,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=GuardedBackend(policy, resolve, monotonic),
        )
        self._client = httpx.Client(
            transport=GuardedTransport(pool),
            timeout=httpx.Timeout(
                settings.read_timeout_s,
                connect=settings.connect_timeout_s,
                pool=settings.connect_timeout_s,
            ),
            follow_redirects=False,
            trust_env=False,
            # Cookies of one tenant's session must not travel with the next tenant's request.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": settings.user_agent, "Accept-Encoding": "gzip"},
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        request_id: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_body_bytes: int | None = None,
        total_timeout_s: float | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status; redirects are answers too.

        ``request_id`` travels as ``X-Request-ID``. The last two arguments override the door's limits. Raises
        :class:`Refused`, :class:`Unreachable`, :class:`TimedOut` or :class:`TooLarge`; each says in
        ``request_sent`` whether the request may have reached the other side.
        """
        target = self._checked_url(url)
        seconds = self.settings.total_timeout_s if total_timeout_s is None else total_timeout_s
        exchange = Exchange(target.scheme, target.host, self._monotonic() + seconds)
        token = current_exchange.set(exchange)
        try:
            outgoing = self._client.build_request(
                method, target, headers={**(headers or {}), "X-Request-ID": request_id}, content=content
            )
            limit = self.settings.max_body_bytes if max_body_bytes is None else max_body_bytes
            return self._send(outgoing, limit, url, request_id)
        except DoorError:
            raise
        except Exception as error:
            translated = _translated(error, exchange)
            # A library's complaint about a malformed request quotes the header, which may be a token.
            raise translated from (None if isinstance(translated, Refused) else error)
        finally:
            current_exchange.reset(token)

    def _send(self, outgoing: httpx.Request, limit: int, url: str, request_id: str) -> Answer:
        answer = self._client.send(outgoing, stream=True)
        try:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            body = _read_body(answer.iter_raw(_CHUNK_BYTES), headers.get("content-encoding", ""), limit)
        finally:
            answer.close()
        return Answer(answer.status_code, headers, body, url, request_id)

    def _checked_url(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(url if len(url) <= MAX_URL_LENGTH else "")
        except (httpx.InvalidURL, ValueError):
            raise Refused("the address cannot be read") from None
        if not target.host or not 0 < (target.port or 443) < 65536:
            raise Refused("the address has no host or no valid port, or is too long")
        if target.scheme not in {"https", "http"}:
            raise Refused(f"{target.host} must be reached over https")
        if target.scheme == "http" and not self.settings.allow_loopback_http:
            raise Refused(f"{target.host} must be reached over https")
        if target.userinfo:
            # It would show up wherever the address is shown; the caller sends an Authorization header
            # instead.
            raise Refused(f"the address of {target.host} contains a user name or password")
        return target

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def __enter__(self) -> Door:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def usual_authorities() -> ssl.SSLContext:
    """Mozilla's list as httpx brings it (or ``SSL_CERT_FILE``), and the machine's own, where a company adds its own.

    A client certificate may be loaded into it. A slim container has no list of its own, so the machine's alone would
    not do.
    """
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def _read_body(chunks: Iterable[bytes], encoding: str, limit: int) -> bytes:
    """Join the chunks, at most ``limit`` bytes after decompression. Raises :class:`TooLarge`."""
    pieces: list[bytes] = []
    size = 0
    for piece in _decoded(chunks, encoding.strip().lower(), limit):
        size += len(piece)
        if size > limit:
            raise TooLarge(f"the answer is larger than {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _decoded(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """Decompress gzip and deflate, never producing more than ``limit`` + 1 bytes from one chunk."""
    if encoding in {"", "identity"}:
        yield from chunks
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise Unreachable(f"the answer has the unknown encoding {encoding[:20]!r}", request_sent=True)
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
    for chunk in chunks:
        yield decompressor.decompress(chunk, limit + 1)
        if decompressor.unconsumed_tail:
            raise TooLarge(f"the answer is larger than {limit} bytes")
    yield decompressor.flush()
    if not decompressor.eof:
        raise Unreachable("the compressed answer is cut", request_sent=True)


def _translated(error: Exception, exchange: Exchange) -> DoorError:
    """The error of a library as one of the door's own."""
    host, sent = exchange.host, exchange.sent
    if isinstance(error, httpcore.TimeoutException | httpx.TimeoutException):
        what = "did not answer in time" if sent else "could not be reached in time"
        return TimedOut(f"{host} {what}", request_sent=sent)
    if isinstance(error, httpcore.LocalProtocolError | httpx.LocalProtocolError | UnicodeError | ValueError):
        return Refused(f"the request to {host} is malformed")
    if isinstance(error, zlib.error):
        return Unreachable(f"{host} sent a damaged compressed answer", request_sent=True)
    if _caused_by(error, ssl.SSLError):
        return Unreachable(f"the certificate or encryption of {host} is not valid", request_sent=sent)
    what = "broke the connection or sent no valid answer" if sent else "cannot be reached"
    return Unreachable(f"{host} {what}", request_sent=sent)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    for _ in range(10):
        if error is None:
            return False
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
