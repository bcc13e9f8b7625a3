"""Settings of the test suite: a real PostgreSQL of its own (embedded unless DATABASE_URL names a server).

This is a settings module and no conftest, because Django's settings are read before any conftest is.
"""

import os
import tempfile
from pathlib import Path

# The data directory of tests is apart from that of a running installation, and it is kept between runs, because
# making a PostgreSQL cluster takes longer than most tests.
_DATA = Path(os.environ.get("NOSTRO_TEST_DATA") or Path(tempfile.gettempdir()) / f"nostro-tests-{os.getuid()}")
_DATA.mkdir(parents=True, exist_ok=True)
os.environ["NOSTRO_DATA"] = str(_DATA)
os.environ.setdefault("NOSTRO_LOG_LEVEL", "WARNING")
os.environ.setdefault("NOSTRO_EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")

if "DATABASE_URL" not in os.environ:
    import psycopg

    from nostro.web.database import start_embedded_server

    os.environ["DATABASE_URL"] = start_embedded_server(_DATA)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        # What tests write need not survive a power cut; they run twice as fast without waiting for the disk.
        for option in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {option} = off")
        connection.execute("SELECT pg_reload_conf()")

from nostro.web.settings import *  # noqa: F403
from nostro.web.settings import DATABASES, PASSWORD_HASHERS

# Each developer, and each process of a parallel run, has a test database of its own.
_PARTS = ("test_nostro", os.environ.get("NOSTRO_TEST_DATABASE", ""), os.environ.get("PYTEST_XDIST_WORKER", ""))
DATABASES["default"]["TEST"] = {"NAME": "_".join(part for part in _PARTS if part)}

# Hashing a password as slowly as for real takes longer than most tests. What is hashed is checked all the same, and
# tests/web/test_hashers.py holds on to how it is done for people.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]

# Every test client would list all static files on disk before its first request.
WHITENOISE_AUTOREFRESH = True
