"""Answers: JSON as the standard wants it, and pages under a strict policy."""

from __future__ import annotations

import json
from collections.abc import Mapping

from markupsafe import Markup
from werkzeug.wrappers import Response

#: No script runs on the bank's pages and nothing is loaded from elsewhere.
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'{}; frame-ancestors 'none'; base-uri 'none'"


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. Key order is that of the code, so equal content is equal bytes."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, dict(headers or {}), content_type="application/json")


def page_reply(html: Markup, status: int = 200, may_lead_to: str = "") -> Response:
    """A page. ``may_lead_to`` is the origin that a form of this page may send the browser on to."""
    headers = {
        "Content-Security-Policy": POLICY.format(f" {may_lead_to}" if may_lead_to else ""),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(html, status, headers, content_type="text/html; charset=utf-8")
