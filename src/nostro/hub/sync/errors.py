"""Errors of connectors as they appear in a run, in the shape of hub-api.md section 6."""

from __future__ import annotations

import datetime as dt
from typing import Any

from nostro.connectors.errors import ConnectorError

#: The code of a failure of this installation, not of the bank.
INTERNAL = "internalError"
_CODES = {
    "ConsentExpired": "authorizationExpired",
    "ConsentRevoked": "authorizationInvalid",
    "ConsentUnknown": "authorizationInvalid",
    "TokenExpired": "authorizationInvalid",
    "AspspUnavailable": "financialInstitutionUnavailable",
    "AspspTimeout": "financialInstitutionUnavailable",
    "AccountUnavailable": "accountUnavailable",
    "TppConfigInvalid": INTERNAL,
}
_CODES_OF_CATEGORY = {"action_required": "authorizationInvalid", "quota": "financialInstitutionUnavailable"}


def as_run_error(error: ConnectorError, now: dt.datetime) -> dict[str, Any]:
    """One item of ``Synchronization.errors``. ``detail`` says what happened and what to do; no secret is in it."""
    name = type(error).__name__
    code = (
        INTERNAL
        if error.code == INTERNAL
        else _CODES.get(name) or _CODES_OF_CATEGORY.get(error.category, "financialInstitutionError")
    )
    item: dict[str, Any] = {"code": code, "detail": f"{error.reason} {error.next_action}".strip(), "meta": {}}
    if error.status is not None:
        item["meta"]["financialInstitutionResponse"] = {
            "statusCode": error.status,
            "body": {"tppMessages": [{"category": "ERROR", "code": error.code or "", "text": error.text or ""}]},
            "requestId": error.request_id or "",
            "timestamp": now.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
    return item
