"""In which format a list of transactions is written: the one place where further formats come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.errors import Refusal
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest

Writer = Callable[[dict[str, Any]], Response]

#: The formats of connectors.md 5.2; those without a writer cannot be chosen.
FORMATS = ("json", "camt.052", "camt.053", "mt940", "mt942", "download")
WRITERS: dict[str, Writer] = {"json": json_reply}


def writer(request: BankRequest) -> Writer:
    """What writes the answer. Raises REQUESTED_FORMATS_INVALID when the service wants none of what the bank writes."""
    if request.headers.get("Accept") and not request.accept_mimetypes["application/json"]:
        raise Refusal(406, "REQUESTED_FORMATS_INVALID", "This bank writes application/json.", path="Accept")
    return WRITERS["json"]
