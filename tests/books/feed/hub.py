"""A Hub without a network: the scripted one behind a door in process, which can break, refuse and count."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from tests.books.hub_server import ScriptedHub

from nostro.books.links import hub as links_hub
from nostro.http.door import Answer
from nostro.http.errors import Unreachable

URL = "https://hub.example.test"


class FeedHub(ScriptedHub):
    """``broken`` accounts answer every read with an error; ``fails_at`` ends the network before that request."""

    def __init__(self) -> None:
        super().__init__()
        self.url = URL
        self.broken: set[str] = set()
        self.fails_at: int | None = None
        self.calls = 0
        #: What the Hub says to who asks for a refresh: not before so many seconds.
        self.retry_after_s: int | None = None
        #: Subtype and whether a person was named, of each refresh that was asked for.
        self.refreshes: list[tuple[str, bool]] = []

    def request(
        self, method: str, url: str, *, request_id: str, headers: Mapping[str, str], content: bytes | None = None,
        max_body_bytes: int | None = None, total_timeout_s: float | None = None,
    ) -> Answer:  # fmt: skip
        """What the door does."""
        del max_body_bytes, total_timeout_s
        self.calls += 1
        if self.fails_at is not None and self.calls > self.fails_at:
            raise Unreachable("the network is down", request_sent=True)
        address = urlsplit(url)
        if address.path == "/synchronizations" and method == "POST":
            asked: dict[str, Any] = json.loads(content or b"{}")["data"]["attributes"]
            self.refreshes.append((asked["subtype"], bool(asked.get("customerIpAddress"))))
            if self.retry_after_s is not None:
                told = {"content-type": "application/json", "retry-after": str(self.retry_after_s)}
                return Answer(429, told, b'{"errors": [{"code": "tooManyRequests"}]}', url, request_id)
        if any(account in address.path for account in self.broken):
            status, body = 500, '{"errors": [{"code": "internalServerError", "detail": "broken"}]}'
        else:
            target = f"{address.path}?{address.query}" if address.query else address.path
            status, body = self.answer(method, target, headers.get("Authorization", ""))
        return Answer(status, {"content-type": "application/json"}, body.encode(), url, request_id)


@contextmanager
def reachable(hub: FeedHub) -> Iterator[FeedHub]:
    """In the block, this is the only Hub there is."""
    with mock.patch.object(links_hub, "_door", lambda: hub):
        yield hub
