"""A form that is sent twice by a double click acts once.

What it made is remembered in the shared cache for a few minutes, so that this holds for every web process.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from django.core.cache import cache

from nostro.web.errors import Problem

FORM_LIFETIME_S = 600
MAX_WAIT_S = 5.0
_BUSY = "busy"


def new_form_key() -> str:
    """Goes into a hidden field; the same form sent twice carries the same key."""
    return str(uuid.uuid4())


def once(form_key: str, make: Callable[[], uuid.UUID]) -> uuid.UUID:
    """Run ``make`` for the first of all requests with this key; the others get the first one's result.

    A refusal of the first (:class:`Problem`) frees the key, so that the corrected form can be sent.
    """
    key = f"form:{form_key[:64]}"
    if cache.add(key, _BUSY, FORM_LIFETIME_S):
        try:
            made = make()
        except BaseException:
            cache.delete(key)
            raise
        cache.set(key, str(made), FORM_LIFETIME_S)
        return made
    deadline = time.monotonic() + MAX_WAIT_S
    while (found := cache.get(key)) == _BUSY and time.monotonic() < deadline:
        time.sleep(0.05)
    if found in (None, _BUSY):
        raise Problem(
            "This form is being worked on already.",
            why="It was sent twice within a moment.",
            what_to_do="Look at the list in a minute; send it again only if nothing appears there.",
            code="formSentTwice",
        )
    return uuid.UUID(found)
