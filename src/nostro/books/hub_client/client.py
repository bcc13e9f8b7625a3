"""The client of the Hub's public API (books.md 2, hub-api.md). Usable alone: no database, no Django.

One client serves one Client ID. It renews its token 60 s before it ends, repeats a call once after a 401, never reads
an amount as a float, and bounds every walk.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from nostro.books.hub_client.errors import HubError, code_of
from nostro.books.hub_client.values import (
    HubAccount,
    HubInstitution,
    HubSynchronization,
    HubTransaction,
    Malformed,
    read_account,
    read_institution,
    read_synchronization,
    read_transaction,
)
from nostro.core.calendar import DEFAULT_ZONE
from nostro.http.door import Answer, Door
from nostro.http.errors import DoorError, Refused, Unreachable

REQUEST_TIMEOUT_S = 60.0
RENEW_BEFORE_S = 60
PAGE_LIMIT = 100
MAX_PAGES = 10_000
_JSON = {"Accept": "application/json"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """One page, newest first. ``after`` is where the next one begins; ``None`` on the last page."""

    transactions: tuple[HubTransaction, ...]
    after: str | None


class Client:
    """Speaks for one Client ID. ``monotonic`` gives seconds and only ever moves forward; ``request_ids`` collects the
    Hub's ids of all requests made, for error reports."""

    def __init__(
        self,
        door: Door,
        hub_url: str,
        client_id: str,
        secret: str,
        *,
        monotonic: Callable[[], float],
        zone: str = DEFAULT_ZONE,
    ) -> None:
        self._door = door
        self._base = hub_url.rstrip("/")
        self._client_id = client_id
        self._secret = secret
        self._monotonic = monotonic
        self._zone = zone
        self._token = ""
        self._token_ends = 0.0
        self.request_ids: list[str] = []

    # --- token -------------------------------------------------------------------------------------------------

    def authenticate(self) -> None:
        """Get a token; raises :class:`HubError` H-CREDENTIALS when the pair is refused."""
        pair = base64.b64encode(f"{self._client_id}:{self._secret}".encode()).decode()
        headers = {
            **_JSON,
            "Authorization": f"Basic {pair}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self._send("POST", "/oauth2/token", headers, b"grant_type=client_credentials")
        body = self._body(answer)
        if answer.status != 200:
            raise self._refusal(answer, body)
        token, seconds = body.get("access_token"), body.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise self._protocol("the token answer has no token", answer)
        self._token = token
        lifetime = float(seconds) if isinstance(seconds, int | Decimal) else 0.0
        self._token_ends = self._monotonic() + lifetime

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        if not self._token or self._monotonic() >= self._token_ends - RENEW_BEFORE_S:
            self.authenticate()
        answer = self._authorised(method, path, body)
        if answer.status == 401:
            self.authenticate()
            answer = self._authorised(method, path, body)
        content = self._body(answer)
        if answer.status >= 400 or answer.status < 200:
            raise self._refusal(answer, content)
        return content

    def _authorised(self, method: str, path: str, body: Any) -> Answer:
        headers = {**_JSON, "Authorization": f"Bearer {self._token}"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        return self._send(method, path, headers, content)

    def _send(self, method: str, path: str, headers: dict[str, str], content: bytes | None) -> Answer:
        try:
            answer = self._door.request(
                method,
                self._base + path,
                request_id=str(uuid.uuid4()),
                headers=headers,
                content=content,
                total_timeout_s=REQUEST_TIMEOUT_S,
            )
        except Refused as error:
            raise HubError("H-TLS", error.reason) from None
        except Unreachable as error:
            code = "H-TLS" if "certificate" in error.reason else "H-NETWORK"
            raise HubError(code, error.reason) from None
        except DoorError as error:
            raise HubError("H-NETWORK", error.reason) from None
        request_id = answer.headers.get("ibanity-request-id", "")[:64]
        if request_id and len(self.request_ids) < MAX_PAGES:
            self.request_ids.append(request_id)
        return answer

    def _body(self, answer: Answer) -> dict[str, Any]:
        try:
            body = json.loads(answer.body, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            if answer.status >= 500:
                return {}
            raise self._protocol("the answer is no JSON", answer) from None
        if not isinstance(body, dict):
            raise self._protocol("the answer is no JSON object", answer)
        return body

    def _refusal(self, answer: Answer, body: dict[str, Any]) -> HubError:
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        hub_code = str(first.get("code") or body.get("error") or "")
        wait = answer.headers.get("retry-after", "")
        return HubError(
            code_of(hub_code, answer.status),
            f"{answer.status} {hub_code} {first.get('detail') or body.get('error_description') or ''}",
            request_id=answer.headers.get("ibanity-request-id", "")[:64],
            retry_after_s=min(int(wait), 86_400) if wait.isascii() and wait.isdigit() and len(wait) < 8 else None,
        )

    def _protocol(self, reason: str, answer: Answer) -> HubError:
        return HubError(
            "H-PROTOCOL", f"{answer.status} {reason}", request_id=answer.headers.get("ibanity-request-id", "")[:64]
        )

    # --- accounts and institutions -----------------------------------------------------------------------------

    def accounts(self) -> list[HubAccount]:
        """All accounts of the integration, from all pages."""
        return [_read(read_account, resource) for page in self._pages("/accounts") for resource in page]

    def account(self, account_id: str) -> HubAccount:
        return _read(read_account, self._call("GET", f"/accounts/{_segment(account_id)}").get("data"))

    def financial_institutions(self) -> list[HubInstitution]:
        """The institutions of the accounts that the integration shows."""
        pages = self._pages("/financial-institutions")
        return [_read(read_institution, resource) for page in pages for resource in page]

    def search_institutions(self, name: str, limit: int = 20) -> list[HubInstitution]:
        """Institutions whose name contains ``name``, from the Hub's public list: no credentials are needed."""
        query = urlencode({"filter[name][contains]": name, "limit": limit})
        answer = self._send("GET", f"/financial-institutions?{query}", _JSON, None)
        content = self._body(answer)
        if answer.status != 200:
            raise self._refusal(answer, content)
        return [_read(read_institution, resource) for resource in _list(content)[:limit]]

    def _pages(self, path: str) -> Iterator[list[Any]]:
        """Every page of a list, by its ``links.next``; a page whose ids were all seen ends in H-PROTOCOL."""
        seen: set[str] = set()
        target: str | None = f"{path}?limit={PAGE_LIMIT}"
        for _ in range(MAX_PAGES):
            if target is None:
                return
            content = self._call("GET", target)
            data = _list(content)
            _note_new(seen, data)
            yield data
            target = self._next(content, path)
        raise HubError("H-PROTOCOL", f"more than {MAX_PAGES} pages")

    def _next(self, content: dict[str, Any], path: str) -> str | None:
        """Where the next page is: only the query of the link is used, so that a token never travels elsewhere."""
        links = content.get("links")
        link = links.get("next") if isinstance(links, dict) else None
        return f"{path}?{urlsplit(link).query}" if isinstance(link, str) and link else None

    # --- transactions ------------------------------------------------------------------------------------------

    def transaction_page(self, account_id: str, after: str | None = None, *, pending: bool = False) -> TransactionPage:
        """One page of transactions older (by creation at the Hub) than ``after``, newest first."""
        path = f"/accounts/{_segment(account_id)}/{'pending-transactions' if pending else 'transactions'}"
        query = {"limit": str(PAGE_LIMIT)} | ({"after": after} if after else {})
        content = self._call("GET", f"{path}?{urlencode(query)}")
        items = tuple(
            _read(lambda resource: read_transaction(resource, self._zone), resource) for resource in _list(content)
        )
        has_next = bool(items) and self._next(content, path) is not None
        return TransactionPage(items, items[-1].id if has_next else None)

    def has_transaction(self, account_id: str, transaction_id: str) -> bool:
        """Whether the Hub still knows a booked transaction; only a definite "not found" is ``False``."""
        try:
            self._call("GET", f"/accounts/{_segment(account_id)}/transactions/{_segment(transaction_id)}")
        except HubError as error:
            if error.technical.startswith("404 resourceNotFound"):
                return False
            raise
        return True

    def walk(self, account_id: str, *, pending: bool = False) -> Iterator[TransactionPage]:
        """All pages, newest first; the caller stops when it has enough. Raises H-PROTOCOL on a loop (books.md 2)."""
        seen: set[str] = set()
        after: str | None = None
        for _ in range(MAX_PAGES):
            page = self.transaction_page(account_id, after, pending=pending)
            ids = {transaction.id for transaction in page.transactions}
            if ids and ids <= seen:
                raise HubError("H-PROTOCOL", "a page repeats what was read before")
            seen |= ids
            yield page
            if page.after is None:
                return
            after = page.after
        raise HubError("H-PROTOCOL", f"more than {MAX_PAGES} pages")

    # --- synchronizations --------------------------------------------------------------------------------------

    def create_synchronization(self, account_id: str, subtype: str, customer_ip: str | None) -> HubSynchronization:
        """Ask the Hub to ask the bank; ``customer_ip`` only when a person asked."""
        attributes = {"resourceType": "account", "resourceId": account_id, "subtype": subtype}
        if customer_ip:
            attributes["customerIpAddress"] = customer_ip
        body = {"data": {"type": "synchronization", "attributes": attributes}}
        return _read(read_synchronization, self._call("POST", "/synchronizations", body).get("data"))

    def synchronization(self, synchronization_id: str) -> HubSynchronization:
        content = self._call("GET", f"/synchronizations/{_segment(synchronization_id)}")
        return _read(read_synchronization, content.get("data"))


class TokenClient(Client):
    """Speaks with a deprecated API token (hub-api.md 4.4): it is the bearer itself, and nothing renews it."""

    def __init__(self, door: Door, hub_url: str, token: str, *, monotonic: Callable[[], float]) -> None:
        super().__init__(door, hub_url, "", "", monotonic=monotonic)
        self._api_token = token

    def authenticate(self) -> None:
        """The token is there; whether the Hub accepts it, the next call tells."""
        self._token, self._token_ends = self._api_token, float("inf")


def _read(reader: Callable[[Any], T], resource: Any) -> T:
    try:
        return reader(resource)
    except Malformed as error:
        raise HubError("H-PROTOCOL", str(error)) from None


def _list(content: dict[str, Any]) -> list[Any]:
    data = content.get("data")
    if not isinstance(data, list):
        raise HubError("H-PROTOCOL", "a list was expected")
    return data


def _note_new(seen: set[str], data: list[Any]) -> None:
    ids = {str(resource.get("id")) for resource in data if isinstance(resource, dict)}
    if ids and ids <= seen:
        raise HubError("H-PROTOCOL", "a page repeats what was read before")
    seen |= ids


def _segment(text: str) -> str:
    return quote(text, safe="")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
