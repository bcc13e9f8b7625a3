"""Embedded SCA: the service passes on what the customer types: password, choice of method, code."""

from __future__ import annotations

import base64
from typing import Any

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Authorisation
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.sca.links import Matter, Step, authorisation_link
from nostro.sandbox.sca.png import mosaic
from nostro.sandbox.scenarios import CODE

#: One wrong code may be corrected, the second ends the authorisation.
MAX_CODES = 2
MAX_SECRET = 100
METHODS: tuple[dict[str, str], ...] = (
    {
        "authenticationType": "SMS_OTP",
        "authenticationMethodId": "sms",
        "name": "SMS to +32 4xx xx 17",
        "explanation": "A code comes by text message.",
    },
    {
        "authenticationType": "PHOTO_OTP",
        "authenticationMethodId": "photo",
        "name": "Photo of a picture",
        "explanation": "The reader takes a photo of the picture and shows a code.",
    },
    {
        "authenticationType": "PUSH_OTP",
        "authenticationMethodId": "push",
        "name": "App on the telephone",
        "explanation": "The app shows a code.",
    },
)
Answer = dict[str, Any]


def begin(bank: Bank, matter: Matter, psu: str, body: dict[str, Any]) -> tuple[Authorisation, Step]:
    """Start with or without the password."""
    if not psu:
        raise format_error("The header PSU-ID is required.", "PSU-ID")
    password = _password(body) if "psuData" in body else None
    authorisation = matter.start(psu, "psuIdentified")
    if password is None:
        return authorisation, Step(_links(matter, authorisation, "updatePsuAuthentication"))
    if not bank.consents.is_password(psu, password):
        # This attempt is over, the consent may be tried again.
        bank.consents.set_authorisation(authorisation.id, "failed")
        raise _wrong("Name and password do not fit.")
    bank.consents.set_authorisation(authorisation.id, "psuAuthenticated")
    authorisation = bank.consents.known_authorisation(authorisation.id)
    return authorisation, Step(_links(matter, authorisation, "selectAuthenticationMethod"), {"scaMethods": METHODS})


def update(bank: Bank, matter: Matter, authorisation: Authorisation, body: dict[str, Any]) -> Answer:
    """The next thing the customer typed."""
    if "psuData" in body:
        return _authenticate(bank, matter, authorisation, _password(body))
    if "authenticationMethodId" in body:
        return _select(bank, matter, authorisation, body["authenticationMethodId"])
    if "scaAuthenticationData" in body:
        return _authorise(bank, matter, authorisation, _text(body, "scaAuthenticationData"))
    raise format_error("psuData, authenticationMethodId or scaAuthenticationData is required.")


def _authenticate(bank: Bank, matter: Matter, authorisation: Authorisation, password: str) -> Answer:
    _require(authorisation, "psuIdentified")
    if bank.consents.log_in(authorisation, authorisation.psu or "", password) is None:
        links = _links_if_open(bank, matter, authorisation, "updatePsuAuthentication")
        raise _wrong("Name and password do not fit.", links)
    links = _links(matter, authorisation, "selectAuthenticationMethod")
    return {"scaStatus": "psuAuthenticated", "scaMethods": METHODS, "_links": links}


def _select(bank: Bank, matter: Matter, authorisation: Authorisation, wanted: object) -> Answer:
    _require(authorisation, "psuAuthenticated", "scaMethodSelected")
    method = next((method for method in METHODS if method["authenticationMethodId"] == wanted), None)
    if method is None:
        raise Refusal(400, "SCA_METHOD_UNKNOWN", "The customer has no such method.", path="authenticationMethodId")
    bank.consents.set_authorisation(authorisation.id, "scaMethodSelected", method=method["authenticationMethodId"])
    return {
        "scaStatus": "scaMethodSelected",
        "chosenScaMethod": method,
        "challengeData": _challenge(matter, authorisation, method),
        "_links": _links(matter, authorisation, "authoriseTransaction"),
    }


def _challenge(matter: Matter, authorisation: Authorisation, method: dict[str, str]) -> dict[str, Any]:
    challenge = {
        "otpMaxLength": len(CODE),
        "otpFormat": "integer",
        "additionalInformation": " ".join(
            filter(None, (matter.facts, method["explanation"], f"In the sandbox it is always {CODE}."))
        ),
    }
    if method["authenticationType"] != "PHOTO_OTP":
        return challenge
    return {"image": base64.b64encode(mosaic(authorisation.id)).decode("ascii"), **challenge}


def _authorise(bank: Bank, matter: Matter, authorisation: Authorisation, code: str) -> Answer:
    _require(authorisation, "scaMethodSelected")
    if not bank.consents.check_code(authorisation, code, MAX_CODES):
        raise _wrong("The code is wrong.", _links_if_open(bank, matter, authorisation, "authoriseTransaction"))
    matter.approve(authorisation, authorisation.psu or "")
    status = bank.consents.known_authorisation(authorisation.id).status
    return {"scaStatus": status, "_links": {"scaStatus": {"href": authorisation_link(matter, authorisation)}}}


def _require(authorisation: Authorisation, *statuses: str) -> None:
    if authorisation.status not in statuses:
        raise Refusal(409, "STATUS_INVALID", f"This is not the next step of an authorisation {authorisation.status}.")


def _links(matter: Matter, authorisation: Authorisation, following: str) -> dict[str, Any]:
    here = {"href": authorisation_link(matter, authorisation)}
    return {following: here, "scaStatus": here}


def _links_if_open(bank: Bank, matter: Matter, authorisation: Authorisation, following: str) -> dict[str, Any] | None:
    """The same step once more, unless that was the last attempt."""
    is_over = bank.consents.known_authorisation(authorisation.id).status == "failed"
    return None if is_over else _links(matter, authorisation, following)


def _wrong(text: str, links: dict[str, Any] | None = None) -> Refusal:
    """In the words of the standard this stands for password and code alike."""
    return Refusal(401, "PSU_CREDENTIALS_INVALID", text, links=links)


def _password(body: dict[str, Any]) -> str:
    data = body["psuData"]
    if not isinstance(data, dict) or "password" not in data:
        raise format_error("psuData must hold a password; this bank knows no encrypted ones.", "psuData")
    return _text(data, "password")


def _text(body: dict[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SECRET:
        raise format_error(f"{name} must be text of at most {MAX_SECRET} characters.", name)
    return value
