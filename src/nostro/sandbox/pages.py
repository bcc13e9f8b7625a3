"""The frame of the bank's own pages and its few building blocks. Everything from outside is escaped by markupsafe."""

from __future__ import annotations

from markupsafe import Markup

from nostro.sandbox.money import amount_text

_FRAME = Markup(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><title>{title} · Nostro Test Bank</title>'
    '<link rel="stylesheet" href="/static/sandbox.css"></head><body>'
    '<a class="skip" href="#main">Skip to the content</a>'
    '<header><a class="bank" href="/"><span class="mark" aria-hidden="true">NT</span>Nostro Test Bank</a>'
    '<span class="tag">Sandbox: no real money</span></header>'
    '<main id="main">{content}</main>'
    "<footer><p>An invented bank for demonstrations and tests. BIC NSTRBEB0XXX.</p></footer></body></html>\n"
)


def page(title: str, content: Markup) -> Markup:
    """A whole page."""
    return _FRAME.format(title=title, content=content)


def notice(kind: str, what: str, then: str, code: str = "") -> Markup:
    """What happened and what to do. ``kind`` is ``bad``, ``warn`` or ``good``; a word says it as well as the colour."""
    word = {"bad": "Not done", "warn": "Note", "good": "Done"}[kind]
    shown = Markup("<p><small>Code: <code>{}</code></small></p>").format(code) if code else ""
    return Markup('<div class="notice {}" role="status"><p><strong>{}:</strong> {}</p><p>{}</p>{}</div>').format(
        kind, word, what, then, shown
    )


def spaced_iban(iban: str) -> Markup:
    """In groups of four, as on paper."""
    groups = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    return Markup('<span class="iban">{}</span>').format(groups)


def money(minor: int, currency: str) -> Markup:
    """An amount with its currency, in groups of three; the minus sign is a real one, the blanks do not break."""
    whole, point, fraction = amount_text(abs(minor), currency).partition(".")
    grouped = f"{int(whole):,}".replace(",", "\u202f") + point + fraction
    return Markup('<span class="money">{}{} {}</span>').format("−" if minor < 0 else "", grouped, currency)
