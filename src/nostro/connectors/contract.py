"""The whole interface of a connector (connectors.md 1.1 to 1.5, 1.8).

A connector translates between one bank protocol and the values of ``nostro.core``. It does not retry, sleep,
schedule, count quota, deduplicate or touch the database. It receives an HTTP client and a clock, and returns
values or raises exactly one error of ``nostro.connectors.errors``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from nostro.connectors.errors import ConnectorError
from nostro.connectors.signatures import RequestSigner
from nostro.core.transactions import Account, Balance, BankRow, Window

Clock = Callable[[], dt.datetime]
#: Gives the X-Request-ID of the next request, a new UUID each time.
NewRequestId = Callable[[], str]

ScaApproach = Literal["redirect", "decoupled", "embedded", "letter", "token", "widget"]
ConsentStatus = Literal[
    "received", "partiallyAuthorised", "valid", "rejected", "expired", "revokedByPsu", "terminatedByTpp"
]
BookingStatusFilter = Literal["booked", "pending", "both"]


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    """What a connector can do; shown to users and read by the sync engine."""

    id: str
    dialect: str
    sca_approaches: tuple[ScaApproach, ...]
    unattended: Literal["yes", "no", "bank-dependent"]
    max_consent_days: int
    history_days: int
    pending: bool
    delta: Literal["none", "cursor", "entryReference"]
    quota: Literal["psd2", "provider", "none"]
    formats: tuple[str, ...]
    licence_needed: bool
    notifications: bool
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """Which fields of this source identify a transaction (connectors.md 1.10).

    ``reference_fields`` are tried in order; a reference is used only where the list says it can be trusted.
    ``verify`` means that two rows with one reference in the same read are two transactions.
    """

    account_key_fields: tuple[str, ...]
    reference_fields: tuple[str, ...]
    verify: bool = True


@dataclass(frozen=True, slots=True)
class OperatorIdentity:
    """The operator's certificates. ``presents_certificate``: connections are made with its client certificate (QWAC).

    ``problem`` is a sentence that says why one that was set up cannot be used.
    """

    presents_certificate: bool = False
    signer: RequestSigner | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """How to reach one institution through one connector: the dialect profile and the operator's settings.

    ``base_url`` ends without a slash. ``profile`` is data of the dialect (limits, formats, id trust). ``identity`` is
    how the operator shows who it is, for banks whose profile wants that.
    """

    base_url: str
    aspsp: str
    profile: Mapping[str, Any] = field(default_factory=dict)
    identity: OperatorIdentity | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PsuContext:
    """The person who asks right now (connectors.md 1.4). Built only from a live request, never invented."""

    present: bool
    ip: str | None = None
    ip_port: int | None = None
    user_agent: str | None = None
    accept: str | None = None
    accept_language: str | None = None
    observed_at: dt.datetime | None = None


UNATTENDED = PsuContext(present=False)


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What is asked of the bank. ``account_references``: IBANs, only where the profile needs them.

    ``state`` is the hub's random handle; the connector adds it to both redirect addresses as the query parameter
    ``state``, unless they have one. Where one authorisation leads to the bank twice (OAuth pre-step), the connector may
    add a point and a number to the handle. ``oauth_secret`` is fresh randomness of the hub, 43 characters or more, from
    which the PKCE verifiers are made (RFC 7636).
    """

    psu_type: Literal["personal", "business"]
    valid_until: dt.date
    frequency_per_day: int
    redirect_uri: str
    nok_redirect_uri: str
    state: str
    language: str = "en"
    psu_id: str | None = None
    account_references: tuple[str, ...] = ()
    oauth_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an OAuth server handed out, with what is needed to ask it for the next ones (RFC 6749 section 6).

    ``refresh_token`` may be good for one use only: the hub stores the next one before it uses the access token that
    came with it (connectors.md 4.1).
    """

    access_token: str = field(repr=False)
    expires_at: dt.datetime
    token_endpoint: str
    client_id: str
    refresh_token: str | None = field(default=None, repr=False)


class TokenSource(Protocol):
    """The hub's store of the tokens of one consent, asked before every request that needs one."""

    def get(self) -> str:
        """An access token that is good now; refreshed where it is about to end. Raises ``ConsentExpired`` where the
        bank gives no more, and whatever stops the refresh."""
        ...

    def refused(self, access_token: str) -> None:
        """The bank called this token over: the next :meth:`get` refreshes. Raises ``ConsentExpired`` where the token
        was fresh already (connectors.md 1.7, TokenExpired)."""
        ...


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as the bank describes it. ``consent_id`` is a secret: it opens the accounts. ``tokens`` are there
    where the bank wants them besides."""

    consent_id: str = field(repr=False)
    status: ConsentStatus
    valid_until: dt.date | None = None
    frequency_per_day: int | None = None
    raw_status: str | None = None
    tokens: Tokens | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionHandle:
    """What a connector needs to read through an existing consent."""

    configuration: Configuration
    consent: Consent
    access_token: str | TokenSource | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PsuInput:
    """What came back from the person: callback parameters, a choice, a code, a poll, or a cancellation.

    The values of a ``callback`` are the query parameters of the redirect. ``error`` or ``nok`` among them says that
    the person turned back: a consent the bank has not granted then counts as cancelled instead of failed or open.
    """

    kind: Literal["callback", "credentials", "scaMethodId", "scaAuthenticationData", "poll", "token", "cancel"]
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


# --- AuthorisationStep (connectors.md 1.3)


@dataclass(frozen=True, slots=True)
class ScaMethod:
    id: str
    type: str
    name: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class CredentialField:
    name: str
    label: str
    secret: bool = False
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """The browser goes to the bank. ``state`` is the connector's own memory, sealed by the hub."""

    url: str
    expires_at: dt.datetime
    state: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Decoupled:
    psu_message: str
    poll_after_s: float
    expires_at: dt.datetime
    state: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SelectScaMethod:
    methods: tuple[ScaMethod, ...]
    expires_at: dt.datetime
    state: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    text: str
    expires_at: dt.datetime
    state: Mapping[str, Any] = field(repr=False)
    html: str | None = None
    image_png: bytes | None = None
    flicker_code: str | None = None
    otp_format: Literal["characters", "integer"] | None = None
    otp_max_length: int | None = None
    additional_information: str | None = None


@dataclass(frozen=True, slots=True)
class NeedCredentials:
    fields: tuple[CredentialField, ...]
    expires_at: dt.datetime
    state: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasteToken:
    help_url: str
    expires_at: dt.datetime
    state: Mapping[str, Any] = field(repr=False)
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    consent: Consent
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    error: ConnectorError
    may_retry: bool


AuthorisationStep = (
    Redirect | Decoupled | SelectScaMethod | Challenge | NeedCredentials | PasteToken | Finished | Failed
)


# --- reading


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One answer as it came, before anything was interpreted; only full card numbers are already masked."""

    url: str = field(repr=False)
    status: int
    content_type: str
    body: bytes = field(repr=False)
    request_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of transactions.

    ``next`` is opaque and given back to :meth:`Connector.list_transactions`; ``None`` ends the chain.
    ``complete`` is True only on the last page of a chain that ended normally.
    """

    rows: tuple[BankRow, ...]
    window: Window
    raw: RawAnswer
    next: str | None = None
    complete: bool = False
    removed_ids: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Connector(Protocol):
    """One way to reach banks. Every method may raise any :class:`ConnectorError`."""

    info: ConnectorInfo
    identity: IdentityPolicy

    def identity_for(self, configuration: Configuration) -> IdentityPolicy:
        """``identity`` as one institution's profile sharpens it, for example where its ids are known to be stable."""
        ...

    def create_consent(
        self, configuration: Configuration, request: ConsentRequest, psu: PsuContext
    ) -> AuthorisationStep: ...

    def continue_authorisation(
        self, configuration: Configuration, state: Mapping[str, Any], answer: PsuInput, psu: PsuContext
    ) -> AuthorisationStep: ...

    def get_consent(self, connection: ConnectionHandle) -> Consent: ...

    def renew_consent(
        self, connection: ConnectionHandle, request: ConsentRequest, psu: PsuContext
    ) -> AuthorisationStep: ...

    def refresh_tokens(self, tokens: Tokens) -> Tokens:
        """The next tokens of a consent. Raises ``ConsentExpired`` where the bank gives no more, ``NotSupported`` where
        this way to reach banks knows no tokens."""
        ...

    def revoke_consent(self, connection: ConnectionHandle) -> None: ...

    def list_accounts(self, connection: ConnectionHandle, psu: PsuContext) -> tuple[Account, ...]: ...

    def get_balances(
        self, connection: ConnectionHandle, account: Account, psu: PsuContext
    ) -> tuple[tuple[Balance, ...], RawAnswer]: ...

    def map_balances(self, raw: RawAnswer) -> tuple[Balance, ...]:
        """Read a stored answer of :meth:`get_balances` again, so that whoever takes a run over can prove the balance
        without asking the bank."""
        ...

    def list_transactions(  # noqa: PLR0917 - the names of connectors.md 1.2
        self,
        connection: ConnectionHandle,
        account: Account,
        window: Window,
        booking_status: BookingStatusFilter,
        psu: PsuContext,
        next_page: str | None = None,
    ) -> Page: ...

    def map_transactions(self, raw: RawAnswer, window: Window) -> Page:
        """Read a stored answer again, so that a better mapping reaches old data without asking the bank."""
        ...
