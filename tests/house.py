"""A whole installation for tests: the processes of ``nostro up`` with a data directory and a database of their own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

START_TIMEOUT_S = 120


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_database(url: str, template: str | None = None) -> str:
    """Make an empty database, or a copy of another, beside the one that ``url`` names; returns its address."""
    name = f"nostro_house_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def drop_database(url: str, server_url: str) -> None:
    """Drop a database that :func:`new_database` made."""
    name = urlsplit(url).path.lstrip("/")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class RunningHouse:
    """``nostro up`` in the background. ``server_url`` is a PostgreSQL to use; without it one is embedded.

    ``template`` names a migrated database on that server, which makes the first start quicker.
    """

    def __init__(self, directory: Path, server_url: str | None = None, template: str | None = None) -> None:
        self.directory = directory
        self.port = free_port()
        self.bank_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.bank_url = f"http://127.0.0.1:{self.bank_port}"
        self.control_token = secrets.token_urlsafe(16)
        self._server_url = server_url
        self.database_url = new_database(server_url, template) if server_url else None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def mail_directory(self) -> Path:
        return self.directory / "mail"

    def environment(self) -> dict[str, str]:
        dropped = {"DATABASE_URL", "NOSTRO_PUBLIC_URLS", "NOSTRO_SANDBOX_BANK_URL", "DJANGO_SETTINGS_MODULE"}
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        added = {
            "NOSTRO_DATA": str(self.directory),
            "NOSTRO_PORT": str(self.port),
            "NOSTRO_SANDBOX_PORT": str(self.bank_port),
            "NOSTRO_SANDBOX_CONTROL_TOKEN": self.control_token,
            "NOSTRO_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "NOSTRO_EMAIL_DIRECTORY": str(self.mail_directory),
            "NOSTRO_LOG_LEVEL": "INFO",
        }
        if self.database_url:
            added["DATABASE_URL"] = self.database_url
        return {**kept, **added}

    def start(self, *arguments: str) -> None:
        """Start ``nostro up`` (or another command) and wait until its pages answer."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "up.log", "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nostro.cli", *(arguments or ("up",))],
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.answers():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError(f"the house did not start:\n{self.log()}")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def log(self) -> str:
        logs = [self.directory / "up.log", *sorted((self.directory / "logs").glob("*.log"))]
        return "\n".join(f"--- {path.name}\n{path.read_text()[-4000:]}" for path in logs if path.exists())

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        if self.database_url and self._server_url:
            drop_database(self.database_url, self._server_url)
