"""Examples of bank files; a test compares their shape with real answers."""

from __future__ import annotations

from typing import Any

from nostro.hub.api import bank_file_documents as b
from nostro.hub.api import documents as d

_FILE = "2d7a9d5e-8ed8-425b-84b7-2c31e5ca6a01"
_FILE_ACCOUNT = "2d7a9d5e-8ed8-425b-84b7-2c31e5ca6a02"
_ACCOUNT = "8804e34f-12b0-4b70-86bf-265f013ca232"
_MORNING = "2026-11-02T09:00:00.000Z"


def _file(status: b.FileStatus) -> b.BankFile:
    attributes = b.BankFileAttributes(
        "november.xml", 48213, "9d2d1c7bb693e8c6d9971c187c2a23f14ed26a37ec6fbfd6dfc114738a227c9f", status, "camt.053",
        "camt.053.001.08", "utf-8", False, None, None, 48213, 36, False, [], None, _MORNING, None, None,
    )  # fmt: skip
    return b.BankFile("bankFile", _FILE, attributes)


#: Verb, path, answer and what is sent.
CALLS: tuple[tuple[str, str, Any, Any], ...] = (
    ("GET", "/bank-files/{bankFileId}", d.One(_file("waiting")), None),
    (
        "POST", "/bank-files/{bankFileId}/import", d.One(_file("importing")),
        {"accounts": [{"id": _FILE_ACCOUNT, "decision": "same", "accountId": _ACCOUNT}], "addHeld": False},
    ),
)  # fmt: skip
