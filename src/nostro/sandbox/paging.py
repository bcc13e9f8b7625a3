"""How a list of transactions is cut into pages: well, or in one of the ways in which banks are known to fail
(connectors.md 5.2, ``POST /paging``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from nostro.sandbox.ledger import Entry

Pages = list[list[Entry]]

#: Well-behaved pages, whose links are relative to the host, whole addresses, or relative to the page itself.
LINKS = ("links", "full_links", "relative_links")


def _empty_page(pages: Pages) -> Pages:
    middle = (len(pages) + 1) // 2
    return [*pages[:middle], [], *pages[middle:]]


def _repeated_page(pages: Pages) -> Pages:
    middle = len(pages) // 2
    return [*pages[: middle + 1], *pages[middle:]]


def _repeated_row(pages: Pages) -> Pages:
    """Each page begins with the last row of the page before."""
    return [pages[0], *([before[-1], *page] for before, page in pairwise(pages))]


def _reordered_pages(pages: Pages) -> Pages:
    return pages[::-1]


def _reordered_rows(pages: Pages) -> Pages:
    return [page[::-1] for page in pages]


def _as_they_are(pages: Pages) -> Pages:
    return pages


#: Strange modes: what becomes of the pages. The last page of ``self_next`` is its second, which points to itself;
#: ``row_inserted`` gets a new row before the second page is read, so that its first row was there before.
ODD: dict[str, Callable[[Pages], Pages]] = {
    "empty_page": _empty_page,
    "repeated_page": _repeated_page,
    "repeated_row": _repeated_row,
    "reordered_pages": _reordered_pages,
    "reordered_rows": _reordered_rows,
    "self_next": _as_they_are,
    "row_inserted": _as_they_are,
}
MODES = (*LINKS, *ODD, "in_turn")
#: What ``in_turn`` goes through, one mode with each list that is begun.
IN_TURN = (*LINKS, *ODD)


def mode_of(habit: str, reads: int) -> str:
    """The mode of a list that is begun now, after ``reads`` others."""
    return IN_TURN[reads % len(IN_TURN)] if habit == "in_turn" else habit


def odd_page(mode: str, entries: Sequence[Entry], size: int, number: int) -> tuple[list[Entry], int | None]:
    """Page ``number`` (from 0) of a strange mode, and the number its ``next`` link leads to."""
    cut = [list(entries[at : at + size]) for at in range(0, len(entries), size)] or [[]]
    pages = ODD[mode](cut)
    if number >= len(pages):
        return [], None
    if mode == "self_next" and number == 1:
        return pages[1], 1
    return pages[number], number + 1 if number + 1 < len(pages) else None
