"""The PDF of a statement where the system has no font with more than Latin letters (books.md 13.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nostro.books.pages import statement_file


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\u2212 50.00 EUR", "- 50.00 EUR"),
        ("1 Nov \u2013 30 Nov", "1 Nov - 30 Nov"),
        ("L\u2019Oréal \u201cParis\u201d \u20ac", 'L\'Oréal "Paris" EUR'),
        ("Ελλάδα", "??????"),
    ],
    ids=["minus", "dash", "quotes", "greek"],
)
def test_no_sign_is_lost_without_a_font(text: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_file, "_FONT", Path("/nowhere/no-font.ttf"))
    page = statement_file._Page()
    assert page.safe(text, 100) == written
    page.pair(text, text)
    assert page.output().startswith(b"%PDF")
