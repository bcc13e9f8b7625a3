"""The errors a connector may raise, and the one table that decides what follows (connectors.md 1.7).

A connector returns values or raises exactly one of these. The sync engine never looks at HTTP status codes or
bank texts: it asks :attr:`ConnectorError.decision` for the category, the kind of retry and the effect on the
health of the connection. Every error a person sees has a plain reason, a next action, and the bank's own code
and text.

No secret (token, consent id, PIN, IBAN) may be put into any field: reasons are our own sentences, and the
bank's text is cleaned and masked by the connector before it comes here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nostro.connectors.contract import RawAnswer

Category = Literal["action_required", "quota", "bank_down", "retryable", "data", "setup", "bug"]

#: When the same request may be sent again.
RetryKind = Literal[
    "after_renewal",  # never until the PSU renews the consent
    "attended",  # only while the PSU is present
    "never",  # never automatically, one attempt per input of the PSU
    "psu_restarts",  # the PSU starts the authorisation again
    "at_until",  # at the instant `until`
    "backoff",  # 1 min, 5 min, 30 min, 2 h, then the next planned run
    "smaller_window",  # at once with the next smaller window, at most 6 steps
    "without_feature",  # at once without the feature, remembered in the profile
    "weekly",
    "daily",
    "after_operator",  # never until the operator changes the set-up
    "after_refresh",  # once after one token refresh, then as ConsentExpired
]

#: The health (connectors.md 1.6) the connection moves to; ``unchanged`` leaves it as it is.
HealthEffect = Literal["unchanged", "degraded", "aspspUnavailable", "rateLimited", "psuActionRequired", "disabled"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the table of connectors.md 1.7, with the texts used where the connector gives none."""

    category: Category
    retry: RetryKind
    health: HealthEffect
    reason: str
    next_action: str


class ConnectorError(Exception):
    """Base of all errors of a connector; only its subclasses are raised.

    ``reason`` is one plain sentence that says what happened, ``next_action`` one that says what to do.
    ``code`` and ``text`` are the bank's own words, ``status`` its HTTP status, ``request_id`` the
    X-Request-ID of the failed request. ``reached_bank`` is False only where certainly no connection was made,
    so that the quota ledger gives the place back (connectors.md 1.12). ``raw`` keeps the answer for support.
    """

    def __init__(
        self,
        reason: str | None = None,
        *,
        next_action: str | None = None,
        code: str | None = None,
        text: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        reached_bank: bool = True,
        raw: RawAnswer | None = None,
    ) -> None:
        decision = DECISIONS[type(self).__name__]
        self.reason = reason or decision.reason
        self.next_action = next_action or decision.next_action
        self.code = code
        self.text = text
        self.status = status
        self.request_id = request_id
        self.reached_bank = reached_bank
        self.raw = raw
        super().__init__(self.reason)

    @property
    def decision(self) -> Decision:
        """The row of :data:`DECISIONS` for this error."""
        return DECISIONS[type(self).__name__]

    @property
    def category(self) -> Category:
        return self.decision.category

    @property
    def retry(self) -> RetryKind:
        return self.decision.retry

    @property
    def health(self) -> HealthEffect:
        return self.decision.health

    def __repr__(self) -> str:
        # The raw answer and the bank's text stay out: a repr ends in logs.
        shown = f"code={self.code!r}, status={self.status!r}, request_id={self.request_id!r}"
        return f"{type(self).__name__}({shown})"


class ConsentExpired(ConnectorError):
    """The consent ended by time."""


class ConsentRevoked(ConnectorError):
    """The PSU or the bank withdrew the consent."""


class ConsentUnknown(ConnectorError):
    """The bank does not know this consent."""


class ScaRequired(ConnectorError):
    """The bank wants strong customer authentication for this read."""


class PsuActionRequired(ConnectorError):
    """The PSU must do something at the bank first."""


class CredentialsInvalid(ConnectorError):
    """The bank refused the login."""


class CredentialsLocked(ConnectorError):
    """The bank locked the login."""


class PasswordExpired(ConnectorError):
    """The bank wants a new password or PIN."""


class ScaFailed(ConnectorError):
    """The authentication failed or the bank rejected the consent."""


class ScaTimeout(ConnectorError):
    """The PSU did not confirm in time."""


class ScaCancelled(ConnectorError):
    """The PSU cancelled."""


class AccessExceeded(ConnectorError):
    """Too many requests. ``until``: when the next one may be sent, None where the bank is silent."""

    def __init__(self, reason: str | None = None, *, until: dt.datetime | None = None, **fields: Any) -> None:
        self.until = until
        super().__init__(reason, **fields)


class AspspUnavailable(ConnectorError):
    """The bank cannot be reached or says it is down."""


class AspspTimeout(ConnectorError):
    """The bank did not answer in time."""


class AspspError(ConnectorError):
    """The bank failed, or refused without a definitive code (a bare 401, 403, 404; connectors.md 1.6)."""


class PartialData(ConnectorError):
    """Some accounts failed while others came. ``accounts``: the resource ids of those that failed."""

    def __init__(self, reason: str | None = None, *, accounts: tuple[str, ...] = (), **fields: Any) -> None:
        self.accounts = accounts
        super().__init__(reason, **fields)


class PeriodInvalid(ConnectorError):
    """The window is too old or too long. ``min_date``: the oldest day the bank accepts, where it says so."""

    def __init__(self, reason: str | None = None, *, min_date: dt.date | None = None, **fields: Any) -> None:
        self.min_date = min_date
        super().__init__(reason, **fields)


class NotSupported(ConnectorError):
    """The bank or the connector lacks a feature. ``feature``: its name, remembered in the profile."""

    def __init__(self, reason: str | None = None, *, feature: str = "", **fields: Any) -> None:
        self.feature = feature
        super().__init__(reason, **fields)


class AccountUnavailable(ConnectorError):
    """This account cannot be read (any more); its siblings may."""


class PaymentRequired(ConnectorError):
    """The PSU's subscription at the provider has lapsed."""


class TppConfigInvalid(ConnectorError):
    """The operator's set-up (certificate, signature, redirect address, client id) is refused."""


class TokenExpired(ConnectorError):
    """The access token is no longer good."""


class ProtocolError(ConnectorError):
    """The answer cannot be parsed or contradicts itself, or a page chain does not end."""


_RENEW = "Renew the connection to this bank."
_AGAIN = "Start the authorisation again."
_WAIT = "Nothing to do: Nostro tries again by itself."

#: The decision table. Its rows are those of connectors.md 1.7; a test compares them.
DECISIONS: dict[str, Decision] = {
    "ConsentExpired": Decision(
        "action_required",
        "after_renewal",
        "psuActionRequired",
        "The consent at the bank has expired.",
        _RENEW,
    ),
    "ConsentRevoked": Decision(
        "action_required",
        "after_renewal",
        "psuActionRequired",
        "The consent at the bank was withdrawn.",
        _RENEW,
    ),
    "ConsentUnknown": Decision(
        "action_required", "after_renewal", "psuActionRequired", "The bank does not know the consent.", _RENEW
    ),
    "ScaRequired": Decision(
        "action_required",
        "attended",
        "psuActionRequired",
        "The bank asks for a confirmation by you before it shows this data.",
        "Synchronize now and confirm in your banking app.",
    ),
    "PsuActionRequired": Decision(
        "action_required",
        "attended",
        "psuActionRequired",
        "The bank asks you to do something in your online banking first.",
        "Sign in at your bank, do what it asks, then synchronize again.",
    ),
    "CredentialsInvalid": Decision(
        "action_required",
        "never",
        "psuActionRequired",
        "The bank refused the login.",
        "Check your login and enter it again. Nostro does not try by itself, so that nothing gets locked.",
    ),
    "CredentialsLocked": Decision(
        "action_required",
        "never",
        "psuActionRequired",
        "The bank has locked this login.",
        "Unlock the login at your bank, then renew the connection.",
    ),
    "PasswordExpired": Decision(
        "action_required",
        "never",
        "psuActionRequired",
        "The bank asks for a new password.",
        "Change the password at your bank, then renew the connection.",
    ),
    "ScaFailed": Decision(
        "action_required", "psu_restarts", "unchanged", "The bank did not accept the authorisation.", _AGAIN
    ),
    "ScaTimeout": Decision(
        "action_required", "psu_restarts", "unchanged", "The authorisation was not confirmed in time.", _AGAIN
    ),
    "ScaCancelled": Decision(
        "action_required", "psu_restarts", "unchanged", "The authorisation was cancelled.", _AGAIN
    ),
    "AccessExceeded": Decision(
        "quota", "at_until", "rateLimited", "The bank allows no more requests for the moment.", _WAIT
    ),
    "AspspUnavailable": Decision("bank_down", "backoff", "aspspUnavailable", "The bank cannot be reached.", _WAIT),
    "AspspTimeout": Decision("bank_down", "backoff", "aspspUnavailable", "The bank did not answer in time.", _WAIT),
    "AspspError": Decision("retryable", "backoff", "unchanged", "The bank reported an error.", _WAIT),
    "PartialData": Decision("data", "backoff", "degraded", "The bank did not show all accounts.", _WAIT),
    "PeriodInvalid": Decision(
        "retryable",
        "smaller_window",
        "unchanged",
        "The bank does not show data for this period.",
        "Nothing to do: Nostro asks for a shorter period.",
    ),
    "NotSupported": Decision(
        "retryable",
        "without_feature",
        "unchanged",
        "The bank does not offer this function.",
        "Nothing to do: Nostro asks without it.",
    ),
    "AccountUnavailable": Decision(
        "data",
        "weekly",
        "degraded",
        "The bank no longer shows this account.",
        "Check at your bank whether the account is closed; renew the connection to choose accounts again.",
    ),
    "PaymentRequired": Decision(
        "action_required",
        "daily",
        "psuActionRequired",
        "The provider asks for a paid subscription.",
        "Renew your subscription at the provider.",
    ),
    "TppConfigInvalid": Decision(
        "setup",
        "after_operator",
        "disabled",
        "The bank refuses the set-up of this installation.",
        "The operator must check certificate, client id and redirect address of this bank.",
    ),
    "TokenExpired": Decision("retryable", "after_refresh", "unchanged", "The access token has expired.", _WAIT),
    "ProtocolError": Decision(
        "bug",
        "backoff",
        "degraded",
        "The bank sent an answer that Nostro cannot read.",
        "Nothing to do: the answer is kept and Nostro tries again; report it if it lasts.",
    ),
}
