"""Limits of handing in files; those of reading them are ``nostro.formats.limits`` (formats.md 4)."""

from __future__ import annotations

MIB = 1 << 20
#: One file, and all files of one form.
MAX_UPLOAD_BYTES = 512 * MIB
MAX_FILES = 50
#: A file is sealed in parts of this size.
PART_BYTES = 4 * MIB
#: Rows that go to the staging table at once.
STAGE_ROWS = 10_000
#: Rows, staged or stored, that are compared at once.
STRETCH_ROWS = 20_000
#: Accounts one file may tell about.
MAX_ACCOUNTS = 200
#: What is kept and shown of the remarks about a file, and of its rows.
MAX_PROBLEMS = 200
MAX_SHOWN_ROWS = 100
#: Files of one organization that may wait for a person, and files of one archive.
MAX_WAITING = 200
#: A file that kills its worker this often is given up.
MAX_ATTEMPTS = 3
