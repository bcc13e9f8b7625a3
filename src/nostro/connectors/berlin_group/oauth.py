"""OAuth 2.0 at the bank, authorisation code with PKCE (connectors.md 4.1; RFC 6749, 7636, 8414).

It serves twice: for one consent (link ``scaOAuth``, scope ``AIS:<consentId>``), and before any at banks that want an
access token with the request for a consent (pre-step, scope ``AIS``). Both may follow each other in one authorisation;
each leg has a ``state`` and a verifier of its own, so that a browser that goes back to the first does no harm.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from nostro.connectors.berlin_group.client import (
    Client,
    Received,
    is_safe_for_browser,
    parsed,
    protocol_error,
)
from nostro.connectors.berlin_group.fields import count_of, href_of
from nostro.connectors.berlin_group.profile import Profile
from nostro.connectors.contract import Configuration, ConsentRequest, Redirect, Tokens
from nostro.connectors.errors import ConsentExpired, ProtocolError, TokenExpired, TppConfigInvalid

STATE_VERSION = 1
REDIRECT_LIFETIME = dt.timedelta(minutes=30)
#: Where the server does not say how long a token lives, and the longest that is believed.
DEFAULT_LIFE_S = 300
MAX_LIFE_S = 400 * 86_400
MAX_TOKEN_LENGTH = 16_384
MIN_SECRET_LENGTH = 43
SCOPE = "AIS"


def metadata_link(configuration: Configuration, error: TokenExpired) -> str | None:
    """Where the OAuth server is described, according to a refusal or else the profile."""
    data = parsed(error.raw) if error.raw is not None and error.raw.body.strip() else None
    links = data.get("_links") if isinstance(data, Mapping) else None
    return href_of(links, "scaOAuth") or Profile.of(configuration).oauth_metadata or None


def lead_to_server(
    client: Client, configuration: Configuration, request: ConsentRequest, href: str, state: Mapping[str, Any]
) -> Redirect:
    """Read the server's metadata at ``href`` and send the browser there; for the consent that ``state`` names, or for
    the pre-step where it names none. Raises :class:`ProtocolError` for a server that cannot be trusted or used."""
    if len(request.oauth_secret) < MIN_SECRET_LENGTH:
        raise TppConfigInvalid("An authorisation by OAuth needs fresh randomness.", reached_bank=False)
    authorization_endpoint, token_endpoint = _endpoints(client, href)
    consent_id = state.get("consentId")
    scope, leg = (f"{SCOPE}:{consent_id}", 2) if consent_id else (SCOPE, 1)
    memory = {
        "verifier": _encoded(hashlib.sha256(f"{scope} {request.oauth_secret}".encode()).digest()),
        "tokenEndpoint": token_endpoint,
        "clientId": Profile.of(configuration).oauth_client_id,
        "redirectUri": request.redirect_uri,
        "state": f"{request.state}.{leg}",
    }
    query = {
        "response_type": "code",
        "client_id": memory["clientId"],
        "redirect_uri": memory["redirectUri"],
        "scope": scope,
        "state": memory["state"],
        "code_challenge": _encoded(hashlib.sha256(memory["verifier"].encode()).digest()),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(authorization_endpoint).query else "?"
    memory["url"] = authorization_endpoint + joint + urlencode(query, quote_via=quote)
    return way_to_server(client, {**state, "version": STATE_VERSION, "oauth": memory})


def way_to_server(client: Client, state: Mapping[str, Any]) -> Redirect:
    """The step of an authorisation that waits for the OAuth server, also a second time."""
    return Redirect(state["oauth"]["url"], client.clock() + REDIRECT_LIFETIME, state)


def _endpoints(client: Client, href: str) -> tuple[str, str]:
    loopback = client.door.settings.allow_loopback_http
    if not is_safe_for_browser(href, loopback):
        raise ProtocolError("The bank's OAuth server has an address that is not secure.")
    received = client.ask_oauth_server(href)
    given = received.data if isinstance(received.data, Mapping) else {}
    found = [given.get("authorization_endpoint"), given.get("token_endpoint")]
    addresses = [each for each in found if isinstance(each, str) and is_safe_for_browser(each, loopback)]
    if len(addresses) != 2:
        raise protocol_error(received.raw, "The bank's OAuth server does not say where to go, or is not secure.")
    if "S256" not in given.get("code_challenge_methods_supported", ["S256"]):
        raise protocol_error(received.raw, "The bank's OAuth server does not offer PKCE with S256.")
    return addresses[0], addresses[1]


def redeem(client: Client, memory: Mapping[str, Any], code: str) -> Tokens:
    """Exchange the code that the browser brought. Raises :class:`TokenExpired` for one that is not good."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": memory["redirectUri"],
        "client_id": memory["clientId"],
        "code_verifier": memory["verifier"],
    }
    received = client.ask_oauth_server(memory["tokenEndpoint"], form)
    return _tokens(client, received, memory["tokenEndpoint"], memory["clientId"], None)


def refresh(client: Client, tokens: Tokens) -> Tokens:
    """The next tokens. Raises :class:`ConsentExpired` where the server gives no more."""
    if tokens.refresh_token is None:
        raise ConsentExpired("The bank's access has ended, and the bank gave no way to prolong it.", reached_bank=False)
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, "client_id": tokens.client_id}
    try:
        received = client.ask_oauth_server(tokens.token_endpoint, form)
    except TokenExpired as error:
        raise ConsentExpired(
            code=error.code, text=error.text, status=error.status, request_id=error.request_id
        ) from error
    return _tokens(client, received, tokens.token_endpoint, tokens.client_id, tokens.refresh_token)


def _tokens(client: Client, received: Received, endpoint: str, client_id: str, former: str | None) -> Tokens:
    given = received.data if isinstance(received.data, Mapping) else {}
    access, following = given.get("access_token"), given.get("refresh_token") or former
    if not isinstance(access, str) or not _is_token(access) or not (following is None or _is_token(following)):
        # The answer is not kept: it may hold tokens.
        raise ProtocolError("The bank's OAuth server gave no token that can be used.", status=received.raw.status)
    life = min(count_of(given.get("expires_in")) or DEFAULT_LIFE_S, MAX_LIFE_S)
    return Tokens(access, client.clock() + dt.timedelta(seconds=life), endpoint, client_id, following)


def _is_token(value: Any) -> bool:
    """RFC 6749 appendix A.12 and A.17: visible ASCII."""
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_LENGTH and all("!" <= each <= "~" for each in value)


def tokens_in(state: Mapping[str, Any]) -> Tokens | None:
    """The tokens in the memory of an authorisation."""
    kept = state.get("tokens")
    return Tokens(**{**kept, "expires_at": dt.datetime.fromisoformat(kept["expires_at"])}) if kept else None


def with_tokens(tokens: Tokens | None) -> dict[str, Any]:
    """The same, to be put into it."""
    return {"tokens": {**asdict(tokens), "expires_at": tokens.expires_at.isoformat()}} if tokens else {}


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
