"""Consents and their authorisation: create, continue, read, revoke (connectors.md 1.3, 1.5, 4.1).

**The links of the bank's answer decide the next step.** A redirect needs nothing typed into Nostro, so it comes
first, ``oauth`` next; then a start without further data; then what ``embedded`` knows to ask of the person or of their
app. Encrypted passwords are refused by name.

A browser that comes back proves nothing: only the consent status that the bank gives counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from nostro.connectors.berlin_group import embedded, oauth
from nostro.connectors.berlin_group.accounts import list_accounts
from nostro.connectors.berlin_group.client import Client, Received, header_value, is_safe_for_browser, protocol_error
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
    Failed,
    Finished,
    PsuContext,
    PsuInput,
    Redirect,
    Tokens,
    TokenSource,
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
    TokenExpired,
)
from nostro.core.text import clean

REDIRECT_LIFETIME = dt.timedelta(minutes=30)
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
    tokens: Tokens | None = None


def create_consent(
    client: Client,
    configuration: Configuration,
    request: ConsentRequest,
    psu: PsuContext,
    access_token: str | TokenSource | None = None,
) -> AuthorisationStep:
    """Ask the bank for a consent and say what the PSU has to do next; with ``access_token``, for the same person.

    A bank that wants a token and gets none, or a bad one, is first asked for it (OAuth pre-step). Raises
    :class:`ScaRequired` without a present PSU: the bank wants the PSU's address for every new consent.
    """
    if not psu.present or not psu.ip:
        raise ScaRequired("A new consent can only be asked for while you are present.", reached_bank=False)
    try:
        return _ask_for_consent(client, configuration, request, psu, access_token)
    except (TokenExpired, ConsentExpired) as error:
        # An old token that the bank does not prolong counts like none.
        cause = error if isinstance(error, TokenExpired) else error.__context__
        link = oauth.metadata_link(configuration, cause) if isinstance(cause, TokenExpired) else None
        if link is None and access_token is not None:
            return create_consent(client, configuration, request, psu)
        if link is None:
            raise
        return oauth.lead_to_server(client, configuration, request, link, {"request": _kept(request)})


def _ask_for_consent(  # noqa: PLR0917 - all that is known
    client: Client,
    configuration: Configuration,
    request: ConsentRequest,
    psu: PsuContext,
    access_token: str | TokenSource | None,
    tokens: Tokens | None = None,
) -> AuthorisationStep:
    received = _post_consent(client, configuration, request, psu, access_token)
    consent_id = received.data.get("consentId") if isinstance(received.data, Mapping) else None
    if not isinstance(consent_id, str) or not 0 < len(consent_id) <= MAX_CONSENT_ID_LENGTH:
        raise protocol_error(received.raw, "The bank created a consent without telling its id.")
    if header_value(consent_id) != consent_id:
        raise protocol_error(received.raw, "The bank gave a consent id that cannot be sent back.")
    status = _status_word(received)
    if status == "valid":
        return _finished(client, _handle(configuration, consent_id, tokens), psu)
    if status not in {None, "received", "partiallyAuthorised"}:
        return _not_granted(status, cancelled=False)
    return _next_step(_Pending(client, configuration, request, psu, consent_id, received, tokens=tokens))


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
    if not isinstance(consent_id or state.get("request"), str | dict) or state.get("version") != STATE_VERSION:
        raise ProtocolError("The state of this authorisation is damaged.", reached_bank=False)
    if answer.kind == "cancel":
        return Failed(ScaCancelled(reached_bank=False), may_retry=True)
    if "oauth" in state:
        return _after_oauth(client, configuration, state, answer, psu)
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
    return _by_status(client, configuration, state, answer, psu)


def _by_status(
    client: Client, configuration: Configuration, state: Mapping[str, Any], answer: PsuInput, psu: PsuContext
) -> AuthorisationStep:
    """What the bank says about the consent decides."""
    connection = _handle(configuration, state["consentId"], oauth.tokens_in(state))
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


# --- OAuth


def _after_oauth(
    client: Client, configuration: Configuration, state: Mapping[str, Any], answer: PsuInput, psu: PsuContext
) -> AuthorisationStep:
    """The browser is back from the OAuth server: exchange its code, then ask for the consent, or for its status."""
    memory = state["oauth"]
    if answer.kind != "callback" or answer.values.get("state") != memory["state"]:
        # A poll, or an old answer of the leg before: the way to the server is still to be gone.
        return oauth.way_to_server(client, state)
    if not answer.values.get("code"):
        said = clean(answer.values.get("error", ""), 80)
        kind = ScaCancelled if said in {"", "access_denied"} else ScaFailed
        return Failed(kind(text=said or None, reached_bank=False), may_retry=True)
    try:
        tokens = oauth.redeem(client, memory, answer.values["code"])
    except TokenExpired as error:
        return Failed(ScaFailed(code=error.code, text=error.text, status=error.status), may_retry=True)
    # The code is used up: whatever the bank says from here on, the browser's answer is not to be repeated.
    go_on = _with_consent if state.get("consentId") else _before_consent
    return go_on(client, configuration, state, answer, psu, tokens)


def _before_consent(  # noqa: PLR0917 - all that is known
    client: Client,
    configuration: Configuration,
    state: Mapping[str, Any],
    answer: PsuInput,
    psu: PsuContext,
    tokens: Tokens,
) -> AuthorisationStep:
    """The pre-step is done: now the bank gives a consent that waits for its own authorisation."""
    try:
        return _ask_for_consent(client, configuration, _restored(state["request"]), psu, tokens.access_token, tokens)
    except ConnectorError as error:
        return Failed(error, may_retry=True)


def _with_consent(  # noqa: PLR0917 - all that is known
    client: Client,
    configuration: Configuration,
    state: Mapping[str, Any],
    answer: PsuInput,
    psu: PsuContext,
    tokens: Tokens,
) -> AuthorisationStep:
    """The consent's own authorisation is done; a bank that does not answer now is asked again with the tokens."""
    following = {"version": STATE_VERSION, "consentId": state["consentId"], **oauth.with_tokens(tokens)}
    try:
        return _by_status(client, configuration, following, answer, psu)
    except ConnectorError as error:
        if error.category not in {"bank_down", "quota", "retryable"}:
            return Failed(error, may_retry=True)
        return _wait(
            client, {**following, "message": "You have agreed; the bank does not answer at present."}, "received"
        )


def _kept(request: ConsentRequest) -> dict[str, Any]:
    return {**asdict(request), "valid_until": request.valid_until.isoformat()}


def _restored(kept: Mapping[str, Any]) -> ConsentRequest:
    values = {**kept, "valid_until": dt.date.fromisoformat(kept["valid_until"])}
    return ConsentRequest(**{**values, "account_references": tuple(kept["account_references"])})


# --- creating


def _post_consent(
    client: Client,
    configuration: Configuration,
    request: ConsentRequest,
    psu: PsuContext,
    access_token: str | TokenSource | None,
) -> Received:
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
                access_token=access_token,
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
        {"consentId": pending.consent_id},
        pending.request.psu_id,
        pending.received,
        tokens=pending.tokens,
    )


def _redirect(pending: _Pending, name: str, href: str) -> AuthorisationStep:
    if not is_safe_for_browser(href, pending.client.door.settings.allow_loopback_http):
        raise protocol_error(pending.received.raw, "The bank wants to send you to an address that is not secure.")
    state = {"version": STATE_VERSION, "consentId": pending.consent_id, **oauth.with_tokens(pending.tokens)}
    return Redirect(href, pending.client.clock() + REDIRECT_LIFETIME, state)


def _oauth(pending: _Pending, name: str, href: str) -> AuthorisationStep:
    state = {"consentId": pending.consent_id}
    return oauth.lead_to_server(pending.client, pending.configuration, pending.request, href, state)


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
        access_token=pending.tokens.access_token if pending.tokens else None,
        headers=_tpp_headers(pending.request, explicit=True),
        feature=name,
    )
    return _next_step(replace(pending, received=received, depth=pending.depth + 1))


_Step = Callable[[_Pending, str, str], AuthorisationStep]

_IDENTIFYING = "startAuthorisationWithPsuIdentification"
#: Which link leads to which step, best first: a redirect needs nothing typed into Nostro.
_STEPS: tuple[tuple[str, _Step], ...] = (
    ("scaRedirect", _redirect),
    ("scaOAuth", _oauth),
    ("startAuthorisation", _start_authorisation),
    (_IDENTIFYING, _start_authorisation),
)
#: Links that are named when they are all that a bank offers.
_REFUSED = ("startAuthorisationWithEncryptedPsuAuthentication", "updateEncryptedPsuAuthentication")


# --- reading the consent


def _handle(configuration: Configuration, consent_id: str, tokens: Tokens | None) -> ConnectionHandle:
    """A connection of which nothing but the consent id is known yet, and its tokens where the bank gave some."""
    consent = Consent(consent_id, "received", tokens=tokens)
    return ConnectionHandle(configuration, consent, tokens.access_token if tokens else None)


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
        tokens=connection.consent.tokens,
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
    """The bank has not decided yet; a second signatory may be missing."""
    second = {"message": "A second person must confirm at the bank."} if status == "partiallyAuthorised" else {}
    return embedded.wait(client, {**state, **second}, "The bank has not confirmed the authorisation yet.")


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
