"""Pages of transactions: one call reads one page, a token carries the memory of the chain.

The token holds the link to the next page, how many pages and rows came, digests of the links and pages already seen,
and whether a row could not be read. So the connector itself keeps nothing between calls, a run can stop after any
page and go on from its token, and a chain always ends (connectors.md 1.1.4, 4.1 "Paging").

**A row that cannot be read** (no amount, no currency) is never dropped in silence: its page carries a warning that
names the row and the reason, the answer is kept, the other rows arrive, and the last page of the chain is not
``complete``. The engine then adds rows but removes and changes none.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from nostro.connectors.berlin_group.accounts import path_of, require_same_account
from nostro.connectors.berlin_group.client import Client, interpreting, parsed, protocol_error, resolve_link
from nostro.connectors.berlin_group.errors import error_from_answer, messages_of
from nostro.connectors.berlin_group.fields import UnreadableError, Warnings, href_of
from nostro.connectors.berlin_group.mapping import read_transaction
from nostro.connectors.berlin_group.profile import BOOKING_STATUS_BOTH, BOOKING_STATUS_PENDING, Profile
from nostro.connectors.berlin_group.statements import is_file, read_file
from nostro.connectors.contract import (
    BookingStatusFilter,
    Configuration,
    ConnectionHandle,
    Page,
    PsuContext,
    RawAnswer,
)
from nostro.connectors.errors import ConnectorError, NotSupported, ProtocolError
from nostro.core.payloads import payload_bytes
from nostro.core.transactions import Account, BankRow, BookingStatus, Window

#: Limits of one chain (connectors.md 1.1.4).
MAX_PAGES = 2_000
MAX_ROWS = 500_000
#: Pages of one chain that may repeat an earlier one under another link. A bank that repeats more ignores the links.
MAX_REPEATED_PAGES = 3

_STATUSES: tuple[BookingStatus, ...] = ("booked", "pending")
_FEATURES = {"both": BOOKING_STATUS_BOTH, "pending": BOOKING_STATUS_PENDING, "booked": ""}


@dataclass(frozen=True, slots=True)
class Chain:
    """The memory of a page chain."""

    href: str
    pages: int = 0
    rows: int = 0
    seen: tuple[str, ...] = ()
    unreadable: int = 0
    repeated: int = 0

    def token(self) -> str:
        """The chain as the opaque text of ``Page.next``."""
        values = [self.href, self.pages, self.rows, list(self.seen), self.unreadable, self.repeated]
        return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode()

    @classmethod
    def from_token(cls, token: str) -> Chain:
        """Read a token back. Raises :class:`ProtocolError` for anything else."""
        try:
            href, pages, rows, seen, *counts = json.loads(base64.urlsafe_b64decode(token))
            return cls(str(href), int(pages), int(rows), tuple(str(item) for item in seen), *map(int, counts))
        except (ValueError, TypeError):
            raise ProtocolError("The mark of the next page is damaged; the read must start again.") from None


@dataclass(frozen=True, slots=True)
class _Read:
    """One interpreted answer."""

    rows: tuple[BankRow, ...]
    unreadable: int
    warnings: tuple[str, ...]
    next_href: str | None
    digest: str


def list_transactions(  # noqa: PLR0917 - the arguments of connectors.md 1.2
    client: Client,
    connection: ConnectionHandle,
    account: Account,
    window: Window,
    booking_status: BookingStatusFilter,
    psu: PsuContext,
    next_page: str | None = None,
) -> Page:
    """Read the first page of a window, or the page that ``next_page`` (the ``next`` of the page before) stands for.

    Raises :class:`NotSupported` for a booking status the bank refused, now or before, and :class:`ProtocolError` for
    a chain that comes back to a page or exceeds the limits.
    """
    configuration = connection.configuration
    feature = _FEATURES[booking_status]
    if feature and feature in Profile.of(configuration).unsupported:
        raise NotSupported(feature=feature, reached_bank=False)
    chain = Chain.from_token(next_page) if next_page else Chain(_first_href(account, window, booking_status))
    received = client.send(
        configuration,
        "GET",
        chain.href,
        psu=psu,
        subject="account",
        consent_id=connection.consent.consent_id,
        access_token=connection.access_token,
        feature=feature,
        accept_files=True,
    )
    with interpreting(received.raw):
        if is_file(received.raw):
            chain = _continued(chain, read := _read_file(received.raw, account), received.raw)
            return Page(read.rows, window, received.raw, None, chain.unreadable == 0, (), read.warnings)
        if (error := _error_within(client, received.raw, received.data)) is not None:
            raise error
        require_same_account(received.raw, received.data, account)
        read = _read(received.raw, received.data)
        chain = _continued(chain, read, received.raw)
        following = _following(configuration, chain, read, received.raw)
    complete = following is None and chain.unreadable == 0
    token = following.token() if following else None
    return Page(read.rows, window, received.raw, token, complete, (), read.warnings)


def map_transactions(raw: RawAnswer, window: Window) -> Page:
    """Interpret a stored page again. ``next`` is None and ``complete`` True only if it was a whole chain by itself."""
    with interpreting(raw):
        read = _read_file(raw, None) if is_file(raw) else _read(raw, parsed(raw))
    complete = read.next_href is None and read.unreadable == 0
    return Page(read.rows, window, raw, complete=complete, warnings=read.warnings)


def _first_href(account: Account, window: Window, booking_status: BookingStatusFilter) -> str:
    query = {
        "bookingStatus": booking_status,
        "dateFrom": window.date_from.isoformat(),
        "dateTo": window.date_to.isoformat(),
    }
    return f"{path_of(account)}/transactions?{urlencode(query)}"


def _continued(chain: Chain, read: _Read, raw: RawAnswer) -> Chain:
    """The chain with this page counted. Raises :class:`ProtocolError` at a limit or a repeated page.

    A page may come twice where each of its rows has a ``transactionId``: identity knows such rows again and counts
    them once. Without ids a page of equal payments and a repeated one look the same, so the chain breaks rather than
    that something is lost or doubled.
    """
    is_repeat = bool(read.rows) and read.digest in chain.seen
    grown = Chain(
        href=chain.href,
        pages=chain.pages + 1,
        rows=chain.rows + len(read.rows),
        # The link of this page and, where it has rows, its content: a bank that ignores its own page numbers sends
        # the same rows under ever new links. Empty pages may repeat, they are not the end of a chain.
        seen=(*chain.seen, _digest(raw.url), *([read.digest] if read.rows else [])),
        unreadable=chain.unreadable + read.unreadable,
        repeated=chain.repeated + is_repeat,
    )
    if is_repeat and (grown.repeated > MAX_REPEATED_PAGES or not all(row.transaction_id for row in read.rows)):
        raise protocol_error(raw, "The bank sent the same page of transactions twice in one list.")
    at_limit = grown.pages == MAX_PAGES and read.next_href is not None
    if grown.rows > MAX_ROWS or at_limit:
        raise protocol_error(raw, f"The bank's list has more than {MAX_PAGES} pages or {MAX_ROWS} rows.")
    return grown


def _following(configuration: Configuration, chain: Chain, read: _Read, raw: RawAnswer) -> Chain | None:
    """The chain at its next link, None at its end. Raises :class:`ProtocolError` for a link that was seen before."""
    if read.next_href is None:
        return None
    target = resolve_link(configuration, read.next_href, raw.url)
    if _digest(target) in chain.seen:
        raise protocol_error(raw, "The bank's pages lead back to a page that was already read.")
    return replace(chain, href=target)


def _error_within(client: Client, raw: RawAnswer, data: Any) -> ConnectorError | None:
    """The error of an answer that says 200 and yet holds error messages instead of transactions."""
    has_rows = isinstance(data, Mapping) and (
        {"transactions", "cardTransactions"} & data.keys() or href_of(data.get("_links"), "download")
    )
    if has_rows or not any(message.is_error for message in messages_of(data)):
        return None
    return error_from_answer(raw, data, subject="account", retry_after=None, clock=client.clock)


def _read_file(raw: RawAnswer, account: Account | None) -> _Read:
    """The whole list in one file."""
    found = read_file(raw, account)
    digest = hashlib.sha256(raw.body).hexdigest()[:12]
    return _Read(tuple(found.rows), found.unreadable, tuple(found.warnings), None, digest)


def _read(raw: RawAnswer, data: Any) -> _Read:
    report = data.get("transactions", data.get("cardTransactions")) if isinstance(data, Mapping) else None
    links = data.get("_links") if isinstance(data, Mapping) else None
    if not report and (file := href_of(links, "download")):
        # The list is a file elsewhere, which is read as the next page.
        return _Read((), 0, (), file, "")
    if not isinstance(report, Mapping):
        raise protocol_error(raw, "The bank's answer has no list of transactions.")
    warnings = Warnings()
    for message in messages_of(data):
        warnings.add(f"the bank says {message.code}: {message.text}")
    rows: list[BankRow] = []
    unreadable = 0
    is_inverted = data.get("debitAccounting") is True
    for status in _STATUSES:
        for position, item in enumerate(_items(raw, report, status), start=1):
            try:
                rows.append(read_transaction(_inverted(item) if is_inverted else item, status, warnings))
            except UnreadableError as error:
                unreadable += 1
                warnings.add(f"{status} row {position} cannot be read: {error}")
    if standing_orders := _items(raw, report, "information"):
        warnings.add(f"{len(standing_orders)} standing orders are no transactions and were left out")
    next_href = href_of(report.get("_links"), "next") or href_of(data.get("_links"), "next")
    content = {status: report.get(status) for status in _STATUSES}
    # A page that comes twice comes with its members in the same order.
    digest = hashlib.sha256(payload_bytes(content)).hexdigest()[:12]
    return _Read(tuple(rows), unreadable, warnings.as_tuple(), next_href, digest)


def _inverted(item: Any) -> Any:
    """A row of a card whose debits the bank quotes positive (``debitAccounting``)."""
    amount = item.get("transactionAmount") if isinstance(item, Mapping) else None
    if not isinstance(amount, Mapping) or not isinstance(amount.get("amount"), str | int | Decimal):
        return item
    digits = str(amount["amount"]).strip()
    other = digits[1:] if digits.startswith("-") else "-" + digits.removeprefix("+")
    return {**item, "transactionAmount": {**amount, "amount": other}}


def _items(raw: RawAnswer, report: Mapping[str, Any], status: str) -> list[Any]:
    items = report.get(status)
    if items is None:
        return []
    if not isinstance(items, list):
        raise protocol_error(raw, f"The bank's answer has no list under {status!r}.")
    return items


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
