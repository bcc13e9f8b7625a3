"""The bank's OAuth 2.0 authorisation server (RFC 6749, 7636, 8414): for one consent, or before any (pre-step).

Scope ``AIS:<consentId>`` leads to the pages on which the customer approves that consent; scope ``AIS`` only asks who
the customer is, and the token then stands for ``PSU-ID``.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from urllib.parse import urlencode, urlsplit, urlunsplit

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import FINAL, Authorisation, Consent
from nostro.sandbox.errors import Refusal
from nostro.sandbox.pages import notice, page
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply, page_reply
from nostro.sandbox.requests import BankRequest, web_address
from nostro.sandbox.sca.forms import back_to, login_form, origin
from nostro.sandbox.sca.tokens import ACCESS_LIFE, Asked, GrantError

IDENTITY_SCOPE, CONSENT_SCOPE = "AIS", "AIS:"
MAX_PARAMETER = 2_000
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def metadata(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /oauth/.well-known/oauth-authorization-server``."""
    del bank, record
    issuer = f"{request.host_url}oauth"
    return json_reply(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "scopes_supported": [IDENTITY_SCOPE],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


class _SendBack(Exception):
    """The request is wrong in a way that the client is told of."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(error, text)
        self.error, self.text = error, text


def authorize(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET`` and ``POST /oauth/authorize``. A client that cannot be trusted with the browser gets a page instead."""
    client, state = request.args.get("client_id", ""), request.args.get("state", "")
    try:
        redirect_uri = web_address(request.args.get("redirect_uri", ""), "redirect_uri")
        if not client or not client.isprintable() or len(client) > MAX_PARAMETER:
            raise Refusal(400, "FORMAT_ERROR", "client_id is required.")
    except Refusal as refusal:
        return _refused_page(refusal.text)
    try:
        asked = _asked(request, client, redirect_uri)
        if asked.scope == IDENTITY_SCOPE:
            return _identify(bank, request, asked, state)
        consent = _consent(bank, asked)
        record.consent = consent.id
        return _to_approval(bank, consent, asked, state)
    except _SendBack as error:
        return back_to(_with(redirect_uri, error=error.error, error_description=error.text, state=state))


def _asked(request: BankRequest, client: str, redirect_uri: str) -> Asked:
    if request.args.get("response_type") != "code":
        raise _SendBack("unsupported_response_type", "response_type must be code.")
    challenge = request.args.get("code_challenge", "")
    if request.args.get("code_challenge_method") != "S256" or _CHALLENGE.fullmatch(challenge) is None:
        raise _SendBack("invalid_request", "A code_challenge with the method S256 is required.")
    if any(len(value) > MAX_PARAMETER for value in request.args.values()):
        raise _SendBack("invalid_request", "A parameter is too long.")
    return Asked(client, redirect_uri, request.args.get("scope", ""), challenge)


def _consent(bank: Bank, asked: Asked) -> Consent:
    """The consent of the scope, if it waits for OAuth and its service is the one that asks."""
    identity = asked.scope.removeprefix(CONSENT_SCOPE) if asked.scope.startswith(CONSENT_SCOPE) else ""
    consent = bank.consents.find(identity)
    if consent is None or consent.approach != "oauth" or origin(consent.ok_uri) != origin(asked.redirect_uri):
        raise _SendBack("invalid_scope", "The scope must be AIS, or AIS: and a consent of this client.")
    if consent.status != "received":
        raise _SendBack("access_denied", f"The consent is {consent.status}.")
    return consent


def _to_approval(bank: Bank, consent: Consent, asked: Asked, state: str) -> Response:
    """To the pages of the authorisation that nobody has come for yet, or of a new one."""
    known = (bank.consents.known_authorisation(identity) for identity in bank.consents.authorisation_ids(consent.id))
    waiting = next((found for found in known if found.oauth is None and found.status not in FINAL), None)
    try:
        authorisation = waiting or bank.consents.start_authorisation(consent)
    except Refusal as refusal:
        raise _SendBack("access_denied", refusal.text) from None
    remembered = json.dumps({**asdict(asked), "state": state})
    bank.consents.set_authorisation(authorisation.id, authorisation.status, oauth=remembered)
    return redirect(f"/sca/{authorisation.id}", 303)


def _identify(bank: Bank, request: BankRequest, asked: Asked, state: str) -> Response:
    """The pre-step: who is it?"""
    psu, message, status = request.form.get("psu", "").strip()[:70], Markup(""), 200
    if request.method == "POST":
        if request.form.get("act") == "deny":
            raise _SendBack("access_denied", "The customer said no.")
        if bank.consents.is_password(psu, request.form.get("password", "")):
            return back_to(_with(asked.redirect_uri, code=bank.tokens.new_code(asked, psu), state=state))
        message, status = notice("bad", "Name and password do not fit.", "Try again.", "PSU_CREDENTIALS_INVALID"), 401
    lead = "A service wants to know who you are, before it asks to read your accounts."
    return page_reply(page("Log in", login_form(bank, lead, message, psu)), status, origin(asked.redirect_uri))


def way_back(bank: Bank, authorisation: Authorisation, consent: Consent, *, is_granted: bool) -> str:
    """Where the browser goes when an approval is over: for OAuth with a code, which stays the same however often the
    page is opened."""
    asked = authorisation.oauth
    if asked is None:
        return consent.ok_uri if is_granted else consent.nok_uri
    if not is_granted:
        return _with(asked["redirect_uri"], error="access_denied", state=asked["state"])
    if "code" not in asked:
        wanted = Asked(asked["client"], asked["redirect_uri"], asked["scope"], asked["challenge"])
        asked = {**asked, "code": bank.tokens.new_code(wanted, consent.psu or "")}
        bank.consents.set_authorisation(authorisation.id, authorisation.status, oauth=json.dumps(asked))
    return _with(asked["redirect_uri"], code=asked["code"], state=asked["state"])


def token(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``POST /oauth/token`` with ``authorization_code`` or ``refresh_token``."""
    del record
    try:
        body, status = _granted(bank, request), 200
    except GrantError as error:
        body, status = {"error": error.error, "error_description": error.text}, 400
    return json_reply(body, status, {"Cache-Control": "no-store", "Pragma": "no-cache"})


def _granted(bank: Bank, request: BankRequest) -> dict[str, object]:
    form = request.form
    if not form.get("client_id"):
        raise GrantError("invalid_request", "client_id is required.")
    if form.get("grant_type") == "authorization_code":
        verifier = form.get("code_verifier", "")
        if _VERIFIER.fullmatch(verifier) is None:
            raise GrantError("invalid_request", "code_verifier is 43 to 128 letters, digits or -._~.")
        grant = bank.tokens.redeem(form.get("code", ""), form["client_id"], form.get("redirect_uri", ""), verifier)
    elif form.get("grant_type") == "refresh_token":
        grant = bank.tokens.refresh(form.get("refresh_token", ""), form["client_id"])
    else:
        raise GrantError("unsupported_grant_type", "grant_type is authorization_code or refresh_token.")
    return {
        "access_token": grant.access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "refresh_token": grant.refresh_token,
        "scope": grant.scope,
    }


def _with(address: str, **values: str) -> str:
    """The address with further parameters; those it has stay letter for letter."""
    parts = urlsplit(address)
    more = urlencode({name: value for name, value in values.items() if value})
    return urlunsplit(parts._replace(query="&".join(part for part in (parts.query, more) if part)))


def _refused_page(text: str) -> Response:
    said = notice("bad", text, "Go back to your software and start again.", "invalid_request")
    return page_reply(page("Not possible", Markup("<h1>This cannot be done</h1>{}").format(said)), 400)
