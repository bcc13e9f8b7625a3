"""Starting the bank: ``nostro sandbox`` or ``python -m nostro.sandbox``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from nostro.sandbox.application import Application
from nostro.sandbox.bank import SeedMismatch, open_bank
from nostro.sandbox.clock import Kind, parse_moment

#: Slow answers hold a thread each; the others must be answered meanwhile.
THREADS = 16
CONTROL_TOKEN = "NOSTRO_SANDBOX_CONTROL_TOKEN"  # noqa: S105 - the name of a variable
_SETTINGS = "NOSTRO_SANDBOX_SETTINGS"


def create_application(
    data_dir: Path | str,
    seed: int = 42,
    clock: Kind = "virtual",
    at: dt.datetime | None = None,
    control_token: str = "",
    *,
    is_strict: bool = False,
) -> Application:
    """The bank of ``data_dir`` as a WSGI application. Without ``control_token`` there is no control API; a strict bank
    wants certificates and signatures.

    Raises :class:`SeedMismatch` when the directory holds a bank of another seed.
    """
    bank = open_bank(Path(data_dir), seed, clock, at, control_token)
    bank.is_strict = is_strict
    return Application(bank)


def application_from_environment() -> Application:
    """What the server process calls; :func:`main` left the settings in the environment."""
    given = json.loads(os.environ[_SETTINGS])
    at = parse_moment(given["at"]) if given["at"] else None
    token = os.environ.get(CONTROL_TOKEN, "")
    return create_application(*(given["data_dir"], given["seed"], given["clock"], at, token), is_strict=given["strict"])


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nostro.sandbox", description="The sandbox bank of Nostro.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--seed", type=int, default=42, help="the same seed makes the same histories")
    parser.add_argument("--data-dir", default=".data/sandbox-bank", help="where the bank keeps its file")
    clocks = "virtual (stands still until the control API moves it) or real"
    parser.add_argument("--clock", choices=("virtual", "real"), default="virtual", help=clocks)
    parser.add_argument("--at", default="", help="where the clock starts, for example 2026-01-05T09:00:00Z")
    parser.add_argument("--strict", action="store_true", help="want TPP certificates and signed requests")
    options = parser.parse_args(argv)
    try:
        options.at = parse_moment(options.at).isoformat() if options.at else ""
    except ValueError as error:
        parser.error(f"--at: {error}")
    return options


def _require_free(host: str, port: int) -> None:
    """The server below shares a port with whoever has it already; two banks behind one address would be a riddle."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        sys.exit(f"The bank cannot listen on {host} port {port}: {error.strerror}. Choose another with --port.")


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until told to stop. One process, several threads: the bank's storage answers one request at a time."""
    options = _options(argv)
    _require_free(options.host, options.port)
    settings = {name: getattr(options, name) for name in ("data_dir", "seed", "clock", "at", "strict")}
    os.environ[_SETTINGS] = json.dumps(settings)
    try:
        # Opened once here, so that a wrong directory is said before the server starts and the first request is fast.
        open_bank(Path(options.data_dir), options.seed, options.clock, parse_moment(options.at) if options.at else None)
    except SeedMismatch as error:
        sys.exit(f"{error} Start with that seed, or with another --data-dir.")
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "nostro.sandbox.server:application_from_environment",
        address=options.host,
        port=options.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        factory=True,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        websockets=False,
    ).serve()
