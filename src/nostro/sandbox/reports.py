"""In which format a list of transactions is written: the one place where formats come in (connectors.md 5.2)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.errors import Refusal
from nostro.sandbox.files import camt, mt940
from nostro.sandbox.files.statement import Statement
from nostro.sandbox.ledger import Account, Entry
from nostro.sandbox.requests import BankRequest

#: The formats of connectors.md 5.2. A list to download is a ZIP with a camt.053 in it.
CONTENT_TYPES = {
    "json": "application/json",
    "camt.052": "application/xml",
    "camt.053": "application/xml",
    "mt940": "text/plain; charset=utf-8",
    "mt942": "text/plain; charset=utf-8",
    "download": "application/zip",
}
_WRITERS: dict[str, Callable[[Statement], bytes]] = {
    "camt.052": lambda statement: camt.write("camt.052", statement),
    "camt.053": lambda statement: camt.write("camt.053", statement),
    "mt940": mt940.write,
    "mt942": mt940.write_interim,
    "download": lambda statement: _zipped("statement.xml", camt.write("camt.053", statement)),
}


def require_accepted(request: BankRequest, wanted: str) -> None:
    """Raises REQUESTED_FORMATS_INVALID when the service wants none of what the bank writes for this account."""
    kind = "application/json" if wanted == "download" else CONTENT_TYPES[wanted].split(";")[0]
    if request.headers.get("Accept") and not request.accept_mimetypes[kind]:
        raise Refusal(406, "REQUESTED_FORMATS_INVALID", f"This bank writes {kind}.", path="Accept")


def reply(bank: Bank, account: Account, since: str, until: str, status: str) -> Response:
    """The whole list as a file, in the format of the account."""
    wanted = account.habits.format
    return Response(
        _WRITERS[wanted](_statement(bank, account, since, until, status)), content_type=CONTENT_TYPES[wanted]
    )


def _statement(bank: Bank, account: Account, since: str, until: str, status: str) -> Statement:
    today, first = bank.clock.today(), dt.date.fromisoformat(since)
    last = min(dt.date.fromisoformat(until), today)
    booked: list[Entry] = bank.ledger.booked([account.id], today, since, until) if status != "pending" else []
    pending = bank.ledger.pending(account.id, today) if status in {"pending", "both"} else []
    opening = bank.ledger.booked_sum(account, first - dt.timedelta(days=1), today)
    closing = bank.ledger.booked_sum(account, last, today)
    return Statement(account, first, last, opening, closing, booked[::-1], pending, bank.clock.now())


def _zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # The date is part of the bytes, and equal content is equal bytes.
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
