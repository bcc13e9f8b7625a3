"""The real sandbox bank as a process, and a person who walks through its pages."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PASSWORD = "sandbox"
CODE = "123456"
START_TIMEOUT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_bank(directory: Path) -> Iterator[str]:
    """Start ``python -m nostro.sandbox`` and yield its address; stopped at the end."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "nostro.sandbox",
        "--port",
        str(port),
        "--data-dir",
        str(directory),
        "--clock",
        "real",
    ]
    with (directory / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process, directory / "log")
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox bank ended:\n{log.read_text()[-2000:]}")
        try:
            httpx.get(address, timeout=2)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the sandbox bank did not start:\n{log.read_text()[-2000:]}")


class Person:
    """Somebody with a browser at the bank's pages."""

    def __init__(self, psu: str = "user_good") -> None:
        self.psu = psu

    def approve(self, url: str, *, at_most: int | None = None) -> dict[str, str]:
        """Log in and approve the first ``at_most`` accounts; returns the parameters the bank sends back."""
        with httpx.Client(timeout=30) as browser:
            browser.get(url).raise_for_status()
            browser.post(url, data={"act": "log-in", "psu": self.psu, "password": PASSWORD})
            page = browser.get(url).text
            accounts = re.findall(r'name="account"[^>]*value="([^"]+)"', page)
            assert accounts, page
            return _sent_back(browser.post(url, data={"act": "approve", "account": accounts[:at_most], "code": CODE}))

    def deny(self, url: str) -> dict[str, str]:
        """Press "Cancel and go back" on the login page."""
        with httpx.Client(timeout=30) as browser:
            return _sent_back(browser.post(url, data={"act": "deny"}))


def _sent_back(response: httpx.Response) -> dict[str, str]:
    assert response.is_redirect, response.text
    return dict(httpx.URL(response.headers["Location"]).params)
