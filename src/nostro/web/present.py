"""How values are shown to people: pure functions from a value and a locale to text.

The template tags of ``nostro.web.templatetags.nostro`` wrap these in markup; mails and downloads use them as they are.
"""

from __future__ import annotations

import copy
import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import NumberPattern
from django.utils.translation import gettext

from nostro.core.money import decimals as decimals_of

MINUS = "\N{MINUS SIGN}"
#: An amount with more decimals than this is cut for the eye only; the column holds at most so many.
MOST_DECIMALS = 12


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """The Babel locale of a language code of Django (``en``, ``nl-be``); English of Ireland when it is unknown.

    Plain English means dates and amounts as Europe writes them in English, not as the United States do.
    """
    code = {"en": "en_IE"}.get(language.lower(), language.replace("-", "_"))
    try:
        return Locale.parse(code)
    except (ValueError, UnknownLocaleError):
        return Locale.parse("en_IE")


@dataclass(frozen=True, slots=True)
class MoneyText:
    """An amount ready to show: ``sign`` is empty, a plus or a minus sign; ``digits`` have the locale's separators."""

    sign: str
    digits: str
    currency: str

    def __str__(self) -> str:
        return f"{self.sign}{self.digits} {self.currency}".rstrip()


def money_text(amount: Decimal, currency: str, language: str, *, signed: bool = False) -> MoneyText:
    """Write ``amount`` for a language. ``signed`` also writes the plus.

    At least the decimals of the currency are written, and all that the amount has: nothing is rounded away.
    """
    own = -int(amount.normalize().as_tuple().exponent) if amount else 0
    decimals = min(max(decimals_of(currency), own), MOST_DECIMALS)
    pattern = _pattern(locale_of(language), decimals)
    digits = pattern.apply(abs(amount), locale_of(language))
    sign = MINUS if amount < 0 else "+" if signed and amount > 0 else ""
    return MoneyText(sign, str(digits), currency)


@lru_cache(maxsize=256)
def _pattern(locale: Locale, decimals: int) -> NumberPattern:
    pattern = copy.copy(locale.decimal_formats[None])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def number_text(value: int | Decimal, language: str) -> str:
    """A count or another number with the locale's separators."""
    locale = locale_of(language)
    return str(locale.decimal_formats[None].apply(value, locale))


def iban_groups(value: str) -> list[str]:
    """The groups of four of an IBAN, or of any other account number of letters and digits."""
    compact = re.sub(r"\s+", "", value)
    return [compact[start : start + 4] for start in range(0, len(compact), 4)]


#: What browsers and systems write into their header, the more particular first: most also name those they resemble.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "CrOS": "ChromeOS",
    "Mac OS": "macOS", "Linux": "Linux",
}  # fmt: skip


def browser_name(agent: str) -> tuple[str, str]:
    """Browser and system of a ``User-Agent`` header; each is empty when it is not one of the usual ones."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    return browser, next((name for mark, name in _SYSTEMS.items() if mark in agent), "")


@dataclass(frozen=True, slots=True)
class BankMark:
    """Initials on a colour. ``fill`` is a colour dark enough for white letters, the same for a BIC for ever."""

    initials: str
    fill: str


def bank_mark(bic: str, name: str) -> BankMark:
    """Compute the mark of a bank from its BIC (the first six characters), or from its name when it has none."""
    words = re.findall(r"[^\W_]+", name) or [bic or "?"]
    initials = (words[0][:2] if len(words) == 1 else words[0][0] + words[1][0]).upper()
    digest = hashlib.sha256((bic[:6] or name).upper().encode()).digest()
    hue = int.from_bytes(digest[:2], "big") % 360
    # 30 % lightness at moderate saturation keeps white letters above 4.5:1 for every hue.
    return BankMark(initials, f"hsl({hue} 38% 30%)")


def date_text(value: date, language: str, *, length: str = "medium") -> str:
    """A date in words of the language: ``24 Nov 2026``; ``length`` is short, medium, long or full."""
    return str(format_date(value, length, locale=locale_of(language)))


def exact_time_text(value: datetime, language: str, zone: tzinfo) -> str:
    """Date and time with seconds and zone, for hover and for readers of screens."""
    return str(format_datetime(value, "long", tzinfo=zone, locale=locale_of(language)))


def relative_time_text(value: datetime, now: datetime, language: str, zone: tzinfo) -> str:
    """How people say it: ``3 minutes ago``, ``today 08:12``, ``24 Nov, 08:12``. Both times are aware.

    Under an hour as a difference, on the same day as the time, else as the date and, within half a year, the time.
    """
    locale = locale_of(language)
    difference = value - now
    if abs(difference) < timedelta(seconds=10):
        return gettext("just now")
    if abs(difference) < timedelta(minutes=60):
        return str(
            format_timedelta(difference, granularity="second", threshold=0.99, add_direction=True, locale=locale)
        )
    local, today = value.astimezone(zone), now.astimezone(zone).date()
    clock = format_time(local, "short", locale=locale)
    if local.date() == today:
        return str(clock)
    if abs(difference) < timedelta(days=180):
        return f"{format_date(local, 'd MMM', locale=locale)}, {clock}"
    return str(format_date(local, "medium", locale=locale))
