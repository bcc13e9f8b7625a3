"""Limits that hold for every bank file (formats.md 4). Exceeding one is F-TOO-LARGE, before the work is done."""

from __future__ import annotations

MIB = 1 << 20

MAX_FILE_BYTES = 512 * MIB
MAX_ENTRIES = 500_000
MAX_STATEMENTS = 20_000
MAX_DETAILS = 100_000
#: Characters of one text field, and of one line or one tag with its attributes.
MAX_TEXT = 20_000
MAX_TOKEN = 65_536

MAX_XML_DEPTH = 64
MAX_XML_ATTRIBUTES = 16
MAX_XML_NAMES = 2_000

MAX_ZIP_MEMBERS = 1_000
MAX_ZIP_BYTES = 512 * MIB
MAX_ZIP_RATIO = 200
#: The ratio counts from here on: small files may be packed well.
ZIP_RATIO_FREE = MIB

MAX_SHEET_ROWS = 200_000
MAX_SHEET_COLUMNS = 200
MAX_SHEET_BYTES = 128 * MIB

MAX_QIF_BYTES = 20 * MIB

#: Fatal problems collected before the reading ends, so that a person sees more than the first.
MAX_FATAL_PROBLEMS = 20
#: Warnings and infos given of one file; more of them are counted in one last warning.
MAX_WARNINGS = 200
#: Characters of the file shown in a message.
MAX_EXCERPT = 40
#: Bytes of the beginning by which a format is recognised.
RECOGNITION_BYTES = 64 * 1024
