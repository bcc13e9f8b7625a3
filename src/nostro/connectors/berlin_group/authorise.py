"""Consents and their authorisation: create, continue, read, revoke (connectors.md 1.3, 1.5, 4.1).

**The links of the bank's answer decide the next step.** A redirect needs nothing typed into Nostro, so it comes
first; then a start without further data; then what ``embedded`` knows to ask of the person or of their app. OAuth and
encrypted passwords are refused by name.

A browser that comes back proves nothing: only the consent status that the bank gives counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, get_args
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from nostro.connectors.berlin_group import embedded
from nostro.connectors.berlin_group.accounts import list_accounts
from nostro.connectors.berlin_group.client import Client, Received, header_value, protocol_error
from nostro.connectors.berlin_group.fields import Warnings as FieldWarnings
from nostro.connectors.berlin_group.fields import count_of, date_of, href_of, text_of
from nostro.connectors.berlin_group.profile import Profile
from nostro.connectors.contract import (
    UNATTENDED,
    AuthorisationStep,
    Configuration,
    ConnectionHandle,
    Consent,
    ConsentRequest,
    ConsentStatus,
    Decoupled,
    Failed,
    Finished,
    PsuContext,
    PsuInput,
    Redirect,
)
from nostro.connectors.errors import (
    ConnectorError,
    ConsentExpired,
    ConsentRevoked,
    ConsentUnknown,
    NotSupported,
    ProtocolError,
    PsuActionRequired,
    ScaCancelled,
    ScaFailed,
    ScaRequired,
    ScaTimeout,
)

REDIRECT_LIFETIME = dt.timedelta(minutes=30)
DECOUPLED_LIFETIME = dt.timedelta(minutes=5)
POLL_AFTER_S = 3.0
#: A bank that answers each start of an authorisation with another start is stopped here.
MAX_LINKED_STEPS = 5
MAX_CONSENT_ID_LENGTH = 512
STATE_VERSION = 1

_STATUSES = frozenset(get_args(ConsentStatus))


@dataclass(frozen=True, slots=True)
class _Pending:
    """An authorisation on its way: whose it is, and the bank's last answer about it."""

    client: Client
    configuration: Configuration
    request: ConsentRequest
    psu: PsuContext
    consent_id: str
    received: Received
    depth: int = 0


def create_consent(
    client: Client, configuration: Configuration, request: ConsentRequest, psu: PsuContext
) -> AuthorisationStep:
    """Ask the bank for a consent and say what the PSU has to do next.

    Raises :class:`ScaRequired` without a present PSU: the bank wants the PSU's address for every new consent.
    """
    if not psu.present or not psu.ip:
        raise ScaRequired("A new consent can only be asked for while you are present.", reached_bank=False)
    received = _post_consent(client, configuration, request, psu)
    consent_id = received.data.get("consentId") if isinstance(received.data, Mapping) else None
    if not isinstance(consent_id, str) or not 0 < len(consent_id) <= MAX_CONSENT_ID_LENGTH:
        raise protocol_error(received.raw, "The bank created a consent without telling its id.")
    if header_value(consent_id) != consent_id:
        raise protocol_error(received.raw, "The bank gave a consent id that cannot be sent back.")
    status = _status_word(received)
    if status == "valid":
        return _finished(client, _handle(configuration, consent_id), psu)
    if status not in {None, "received", "partiallyAuthorised"}:
        return _not_granted(status, cancelled=False)
    return _next_step(_Pending(client, configuration, request, psu, consent_id, received))


def continue_authorisation(
    client: Client,
    configuration: Configuration,
    state: Mapping[str, Any],
    answer: PsuInput,
    psu: PsuContext,
) -> AuthorisationStep:
    """Go on after the PSU came back from the bank (``callback``), or ask again (``poll``).

    A callback whose values hold ``error`` or ``nok`` lets a rejected or still open consent count as cancelled by the
    PSU; it never lets a consent count that the bank calls valid as anything else.
    """
    consent_id = state.get("consentId")
    if not isinstance(consent_id, str) or state.get("version") != STATE_VERSION:
        raise ProtocolError("The state of this authorisation is damaged.", reached_bank=False)
    if answer.kind == "cancel":
        return Failed(ScaCancelled(reached_bank=False), may_retry=True)
    if answer.kind in embedded.ANSWERS and state.get("wants"):
        step = embedded.answer(client, configuration, state, answer, psu)
        if step is not None:
            return step
    elif answer.kind not in {"callback", "poll"}:
        raise NotSupported(
            f"This bank is authorised on its own pages; {answer.kind!r} is not expected here.",
            feature=answer.kind,
            reached_bank=False,
        )
    connection = _handle(configuration, consent_id)
    status = _consent_status(client, connection, psu)
    if status == "valid":
        return _finished(client, connection, psu)
    cancelled = answer.kind == "callback" and bool({"error", "nok"} & answer.values.keys())
    if status in {"received", "partiallyAuthorised"} and not cancelled:
        return _wait(client, state, status)
    return _not_granted(status, cancelled)


def get_consent(client: Client, connection: ConnectionHandle) -> Consent:
    """The consent as the bank sees it now. A status word nobody knows is :class:`PsuActionRequired` with that word."""
    return _read_consent(client, connection, UNATTENDED)


def revoke_consent(client: Client, connection: ConnectionHandle) -> None:
    """End the consent at the bank. One that is already gone is what was wanted."""
    try:
        _send(client, connection, "DELETE", "", UNATTENDED)
    except (ConsentUnknown, ConsentExpired, ConsentRevoked):
        return


# --- creating


def _post_consent(client: Client, configuration: Configuration, request: ConsentRequest, psu: PsuContext) -> Received:
    """Try the profile's access models in order; one that the bank does not know is passed over."""
    profile = Profile.of(configuration)
    models = [(model, access) for model in profile.access_models if (access := _access(model, request)) is not None]
    if not models:
        raise NotSupported(
            "This bank needs the account numbers beforehand; none were given.",
            feature="namedAccounts",
            reached_bank=False,
        )
    for position, (model, access) in enumerate(models, start=1):
        try:
            return client.send(
                configuration,
                "POST",
                "/v1/consents",
                psu=psu,
                subject="consent",
                headers=_tpp_headers(request, explicit=profile.explicit_authorisation),
                body={
                    "access": access,
                    "recurringIndicator": True,
                    "validUntil": request.valid_until.isoformat(),
                    "frequencyPerDay": request.frequency_per_day,
                    "combinedServiceIndicator": False,
                },
                feature=model,
            )
        except (NotSupported, ProtocolError) as error:
            # FORMAT_ERROR and SERVICE_INVALID are how banks refuse a model they do not offer.
            if position == len(models) or error.code is None:
                raise
    raise AssertionError("the last model either answers or raises")


def _access(model: str, request: ConsentRequest) -> dict[str, Any] | None:
    if model == "bankOffered":
        return {"accounts": [], "balances": [], "transactions": []}
    if model == "allPsd2":
        return {"allPsd2": "allAccounts"}
    named = [{"iban": iban} for iban in request.account_references]
    return {"accounts": named, "balances": named, "transactions": named} if named else None


def _tpp_headers(request: ConsentRequest, *, explicit: bool) -> dict[str, str]:
    headers = {
        "TPP-Redirect-URI": _with_state(request.redirect_uri, request.state),
        "TPP-Nok-Redirect-URI": _with_state(request.nok_redirect_uri, request.state),
        "TPP-Redirect-Preferred": "true",
        "TPP-Decoupled-Preferred": "false",
        "TPP-Explicit-Authorisation-Preferred": "true" if explicit else "false",
    }
    if request.psu_id:
        headers["PSU-ID"] = header_value(request.psu_id)
    return headers


def _with_state(uri: str, state: str) -> str:
    """The redirect address with the hub's handle, by which the hub knows the browser again."""
    parts = urlsplit(uri)
    if "state" in parse_qs(parts.query):
        return uri
    query = "&".join(part for part in (parts.query, urlencode({"state": state})) if part)
    return urlunsplit(parts._replace(query=query))


# --- the next step, decided by the links


def _next_step(pending: _Pending) -> AuthorisationStep:
    links = pending.received.data.get("_links") if isinstance(pending.received.data, Mapping) else None
    for name, step in _STEPS:
        href = href_of(links, name)
        if href is not None and (name != _IDENTIFYING or pending.request.psu_id):
            return step(pending, name, href)
    dialogue = _dialogue(pending)
    following = embedded.next_step(dialogue)
    if following is not None:
        return following
    raise embedded.not_supported(dialogue, next((name for name in _REFUSED if href_of(links, name)), "decoupled"))


def _dialogue(pending: _Pending) -> embedded.Dialogue:
    return embedded.Dialogue(
        pending.client,
        pending.configuration,
        pending.psu,
        pending.consent_id,
        pending.request.psu_id,
        pending.received,
    )


def _redirect(pending: _Pending, name: str, href: str) -> AuthorisationStep:
    if not is_safe_for_browser(href, pending.client.door.settings.allow_loopback_http):
        raise protocol_error(pending.received.raw, "The bank wants to send you to an address that is not secure.")
    state = {"version": STATE_VERSION, "consentId": pending.consent_id}
    return Redirect(href, pending.client.clock() + REDIRECT_LIFETIME, state)


def _start_authorisation(pending: _Pending, name: str, href: str) -> AuthorisationStep:
    """Start the authorisation explicitly; the answer has the links of the next step."""
    if pending.depth >= MAX_LINKED_STEPS:
        raise protocol_error(pending.received.raw, "The bank asks to start the authorisation over and over.")
    received = pending.client.send(
        pending.configuration,
        "POST",
        href,
        psu=pending.psu,
        subject="consent",
        headers=_tpp_headers(pending.request, explicit=True),
        feature=name,
    )
    return _next_step(replace(pending, received=received, depth=pending.depth + 1))


_Step = Callable[[_Pending, str, str], AuthorisationStep]

_IDENTIFYING = "startAuthorisationWithPsuIdentification"
#: Which link leads to which step, best first: a redirect needs nothing typed into Nostro.
_STEPS: tuple[tuple[str, _Step], ...] = (
    ("scaRedirect", _redirect),
    ("startAuthorisation", _start_authorisation),
    (_IDENTIFYING, _start_authorisation),
)
#: Links that are named when they are all that a bank offers.
_REFUSED = ("scaOAuth", "startAuthorisationWithEncryptedPsuAuthentication", "updateEncryptedPsuAuthentication")


def is_safe_for_browser(href: str, allow_loopback_http: bool) -> bool:
    """True for https, and for http to loopback where the operator allows it (connectors.md 1.1.5)."""
    try:
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return False
    if any(character <= " " or character == "\\" for character in href) or not host or "@" in parts.netloc:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and allow_loopback_http and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


# --- reading the consent


def _handle(configuration: Configuration, consent_id: str) -> ConnectionHandle:
    """A connection of which nothing but the consent id is known yet."""
    return ConnectionHandle(configuration, Consent(consent_id, "received"))


def _send(client: Client, connection: ConnectionHandle, method: str, tail: str, psu: PsuContext) -> Received:
    return client.send(
        connection.configuration,
        method,
        f"/v1/consents/{quote(connection.consent.consent_id, safe='')}{tail}",
        psu=psu,
        subject="consent",
        access_token=connection.access_token,
    )


def _consent_status(client: Client, connection: ConnectionHandle, psu: PsuContext) -> str:
    received = _send(client, connection, "GET", "/status", psu)
    status = _status_word(received)
    if status is None:
        raise protocol_error(received.raw, "The bank does not tell the status of the consent.")
    return status


def _read_consent(client: Client, connection: ConnectionHandle, psu: PsuContext) -> Consent:
    received = _send(client, connection, "GET", "", psu)
    word = _status_word(received)
    status = next((known for known in get_args(ConsentStatus) if known == word), None)
    if status is None:
        raise PsuActionRequired(
            "The bank gives the consent a status that Nostro does not know.",
            text=word,
            status=received.raw.status,
            request_id=received.raw.request_id,
            raw=received.raw,
        )
    return Consent(
        consent_id=connection.consent.consent_id,
        status=status,
        valid_until=date_of(received.data.get("validUntil"), "validUntil", FieldWarnings()),
        frequency_per_day=count_of(received.data.get("frequencyPerDay")),
        raw_status=word,
    )


def _status_word(received: Received) -> str | None:
    data = received.data
    return text_of(data.get("consentStatus"), 60) if isinstance(data, Mapping) else None


# --- the end of an authorisation


def _finished(client: Client, connection: ConnectionHandle, psu: PsuContext) -> Finished:
    """The bank says the consent is valid: read what it granted and which accounts it opens."""
    consent = _read_consent(client, connection, psu)
    return Finished(consent, list_accounts(client, replace(connection, consent=consent), psu))


def _wait(client: Client, state: Mapping[str, Any], status: str) -> AuthorisationStep:
    """The bank has not decided yet: ask again for five minutes (a second signatory may be missing)."""
    now = client.clock()
    until = _instant(state.get("pollUntil")) or now + DECOUPLED_LIFETIME
    if now >= until:
        return Failed(ScaTimeout(), may_retry=True)
    message = (
        "A second person must confirm at the bank."
        if status == "partiallyAuthorised"
        else state.get("message") or "The bank has not confirmed the authorisation yet."
    )
    return Decoupled(message, POLL_AFTER_S, until, {**state, "pollUntil": until.isoformat()})


def _instant(value: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else None


def _not_granted(status: str | None, cancelled: bool) -> Failed:
    """The consent will not become valid. The bank's word is kept as the error's text."""
    kinds: dict[str | None, type[ConnectorError]] = {
        "expired": ConsentExpired,
        "revokedByPsu": ConsentRevoked,
        "terminatedByTpp": ConsentRevoked,
    }
    if status not in _STATUSES:
        return Failed(PsuActionRequired(text=status), may_retry=True)
    kind = ScaCancelled if cancelled else kinds.get(status, ScaFailed)
    return Failed(kind(text=status), may_retry=True)
