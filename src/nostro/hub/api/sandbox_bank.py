"""The way to the sandbox bank's control: what the sandbox resources of the API drive (hub-api.md section 8)."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.conf import settings

from nostro.http import Door
from nostro.http.door import DoorSettings
from nostro.http.errors import DoorError
from nostro.hub.accounts.models import Account
from nostro.hub.api.errors import ApiError, not_found, validation

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024


def ask(verb: str, account: Account, path: str = "", document: Any = None, *, resource: str) -> dict[str, Any]:
    """The answer of ``/_control/accounts/{account}{path}``; ``resource`` is what a 404 is about.

    Raises resourceNotFound, validationError with the bank's words, serviceUnavailable.
    """
    if not settings.SANDBOX_CONTROL_TOKEN:
        raise _unavailable("The operator of this Hub has given it no key to the sandbox bank.")
    headers = {"Authorization": f"Bearer {settings.SANDBOX_CONTROL_TOKEN}", "Content-Type": "application/json"}
    # The id of a card account has the address of its kind before it.
    resource_id = quote(account.resource_id.rpartition("/")[2], safe="")
    address = f"{settings.SANDBOX_BANK_URL.rstrip('/')}/_control/accounts/{resource_id}{path}"
    content = None if document is None else json.dumps(document).encode()
    try:
        answer = _door().request(verb, address, request_id=str(uuid.uuid4()), headers=headers, content=content)
    except DoorError:
        raise _unavailable("The sandbox bank does not answer.") from None
    if answer.status == 404:
        raise not_found(resource)
    if answer.status == 400:
        raise validation(_words(answer.body))
    if answer.status not in {200, 201}:
        raise _unavailable("The sandbox bank refused.")
    found: dict[str, Any] = json.loads(answer.body, parse_float=Decimal)
    return found


def _words(body: bytes) -> str:
    try:
        return f"The sandbox bank says: {str(json.loads(body)['tppMessages'][0]['text'])[:300]}"
    except (ValueError, LookupError, TypeError):
        return "The sandbox bank cannot read this."


def _unavailable(detail: str) -> ApiError:
    return ApiError(503, "serviceUnavailable", detail, headers=(("Retry-After", "30"),))


@lru_cache(maxsize=1)
def _door() -> Door:
    # The operator chose the bank's address, and it is usually on the same machine.
    return Door(
        DoorSettings(
            allow_private=True,
            allow_loopback_http=True,
            read_timeout_s=TIMEOUT_S,
            total_timeout_s=TIMEOUT_S,
            max_body_bytes=MAX_ANSWER_BYTES,
        )
    )
