"""Pages of hub-api.md section 5: newest first by creation, ``after`` older, ``before`` immediately newer.

A list is described once, as a ``Listing``: the SQL of its rows, their sort key and what a cursor may be. ``page`` then
walks it by key, so that the last page costs as much as the first and inserts never shift a page.
"""

# SQL is put together from constants of this package only; what a caller gives travels as arguments.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nostro.hub.api.documents import PageLinks, Paging
from nostro.hub.api.errors import invalid_cursor
from nostro.hub.api.request import Request, parse_id
from nostro.web.hot_reads import fetch_all, fetch_one

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
_BRACKETS = {"limit": "page[limit]", "after": "page[after]", "before": "page[before]"}
_PLAIN = {"limit": "limit", "after": "after", "before": "before"}
_NAMES = {**{name: name for name in _PLAIN}, **{bracket: name for name, bracket in _BRACKETS.items()}}

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Cursors:
    """The paging parameters of a request; ``style`` maps limit, after and before to the names that links use."""

    limit: int
    limit_given: bool
    after: str
    before: str
    style: dict[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that can be walked.

    ``select`` starts with the id and ends before WHERE; ``where`` with ``arguments`` chooses the rows; ``visible``
    hides tombstones, which remain cursors; ``key`` are the sort columns; ``descending`` is the list's direction.
    ``cursor`` is SQL that gives the key of the row with an id (its last argument), within the same list.
    """

    select: str
    where: str
    arguments: tuple[Any, ...]
    key: tuple[str, ...]
    cursor: str
    cursor_arguments: tuple[Any, ...]
    select_arguments: tuple[Any, ...] = ()
    visible: str = "TRUE"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of one page in list order, and whether the list goes on at either end."""

    rows: list[Row]
    has_older: bool
    has_newer: bool


def read_cursors(request: Request) -> Cursors:
    """Limit, after and before in either style (5). Empty counts as absent, limits are clamped (5.7)."""
    values: dict[str, str] = {}
    brackets = plain = False
    for name, value in request.query.items():
        if name in _NAMES:
            values[_NAMES[name]] = value
            plain, brackets = plain or name in _PLAIN, brackets or name not in _PLAIN
    style = _BRACKETS if brackets and not plain else _PLAIN
    if brackets == plain and request.mount:
        style = _BRACKETS
    limit = values.get("limit", "").strip()
    return Cursors(_limit(limit), bool(limit), values.get("after", ""), values.get("before", ""), style)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        return DEFAULT_LIMIT
    # Leading zeros and a thousand digits are still a number; more than three significant ones are above the limit.
    digits = text.lstrip("0")
    return min(int(digits[:4] or "0"), MAX_LIMIT) or DEFAULT_LIMIT


def read_window(listing: Listing, cursors: Cursors) -> Window:
    """The rows that ``cursors`` ask for. Raises invalidCursor for a cursor that is no row of the list (5.6)."""
    after = _cursor_key(listing, cursors.after, cursors.style["after"])
    before = _cursor_key(listing, cursors.before, cursors.style["before"])
    upwards = before is not None and after is None
    rows = _fetch(listing, cursors.limit + 1, after, before)
    more, rows = len(rows) > cursors.limit, rows[: cursors.limit]
    if upwards:
        rows.reverse()
    if not rows:
        return Window([], False, False)
    first, last = (_key_of(listing, row) for row in (rows[0], rows[-1]))
    if upwards:
        return Window(rows, _exists(listing, after=last), more)
    return Window(rows, more, after is not None and _exists(listing, before=first))


def _cursor_key(listing: Listing, text: str, parameter: str) -> Row | None:
    if not text:
        return None
    row_id = parse_id(text)
    if row_id is not None:
        row = fetch_one(listing.cursor, [*listing.cursor_arguments, row_id])
        if row is not None:
            return row
    raise invalid_cursor(parameter)


def _fetch(listing: Listing, limit: int, after: Row | None, before: Row | None) -> list[Row]:
    """Rows between the cursors, from ``after`` on; with ``before`` alone from it upwards, nearest first."""
    order = _order(listing, reverse=before is not None and after is None)
    bounds, arguments = _bounds(listing, after, before)
    select = _with_key(listing.select, ", ".join(listing.key))
    return fetch_all(
        f"{select} WHERE {listing.where} AND {listing.visible}{bounds} ORDER BY {order} LIMIT %s",
        [*listing.select_arguments, *listing.arguments, *arguments, limit],
    )


def _order(listing: Listing, *, reverse: bool) -> str:
    direction = "DESC" if listing.descending != reverse else "ASC"
    return ", ".join(f"{column} {direction}" for column in listing.key)


def _with_key(select: str, key: str) -> str:
    head, separator, tail = select.partition("\nFROM ")
    return f"{head}, {key}{separator}{tail}"


def _bounds(listing: Listing, after: Row | None, before: Row | None) -> tuple[str, list[Any]]:
    older, newer = ("<", ">") if listing.descending else (">", "<")
    key, marks = ", ".join(listing.key), ", ".join(["%s"] * len(listing.key))
    sql = ""
    arguments: list[Any] = []
    for row, operator in ((after, older), (before, newer)):
        if row is not None:
            sql += f" AND ({key}) {operator} ({marks})"
            arguments += row
    return sql, arguments


def _key_of(listing: Listing, row: Row) -> Row:
    return row[-len(listing.key) :]


def _exists(listing: Listing, after: Row | None = None, before: Row | None = None) -> bool:
    bounds, arguments = _bounds(listing, after, before)
    source = listing.select.partition("\nFROM ")[2]
    # Nearest first: without an order the planner may read a whole table that has no such row.
    order = _order(listing, reverse=before is not None)
    found = fetch_one(
        f"SELECT 1 FROM {source} WHERE {listing.where} AND {listing.visible}{bounds} ORDER BY {order} LIMIT 1",
        [*listing.arguments, *arguments],
    )
    return found is not None


def page_links(request: Request, cursors: Cursors, window: Window) -> tuple[Paging, PageLinks]:
    """``meta.paging`` and ``links`` of a page: absolute, in the caller's base, style, limit and filters (5.3, 5.4)."""
    address = request.base + "/" + "/".join(request.path)
    kept = [
        f"{_quoted(name)}={quote(value, safe='')}"
        for name, value in request.query.items()
        if name.startswith("filter[")
    ]
    size = [f"{cursors.style['limit']}={cursors.limit}"] if cursors.limit_given else []

    def link(cursor: Sequence[str]) -> str:
        query = "&".join([*kept, *cursor, *size])
        return f"{address}?{query}" if query else address

    def named(name: str, value: str) -> str:
        return f"{cursors.style[name]}={value}"

    older = str(window.rows[-1][0]) if window.has_older else None
    newer = str(window.rows[0][0]) if window.has_newer else None
    links: dict[str, str] = {}
    if newer:
        links["prev"] = link([named("before", newer)])
    if older:
        # Between two cursors the walk goes on towards the second one.
        stop = [named("before", cursors.before)] if cursors.after and cursors.before else []
        links["next"] = link([named("after", older), *stop])
    return Paging(cursors.limit, newer, older), PageLinks(first=link([]), **links)


def _quoted(name: str) -> str:
    return quote(name, safe="[]")
