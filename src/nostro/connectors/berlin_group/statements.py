"""Lists that a bank writes as a file: camt.052, .053 and .054, MT940 and MT942, also in a ZIP (connectors.md 4.1).

The readers of ``nostro.formats`` read them; here their entries become the rows that JSON lists give. A batch stays one
row with its parts in ``raw``, as in JSON, so that both ways of one bank agree. All that a row was made of is in ``raw``
too, so that a row that comes again is known by it.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from nostro.connectors.contract import RawAnswer
from nostro.connectors.errors import ProtocolError
from nostro.core.account_keys import normalise_account_number
from nostro.core.masking import mask_card_numbers
from nostro.core.transactions import Account, Transaction
from nostro.formats import Detail, Entry, FormatError, Hints, Problem, StatementHead, StatementTail, read, survey
from nostro.formats.limits import MAX_ZIP_MEMBERS, MAX_ZIP_RATIO, MIB, ZIP_RATIO_FREE

#: connectors.md 4.1: in the order in which a list is wanted.
ACCEPT = "application/json, application/xml;q=0.8, text/plain;q=0.5, application/zip;q=0.4"
CONTENT_TYPES = frozenset({"application/xml", "text/xml", "application/zip", "application/x-zip-compressed"})
#: Bytes of all files in a ZIP together (connectors.md 1.1.4).
MAX_BYTES = 64 * MIB
MAX_WARNINGS = 50

_NAMES = tuple(each.name for each in fields(Transaction) if each.name != "raw")
_SIDES = ("name", "account", "agent")
#: Elements and lines that hold texts; card numbers have no business in references, and masking would change those.
_XML_TEXTS = re.compile(rb"(<(?:\w+:)?(?:Ustrd|AddtlNtryInf|AddtlTxInf|Nm|PlainPAN|PAN)>)([^<]+)")
_MT_REFERENCES = (b":61:", b":20:", b":25:", b":28C:", b":60", b":62")


@dataclass(slots=True)
class FileRows:
    """What a file holds. ``unreadable`` counts the entries that were left out, each with a warning."""

    rows: list[Transaction] = field(default_factory=list)
    unreadable: int = 0
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Add a warning, up to the limit."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)


def is_file(raw: RawAnswer) -> bool:
    """Whether the answer is a file of one of these formats, by its content type or, where banks forget it, its text."""
    begin = raw.body[:256].lstrip(b"\xef\xbb\xbf \r\n\t")
    if raw.content_type in {"", "text/plain", "application/octet-stream"}:
        return begin.startswith((b"<", b":20:", b"{1:", b"PK\x03\x04", b"\x01"))
    return raw.content_type in CONTENT_TYPES


def mask_card_numbers_in_file(body: bytes) -> bytes:
    """The same file with full card numbers in its texts masked; a ZIP is masked when it is taken apart."""
    if body.startswith(b"PK\x03\x04"):
        return _packed([(name, mask_card_numbers_in_file(member)) for name, member in _members(body)])
    if body.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return _XML_TEXTS.sub(lambda found: found[1] + _masked(found[2]), body)
    lines = body.split(b"\n")
    return b"\n".join(line if line.startswith(_MT_REFERENCES) else _masked(line) for line in lines)


def _masked(text: bytes) -> bytes:
    return mask_card_numbers(text.decode("latin-1")).encode("latin-1")


def read_file(raw: RawAnswer, account: Account | None) -> FileRows:
    """The rows of an answer that is a file. ``account``: whose rows they must be, where that is known.

    Raises :class:`ProtocolError`, with the answer kept, for a file that cannot be read or is about another account.
    """
    found = FileRows()
    try:
        members = _members(raw.body) if raw.body.startswith(b"PK\x03\x04") else [("", raw.body)]
        for _, member in members:
            _read_member(member, account, found)
    except FormatError as error:
        raise _unreadable(raw, str(error)) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise _unreadable(raw, "the ZIP is damaged") from error
    except _OtherAccountError:
        reason = "The bank sent the data of another account."
        raise ProtocolError(reason, status=raw.status, request_id=raw.request_id, raw=raw) from None
    return found


def _unreadable(raw: RawAnswer, why: str) -> ProtocolError:
    reason = f"The bank's file cannot be read: {why.rstrip('.')}."
    return ProtocolError(reason, status=raw.status, request_id=raw.request_id, raw=raw)


class _OtherAccountError(Exception):
    """A statement of an account that was not asked for."""


def _members(body: bytes) -> list[tuple[str, bytes]]:
    """The files of a ZIP. Raises ``BadZipFile`` for one that is too large or not what it says."""
    archive = zipfile.ZipFile(io.BytesIO(body))
    listed = [each for each in archive.infolist() if not each.is_dir()]
    total = sum(each.file_size for each in listed)
    if len(listed) > MAX_ZIP_MEMBERS or total > MAX_BYTES or total > ZIP_RATIO_FREE + len(body) * MAX_ZIP_RATIO:
        raise zipfile.BadZipFile("too large")
    found = []
    for each in listed:
        with archive.open(each) as member:
            content = member.read(each.file_size + 1)
        if len(content) > each.file_size:
            raise zipfile.BadZipFile("a member is longer than it says")
        found.append((each.filename, content))
    return found


def _packed(members: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _read_member(body: bytes, account: Account | None, found: FileRows) -> None:
    looked_at = survey([body])
    is_statement = False
    for event in read([body], looked_at, Hints(currency=account.currency if account else None)):
        if isinstance(event, Entry):
            if event.booking_status == "information":
                found.warn("an entry for information is no transaction and was left out")
            else:
                found.rows.append(_row(event, looked_at.format or ""))
        elif isinstance(event, StatementHead):
            _require_same(event, account)
            is_statement = event.kind == "statement"
        elif isinstance(event, StatementTail):
            # That a report is no statement of whole days says nothing here: the bank was asked for a period.
            found.unreadable += event.skipped + (is_statement and not event.complete)
        elif isinstance(event, Problem) and event.severity != "info":
            found.warn(f"{event.code}: {event.message}"[:300])


def _require_same(head: StatementHead, account: Account | None) -> None:
    number = head.account.iban
    if account is None or not number or "*" in number:
        return
    if account.iban and normalise_account_number(number) != normalise_account_number(account.iban):
        raise _OtherAccountError
    if head.account.currency and head.account.currency != account.currency:
        raise _OtherAccountError


def _row(entry: Entry, kind: str) -> Transaction:
    values = {name: getattr(entry, name) for name in _NAMES if name in entry.__dict__}
    if entry.counterparty_name is not None and (entry.amount < 0) != (entry.counterparty_name == entry.creditor_name):
        # The parties of a reversal are those of the payment that is taken back; a row's other side is by its sign.
        for each in _SIDES:
            creditor, debtor = values.get(f"creditor_{each}"), values.get(f"debtor_{each}")
            values[f"creditor_{each}"], values[f"debtor_{each}"] = debtor, creditor
    told = {name: _plain(value) for name, value in values.items() if value and name != "details"}
    payload: dict[str, Any] = {"format": kind, **told}
    if entry.reversal:
        payload["reversal"] = True
    if entry.details:
        payload["details"] = [_detail(each) for each in entry.details]
    if entry.raw:
        payload["other"] = dict(entry.raw)
    return Transaction.from_values({**values, "raw": payload})


def _detail(detail: Detail) -> dict[str, Any]:
    kept = {name: value for name, value in vars(detail).items() if value and name != "raw"}
    return {name: _plain(value) for name, value in kept.items()}


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal | dt.date):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
