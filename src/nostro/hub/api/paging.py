"""Pages of hub-api.md section 5: newest first by creation, ``after`` older, ``before`` immediately newer.

A list is described once, as a ``Listing``: the SQL of its rows, their sort key and what a cursor may be. ``page`` then
walks it by key, so that the last page costs as much as the first and inserts never shift a page.
"""

# SQL is put together from constants of this package only; what a caller gives travels as arguments.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

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
    ``cursor`` is SQL that gives the key of the row with an id (its last argument), within the same list, and
    ``cursor_listed`` says of that row whether the list shows it: TRUE, FALSE when nobody knows, or an expression.
    """

    select: str
    where: str
    arguments: tuple[Any, ...]
    key: tuple[str, ...]
    cursor: str
    cursor_arguments: tuple[Any, ...]
    select_arguments: tuple[Any, ...] = ()
    visible: str = "TRUE"
    cursor_listed: str = "TRUE"
    descending: bool = True

    def key_of_cursor(self) -> str:
        """SQL of the key of a cursor; its arguments are ``cursor_arguments`` and the id."""
        return f"SELECT {', '.join(self.key)} {self.cursor}"


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
    """The rows that ``cursors`` ask for. Raises invalidCursor for a cursor that is no row of the list (5.6).

    The key of a cursor is looked up inside the statement that reads the page, so that a later page costs as much as
    the first. A cursor that the list shows is itself the neighbour beyond the page.
    """
    after = _cursor_id(cursors.after, cursors.style["after"])
    before = _cursor_id(cursors.before, cursors.style["before"])
    upwards = before is not None and after is None
    found = _fetch(listing, cursors.limit + 1, after, before)
    if not found:
        _check_cursor(listing, after, cursors.style["after"])
        _check_cursor(listing, before, cursors.style["before"])
        return Window([], False, False)
    more, rows = len(found) > cursors.limit, found[: cursors.limit]
    if upwards:
        rows.reverse()
    if before is None and after is None:
        return Window(rows, more, False)
    beyond = _is_listed(listing, found[0])
    if upwards:
        return Window(rows, beyond or _exists(listing, "older", _key_of(listing, rows[-1])), more)
    return Window(rows, more, beyond or _exists(listing, "newer", _key_of(listing, rows[0])))


def _cursor_id(text: str, parameter: str) -> UUID | None:
    if not text:
        return None
    row_id = parse_id(text)
    if row_id is None:
        raise invalid_cursor(parameter)
    return row_id


def _check_cursor(listing: Listing, row_id: UUID | None, parameter: str) -> None:
    if row_id is not None and fetch_one(listing.key_of_cursor(), [*listing.cursor_arguments, row_id]) is None:
        raise invalid_cursor(parameter)


def _is_listed(listing: Listing, row: Row) -> bool:
    """Whether the cursor that the page begins at is shown in the list; False when that is not known."""
    return listing.cursor_listed == "TRUE" or (listing.cursor_listed != "FALSE" and bool(row[-len(listing.key) - 1]))


def _fetch(listing: Listing, limit: int, after: UUID | None, before: UUID | None) -> list[Row]:
    """Rows between the cursors, from ``after`` on; with ``before`` alone from it upwards, nearest first. Behind their
    columns come ``cursor_listed`` of the cursor where that is an expression, and the key."""
    order = _order(listing, reverse=before is not None and after is None)
    key = ", ".join(listing.key)
    extra, first_arguments = key, listing.select_arguments
    near = before if after is None else after
    if near is not None and listing.cursor_listed not in {"TRUE", "FALSE"}:
        extra = f"(SELECT {listing.cursor_listed} {listing.cursor}), {key}"
        first_arguments = (*first_arguments, *listing.cursor_arguments, near)
    older, newer = _directions(listing)
    bounds = ""
    arguments: list[Any] = [*first_arguments, *listing.arguments]
    for row_id, operator in ((after, older), (before, newer)):
        if row_id is not None:
            bounds += f" AND ({key}) {operator} ({listing.key_of_cursor()})"
            arguments += [*listing.cursor_arguments, row_id]
    return fetch_all(
        f"{_with(listing.select, extra)} WHERE {listing.where} AND {listing.visible}{bounds} ORDER BY {order} LIMIT %s",
        [*arguments, limit],
    )


def _order(listing: Listing, *, reverse: bool) -> str:
    direction = "DESC" if listing.descending != reverse else "ASC"
    return ", ".join(f"{column} {direction}" for column in listing.key)


def _with(select: str, columns: str) -> str:
    """``select`` with more columns at its end."""
    head, separator, tail = select.partition("\nFROM ")
    return f"{head}, {columns}{separator}{tail}"


def _directions(listing: Listing) -> tuple[str, str]:
    """The operators that mean older and newer."""
    return ("<", ">") if listing.descending else (">", "<")


def _key_of(listing: Listing, row: Row) -> Row:
    return row[-len(listing.key) :]


def _exists(listing: Listing, side: Literal["older", "newer"], key: Row) -> bool:
    """Whether the list goes on beyond ``key``."""
    operator = _directions(listing)[side == "newer"]
    source = listing.select.partition("\nFROM ")[2]
    marks = ", ".join(["%s"] * len(key))
    # Nearest first: without an order the planner may read a whole table that has no such row.
    order = _order(listing, reverse=side == "newer")
    found = fetch_one(
        f"SELECT 1 FROM {source} WHERE {listing.where} AND {listing.visible}"
        f" AND ({', '.join(listing.key)}) {operator} ({marks}) ORDER BY {order} LIMIT 1",
        [*listing.arguments, *key],
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
