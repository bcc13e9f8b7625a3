"""TLS is checked against the name, although the connection goes to an address that was resolved before."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.http.servers import QuietHandler, http_server

from nostro.http import Door, DoorSettings, Unreachable


class Hello(QuietHandler):
    def do_GET(self) -> None:
        self.answer(200, b"hello")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for bank.example, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bank.example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "bank.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    with http_server(Hello) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server.server_port


def settings_trusting(certificate: Path) -> DoorSettings:
    context = ssl.create_default_context(cafile=certificate)
    return DoorSettings(allow_loopback_http=True, ssl_context=context, connect_timeout_s=2)


def test_the_certificate_of_the_name_is_accepted(port: int, certificate: Path) -> None:
    with Door(settings_trusting(certificate), resolve=lambda host, port: ["127.0.0.1"]) as door:
        assert door.request("GET", f"https://bank.example:{port}/", request_id="1").body == b"hello"


def test_another_name_at_the_same_address_is_not(port: int, certificate: Path) -> None:
    door = Door(settings_trusting(certificate), resolve=lambda host, port: ["127.0.0.1"])
    with door, pytest.raises(Unreachable, match="certificate") as caught:
        door.request("GET", f"https://other.example:{port}/", request_id="1")
    assert not caught.value.request_sent


def test_a_certificate_of_nobody_known_is_not(port: int) -> None:
    settings = DoorSettings(allow_loopback_http=True, connect_timeout_s=2)
    with (
        Door(settings, resolve=lambda host, port: ["127.0.0.1"]) as door,
        pytest.raises(Unreachable, match="certificate"),
    ):
        door.request("GET", f"https://bank.example:{port}/", request_id="1")
