"""Serving: the web process, the worker, the sandbox bank. Each runs until it is told to stop."""

from __future__ import annotations

import os

from nostro.cli.installation import BANK_PORT, WEB_PORT, open_database, set_up_django


def serve_web(host: str, port: int | None, workers: int, threads: int) -> None:
    """Granian over WSGI (DESIGN.md section 2)."""
    open_database()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nostro.web.settings")
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "nostro.web.wsgi:application",
        address=host,
        port=port or int(os.environ.get("NOSTRO_PORT", WEB_PORT)),
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        backlog=1024,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        websockets=False,
    ).serve()


def serve_worker(threads: int) -> None:
    """Jobs in lanes, see nostro.cli.worker."""
    open_database()
    set_up_django()
    from nostro.cli.worker import run_worker

    run_worker(threads)


def serve_sandbox(host: str, port: int | None, seed: int, *, virtual_clock: bool = False, strict: bool = False) -> None:
    """The sandbox bank with its own storage beside Nostro's (connectors.md section 5).

    Beside a Hub it keeps the real time; a ``virtual_clock``, with a storage of its own, stands still for tests of other
    programs. ``strict`` wants the certificates and signatures of connectors.md 5.1.
    """
    from nostro.sandbox.server import main
    from nostro.web.database import data_directory

    directory = data_directory() / ("sandbox-bank-virtual" if virtual_clock else "sandbox-bank")
    directory.mkdir(parents=True, exist_ok=True)
    port = port or int(os.environ.get("NOSTRO_SANDBOX_PORT", BANK_PORT))
    main(
        ["--host", host, "--port", str(port), "--seed", str(seed), "--data-dir", str(directory)]
        + ["--clock", "virtual" if virtual_clock else "real"]
        + (["--strict"] if strict else [])
    )
