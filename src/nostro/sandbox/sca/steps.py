"""Which way of strong customer authentication a consent takes, and how it begins (connectors.md 4.1 and 5.1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Authorisation, Consent
from nostro.sandbox.requests import BankRequest
from nostro.sandbox.sca import embedded
from nostro.sandbox.sca.links import Step, authorisation_link, consent_link
from nostro.sandbox.sca.tokens import metadata_address
from nostro.sandbox.scenarios import Approach, Scenario

#: The header ``ASPSP-SCA-Approach``; OAuth is a redirect in the words of the standard.
HEADER: dict[Approach, str] = {
    "redirect": "REDIRECT",
    "oauth": "REDIRECT",
    "decoupled": "DECOUPLED",
    "embedded": "EMBEDDED",
}
APPROVES_AFTER = dt.timedelta(seconds=10)
DEVICE_MESSAGE = (
    "Please confirm the access in the app of Nostro Test Bank. In the sandbox this happens by itself after "
    f"{APPROVES_AFTER.seconds} seconds."
)


def choose(scenario: Scenario | None, request: BankRequest) -> Approach:
    """The customer's own way, else what the service prefers (``TPP-Redirect-Preferred``,
    ``TPP-Decoupled-Preferred``), else redirect."""
    if scenario is not None and scenario.approach is not None:
        return scenario.approach
    redirect, decoupled = (_preference(request, name) for name in ("TPP-Redirect-Preferred", "TPP-Decoupled-Preferred"))
    if redirect != "true" and decoupled == "true":
        return "decoupled"
    return "embedded" if redirect == "false" else "redirect"


def _preference(request: BankRequest, name: str) -> str:
    return request.headers.get(name, "").lower()


def psu_of(request: BankRequest, consent: Consent) -> str:
    """The customer as the service names them, now or when it asked for the consent."""
    return (request.headers.get("PSU-ID", "") or consent.psu_hint)[:70]


def offer(bank: Bank, request: BankRequest, consent: Consent) -> Step:
    """How a new consent goes on. Without wish or need of an explicit start its authorisation begins at once."""
    start = {"href": consent_link(consent, "/authorisations")}
    if consent.approach == "embedded":
        return Step({"startAuthorisationWithPsuAuthentication": start})
    if consent.approach == "decoupled" and bank.customers.find(consent.psu_hint) is None:
        return Step({"startAuthorisationWithPsuIdentification": start})
    if _preference(request, "TPP-Explicit-Authorisation-Preferred") == "true":
        return Step({"startAuthorisation": start})
    return begin(bank, request, consent, {})[1]


def begin(bank: Bank, request: BankRequest, consent: Consent, body: dict[str, Any]) -> tuple[Authorisation, Step]:
    """Start an authorisation of the consent."""
    psu = psu_of(request, consent)
    if consent.approach == "embedded":
        return embedded.begin(bank, consent, psu, body)
    authorisation = bank.consents.start_authorisation(consent)
    status = {"scaStatus": {"href": authorisation_link(consent, authorisation)}}
    if consent.approach == "redirect":
        return authorisation, Step({"scaRedirect": {"href": f"{request.host_url}sca/{authorisation.id}"}, **status})
    if consent.approach == "oauth":
        return authorisation, Step({"scaOAuth": {"href": metadata_address(request)}, **status})
    if bank.customers.find(psu) is None:
        here = {"href": authorisation_link(consent, authorisation)}
        return authorisation, Step({"updatePsuIdentification": here, **status})
    return ask_device(bank, authorisation, psu), Step(status, {"psuMessage": DEVICE_MESSAGE})


def ask_device(bank: Bank, authorisation: Authorisation, psu: str) -> Authorisation:
    """Decoupled: the customer's app shows the question, and the customer says yes after a while."""
    bank.consents.set_authorisation(authorisation.id, "started", psu=psu)
    bank.consents.plan_verdict(authorisation.id, "approve", bank.clock.now() + APPROVES_AFTER)
    return bank.consents.known_authorisation(authorisation.id)
