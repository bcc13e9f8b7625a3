"""The demonstration ends equal although every process was killed in the middle of its work (issue: foundation, 2)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.house import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]
TIMEOUT_S = 240


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """An installation of its own with an embedded PostgreSQL, which is one of the victims.

    Not below pytest's own directory: that is closed to other users at every start of pytest, and a PostgreSQL that
    root starts runs as a user of its own.
    """
    home = Path(tempfile.mkdtemp(prefix="nostro-demo-"))
    dropped = {"DATABASE_URL", "NOSTRO_PUBLIC_URLS", "NOSTRO_SANDBOX_BANK_URL", "DJANGO_SETTINGS_MODULE"}
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    ports = {"NOSTRO_PORT": str(free_port()), "NOSTRO_SANDBOX_PORT": str(free_port())}
    yield {**kept, **ports, "NOSTRO_DATA": str(home / "data")}
    for demo in psutil.process_iter(["pid", "cmdline", "environ"]):
        # A test that failed leaves nothing running.
        if (demo.info["environ"] or {}).get("NOSTRO_DATA") == str(home / "data"):
            demo.kill()
    shutil.rmtree(home, ignore_errors=True)


def start_demo(environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "nostro.cli", "demo", "--check", "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_rows(data: Path, table: str, demo: subprocess.Popen[str]) -> None:
    """Return as soon as the first rows are committed, which is long before the last."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        assert demo.poll() is None, f"the demonstration ended too early: {demo.communicate()}"
        try:
            with psycopg.connect(f"postgresql://postgres:@/nostro?host={data / 'postgres'}") as connection:
                while time.monotonic() < deadline:
                    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                    connection.rollback()
                    if row and row[0]:
                        return
                    time.sleep(0.01)
        except psycopg.Error:
            time.sleep(0.1)
    raise AssertionError(f"no row in {table} within {TIMEOUT_S} s")


def kill_everything(data: Path, demo: subprocess.Popen[str]) -> None:
    """kill -9 of the demonstration, web, worker, sandbox bank and PostgreSQL, all at once."""
    children = [psutil.Process(pid) for pid, _born in json.loads((data / "processes.json").read_text())]
    postmaster = psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().split()[0]))
    victims = [psutil.Process(demo.pid), postmaster]
    for process in (*children, postmaster):
        victims += [process, *process.children(recursive=True)]
    for victim in victims:
        try:
            victim.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(victims, timeout=20)
    demo.communicate()


@pytest.mark.parametrize("table", ["accounts_transaction", "journals_line"], ids=["in the Hub", "in the Books"])
def test_everything_is_killed_in_the_middle_and_started_again(environment: dict[str, str], table: str) -> None:
    data = Path(environment["NOSTRO_DATA"])
    first = start_demo(environment)
    wait_for_rows(data, table, first)
    kill_everything(data, first)

    second = start_demo(environment)
    output, errors = second.communicate(timeout=TIMEOUT_S)
    assert second.returncode == 0, errors
    result = json.loads(output.splitlines()[-1])
    assert result["balances"] == "equal"
    assert result["bank"] == result["hub"] == result["books"] > 0

    third = start_demo(environment)
    output, errors = third.communicate(timeout=TIMEOUT_S)
    assert third.returncode == 0, errors
    assert json.loads(output.splitlines()[-1])["unchanged"] is True
