"""The bank as a process of its own: it answers on its port, survives kill -9 and goes on where it was."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.sandbox.customer import ALL, BACK

DEADLINE_S = 30


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _bank(directory: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The real server in a process group of its own, killed without warning at the end."""
    command = [
        sys.executable,
        "-m",
        "nostro.sandbox",
        "--port",
        str(port),
        "--data-dir",
        str(directory),
        "--clock",
        "virtual",
    ]
    environment = {**os.environ, "PYTHONPATH": "src", "NOSTRO_SANDBOX_CONTROL_TOKEN": "control"}
    process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        _wait_until_healthy(process, port)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE_S)


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        assert process.poll() is None, "the bank ended at once"
        try:
            if _call(port, "GET", "/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the bank did not become healthy")


def _call(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    sent = {"X-Request-ID": str(uuid.uuid4()), "PSU-IP-Address": "192.0.2.7"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def _link(port: int) -> str:
    wish = {
        "recurringIndicator": True,
        "validUntil": "2026-06-30",
        "frequencyPerDay": 4,
        "combinedServiceIndicator": False,
    }
    body = json.dumps({"access": ALL, **wish}).encode()
    given = {"Content_Type": "application/json", "TPP_Redirect_URI": BACK}
    status, _, made = _call(port, "POST", "/v1/consents", body, **given)
    assert status == 201, made
    answer = json.loads(made)
    page = "/sca/" + answer["_links"]["scaRedirect"]["href"].rsplit("/", 1)[1]
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    login = urlencode({"act": "log-in", "psu": "user_good", "password": "sandbox"}).encode()
    _, headers, _ = _call(port, "POST", page, login, **form)
    truth = json.loads(_call(port, "GET", "/_control/truth/user_good-current", Authorization="Bearer control")[2])
    approval = urlencode({"act": "approve", "code": "123456", "account": truth["resourceId"]}).encode()
    cookie = headers["Set-Cookie"].split(";", 1)[0]
    _, headers, _ = _call(port, "POST", page, approval, Cookie=cookie, **form)
    assert headers["Location"] == BACK
    return str(answer["consentId"])


@pytest.mark.slow
def test_the_bank_survives_kill_9_in_the_middle_of_a_page_chain(tmp_path: Path) -> None:
    port = _free_port()
    with _bank(tmp_path, port):
        consent = _link(port)
        (account,) = json.loads(_call(port, "GET", "/v1/accounts", Consent_ID=consent)[2])["accounts"]
        path = f"/v1/accounts/{account['resourceId']}/transactions?bookingStatus=booked&dateFrom=2023-01-01"
        first = json.loads(_call(port, "GET", path, Consent_ID=consent)[2])["transactions"]
    with _bank(tmp_path, port):
        second = [sys.executable, "-m", "nostro.sandbox", "--port", str(port), "--data-dir", str(tmp_path / "second")]
        environment = {**os.environ, "PYTHONPATH": "src"}
        ended = subprocess.run(second, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert "Choose another" in ended.stderr
        rows, href = list(first["booked"]), first["_links"]["next"]["href"]
        while href:
            page = json.loads(_call(port, "GET", href, Consent_ID=consent)[2])["transactions"]
            rows += page["booked"]
            href = page["_links"].get("next", {}).get("href")
        truth = json.loads(_call(port, "GET", "/_control/truth/user_good-current", Authorization="Bearer control")[2])
        assert [row["transactionId"] for row in rows] == [row["transactionId"] for row in truth["rows"]]


@pytest.mark.slow
def test_planned_faults_cut_real_connections(tmp_path: Path) -> None:
    port = _free_port()
    with _bank(tmp_path, port):
        consent = _link(port)
        whole = _call(port, "GET", "/v1/accounts", Consent_ID=consent)[2]
        for kind in ("refused", "reset_in_body"):
            body = json.dumps({"kind": kind, "times": 1}).encode()
            planned = _call(
                port, "POST", "/_control/faults", body, Authorization="Bearer control", Content_Type="application/json"
            )
            assert planned[0] == 201
            # The server may or may not have sent its headers when it learns that no body will come.
            with pytest.raises((http.client.RemoteDisconnected, http.client.IncompleteRead)) as cut:
                _call(port, "GET", "/v1/accounts", Consent_ID=consent)
            arrived = getattr(cut.value, "partial", b"")
            assert arrived == (b"" if kind == "refused" else whole[: len(whole) // 2])
            assert _call(port, "GET", "/v1/accounts", Consent_ID=consent)[2] == whole


def test_a_directory_of_another_seed_is_refused_in_words(furnished_directory: Path) -> None:
    command = [sys.executable, "-m", "nostro.sandbox", "--seed", "43", "--port", str(_free_port())]
    command += ["--data-dir", str(furnished_directory)]
    environment = {**os.environ, "PYTHONPATH": "src"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 1
    assert "seed 42" in ended.stderr
