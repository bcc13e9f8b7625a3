"""Certificates and signed requests: the connector before the strict sandbox bank (connectors.md 4.1)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.sandbox.tpp import Tpp
from werkzeug.test import Client

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import (
    Configuration,
    ConsentRequest,
    OperatorIdentity,
    PsuContext,
    Redirect,
)
from nostro.connectors.errors import TppConfigInvalid
from nostro.connectors.signatures import RequestSigner, read_signer
from nostro.http import Answer, DoorSettings
from nostro.sandbox.server import create_application

NOW = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
PSU = PsuContext(True, ip="192.0.2.1", observed_at=NOW)
REQUEST = ConsentRequest(
    "business",
    dt.date(2026, 6, 30),
    4,
    "https://hub.example/back",
    "https://hub.example/back?nok=1",
    "s" * 43,
    psu_id="É",
)
WANTED = {"mutual_tls": True, "sign_requests": True}
Alter = Callable[[dict[str, str]], dict[str, str]]


class StrictDoor:
    """A bank that wants certificates, behind a proxy that passes the connection's on."""

    settings = DoorSettings(allow_loopback_http=True)

    def __init__(self, directory: Path, tpp: Tpp, alter: Alter) -> None:
        self._client = Client(create_application(directory, 42, "virtual", control_token="control", is_strict=True))
        self._tpp, self._alter = tpp, alter

    def request(
        self, method: str, url: str, *, request_id: str, headers: Any = None, content: bytes | None = None, **_: Any
    ) -> Answer:
        sent = self._alter({**(headers or {}), "X-Request-ID": request_id})
        sent["X-SSL-Client-Cert"] = quote(self._tpp.certificate_pem().decode())
        reply = self._client.open(url.removeprefix("http://localhost"), method=method, headers=sent, data=content)
        answered = {name.lower(): value for name, value in reply.headers.items()}
        return Answer(reply.status_code, answered, reply.get_data(), url, request_id)


@pytest.fixture(scope="module")
def tpp() -> Tpp:
    return Tpp()


def ask(directory: Path, tpp: Tpp, identity: OperatorIdentity | None, alter: Alter = lambda headers: headers) -> Any:
    connector = BerlinGroupConnector(StrictDoor(directory, tpp, alter), lambda: NOW, lambda: str(uuid.uuid4()))  # type: ignore[arg-type]
    return connector.create_consent(Configuration("http://localhost", "Strict Bank", WANTED, identity), REQUEST, PSU)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strict-bank")


def signer(tpp: Tpp, password: str = "") -> RequestSigner:
    return read_signer(tpp.certificate_pem(), tpp.key_pem(password), password.encode() or None)


@pytest.mark.parametrize("password", ["", "käse"], ids=["plain", "encrypted"])
def test_signed_requests_are_let_in(directory: Path, tpp: Tpp, password: str) -> None:
    assert isinstance(ask(directory, tpp, OperatorIdentity(True, signer(tpp, password))), Redirect)


def _another_way_back(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "TPP-Redirect-URI": "https://thief.example/"}


def _another_id(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "X-Request-ID": str(uuid.uuid4())}


@pytest.mark.parametrize("alter", [_another_way_back, _another_id], ids=["way_back", "request_id"])
def test_what_was_altered_on_the_way_is_refused(directory: Path, tpp: Tpp, alter: Alter) -> None:
    with pytest.raises(TppConfigInvalid) as caught:
        ask(directory, tpp, OperatorIdentity(True, signer(tpp)), alter)
    assert caught.value.code == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (None, "Strict Bank wants a certificate"),
        (OperatorIdentity(presents_certificate=True), "Strict Bank wants a certificate"),
        (OperatorIdentity(problem="The file is gone."), "The file is gone."),
    ],
    ids=["nothing", "no_signer", "problem"],
)
def test_without_a_certificate_nothing_is_sent(
    directory: Path, tpp: Tpp, identity: OperatorIdentity | None, said: str
) -> None:
    def never(headers: dict[str, str]) -> dict[str, str]:
        raise AssertionError("a request was sent")

    with pytest.raises(TppConfigInvalid, match=said) as caught:
        ask(directory, tpp, identity, never)
    assert not caught.value.reached_bank


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        (b"nothing", Tpp().key_pem(), "not a PEM file"),
        (Tpp().certificate_pem(), b"nothing", "not a PEM file, or its password"),
        (Tpp().certificate_pem(), Tpp().key_pem("secret"), "its password is another"),
        (Tpp().certificate_pem(), Tpp().key_pem(), "another certificate"),
    ],
    ids=["certificate", "key", "password", "pair"],
)
def test_what_cannot_be_used_is_said(certificate: bytes, key: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_signer(certificate, key, None)
