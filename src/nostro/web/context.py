"""What every page template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEME_COOKIE = "nostro_theme"
THEMES = ("light", "dark")


def page(request: HttpRequest) -> dict[str, Any]:
    """``correlation_id`` for messages and support, ``theme`` if the person chose one, ``sandbox_enabled``."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "correlation_id": getattr(request, "correlation_id", ""),
        "theme": theme if theme in THEMES else "",
        "sandbox_enabled": settings.SANDBOX_ENABLED,
    }
