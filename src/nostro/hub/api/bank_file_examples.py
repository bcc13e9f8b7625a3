"""Examples of bank files; a test compares their shape with real answers."""

from __future__ import annotations

from decimal import Decimal

from nostro.hub.api import bank_file_documents as b
from nostro.hub.api import documents as d
from nostro.hub.api.example_parts import ACCOUNT, Example, page

_FILE = "2d7a9d5e-8ed8-425b-84b7-2c31e5ca6a01"
_FILE_ACCOUNT = "2d7a9d5e-8ed8-425b-84b7-2c31e5ca6a02"
_STATEMENT = "2d7a9d5e-8ed8-425b-84b7-2c31e5ca6a03"
_ROW = "2d7a9d5e-8ed8-425b-84b7-2c31e5ca6a04"
_MORNING, _DAY = "2026-11-02T09:00:00.000Z", "2026-11-02T00:00:00.000Z"


def _file(status: b.FileStatus) -> b.BankFile:
    is_read = status != "received"
    attributes = b.BankFileAttributes(
        "november.xml", 48213, "9d2d1c7bb693e8c6d9971c187c2a23f14ed26a37ec6fbfd6dfc114738a227c9f", status,
        "camt.053" if is_read else None, "camt.053.001.08" if is_read else None, "utf-8" if is_read else None, False,
        None, None, 48213 if is_read else 0, 36 if is_read else 0, False, [], None, _MORNING, None,
        _MORNING if status == "undone" else None,
    )  # fmt: skip
    return b.BankFile("bankFile", _FILE, attributes)


def _account() -> b.BankFileAccount:
    attributes = b.BankFileAccountAttributes(
        "BE53586671384412", "IBAN", "EUR", "Malvina Dibbert", "NBBEBEBB203", ACCOUNT, None, None, 36, 36, 0, 0, 0, 0,
        0, 0, Decimal(0), None,
    )  # fmt: skip
    return b.BankFileAccount("bankFileAccount", _FILE_ACCOUNT, attributes)


def _statement() -> b.BankFileStatement:
    attributes = b.BankFileStatementAttributes(
        _FILE_ACCOUNT, 1, "statement", "2026-11", "line 1, /Document/BkToCstmrStmt/Stmt[1]", _DAY, _DAY,
        Decimal("6386.04"), _DAY, Decimal("6373.74"), _DAY, 12, Decimal(1200), 24,
        Decimal("-1212.3"), "proved", "proved", Decimal(0), [],
    )  # fmt: skip
    return b.BankFileStatement("bankFileStatement", _STATEMENT, attributes)


def _row() -> b.BankFileRow:
    attributes = b.BankFileRowAttributes(
        _STATEMENT, 1, "booked", "line 4, /Document/BkToCstmrStmt/Stmt[1]/Ntry[1]", _DAY, _DAY,
        Decimal("-12.3"), "EUR", "Bakkerij Peeters", "BE62467153327786", "Invoice 42", None, None,
    )  # fmt: skip
    return b.BankFileRow("bankFileRow", _ROW, attributes)


_PATH, _AT = "/bank-files/{bankFileId}", f"/bank-files/{_FILE}"
CALLS: tuple[Example, ...] = (
    Example("GET", "/bank-files", page(_file("waiting"), "/bank-files")),
    Example("POST", "/bank-files", d.One(_file("received"))),
    Example("GET", _PATH, d.One(_file("waiting"))),
    Example("GET", _PATH + "/accounts", page(_account(), f"{_AT}/accounts")),
    Example("GET", _PATH + "/statements", page(_statement(), f"{_AT}/statements")),
    Example("GET", _PATH + "/rows", page(_row(), f"{_AT}/rows")),
    Example("PATCH", _PATH, d.One(_file("received")), {"encoding": "cp1252"}),
    Example(
        "POST", _PATH + "/import", d.One(_file("importing")),
        {"accounts": [{"id": _FILE_ACCOUNT, "decision": "same", "accountId": ACCOUNT}], "addHeld": False},
    ),
    Example("DELETE", _PATH + "/import", d.One(_file("undone"))),
    Example("DELETE", _PATH, d.One(d.Identifier("bankFile", _FILE))),
)  # fmt: skip
