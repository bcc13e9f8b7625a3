"""The door, against real servers on this machine."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import traceback
from collections.abc import Iterator

import pytest
from tests.http.servers import QuietHandler, http_server, raw_server

from nostro.http import Door, DoorError, DoorSettings, Refused, TimedOut, TooLarge, Unreachable

REQUEST_ID = "0193a1b2-0000-7000-8000-000000000001"
LOCAL = DoorSettings(allow_loopback_http=True, connect_timeout_s=1, read_timeout_s=1, total_timeout_s=2)


class Echo(QuietHandler):
    """Answers with what it got; some paths misbehave."""

    seen: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        self.seen.append((self.command, self.path, dict(self.headers), b""))
        if self.path == "/redirect":
            self.answer(302, b"", Location="/elsewhere")
        elif self.path == "/cookie":
            self.answer(200, b"", Set_Cookie="session=tenant-a")
        elif self.path == "/gzip":
            self.answer(200, gzip.compress(b"a" * 1000), Content_Encoding="gzip")
        elif self.path == "/bomb":
            self.answer(200, gzip.compress(b"a" * 1_000_000), Content_Encoding="gzip")
        elif self.path == "/cut":
            self.answer(200, gzip.compress(b"a" * 1000)[:-9], Content_Encoding="gzip")
        elif self.path == "/odd":
            self.answer(200, b"x", Content_Encoding="br")
        else:
            self.answer(200, b"hello", Content_Type="Text/Plain; charset=utf-8")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        self.answer(401, b"no")


@pytest.fixture
def echo() -> Iterator[str]:
    Echo.seen = []
    with http_server(Echo) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_request_and_its_answer(echo: str) -> None:
    with Door(LOCAL) as door:
        got = door.request("GET", echo + "/a%2Fb?x=1&y=%20", request_id=REQUEST_ID, headers={"PSU-ID": "me"})
        posted = door.request("POST", echo + "/p", request_id=REQUEST_ID, content=b"{}")
    assert (got.status, got.body, got.content_type, got.request_id) == (200, b"hello", "text/plain", REQUEST_ID)
    method, path, headers, _ = Echo.seen[0]
    assert (method, path) == ("GET", "/a%2Fb?x=1&y=%20")
    assert headers["X-Request-ID"] == REQUEST_ID
    assert headers["PSU-ID"] == "me"
    assert (posted.status, Echo.seen[1][3]) == (401, b"{}")


def test_redirects_are_answers_and_not_followed(echo: str) -> None:
    with Door(LOCAL) as door:
        answer = door.request("GET", echo + "/redirect", request_id=REQUEST_ID)
    assert (answer.status, answer.headers["location"]) == (302, "/elsewhere")
    assert [path for _, path, _, _ in Echo.seen] == ["/redirect"]


def test_cookies_of_one_request_do_not_travel_with_the_next(echo: str) -> None:
    with Door(LOCAL) as door:
        door.request("GET", echo + "/cookie", request_id=REQUEST_ID)
        door.request("GET", echo + "/", request_id=REQUEST_ID)
    assert "Cookie" not in Echo.seen[1][2]


def test_connections_are_reused() -> None:
    ports = set()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            ports.add(self.client_address[1])
            self.answer(200, b"ok")

    with http_server(Handler) as server, Door(LOCAL) as door:
        for _ in range(3):
            door.request("GET", f"http://127.0.0.1:{server.server_port}/", request_id=REQUEST_ID)
    assert len(ports) == 1


def test_compressed_answers_are_read_within_the_limit(echo: str) -> None:
    with Door(LOCAL) as door:
        assert door.request("GET", echo + "/gzip", request_id=REQUEST_ID).body == b"a" * 1000
        with pytest.raises(TooLarge):
            door.request("GET", echo + "/bomb", request_id=REQUEST_ID, max_body_bytes=999_999)
        assert len(door.request("GET", echo + "/bomb", request_id=REQUEST_ID, max_body_bytes=10**6).body) == 10**6
        with pytest.raises(Unreachable, match="cut"):
            door.request("GET", echo + "/cut", request_id=REQUEST_ID)
        with pytest.raises(Unreachable, match="unknown encoding"):
            door.request("GET", echo + "/odd", request_id=REQUEST_ID)


def test_an_endless_body_is_stopped_at_the_limit() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(talk) as port, Door(LOCAL) as door, pytest.raises(TooLarge, match="100000 bytes") as caught:
        door.request("GET", f"http://127.0.0.1:{port}/", request_id=REQUEST_ID, max_body_bytes=100_000)
    assert caught.value.request_sent


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["in the headers", "in the body"])
def test_a_drip_of_bytes_ends_at_the_deadline(start: bytes) -> None:
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(start)
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 10_000:
            connection.sendall(bytes([byte]))
            if stop.wait(0.02):
                return

    with raw_server(talk) as port, Door(LOCAL) as door:
        began = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            door.request("GET", f"http://127.0.0.1:{port}/", request_id=REQUEST_ID, total_timeout_s=0.3)
        assert time.monotonic() - began < 1.5
        stop.set()
    assert caught.value.request_sent


def test_silence_ends_at_the_read_timeout() -> None:
    release = threading.Event()
    settings = DoorSettings(allow_loopback_http=True, read_timeout_s=0.1)
    with raw_server(lambda connection: release.wait(5) and None) as port, Door(settings) as door:
        with pytest.raises(TimedOut, match="did not answer") as caught:
            door.request("GET", f"http://127.0.0.1:{port}/", request_id=REQUEST_ID)
        release.set()
    assert caught.value.request_sent


def test_nothing_listens_so_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Door(LOCAL) as door, pytest.raises(Unreachable) as caught:
        door.request("GET", f"http://127.0.0.1:{port}/secret-path", request_id=REQUEST_ID)
    assert not caught.value.request_sent
    assert "secret-path" not in str(caught.value)


def test_a_name_that_does_not_resolve_was_not_sent() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with Door(resolve=resolve) as door, pytest.raises(Unreachable) as caught:
        door.request("GET", "https://bank.example/", request_id=REQUEST_ID)
    assert not caught.value.request_sent


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"]
)
def test_a_broken_answer_counts_as_sent(garbage: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(garbage)

    with raw_server(talk) as port, Door(LOCAL) as door, pytest.raises(Unreachable) as caught:
        door.request("GET", f"http://127.0.0.1:{port}/", request_id=REQUEST_ID)
    assert caught.value.request_sent


def test_https_with_a_server_that_has_no_certificate() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with raw_server(talk) as port, Door(LOCAL) as door, pytest.raises(Unreachable, match="certificate") as caught:
        door.request("GET", f"https://127.0.0.1:{port}/", request_id=REQUEST_ID)
    assert not caught.value.request_sent


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://2130706433:{port}/",
        "https://0x7f.1:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
    ],
)
def test_loopback_is_refused_unless_configured(url: str) -> None:
    connected = threading.Event()
    with raw_server(lambda connection: connected.set()) as port, Door() as door:
        with pytest.raises(Refused):
            door.request("GET", url.format(port=port), request_id=REQUEST_ID)
        assert not connected.wait(0.05)


@pytest.mark.parametrize("address", ["10.1.2.3", "169.254.169.254", "224.0.0.1", "fd00::1", "::1", "0.0.0.0"])
@pytest.mark.parametrize("company", [[], ["93.184.215.14"]], ids=["alone", "beside a public address"])
def test_a_name_that_leads_inside_is_refused(address: str, company: list[str]) -> None:
    with Door(resolve=lambda host, port: [*company, address]) as door, pytest.raises(Refused) as caught:
        door.request("GET", "https://bank.example/x", request_id=REQUEST_ID)
    assert not caught.value.request_sent


def test_metadata_addresses_are_refused_even_where_private_ones_are_allowed() -> None:
    settings = DoorSettings(allow_private=True, allow_loopback_http=True, connect_timeout_s=0.05)
    with Door(settings, resolve=lambda host, port: ["169.254.169.254"]) as door, pytest.raises(Refused):
        door.request("GET", "https://bank.example/", request_id=REQUEST_ID)
    with Door(settings, resolve=lambda host, port: ["10.255.255.1"]) as door, pytest.raises(DoorError) as caught:
        door.request("GET", "https://bank.example/", request_id=REQUEST_ID)
    assert not isinstance(caught.value, Refused)


def test_plain_http_goes_to_loopback_only() -> None:
    settings = DoorSettings(allow_private=True, allow_loopback_http=True)
    for address in ("93.184.215.14", "10.0.0.1"):
        with Door(settings, resolve=lambda host, port, a=address: [a]) as door, pytest.raises(Refused, match="https"):
            door.request("GET", "http://bank.example/", request_id=REQUEST_ID)


def test_the_checked_address_is_the_connected_one(echo: str) -> None:
    """A name that changes its answer after the check gains nothing: there is no second look-up."""
    port = int(echo.rpartition(":")[2])
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    with Door(LOCAL, resolve=lambda host, port: next(answers)) as door:
        answer = door.request("GET", f"http://bank.example:{port}/", request_id=REQUEST_ID)
    assert answer.status == 200
    assert next(answers) == ["10.0.0.1"]
    assert Echo.seen[0][2]["Host"] == f"bank.example:{port}"


def test_rebinding_to_this_machine_is_refused(echo: str) -> None:
    """First an allowed address, then this machine: every new connection is checked again."""
    port = int(echo.rpartition(":")[2])
    answers = iter([["203.0.113.1"], ["127.0.0.1"]])
    settings = DoorSettings(allow_private=True, connect_timeout_s=0.05)
    with Door(settings, resolve=lambda host, port: next(answers)) as door:
        with pytest.raises(DoorError) as first:
            door.request("GET", f"https://bank.example:{port}/", request_id=REQUEST_ID)
        with pytest.raises(Refused):
            door.request("GET", f"https://bank.example:{port}/", request_id=REQUEST_ID)
    assert not isinstance(first.value, Refused)
    assert Echo.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://bank.example/",
        "file:///etc/passwd",
        "bank.example",
        "https://user:password@bank.example/",
        "https://",
        "https://bank.example:99999/",
        "https://bank.example/" + "a" * 9000,
        "http://bank.example/",
    ],
)
def test_other_addresses_are_refused_without_showing_them(url: str) -> None:
    with Door() as door, pytest.raises(Refused) as caught:
        door.request("GET", url, request_id=REQUEST_ID)
    assert "password" not in str(caught.value).replace("user name or password", "")


def test_header_injection_is_refused(echo: str) -> None:
    with Door(LOCAL) as door, pytest.raises(Refused, match="malformed") as caught:
        door.request("GET", echo, request_id=REQUEST_ID, headers={"Consent-ID": "s3cret\r\nHost: evil"})
    assert "s3cret" not in "".join(traceback.format_exception(caught.value, limit=0))
    assert Echo.seen == []


def test_answers_and_errors_show_no_secrets(echo: str) -> None:
    with Door(LOCAL) as door:
        answer = door.request("GET", echo + "/?token=s3cret", request_id=REQUEST_ID)
    assert "s3cret" not in repr(answer)
    assert "hello" not in repr(answer)


def test_threads_share_a_door_without_mixing_deadlines(echo: str) -> None:
    results: list[int] = []

    with Door(LOCAL) as door:

        def many() -> None:
            results.extend(door.request("GET", echo, request_id=REQUEST_ID).status for _ in range(10))

        threads = [threading.Thread(target=many) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [200] * 80
