"""``nostro listen``: hand webhooks to software on this machine while it is being written."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from nostro.cli.installation import console, open_database, set_up_django
from nostro.http import Door
from nostro.http.door import DoorSettings
from nostro.http.errors import DoorError

INTERVAL_S = 1.0
TIMEOUT_S = 15.0


def run(client_id: str, url: str, *, rounds: int | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Forward what the integration ``client_id`` would be told to ``url``, until Ctrl-C. Returns the exit status."""
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        console.print(f"{url} is no address. Give one such as http://127.0.0.1:3000/webhooks.")
        return 2
    open_database()
    set_up_django()
    from nostro.hub.webhooks.listening import listener
    from nostro.web.errors import Problem

    try:
        ears = listener(client_id, _now())
    except Problem as problem:
        console.print(f"{problem.what} {problem.what_to_do}")
        return 2
    console.print(f"Events of “{ears.integration.name}” go to {url}. Ctrl-C ends.")
    door = Door(DoorSettings(allow_private=True, allow_loopback_http=True, total_timeout_s=TIMEOUT_S))
    try:
        while rounds is None or rounds > 0:
            for heard in ears.hear(_now()):
                _forward(door, url, heard.event_type, heard.body, heard.signature)
            rounds = None if rounds is None else rounds - 1
            sleep(INTERVAL_S)
    except KeyboardInterrupt:
        console.print("Ended.")
    return 0


def _forward(door: Door, url: str, event_type: str, body: bytes, signature: str) -> None:
    headers = {"Content-Type": "application/json", "Signature": signature}
    try:
        answer = door.request("POST", url, request_id=str(uuid.uuid4()), headers=headers, content=body)
        outcome = str(answer.status)
    except DoorError as error:
        outcome = error.reason
    console.print(f"{_now():%H:%M:%S} {event_type} → {outcome}")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
