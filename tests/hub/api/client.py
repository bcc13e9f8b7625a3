"""A caller of the API as WSGI sees it: raw path, raw query, raw headers, raw body."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from tests import factories

from nostro.hub.api.dispatcher import Dispatcher
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.services import create_integration
from nostro.hub.organizations.models import Membership

BASE = "http://127.0.0.1:8080"


@dataclass
class Reply:
    """Status, headers and body of one answer; ``json`` reads numbers as Decimal."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal, parse_int=Decimal)

    @property
    def code(self) -> str:
        return str(self.json["errors"][0]["code"])


def pages(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Stands behind the dispatcher where Django would."""
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<html>Django</html>"]


class Caller:
    """One client program. ``now`` can be moved; ``credentials`` are those of ``integration``."""

    def __init__(self, application: Any = None) -> None:
        self.now = factories.NOW
        self.application = application or Dispatcher(pages, now=lambda: self.now)
        self.token = ""
        self.integration: Integration | None = None
        self.secret = ""

    def __getstate__(self) -> dict[str, Any]:
        """Without the application, which every caller makes anew."""
        return {key: value for key, value in vars(self).items() if key != "application"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        vars(self).update(state)

    def send(self, verb: str, target: str, body: bytes = b"", **headers: str) -> Reply:
        """``target`` is path and query exactly as on the wire (percent-encoding in the path undone by WSGI)."""
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": verb, "PATH_INFO": path, "QUERY_STRING": query, "wsgi.url_scheme": "http",
            "HTTP_HOST": "127.0.0.1:8080", "REMOTE_ADDR": "192.0.2.1", "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)), "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8080",
        }  # fmt: skip
        for name, value in headers.items():
            key = name.upper()
            environ[key if key in {"CONTENT_LENGTH", "CONTENT_TYPE"} else f"HTTP_{key}"] = value
        seen: dict[str, Any] = {}

        def start_response(status: str, given: list[tuple[str, str]], exc_info: Any = None) -> None:
            seen.update(status=int(status.split(maxsplit=1)[0]), headers={name.lower(): value for name, value in given})

        content = b"".join(self.application(environ, start_response))
        return Reply(seen["status"], seen["headers"], content)

    def call(self, verb: str, target: str, document: Any = None, **headers: str) -> Reply:
        """With the bearer token, as a JSON client."""
        headers = {"authorization": f"Bearer {self.token}", "accept": "application/json", **headers}
        body = b"" if document is None else json.dumps(document).encode()
        return self.send(verb, target, body, content_type="application/json", **headers)

    def get(self, target: str, **headers: str) -> Reply:
        return self.call("GET", target, **headers)

    def follow(self, link: str) -> Reply:
        """GET an absolute link of an answer."""
        assert link.startswith(BASE + "/"), link
        parts = urlsplit(link)
        return self.get(parts.path + (f"?{parts.query}" if parts.query else ""))

    def basic(self) -> str:
        assert self.integration is not None
        return "Basic " + base64.b64encode(f"{self.integration.client_id}:{self.secret}".encode()).decode()

    def log_in(self) -> Reply:
        """The token call of the ``ponto`` gem."""
        reply = self.send(
            "POST", "/oauth2/token", b"grant_type=client_credentials",
            authorization=self.basic(), content_type="application/x-www-form-urlencoded",
        )  # fmt: skip
        self.token = reply.json.get("access_token", "")
        return reply


def caller_for(member: Membership, accounts: list[Any], application: Any = None) -> Caller:
    """A program with a token for ``accounts`` of the member's organization."""
    caller = Caller(application)
    caller.integration, caller.secret = create_integration(
        member.user, member.organization, name="Bookkeeping", account_ids=[a.id for a in accounts],
        is_sandbox=True, now=caller.now,
    )  # fmt: skip
    assert caller.log_in().status == 200
    return caller


def with_payments(caller: Caller) -> Caller:
    """The same program with the scope ``ai pi``, logged in anew."""
    assert caller.integration is not None
    Integration.objects.filter(id=caller.integration.id).update(scope="ai pi")
    assert caller.log_in().json["scope"] == "ai pi"
    return caller


def minutes(n: float) -> dt.timedelta:
    return dt.timedelta(minutes=n)
