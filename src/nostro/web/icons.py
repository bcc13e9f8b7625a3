"""Nostro's own icons: 16 px, one stroke width, drawn with the colour of the text around them."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

#: Path data on a 16 x 16 grid, or whole shapes where a path would be obscure.
PATHS = {
    "check": '<circle cx="8" cy="8" r="6.25"/><path d="m5.2 8.2 2 2 3.6-4.2"/>',
    "triangle": '<path d="M8 2.2 14.4 13.5H1.6Z"/><path d="M8 6.4v3.2M8 11.4v.2"/>',
    "cross": (
        '<path d="M5.2 1.9h5.6l3.3 3.3v5.6l-3.3 3.3H5.2l-3.3-3.3V5.2Z"/><path d="m5.9 5.9 4.2 4.2m0-4.2-4.2 4.2"/>'
    ),
    "dot": '<circle cx="8" cy="8" r="6.25"/><circle cx="8" cy="8" r="2.2" fill="currentColor"/>',
    "ring": '<circle cx="8" cy="8" r="6.25"/><path d="M5.4 8h5.2"/>',
    "copy": (
        '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="'
        'M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/>'
    ),
    "up": '<path d="M8 13V3.5M4 7.2 8 3.2l4 4"/>',
    "down": '<path d="M8 3v9.5M4 8.8l4 4 4-4"/>',
    "left": '<path d="M13 8H3.5M7.2 4l-4 4 4 4"/>',
    "right": '<path d="M3 8h9.5M8.8 4l4 4-4 4"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="m10.4 10.4 3.4 3.4"/>',
    "refresh": (
        '<path d="M13.2 6.4A5.6 5.6 0 0 0 3 5.6M2.8 9.6A5.6 5.6 0 0 0 13 10.4"/><path d="M2.8 2.6v3.2H6'
        'M13.2 13.4v-3.2H10"/>'
    ),
    "download": '<path d="M8 2.5v8M4.6 7.4 8 10.8l3.4-3.4M2.8 13.4h10.4"/>',
    "person": '<circle cx="8" cy="5.4" r="2.8"/><path d="M2.6 13.8c.6-2.9 2.7-4.4 5.4-4.4s4.8 1.5 5.4 4.4"/>',
    "lock": '<rect x="3" y="7" width="10" height="6.6" rx="1.2"/><path d="M5.4 7V5a2.6 2.6 0 0 1 5.2 0v2"/>',
    "key": '<circle cx="5.2" cy="10.8" r="2.9"/><path d="m7.3 8.7 6-6M10.6 5.4l2.2 2.2"/>',
    "bank": '<path d="M2.2 6.2 8 2.6l5.8 3.6ZM3.8 6.2v6M6.6 6.2v6M9.4 6.2v6M12.2 6.2v6M2.2 13.4h11.6"/>',
    "book": (
        '<path d="M8 4.2C6.6 3.2 4.6 2.9 2.4 2.9v9.4c2.2 0 4.2.3 5.6 1.3 1.4-1 3.4-1.3 5.6-1.3V2.9c-2.2'
        ' 0-4.2.3-5.6 1.3Zm0 0v9.4"/>'
    ),
    "sun": (
        '<circle cx="8" cy="8" r="2.8"/><path d="M8 1.6v1.6M8 12.8v1.6M1.6 8h1.6M12.8 8h1.6M3.5 3.5l1.1 1.1'
        'M11.4 11.4l1.1 1.1M12.5 3.5l-1.1 1.1M4.6 11.4l-1.1 1.1"/>'
    ),
    "external": '<path d="M6.4 3.4H3v9.6h9.6V9.6M9 2.8h4.2V7M13 3 7.4 8.6"/>',
}


def icon(name: str, label: str = "") -> SafeString:
    """Markup of an icon. Raises ``KeyError`` for a name that is not in ``PATHS``."""
    meaning = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-linecap="round" stroke-linejoin="round" focusable="false" {}>{}</svg>',
        meaning,
        SafeString(PATHS[name]),
    )
