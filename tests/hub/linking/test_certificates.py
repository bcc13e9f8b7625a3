"""The operator's certificates: read from files, shown to banks that want them and to nobody else."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.http.servers import QuietHandler, http_server
from tests.sandbox.tpp import Tpp

from nostro.cli import doctor
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking import certificates, connectors


@pytest.fixture(scope="module")
def tpp() -> Tpp:
    return Tpp("2025-06-01", "2036-06-01")


@pytest.fixture(scope="module")
def bank_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank's own, in one file with its key."""
    bank = Tpp("2025-06-01", "2036-06-01")
    path = tmp_path_factory.mktemp("bank") / "bank.pem"
    path.write_bytes(bank.key_pem() + bank.certificate_pem())
    return path


@pytest.fixture
def files(tpp: Tpp, tmp_path: Path, settings: Any) -> Path:
    (tmp_path / "own.pem").write_bytes(tpp.certificate_pem())
    (tmp_path / "own.key").write_bytes(tpp.key_pem("secret"))
    settings.TPP_CERTIFICATE = settings.TPP_SIGNING_CERTIFICATE = str(tmp_path / "own.pem")
    settings.TPP_KEY = settings.TPP_SIGNING_KEY = str(tmp_path / "own.key")
    settings.TPP_KEY_PASSWORD = "secret"
    return tmp_path


def test_both_are_read(files: Path, tpp: Tpp) -> None:
    found = certificates.operator_certificates()
    assert found.identity.presents_certificate
    assert found.identity.signer is not None
    assert found.identity.signer.certificate == tpp.certificate
    assert set(found.expiries) == {"connections", "requests"}
    assert not found.identity.problem


def test_without_settings_there_are_none() -> None:
    found = certificates.operator_certificates()
    assert (found.identity.presents_certificate, found.identity.signer, found.identity.problem) == (False, None, "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TPP_KEY_PASSWORD", "", "password"),
        ("TPP_KEY_PASSWORD", "another", "password"),
        ("TPP_CERTIFICATE", "/nowhere/own.pem", "No such file"),
        ("TPP_SIGNING_KEY", "/nowhere/own.key", "No such file"),
    ],
    ids=["no_password", "wrong_password", "no_certificate", "no_key"],
)
def test_a_fault_is_told_and_raises_nothing(files: Path, settings: Any, name: str, value: str, said: str) -> None:
    setattr(settings, name, value)
    problem = certificates.operator_certificates().identity.problem
    assert said in problem
    assert "secret" not in problem
    assert doctor._certificates().state == "bad"


def test_the_doctor_knows_when_they_end(files: Path) -> None:
    assert doctor._certificates().sentence == "good until 2036-06-01."


class Asker(QuietHandler):
    """Says whose certificate came with the connection."""

    def do_GET(self) -> None:
        found = self.connection.getpeercert()  # type: ignore[attr-defined]
        self.answer(200, str(bool(found)).encode())


@pytest.fixture
def port(bank_certificate: Path, files: Path) -> Iterator[int]:
    with http_server(Asker) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(bank_certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files / "own.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server.server_port


def _route(**profile: Any) -> Route:
    return Route(institution=Institution(name="Bank"), connector="berlin_group", base_url="https://x", profile=profile)


def test_a_bank_that_wants_it_gets_the_certificate(
    port: int, bank_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trusting() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=bank_certificate)
        context.check_hostname = False
        return context

    monkeypatch.setattr(certificates, "usual_authorities", trusting)
    certificates._read.cache_clear()
    connectors._door.cache_clear()
    door = connectors._door_of(_route(mutual_tls=True))
    assert door.request("GET", f"https://127.0.0.1:{port}/", request_id="1").body == b"True"
    certificates._read.cache_clear()


def test_others_do_not(files: Path) -> None:
    assert connectors._door_of(_route()) is connectors._process_door()
    assert connectors._door_of(_route(mutual_tls=True)) is not connectors._process_door()
