"""What every page template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEME_COOKIE = "nostro_theme"
THEMES = ("light", "dark")


def chosen_theme(request: HttpRequest) -> str:
    """``light`` or ``dark`` if this device chose one, else an empty text: then the system decides."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return theme if theme in THEMES else ""


def page(request: HttpRequest) -> dict[str, Any]:
    """``correlation_id`` for messages and support, ``theme`` if the device chose one, ``sandbox_enabled``."""
    return {
        "correlation_id": getattr(request, "correlation_id", ""),
        "theme": chosen_theme(request),
        "sandbox_enabled": settings.SANDBOX_ENABLED,
    }
