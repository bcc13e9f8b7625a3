"""The network between hub and bank: a function call, with all that networks and bank servers do to an answer.

It also keeps the books of the judge: every unattended access that reached the bank, and every 429.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from werkzeug.test import Client

from nostro.http import Answer, DoorSettings, TimedOut, Unreachable
from nostro.sandbox.application import Application

URL = "http://localhost"
#: The law's four unattended accesses in any 24 hours.
PLACES = 4
DAY = dt.timedelta(days=1)
_READ = re.compile(r"/v1/accounts/([^/?]+)/(balances|transactions)")
_OTHER_IBAN = b'"iban":"DE02120300000000202051"'

Clock = Callable[[], dt.datetime]


def _invalid_utf8(body: bytes) -> bytes:
    return body.replace(b'"iban"', b'"note":"\xff\xfe","iban"', 1)


def _said_twice(body: bytes) -> bytes:
    return body.replace(b'"iban"', b'"iban":"X","iban"', 1)


def _row_without_amount(body: bytes) -> bytes:
    return re.sub(rb'"(transaction|balance)Amount"', b'"sum"', body, count=1)


def _row_without_currency(body: bytes) -> bytes:
    return re.sub(rb'("(?:transaction|balance)Amount":{.*?)"currency"', rb'\1"kind"', body, count=1)


def _infinite(body: bytes) -> bytes:
    return re.sub(rb'"amount":"[^"]*"', b'"amount":NaN', body, count=1)


def _of_another_account(body: bytes) -> bytes:
    return re.sub(rb'"iban":"[^"]*"', _OTHER_IBAN, body, count=1)


def _numbers_for_texts(body: bytes) -> bytes:
    return re.sub(rb'"amount":"([^"]*)"', rb'"amount":\1', body)


def _nothing(body: bytes) -> bytes:
    del body
    return b""


#: Ways to spoil an answer so that it can be noticed, and one (numbers in place of texts) that does no harm.
SPOILERS: dict[str, Callable[[bytes], bytes]] = {
    "invalid_utf8": _invalid_utf8,
    "said_twice": _said_twice,
    "row_without_amount": _row_without_amount,
    "row_without_currency": _row_without_currency,
    "infinite": _infinite,
    "of_another_account": _of_another_account,
    "numbers_for_texts": _numbers_for_texts,
    "empty": _nothing,
    "null": lambda body: b"null",
    "list": lambda body: b"[]",
    "object": lambda body: b"{}",
}
#: What the network does: nothing was sent, sent and no answer, an answer after a long time.
NETWORK = ("unreachable", "connect_timeout", "read_timeout", "slow")


class Wires:
    """A door (``nostro.http.Door``) whose network is a function call.

    ``passing`` is called before and after each request: there, workers overtake each other. ``wait`` moves time on.
    """

    def __init__(
        self,
        application: Application,
        rng: random.Random,
        clock: Clock,
        wait: Callable[[float], None],
        passing: Callable[[], None],
    ) -> None:
        self.settings = DoorSettings(allow_loopback_http=True)
        self._client, self._bank = Client(application), application.bank
        self._rng, self._clock, self._wait, self._passing = rng, clock, wait, passing
        #: How often a read goes wrong on its way, and how often an answer is spoilt.
        self.trouble = 0.0
        self.quota_violations: list[str] = []
        self._accesses: dict[tuple[str, str], list[dt.datetime]] = defaultdict(list)
        self._closed_until: dict[tuple[str, str], dt.datetime] = {}
        self._heard: list[tuple[str, str]] = []

    def request(
        self, method: str, url: str, *, request_id: str, headers: Any = None, content: bytes | None = None, **_: Any
    ) -> Answer:
        self._passing()
        path = url.removeprefix(URL)
        read = _READ.match(path)
        trouble = self._trouble() if read else ""
        if trouble == "unreachable":
            raise Unreachable("the bank cannot be reached", request_sent=False)
        if trouble == "connect_timeout":
            self._wait(10)
            raise TimedOut("the bank could not be reached in time", request_sent=False)
        headers = {**(headers or {}), "X-Request-ID": request_id}
        key = self._note_access(path, read, headers)
        try:
            reply = self._client.open(path, method=method, headers=headers, data=content)
            body = reply.get_data()
        except ConnectionResetError:
            raise Unreachable("the connection was cut", request_sent=True) from None
        closed_until = self._clock() + dt.timedelta(seconds=int(reply.headers.get("Retry-After", 0)))
        if trouble == "read_timeout":
            self._wait(45)
            raise TimedOut("the bank did not answer in time", request_sent=True)
        if trouble == "slow":
            self._wait(self._rng.randint(5, 44))
        if trouble in SPOILERS and reply.status_code == 200:
            body = SPOILERS[trouble](body)
        self._passing()
        if key is not None and reply.status_code == 429:
            # Only now: a hub that waited in vain, or died before it heard the bank's no, cannot know of it.
            self._closed_until[key] = closed_until
            self._heard.append(key)
        return Answer(reply.status_code, {k.lower(): v for k, v in reply.headers.items()}, body, url, request_id)

    def _trouble(self) -> str:
        if self._rng.random() >= self.trouble:
            return ""
        return self._rng.choice([*NETWORK, *SPOILERS])

    def _note_access(self, path: str, read: re.Match[str] | None, headers: dict[str, str]) -> tuple[str, str] | None:
        """Keep the judge's own ledger. Follow-up pages are free, attended reads are not counted."""
        if read is None or "PSU-IP-Address" in headers or "after=" in path:
            return None
        # The bank's ids change; its own record knows the account behind them.
        account = self.account_of(read[1])
        key, now = (account, read[2]), self._clock()
        used = sum(at > now - DAY for at in self._accesses[key])
        if used >= PLACES:
            self.quota_violations.append(f"{used + 1} unattended accesses to {key[1]} within 24 hours at {now}")
        if now < self._closed_until.get(key, now):
            self.quota_violations.append(f"{key[1]} was asked at {now} although it is closed after a 429")
        self._accesses[key].append(now)
        return key

    def heard(self) -> int:
        """How many times the bank's no was heard."""
        return len(self._heard)

    def forget(self, since: int) -> None:
        """A worker died that may have heard a no, but not have written it down: nobody knows of those after ``since``
        times any more."""
        for key in self._heard[since:]:
            self._closed_until.pop(key, None)

    def account_of(self, resource_id: str) -> str:
        """The bank's own id of an account."""
        return self._bank.ledger.id_of(resource_id) or resource_id
