"""What all tests share: a real PostgreSQL (embedded unless DATABASE_URL names a server) and fixed keys."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# The data directory of tests is apart from that of a running installation, and it is kept between runs, because
# making a PostgreSQL cluster takes longer than most tests.
_DATA = Path(os.environ.get("NOSTRO_TEST_DATA", Path(tempfile.gettempdir()) / f"nostro-tests-{os.getuid()}"))
os.environ["NOSTRO_DATA"] = str(_DATA)
os.environ.setdefault("NOSTRO_LOG_LEVEL", "WARNING")
os.environ.setdefault("NOSTRO_EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
_DATA.mkdir(parents=True, exist_ok=True)

if "DATABASE_URL" not in os.environ:
    from nostro.web.database import start_embedded_server

    os.environ["DATABASE_URL"] = start_embedded_server(_DATA)

import pytest


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Give each developer and each parallel run a test database of its own."""
    from django.conf import settings

    suffix = os.environ.get("NOSTRO_TEST_DATABASE", "")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    name = "_".join(part for part in ("test_nostro", suffix, worker) if part)
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = name
    from django.db import connections

    connections["default"].settings_dict["TEST"]["NAME"] = name
