"""Regular expressions that users type, searched with a time limit (books.md 16.8, decision 0024)."""

from __future__ import annotations

from functools import lru_cache

import regex

from nostro.core.text import MAX_TEXT_LENGTH

#: One search may take this long.
TIME_LIMIT_S = 0.05
MAX_PATTERN = 200


class PatternError(ValueError):
    """A pattern that cannot be used, in words."""


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern, regex.IGNORECASE)


def check_pattern(pattern: str, *, groups: int | None = None) -> None:
    """Raises :class:`PatternError` if a pattern is no expression, too long, or has not ``groups`` groups."""
    if not pattern or len(pattern) > MAX_PATTERN:
        raise PatternError(f"an expression has 1 to {MAX_PATTERN} characters")
    try:
        found = _compiled(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise PatternError(str(error)) from None
    if groups is not None and found.groups != groups:
        raise PatternError(f"it has {found.groups} groups in brackets and needs {groups}")


def search(pattern: str, text: str) -> regex.Match[str] | None:
    """The first hit, letters of either case. Raises ``TimeoutError`` after :data:`TIME_LIMIT_S`."""
    return _compiled(pattern).search(text[:MAX_TEXT_LENGTH], timeout=TIME_LIMIT_S)
