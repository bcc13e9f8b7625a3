"""Sentences that rooms say in English, in the reader's language.

Rooms raise problems and keep results as plain English, because programs, logs and the trail read them too. Pages show
them through :func:`said`: a fixed sentence is looked up as it is; one with values is recognised by its template. Of
several in one text each is looked up, as where a bank's own words follow ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from django.utils.translation import get_language, gettext

_BETWEEN = re.compile(r"(?<=[.?]) (?=\S)")
_PLACE = re.compile(r"%\((\w+)\)s")
_templates: dict[str, re.Pattern[str]] = {}
#: Longer texts come from elsewhere, as from a bank, and are shown as they are.
MAX_LENGTH = 500


def register(templates: Iterable[str]) -> None:
    """Make sentences with values known, such as ``The code %(code)s is taken.``; each is a message of the catalogue."""
    for template in templates:
        parts = _PLACE.split(template)
        pattern = "".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
        _templates[template] = re.compile(pattern)
    _found.cache_clear()


def templates() -> frozenset[str]:
    """What is registered."""
    return frozenset(_templates)


def said(text: object) -> str:
    """``text`` (or what stands for one) in the language of this thread; unknown texts come back as they are."""
    text = text if isinstance(text, str) else str(text)
    if not text or len(text) > MAX_LENGTH or get_language() in {None, "en"}:
        return text
    return _found(text, get_language() or "")


@lru_cache(maxsize=2_000)
def _found(text: str, language: str) -> str:
    del language  # a part of the key
    whole = _one(text)
    if whole is not None:
        return whole
    return " ".join(_one(part) or part for part in _BETWEEN.split(text))


def _one(text: str) -> str | None:
    known = gettext(text) if text else text
    if known != text:
        return known
    for template, pattern in _templates.items():
        if match := pattern.fullmatch(text):
            # A value may be a word of the catalogue itself, as the name of a lock is.
            return gettext(template) % {name: gettext(value) for name, value in match.groupdict().items()}
    return None
