"""What the software of an integration asked, for the people who look after it (hub-api.md 12, issue 4).

A row per read must not make reads slower, so requests are noted in memory and written in batches once a second by a
thread of the web process: a process that is killed loses at most the last second of its log, never of any data.
Bodies are kept of refused requests only, and of those only the names and the few values that are no secrets.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from django.db import connection

from nostro.hub.api.request import Request
from nostro.hub.api.responses import Answer
from nostro.hub.integrations.request_log import Entry, write

MAX_WAITING = 10_000
INTERVAL_S = 1.0
MAX_BODY_CHARACTERS = 2_000
MAX_TARGET_CHARACTERS = 500
_MASK = "•••"
#: Attributes whose values say what was asked and nothing about a person.
_SHOWN = frozenset({"type", "resourceType", "resourceId", "subtype", "currency", "status", "grant_type", "scope"})
_SHOWN_PARAMETERS = ("limit", "after", "before", "page[", "filter[", "grant_type", "scope")

log = structlog.get_logger(__name__)


def entry_of(request: Request, answer: Answer, seconds: float) -> Entry | None:
    """The entry of an answered request; None when nobody in particular asked."""
    asked = request.grantee or request.holder
    if asked is None:
        return None
    sent = received = ""
    if answer.status >= 400:
        sent = masked_body(request.read_body)
        received = answer.body[: MAX_BODY_CHARACTERS * 4].decode("utf-8", "replace")[:MAX_BODY_CHARACTERS]
    return Entry(
        asked.organization_id, asked.integration_id, request.now, _storable(request.verb)[:10],
        _target(request), answer.status, request.request_id, int(seconds * 1_000_000), sent, _storable(received),
    )  # fmt: skip


def masked_body(body: bytes) -> str:
    """The body with every value hidden that might be a secret or tell about a person."""
    if not body:
        return ""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return f"({len(body)} bytes that are no JSON)"
    return _storable(msgspec.json.encode(_masked(document)).decode())[:MAX_BODY_CHARACTERS]


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _masked(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member, name) for member in value]
    return value if value is None or name in _SHOWN else _MASK


def _target(request: Request) -> str:
    path = request.mount + "/" + "/".join(request.path)
    if all(name.startswith(_SHOWN_PARAMETERS) for name in request.query):
        query = request.environ.get("QUERY_STRING", "") if request.query else ""
        return _storable(f"{path}?{query}" if query else path)[:MAX_TARGET_CHARACTERS]
    shown = [
        f"{quote(name, safe='[]')}={quote(value, safe='') if name.startswith(_SHOWN_PARAMETERS) else _MASK}"
        for name, value in request.query.items()
    ]
    return _storable(path + ("?" + "&".join(shown) if shown else ""))[:MAX_TARGET_CHARACTERS]


def _storable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


class Recorder:
    """Collects entries and writes them from a thread of its own. Beyond MAX_WAITING the oldest are dropped."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._waiting: deque[Entry] = deque(maxlen=MAX_WAITING)
        self._interval_s = interval_s
        self._something = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, entry: Entry) -> None:
        self._waiting.append(entry)
        if not self._something.is_set():
            self._something.set()
        if self._thread is None:
            self._start()

    def flush(self) -> int:
        """Write what waits, in the caller's thread; returns how many entries that were."""
        entries: list[Entry] = []
        while self._waiting:
            entries.append(self._waiting.popleft())
        write(entries)
        return len(entries)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="api-request-log", daemon=True)
                self._thread.start()

    def _run(self, sleep: Callable[[float], None] = time.sleep) -> None:
        while True:
            self._something.wait()
            sleep(self._interval_s)
            self._something.clear()
            try:
                self.flush()
            except Exception:
                # The log is a convenience; the API goes on without it.
                log.warning("the request log could not be written", exc_info=True)
                connection.close()
