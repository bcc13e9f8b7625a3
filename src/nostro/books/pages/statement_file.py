"""A statement as a PDF (books.md 13.2): what it covers, its balances, its lines with the balance after each."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from nostro.books.journals.models import Line, Statement
from nostro.books.pages.states import State, amount_text, day_text, journal_title, statement_title

# It tells every glyph of the bank's text, which belongs in no log.
logging.getLogger("fontTools").setLevel(logging.WARNING)

#: Where Debian and most other systems keep a font with Greek and Cyrillic letters; without it the PDF has Latin ones.
_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
#: What sentences and amounts have that the Latin letters of every PDF reader lack: a minus must never be lost.
_PLAIN = str.maketrans({"−": "-", "–": "-", "—": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "€": "EUR"})
#: More lines than this are no statement that somebody prints.
LINES_LIMIT = 5_000
_WIDTHS = (22, 98, 30, 30)


def statement_pdf(statement: Statement, lines: Iterable[tuple[Line, Decimal | None]], states: Iterable[State]) -> bytes:
    """The file. ``lines`` are oldest first, each with the balance after it."""
    page, currency = _Page(), statement.journal.currency
    page.heading(journal_title(statement.journal), statement_title(statement))
    page.pair(_("Company"), str(statement.company))
    page.pair(_("Account"), statement.journal.account_number or statement.journal.code)
    page.pair(_("Statement"), statement.name)
    page.pair(_("Period"), f"{day_text(statement.first_day)} – {day_text(statement.date)}")
    page.pair(_("Start (computed)"), amount_text(statement.start, currency))
    page.pair(_("End (computed)"), amount_text(statement.computed_end, currency))
    if statement.stated_end is not None:
        page.pair(_("End (bank-stated)"), amount_text(statement.stated_end, currency))
    page.pair(_("State"), ", ".join(f"{each.word}. {each.sentence}".strip(" .") for each in states))
    page.row((_("Date"), _("Counterparty and label"), _("Amount"), _("Balance")), head=True)
    for line, balance in lines:
        text = " · ".join(part for part in (line.counterparty_name, line.label) if part)
        after = "" if balance is None else amount_text(balance, currency)
        page.row((day_text(line.booking_date), text, amount_text(line.amount, line.currency), after))
    return bytes(page.output())


class _Page(FPDF):
    """A4 with a page number; text is cut to its cell."""

    def __init__(self) -> None:
        super().__init__(format="A4")
        self.unicode = _FONT.exists()
        if self.unicode:
            self.add_font("text", fname=_FONT)
        self.family_name = "text" if self.unicode else "Helvetica"
        self.set_auto_page_break(True, margin=18)
        self.set_title("Statement")
        self.set_font(self.family_name, size=9)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(self.family_name, size=8)
        self.cell(0, 5, f"{self.page_no()}", align="C")
        self.set_font(self.family_name, size=9)

    def safe(self, text: str, width: float) -> str:
        """One line of text that fits: a bank's control characters go, letters the font lacks become question marks."""
        text = " ".join("".join(letter for letter in text[:400] if letter.isprintable()).split())
        if not self.unicode:
            text = text.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1")
        if self.get_string_width(text) <= width - 2:
            return text
        while text and self.get_string_width(text + "...") > width - 2:
            text = text[: len(text) * 9 // 10 if len(text) > 60 else -1]
        return text + "..."

    def heading(self, title: str, subtitle: str) -> None:
        self.set_font(self.family_name, size=16)
        self.cell(0, 9, self.safe(title, 180), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(self.family_name, size=11)
        self.cell(0, 7, self.safe(subtitle, 180), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(self.family_name, size=9)
        self.ln(3)

    def pair(self, name: str, value: str) -> None:
        self.cell(45, 6, self.safe(name, 45))
        self.cell(0, 6, self.safe(value, 140), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def row(self, cells: tuple[str, str, str, str], *, head: bool = False) -> None:
        if head:
            self.ln(3)
        for number, (width, text) in enumerate(zip(_WIDTHS, cells, strict=True)):
            self.cell(width, 6, self.safe(text, width), border="B", align="R" if number > 1 else "L")
        self.ln(6)
