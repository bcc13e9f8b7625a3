"""The coverage bar of a journal: which days were read, as spans of one state (books.md 11.5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from nostro.books.journals.models import Journal
from nostro.books.links.coverage import coverage_by_files, coverage_of
from nostro.books.links.models import JournalLink
from nostro.books.pages.states import day_text
from nostro.core.coverage import DayState, Span


@dataclass(frozen=True)
class Piece:
    """Consecutive days of one state; ``x`` and ``width`` are days from the bar's beginning."""

    x: int
    width: int
    tone: str
    title: str
    state: DayState


@dataclass(frozen=True)
class CoverageBar:
    """The bar, oldest day first, and the same in one sentence."""

    pieces: list[Piece]
    width: int
    first: dt.date
    last: dt.date
    gap_days: int

    @property
    def tone(self) -> str:
        return "warn" if self.gap_days else "good"


def coverage_bar(journal: Journal, link: JournalLink | None, now: dt.datetime) -> CoverageBar | None:
    """The bar of the last days of a journal; none for one without feed and files."""
    spans = coverage_of(link, now=now) if link else coverage_by_files(journal, now=now)
    if not spans:
        return None
    first = spans[0].window.date_from
    pieces = [_piece(span, first) for span in spans]
    gap_days = sum(piece.width for piece in pieces if piece.state == "gap")
    return CoverageBar(pieces, sum(piece.width for piece in pieces), first, spans[-1].window.date_to, gap_days)


def _piece(span: Span, first: dt.date) -> Piece:
    days = (span.window.date_to - span.window.date_from).days + 1
    words = {
        "covered": ("good", _("read completely")),
        "file": ("good", _("from a file")),
        "open": ("quiet", _("not over yet")),
        "gap": ("bad", _("not read")),
        "before_start": ("quiet", _("before the first day of this journal")),
    }
    tone, word = words[span.state]
    begin, end = (day_text(day) for day in (span.window.date_from, span.window.date_to))
    title = f"{begin}: {word}" if days == 1 else f"{begin} – {end}: {word}"
    return Piece((span.window.date_from - first).days, days, tone, title, span.state)
