"""Running Nostro's processes together on one machine, and starting again what dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

#: A process that dies more often than this within a minute has a fault that starting it again does not mend.
MAX_RESTARTS_PER_MINUTE = 5
STOP_TIMEOUT_S = 15
LAST_LINES = 5


class DidNotStart(RuntimeError):
    """A process ended or stayed silent; the message names its log."""


@dataclass
class Child:
    """One process of the house. ``ready_url`` answers 200 when it can work."""

    name: str
    arguments: list[str]
    log: Path
    ready_url: str | None = None
    process: subprocess.Popen[bytes] | None = None
    restarts: deque[float] = field(default_factory=deque)

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nostro.cli", *self.arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait_until_ready(self, timeout_s: float = 60) -> None:
        """Wait for the first good answer. Raises :class:`DidNotStart`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.is_alive:
                break
            if self.ready_url is None or _answers(self.ready_url):
                return
            time.sleep(0.1)
        raise DidNotStart(f"The {self.name} did not start. {self.last_words()}")

    def last_words(self) -> str:
        """Where the log is, and how it ends."""
        lines = self.log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:] if self.log.exists() else []
        return "\n  ".join([f"Its log is {self.log} and ends with:", *lines]) if lines else f"Its log is {self.log}."

    def stop(self) -> None:
        if self.process is None:
            return
        _signal_group(self.process, signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _signal_group(self.process, signal.SIGKILL)
            self.process.wait(STOP_TIMEOUT_S)


class House:
    """All processes of one installation; a context manager that stops them in reverse order."""

    def __init__(
        self,
        children: list[Child],
        keep_database_running: Callable[[], object],
        write_down: Callable[[list[int]], None],
    ) -> None:
        self.children = children
        self._keep_database_running = keep_database_running
        self._write_down = write_down

    def __enter__(self) -> House:
        try:
            for child in self.children:
                child.start()
            self._record()
            for child in self.children:
                child.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()

    def tend(self) -> list[str]:
        """Start again what died; returns the names of what was started. Raises :class:`DidNotStart` when a
        process keeps dying."""
        started = []
        for child in self.children:
            if child.is_alive:
                continue
            self._keep_database_running()
            now = time.monotonic()
            while child.restarts and child.restarts[0] < now - 60:
                child.restarts.popleft()
            if len(child.restarts) >= MAX_RESTARTS_PER_MINUTE:
                raise DidNotStart(f"The {child.name} keeps ending. {child.last_words()}")
            child.restarts.append(now)
            child.start()
            self._record()
            started.append(child.name)
        return started

    def _record(self) -> None:
        self._write_down([child.process.pid for child in self.children if child.process])


def free_port(wanted: int, host: str = "127.0.0.1", attempts: int = 50) -> int:
    """The wanted port, or the next one that nobody uses. Raises ``OSError`` when none of ``attempts`` is free."""
    for port in range(wanted, wanted + attempts):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {wanted} and {wanted + attempts - 1}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - an address of our own process
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
