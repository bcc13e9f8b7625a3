"""Embedded and decoupled authentication: what the PSU types into Nostro, or confirms in an app (connectors.md 4.1).

The links of the bank's answer decide, as in ``authorise``. What a step needs to go on (the address to answer to and
the HTTP verb, never a password or code) is its state, which the hub seals. A password goes to the bank once and is
forgotten; a wrong one ends the authorisation, so that nothing gets locked. A wrong code may be corrected once.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nostro.connectors.berlin_group import oauth
from nostro.connectors.berlin_group.client import Client, Received, header_value, parsed, protocol_error
from nostro.connectors.berlin_group.fields import count_of, href_of, list_of, text_of
from nostro.connectors.contract import (
    AuthorisationStep,
    Challenge,
    Configuration,
    CredentialField,
    Decoupled,
    Failed,
    NeedCredentials,
    PsuContext,
    PsuInput,
    ScaMethod,
    SelectScaMethod,
    Tokens,
)
from nostro.connectors.errors import CredentialsInvalid, NotSupported, ProtocolError, ScaFailed, ScaTimeout

STATE_VERSION = 1
STEP_LIFETIME = dt.timedelta(minutes=10)
DECOUPLED_LIFETIME = dt.timedelta(minutes=5)
POLL_AFTER_S = 3.0
MAX_METHODS = 20
#: Steps in a row that Nostro takes without the person.
MAX_UNASKED_STEPS = 5
MAX_IMAGE_BYTES = 200_000
MAX_SECRET_LENGTH = 256
#: What the memory of a step knows of the consent or the payment that is authorised.
_ABOUT = ("consentId", "paymentId", "isBulk")
_PNG = b"\x89PNG\r\n\x1a\n"

#: Links that ask for something, best first, with the HTTP verb of the answer. Of two the bank offers, the one that is
#: further on is taken.
_AUTHORISE = {"authoriseTransaction": "PUT", "startAuthorisationWithTransactionAuthorisation": "POST"}
_SELECT = {"selectAuthenticationMethod": "PUT", "startAuthorisationWithAuthenticationMethodSelection": "POST"}
_PASSWORD = {"updatePsuAuthentication": "PUT", "startAuthorisationWithPsuAuthentication": "POST"}
_IDENTIFY = {"updatePsuIdentification": "PUT", "startAuthorisationWithPsuIdentification": "POST"}
LINKS = frozenset([*_AUTHORISE, *_SELECT, *_PASSWORD, *_IDENTIFY, "confirmation"])
#: The answers of a person that belong to these steps.
ANSWERS = frozenset(["credentials", "scaMethodId", "scaAuthenticationData"])
_FINAL_GOOD = frozenset(["finalised", "exempted"])


@dataclass(frozen=True, slots=True)
class Dialogue:
    """An authorisation on its way: whose it is, and the bank's last answer about it. ``about`` names what is
    authorised: a ``consentId``, or a ``paymentId`` and whether it ``isBulk``."""

    client: Client
    configuration: Configuration
    psu: PsuContext
    about: Mapping[str, Any]
    psu_id: str | None
    received: Received
    unasked: int = 0
    tokens: Tokens | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        return self.received.data if isinstance(self.received.data, Mapping) else {}

    def state(self, **more: Any) -> dict[str, Any]:
        known = {"version": STATE_VERSION, **self.about, "psuId": self.psu_id}
        return {**known, **oauth.with_tokens(self.tokens), **more}

    @property
    def ends_at(self) -> dt.datetime:
        return self.client.clock() + STEP_LIFETIME


def next_step(dialogue: Dialogue) -> AuthorisationStep | None:
    """What the PSU does next according to the bank's last answer; None if only the consent's status can tell.

    Raises :class:`ScaFailed` where the bank says that the authentication failed.
    """
    status = text_of(dialogue.data.get("scaStatus"), 60)
    if status == "failed":
        raise ScaFailed(text=status, status=dialogue.received.raw.status, request_id=dialogue.received.raw.request_id)
    if status in _FINAL_GOOD:
        return None
    links = dialogue.data.get("_links")
    for names, step in (
        (_AUTHORISE, _challenge),
        (_SELECT, _select),
        (_PASSWORD, _credentials),
        (_IDENTIFY, _identify),
    ):
        for name, verb in names.items():
            if (href := href_of(links, name)) is not None:
                return step(dialogue, href, verb)
    if (href := href_of(links, "confirmation")) is not None:
        return _confirmation(dialogue, href)
    if message := text_of(dialogue.data.get("psuMessage"), 500):
        return _decoupled(dialogue, message)
    return None


def answer(
    client: Client, configuration: Configuration, state: Mapping[str, Any], given: PsuInput, psu: PsuContext
) -> AuthorisationStep | None:
    """Send what the PSU typed; None if now only the consent's status can tell.

    Raises :class:`CredentialsInvalid` for a wrong password (never tried again) and :class:`ScaFailed` for a second
    wrong code.
    """
    if state.get("wants") != given.kind:
        raise ProtocolError("This answer does not belong to the present step.", reached_bank=False)
    psu_id = state.get("psuId") or _typed(given, "psuId", required=False)
    body = _body(state, given)
    try:
        received = _send(client, configuration, state, psu, psu_id, body)
    except CredentialsInvalid as error:
        if given.kind != "scaAuthenticationData":
            raise
        return _code_again(client, state, error)
    tokens = oauth.tokens_in(state)
    about = {name: state[name] for name in _ABOUT if name in state}
    return next_step(Dialogue(client, configuration, psu, about, psu_id, received, tokens=tokens))


def _body(state: Mapping[str, Any], given: PsuInput) -> dict[str, Any] | None:
    if given.kind == "credentials":
        # Where only the name is asked for, it travels in the header.
        return {"psuData": {"password": _typed(given, "password")}} if state.get("password") else None
    if given.kind == "scaMethodId":
        chosen = _typed(given, "scaMethodId")
        if chosen not in state.get("methods", ()):
            raise ProtocolError("This method of confirmation was not offered.", reached_bank=False)
        return {"authenticationMethodId": chosen}
    return {str(state.get("field", "scaAuthenticationData")): _typed(given, "scaAuthenticationData")}


def _typed(given: PsuInput, name: str, *, required: bool = True) -> str:
    value = given.values.get(name, "")
    if (required and not value) or len(value) > MAX_SECRET_LENGTH:
        raise ProtocolError("Something is missing in your answer, or it is too long.", reached_bank=False)
    return value


def _send(  # noqa: PLR0917 - two callers, both in this module
    client: Client,
    configuration: Configuration,
    state: Mapping[str, Any],
    psu: PsuContext,
    psu_id: str | None,
    body: Mapping[str, Any] | None,
) -> Received:
    tokens = oauth.tokens_in(state)
    return client.send(
        configuration,
        str(state["verb"]),
        str(state["href"]),
        psu=psu,
        subject="payment" if "paymentId" in state else "consent",
        access_token=tokens.access_token if tokens else None,
        headers={"PSU-ID": header_value(psu_id)} if psu_id else {},
        body=body or {},
    )


def _following(dialogue: Dialogue, received: Received) -> AuthorisationStep | None:
    """The next step after one that needed nobody. A bank that asks for one after the other is stopped."""
    if dialogue.unasked >= MAX_UNASKED_STEPS:
        raise protocol_error(received.raw, "The bank asks for the same things over and over.")
    return next_step(replace(dialogue, received=received, unasked=dialogue.unasked + 1))


# --- one function for each kind of link

NAME = CredentialField("psuId", "Name or number of your login at the bank")


def _credentials(dialogue: Dialogue, href: str, verb: str) -> AuthorisationStep:
    return ask_for_password(dialogue.state(href=href, verb=verb), dialogue.ends_at)


def ask_for_password(state: Mapping[str, Any], ends_at: dt.datetime) -> NeedCredentials:
    """Where ``state`` tells address and verb of the answer, and the name of the login where that is known."""
    fields = [] if state.get("psuId") else [NAME]
    fields.append(CredentialField("password", "Password or PIN of your online banking", secret=True))
    return NeedCredentials(tuple(fields), ends_at, {**state, "wants": "credentials", "password": True})


def ask_for_name(state: Mapping[str, Any], ends_at: dt.datetime) -> NeedCredentials:
    """The same for the name of the login alone."""
    return NeedCredentials((NAME,), ends_at, {**state, "wants": "credentials"})


def _identify(dialogue: Dialogue, href: str, verb: str) -> AuthorisationStep | None:
    state = dialogue.state(wants="credentials", href=href, verb=verb)
    if not dialogue.psu_id:
        return ask_for_name(state, dialogue.ends_at)
    received = _send(dialogue.client, dialogue.configuration, state, dialogue.psu, dialogue.psu_id, None)
    return _following(dialogue, received)


def _select(dialogue: Dialogue, href: str, verb: str) -> AuthorisationStep | None:
    methods = tuple(filter(None, map(_method, list_of(dialogue.data.get("scaMethods"))[:MAX_METHODS])))
    if not methods:
        raise protocol_error(dialogue.received.raw, "The bank asks how to confirm and offers no way.")
    state = dialogue.state(wants="scaMethodId", href=href, verb=verb, methods=[method.id for method in methods])
    if len(methods) > 1:
        return SelectScaMethod(methods, dialogue.ends_at, state)
    body = {"authenticationMethodId": methods[0].id}
    received = _send(dialogue.client, dialogue.configuration, state, dialogue.psu, dialogue.psu_id, body)
    return _following(dialogue, received)


def _method(item: Any) -> ScaMethod | None:
    identity = item.get("authenticationMethodId") if isinstance(item, Mapping) else None
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_SECRET_LENGTH:
        return None
    kind = text_of(item.get("authenticationType"), 60) or ""
    name = text_of(item.get("name"), 200) or kind or identity
    return ScaMethod(identity, kind, name, text_of(item.get("explanation"), 500) or "")


def _challenge(dialogue: Dialogue, href: str, verb: str) -> AuthorisationStep:
    given = dialogue.data.get("challengeData")
    challenge: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    texts = [text for text in map(text_of, list_of(challenge.get("data"))) if text]
    shown = {
        "text": " ".join(texts) or text_of(dialogue.data.get("psuMessage"), 500) or "Enter the code of your bank.",
        "otp_format": challenge.get("otpFormat") if challenge.get("otpFormat") in {"characters", "integer"} else None,
        "otp_max_length": count_of(challenge.get("otpMaxLength")),
        "additional_information": text_of(challenge.get("additionalInformation"), 1000),
        "image": challenge.get("image") if _png(challenge.get("image")) else None,
    }
    state = dialogue.state(wants="scaAuthenticationData", href=href, verb=verb, shown=shown)
    return _shown_challenge(shown, dialogue.ends_at, state)


def _shown_challenge(shown: Mapping[str, Any], ends_at: dt.datetime, state: Mapping[str, Any]) -> Challenge:
    return Challenge(
        text=shown["text"],
        expires_at=ends_at,
        state=state,
        image_png=_png(shown.get("image")),
        otp_format=shown.get("otp_format"),
        otp_max_length=shown.get("otp_max_length"),
        additional_information=shown.get("additional_information"),
    )


def _png(image: Any) -> bytes | None:
    """The picture, if it is a PNG of sensible size; a browser gets nothing else from a bank."""
    if not isinstance(image, str) or len(image) > 2 * MAX_IMAGE_BYTES:
        return None
    try:
        picture = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        return None
    return picture if picture.startswith(_PNG) and len(picture) <= MAX_IMAGE_BYTES else None


def _code_again(client: Client, state: Mapping[str, Any], error: CredentialsInvalid) -> AuthorisationStep:
    """One more try, on the same address, if the bank offers it."""
    data = parsed(error.raw) if error.raw is not None and error.raw.body.strip() else None
    offered = isinstance(data, Mapping) and any(href_of(data.get("_links"), name) for name in _AUTHORISE)
    if state.get("wrongCodes") or not offered:
        return Failed(ScaFailed("The code was wrong.", code=error.code, text=error.text, status=error.status), True)
    shown = {**state["shown"], "text": f"The code was wrong. {state['shown']['text']}"}
    # The bank has begun the step; a correction changes it.
    again = {**state, "wrongCodes": 1, "verb": "PUT"}
    return _shown_challenge(shown, client.clock() + STEP_LIFETIME, again)


def _confirmation(dialogue: Dialogue, href: str) -> AuthorisationStep:
    shown = {"text": "Enter the confirmation code that your bank showed you at the end."}
    state = dialogue.state(wants="scaAuthenticationData", href=href, verb="PUT", shown=shown, field="confirmationCode")
    return _shown_challenge(shown, dialogue.ends_at, state)


def _decoupled(dialogue: Dialogue, message: str) -> AuthorisationStep:
    until = dialogue.client.clock() + DECOUPLED_LIFETIME
    status = href_of(dialogue.data.get("_links"), "scaStatus")
    return Decoupled(
        message, POLL_AFTER_S, until, dialogue.state(pollUntil=until.isoformat(), message=message, scaStatus=status)
    )


def wait(client: Client, state: Mapping[str, Any], message: str) -> AuthorisationStep:
    """The bank has not decided yet: ask again, for five minutes in all. ``message``: where the bank gave none."""
    now = client.clock()
    until = _instant(state.get("pollUntil")) or now + DECOUPLED_LIFETIME
    if now >= until:
        return Failed(ScaTimeout(), may_retry=True)
    return Decoupled(state.get("message") or message, POLL_AFTER_S, until, {**state, "pollUntil": until.isoformat()})


def _instant(value: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else None


def not_supported(dialogue: Dialogue, name: str) -> NotSupported:
    """The error for a link that Nostro does not take."""
    return NotSupported(
        f"This bank wants the authorisation step {name!r}, which Nostro does not offer for it yet.",
        next_action="Choose another route to this bank, or wait for a version that offers this step.",
        feature=name,
        status=dialogue.received.raw.status,
        request_id=dialogue.received.raw.request_id,
        raw=dialogue.received.raw,
    )
