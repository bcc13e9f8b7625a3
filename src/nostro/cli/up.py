"""``nostro up``: everything on one machine, PostgreSQL first and last."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nostro.cli.house_lock import only_one_house, write_down
from nostro.cli.installation import (
    BANK_PORT,
    WEB_PORT,
    console,
    open_database,
    prepare_installation,
    take_over_after_restart,
)
from nostro.cli.processes import Child, DidNotStart, House, free_port
from nostro.web import database

TEND_INTERVAL_S = 1.0


def run(host: str, port: int | None, bank_port: int | None) -> None:
    """Start all, print the address, and tend the processes until Ctrl-C."""
    try:
        with running_house(host=host, port=port, bank_port=bank_port) as house:
            console.print(f"\n[bold]Nostro runs at {os.environ['NOSTRO_PUBLIC_URLS']}[/]  (Ctrl-C stops it)")
            tend_until_stopped(house)
    except DidNotStart as error:
        console.print(f"[red]{error}[/]")
        raise SystemExit(1) from None


@contextmanager
def running_house(
    *, host: str = "127.0.0.1", port: int | None = None, bank_port: int | None = None, quiet: bool = False
) -> Iterator[House]:
    """The house with its lights on. Ports that are taken are replaced by the next free ones, and that is said."""
    with only_one_house(database.data_directory()) as record:
        choose_addresses(host, port, bank_port)
        embedded = not os.environ.get("DATABASE_URL")
        open_database()
        try:
            prepare_installation(quiet=quiet)
            if embedded:
                # The lock on the data directory and the ended leftovers leave no worker alive on this database.
                take_over_after_restart()
            with House(children(host), lambda: _reopen(embedded), lambda pids: write_down(record, pids)) as house:
                yield house
        finally:
            if embedded:
                database.stop_embedded_server()


def choose_addresses(host: str, port: int | None, bank_port: int | None) -> None:
    """Decide the ports and tell the processes through their environment."""
    web_port = _choose("web pages", port or int(os.environ.get("NOSTRO_PORT", WEB_PORT)), host)
    sandbox_port = _choose("sandbox bank", bank_port or int(os.environ.get("NOSTRO_SANDBOX_PORT", BANK_PORT)), host)
    os.environ["NOSTRO_PORT"] = str(web_port)
    os.environ["NOSTRO_SANDBOX_PORT"] = str(sandbox_port)
    os.environ.setdefault("NOSTRO_PUBLIC_URLS", f"http://127.0.0.1:{web_port}")
    os.environ.setdefault("NOSTRO_SANDBOX_BANK_URL", f"http://127.0.0.1:{sandbox_port}")
    os.environ.setdefault("NOSTRO_SANDBOX_CONTROL_TOKEN", secrets.token_urlsafe(32))


def children(host: str) -> list[Child]:
    """The processes in the order of their start."""
    logs = database.data_directory() / "logs"
    web_port, bank_port = os.environ["NOSTRO_PORT"], os.environ["NOSTRO_SANDBOX_PORT"]
    return [
        Child(
            "sandbox bank",
            ["sandbox", "--bank-port", bank_port],
            logs / "sandbox-bank.log",
            f"http://127.0.0.1:{bank_port}/health",
        ),
        Child(
            "web process",
            ["web", "--host", host, "--port", web_port],
            logs / "web.log",
            f"http://127.0.0.1:{web_port}/ready",
        ),
        Child("worker", ["worker"], logs / "worker.log"),
    ]


def tend_until_stopped(house: House) -> None:
    """Start again what dies, until this process is asked to stop."""
    stopped = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while not stopped:
        for name in house.tend():
            console.print(f"[yellow]The {name} had ended and was started again.[/]")
        time.sleep(TEND_INTERVAL_S)
    console.print("Stopping …")


def _choose(purpose: str, wanted: int, host: str) -> int:
    port = free_port(wanted, host)
    if port != wanted:
        console.print(f"[yellow]Port {wanted} is taken; the {purpose} will use {port}.[/]")
    return port


def _reopen(embedded: bool) -> None:
    """The embedded PostgreSQL may be what died: start it before anything that needs it."""
    if embedded:
        os.environ.pop("DATABASE_URL", None)
        open_database()
