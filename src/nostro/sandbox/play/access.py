"""Who may press the buttons: whoever sits at the bank's own machine, or knows the control token.

Behind a proxy everybody seems to sit there; so a proxy has to pass the ``Host`` it was asked for, or one of the usual
headers that tell of it, and then the token is wanted. Without a token in the bank's environment nobody may.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.errors import Refusal
from nostro.sandbox.requests import BankRequest

#: The browser's own random number, and the proof that it knows the token.
NONCE, PROOF = "sandbox_play", "sandbox_control"
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def require_control(bank: Bank) -> None:
    """Without a token the page does not exist."""
    if not bank.control_token:
        raise NotFound


def may_play(bank: Bank, request: BankRequest) -> bool:
    """Whether this browser may see and press the buttons."""
    proof = request.cookies.get(PROOF, "")
    return _is_here(request) or _equal(proof, _digest(bank, "proof", request.cookies.get(NONCE, "")))


def _is_here(request: BankRequest) -> bool:
    if any(name in request.headers for name in PROXY_HEADERS):
        return False
    # The name matters too: a page elsewhere whose name was pointed at this machine is not the machine.
    return _is_loopback(request.remote_addr or "") and _is_loopback(urlsplit(f"//{request.host}").hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def nonce_of(request: BankRequest) -> str:
    """The browser's random number, or a new one for a browser that has none."""
    return request.cookies.get(NONCE, "")[:100] or secrets.token_urlsafe(24)


def form_token(bank: Bank, nonce: str) -> str:
    """What a form must bring along, so that no other site can send it."""
    return _digest(bank, "form", nonce)


def require_form_token(bank: Bank, request: BankRequest) -> None:
    """Refuse a form that did not come from this page in this browser."""
    nonce, origin = request.cookies.get(NONCE, ""), request.headers.get("Origin")
    is_ours = origin is None or origin == request.host_url.rstrip("/")
    if not nonce or not is_ours or not _equal(request.form.get("token", ""), form_token(bank, nonce)):
        raise Refusal(403, "FORMAT_ERROR", "This form is too old or from elsewhere. Open the page again.")


def sign_in(bank: Bank, request: BankRequest, response: Response) -> bool:
    """Let the browser in if the form brings the control token."""
    if not _equal(request.form.get("control", ""), bank.control_token):
        return False
    keep(request, response, PROOF, _digest(bank, "proof", request.cookies.get(NONCE, "")))
    return True


def keep(request: BankRequest, response: Response, name: str, value: str) -> None:
    """A cookie that goes to this page only, and never comes from a link elsewhere."""
    response.set_cookie(name, value, path="/play", httponly=True, samesite="Strict", secure=request.scheme == "https")


def _digest(bank: Bank, purpose: str, nonce: str) -> str:
    text = f"{purpose}|{nonce}".encode("utf-8", "replace")
    return hmac.new(bank.control_token.encode(), text, hashlib.sha256).hexdigest()


def _equal(given: str, right: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), right.encode())
