"""The transport below the door: guarded connections with a deadline.

The guard sits where the connection is made (a network backend of httpcore): the name is resolved once, every
resolved address is checked, and the socket is opened to exactly an address that was checked. TLS still
verifies the certificate against the name. A second resolution, the hole that DNS rebinding uses, does not
exist.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from nostro.http.addresses import kind_of
from nostro.http.errors import Refused

Resolve = Callable[[str, int], Sequence[str]]
Monotonic = Callable[[], float]

#: A name that resolves to more addresses than this is cut; nobody tries a seventeenth address.
MAX_ADDRESSES = 16


@dataclass
class Exchange:
    """One request on its way, seen by the sockets below it. ``deadline`` is an instant of the monotonic
    clock.
    """

    scheme: str
    host: str
    deadline: float
    sent: bool = False


#: The request the current thread is working on: httpcore's interface has no place for it.
current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


def resolve_with_system(host: str, port: int) -> list[str]:
    """The addresses of a name in the system's order of preference, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses are allowed beside public ones. Metadata and link-local addresses never are."""

    allow_private: bool = False
    allow_loopback_http: bool = False

    def check(self, scheme: str, host: str, address: str) -> None:
        """Raise :class:`Refused` unless ``scheme`` may be spoken to ``address``."""
        kind = kind_of(address)
        if scheme != "https" and kind != "loopback":
            raise Refused(f"{host} must be reached over https")
        allowed = (
            kind == "public"
            or (kind == "loopback" and self.allow_loopback_http)
            or (kind == "private" and self.allow_private)
        )
        if not allowed:
            raise Refused(f"{host} leads to an address inside this network, which is not allowed")


class GuardedBackend(httpcore.NetworkBackend):
    """Opens sockets to checked addresses only."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve, monotonic: Monotonic) -> None:
        self._policy = policy
        self._resolve = resolve
        self._monotonic = monotonic
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        exchange = current_exchange.get()
        try:
            addresses = list(self._resolve(host, port))[:MAX_ADDRESSES]
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from error
        # One forbidden address condemns the name: mixing it with a public one is how a guard is slipped past.
        for address in addresses:
            self._policy.check(exchange.scheme, host, address)
        failure: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                stream = self._backend.connect_tcp(
                    address, port, self._remaining(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return DeadlineStream(stream, self._monotonic)
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise Refused("local sockets are not allowed")

    def _remaining(self, timeout: float | None) -> float:
        return remaining(timeout, self._monotonic, httpcore.ConnectTimeout)


class DeadlineStream(httpcore.NetworkStream):
    """A socket whose every operation ends by the deadline of the current exchange.

    httpcore's own timeouts bound single reads; a peer that sends one byte at a time would satisfy them for
    ever.
    """

    def __init__(self, stream: httpcore.NetworkStream, monotonic: Monotonic) -> None:
        self._stream = stream
        self._monotonic = monotonic

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, remaining(timeout, self._monotonic, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        limit = remaining(timeout, self._monotonic, httpcore.WriteTimeout)
        current_exchange.get().sent = True
        self._stream.write(buffer, limit)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        limit = remaining(timeout, self._monotonic, httpcore.ConnectTimeout)
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, limit), self._monotonic)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def remaining(timeout: float | None, monotonic: Monotonic, expired: type[httpcore.TimeoutException]) -> float:
    """Seconds one socket operation may take: its own timeout, but not beyond the deadline of the exchange."""
    left = current_exchange.get().deadline - monotonic()
    if left <= 0:
        raise expired("the deadline of the whole request has passed")
    return left if timeout is None else min(left, timeout)


class GuardedTransport(httpx.BaseTransport):
    """httpx on a connection pool of httpcore with the guarded backend."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_AnswerStream(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _AnswerStream(httpx.SyncByteStream):
    """The body of an httpcore answer as httpx wants it."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
