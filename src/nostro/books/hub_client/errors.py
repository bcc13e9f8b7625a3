"""What the Hub or the way to it answered, as a code of the catalogue."""

from __future__ import annotations

import datetime as dt

from nostro.books.hub_client.catalogue import FailureKind, describe
from nostro.core.masking import mask_for_log

_BY_HUB_CODE = {
    "invalid_client": "H-CREDENTIALS",
    "clientIdInvalid": "H-CREDENTIALS",
    "authorizationCodeInvalid": "H-CREDENTIALS",
    "credentialsInvalid": "H-CREDENTIALS",
    "insufficientScope": "H-CREDENTIALS",
    "resourceNotFound": "H-NOT-AUTHORISED",
    "accountUnavailable": "H-NOT-AUTHORISED",
    "invalidSynchronizationResource": "H-REPLACED",
    "authorizationExpired": "H-CONSENT-EXPIRED",
    "authorizationInvalid": "H-CONSENT-EXPIRED",
    "accountRecentlySynchronized": "H-RECENT",
    "invalidCursor": "H-CURSOR-LOST",
    "financialInstitutionUnavailable": "H-BANK-DOWN",
    "financialInstitutionError": "H-BANK-DOWN",
    "internalError": "H-BANK-DOWN",
}


class HubError(Exception):
    """A failed call. ``technical`` is masked; ``retry_at`` is when the Hub allows the next try, if it said so."""

    def __init__(
        self, code: str, technical: str = "", *, request_id: str = "", retry_after_s: int | None = None
    ) -> None:
        super().__init__(f"{code}: {technical}")
        self.code = code
        self.technical = mask_for_log(technical)[:2000]
        self.request_id = request_id
        self.retry_after = None if retry_after_s is None else dt.timedelta(seconds=retry_after_s)

    @property
    def kind(self) -> FailureKind:
        return describe(self.code)


def code_of(hub_code: str, status: int) -> str:
    """The catalogue's code for an error code of the Hub (hub-api.md 6), else for its HTTP status."""
    if hub_code in _BY_HUB_CODE:
        return _BY_HUB_CODE[hub_code]
    if status in {401, 403}:
        return "H-CREDENTIALS"
    if status == 429:
        return "H-QUOTA"
    return "H-BANK-DOWN" if status >= 500 else "H-PROTOCOL"
