"""The real Hub behind the Books' door, in process: its dispatcher, its database, no network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest import mock
from urllib.parse import urlsplit

from tests.hub.api.client import BASE, Caller

from nostro.books.links import hub as links_hub
from nostro.http.door import Answer
from nostro.hub.accounts.models import Account
from nostro.hub.integrations.services import create_integration
from nostro.people.models import User


class HubInProcess:
    """What :class:`tests.books.hub_server.ScriptedHub` is to steps: an address and a pair of credentials."""

    def __init__(self, user: User, account: Account, now: dt.datetime) -> None:
        self.url, self.caller = BASE, Caller()
        self.caller.now = now
        integration, self.secret = create_integration(
            user, account.organization, name="Books", account_ids=[account.pk], is_sandbox=account.is_sandbox, now=now
        )
        self.client_id = integration.client_id

    def request(
        self, method: str, url: str, *, request_id: str, headers: Mapping[str, str], content: bytes | None = None,
        max_body_bytes: int | None = None, total_timeout_s: float | None = None,
    ) -> Answer:  # fmt: skip
        """What the door does."""
        del max_body_bytes, total_timeout_s
        address = urlsplit(url)
        target = f"{address.path}?{address.query}" if address.query else address.path
        named = {name.lower().replace("-", "_"): value for name, value in headers.items()}
        reply = self.caller.send(method, target, content or b"", **named)
        return Answer(reply.status, reply.headers, reply.body, url, request_id)


@contextmanager
def reachable(hub: HubInProcess) -> Iterator[HubInProcess]:
    """While this lasts, the Books reach ``hub`` at its address."""
    with mock.patch.object(links_hub, "_door", lambda: hub):
        yield hub
