"""The key that signs sessions and links: from the environment, else made once and kept in the data directory."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def secret_key(directory: Path) -> str:
    """``NOSTRO_SECRET_KEY``, else the content of ``secret-key`` in the data directory, made on first use (0600)."""
    configured = os.environ.get("NOSTRO_SECRET_KEY")
    if configured:
        return configured
    path = directory / "secret-key"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        temporary = directory / f".secret-key.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            # A link fails when another process was faster; then its key counts.
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    return path.read_text().strip()
