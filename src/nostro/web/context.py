"""What every page template knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    """The correlation id, for error messages and support."""
    return {"correlation_id": getattr(request, "correlation_id", "")}
