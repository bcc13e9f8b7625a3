"""What a person types into the search box becomes filters (LOOK.md: ``>100``, ``kbc``, ``+++…+++``, ``2026-11``)."""

from __future__ import annotations

import calendar
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

from nostro.core.money import MoneyError, parse_amount
from nostro.hub.accounts.search import Filters

#: A longer text is cut; more words than this are not looked for.
MAX_LENGTH = 200
MAX_WORDS = 8

_BELGIAN_REFERENCE = re.compile(r"[+*]{3}\s*([\d\s/.-]{10,20}?)\s*[+*]{3}")
_COMPARISON = re.compile(r"^(>=|<=|>|<|=)(\d[\d.,]*)$")
_RANGE = re.compile(r"^(\d[\d.,]*)\.\.(\d[\d.,]*)$")
_MONTH = re.compile(r"^(\d{4})-(\d{2})$")
_DAY = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_YEAR = re.compile(r"^(19|20)\d{2}$")


def parse_search(text: str, filters: Filters | None = None) -> Filters:
    """Add to ``filters`` what ``text`` says; never refuses anything, what is no figure or date is a word.

    ``>100`` ``<=20,50`` ``=12.34`` and ``10..20`` look at the amount without its sign; ``2026-11``, ``2026-11-05`` and
    ``2026`` at the booking date; ``+`` or ``-`` alone at the direction; ``+++090/9337/55493+++`` is looked for by its
    digits; every other word must occur in name, text, account number or reference.
    """
    filters = filters or Filters()
    text = text[:MAX_LENGTH]
    for match in _BELGIAN_REFERENCE.finditer(text):
        filters = replace(filters, words=(*filters.words, re.sub(r"\D", "", match[1])))
    for word in _BELGIAN_REFERENCE.sub(" ", text).split()[: 4 * MAX_WORDS]:
        filters = _amount(word, filters) or _period(word, filters) or _word(word, filters)
    return replace(filters, words=filters.words[:MAX_WORDS])


def _amount(word: str, filters: Filters) -> Filters | None:
    if found := _COMPARISON.match(word):
        figure = _figure(found[2])
        if figure is None:
            return None
        return _with_bound(filters, found[1], figure)
    if found := _RANGE.match(word):
        low, high = _figure(found[1]), _figure(found[2])
        return None if low is None or high is None else replace(filters, amount_from=low, amount_to=high)
    return None


def _with_bound(filters: Filters, sign: str, figure: Decimal) -> Filters:
    if sign == "=":
        return replace(filters, amount_from=figure, amount_to=figure)
    if sign in {">", ">="}:
        return replace(filters, amount_from=figure, amount_above=sign == ">")
    return replace(filters, amount_to=figure, amount_below=sign == "<")


def _figure(text: str) -> Decimal | None:
    """A figure as people write it: the last point or comma is the decimal sign unless three digits follow it."""
    text = text.rstrip(".,")
    head, sign, tail = re.match(r"^(.*?)(?:([.,])(\d*))?$", text).groups()  # type: ignore[union-attr]
    if sign and (len(tail) == 3 or sign in head):
        head, tail = head + sign + tail, ""
    digits = re.sub(r"[.,]", "", head)
    try:
        return parse_amount(f"{digits}.{tail}" if tail else digits)
    except MoneyError:
        return None


def _period(word: str, filters: Filters) -> Filters | None:
    try:
        if found := _DAY.match(word):
            day = date(int(found[1]), int(found[2]), int(found[3]))
            return replace(filters, date_from=day, date_to=day)
        if found := _MONTH.match(word):
            year, month = int(found[1]), int(found[2])
            last = calendar.monthrange(year, month)[1]
            return replace(filters, date_from=date(year, month, 1), date_to=date(year, month, last))
        if _YEAR.match(word):
            return replace(filters, date_from=date(int(word), 1, 1), date_to=date(int(word), 12, 31))
    except ValueError:  # the thirteenth month
        return None
    return None


def _word(word: str, filters: Filters) -> Filters:
    if word in {"+", "-", "−"}:
        return replace(filters, direction="credit" if word == "+" else "debit")
    return replace(filters, words=(*filters.words, word))
