"""What a handler returns, and the page that all lists share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from nostro.hub.api import documents as d
from nostro.hub.api.paging import Cursors, Listing, Row, Window, page_links, read_cursors, read_window
from nostro.hub.api.reads import AccountState
from nostro.hub.api.request import Request

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and document; bytes are a document that is already written. A document may be a whole file.
    ``plain``: always application/json (2.2)."""

    status: int
    document: Any
    headers: tuple[tuple[str, str], ...] = ()
    plain: bool = False
    #: What is stored instead of ``document`` for a repeated idempotency key, where that holds a secret.
    kept: Any = None

    @property
    def body(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else _ENCODER.encode(self.document)

    @property
    def kept_body(self) -> bytes:
        return self.body if self.kept is None else _ENCODER.encode(self.kept)


def page(
    request: Request,
    listing: Listing | None,
    build: Callable[[Row], Any],
    state: AccountState | None = None,
    with_latest: bool = True,
) -> Answer:
    """A page of ``listing`` (None: an empty list), with what ``state`` says about the account."""
    cursors: Cursors = read_cursors(request)
    window = Window([], False, False) if listing is None else read_window(listing, cursors)
    paging, links = page_links(request, cursors, window)
    meta = d.PageMeta(
        paging,
        UNSET if state is None else state.synchronized_at,
        UNSET if state is None or not with_latest else state.latest_synchronization,
    )
    return Answer(200, d.Page([build(row) for row in window.rows], meta, links))
