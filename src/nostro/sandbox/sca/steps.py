"""Which way of strong customer authentication a consent or a payment takes, and its steps (connectors.md 4.1, 5.1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox import unfolding
from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import FINAL, Authorisation, Consent
from nostro.sandbox.errors import Refusal
from nostro.sandbox.money import amount_text
from nostro.sandbox.payments import CURRENCY, Payment, Payments
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object
from nostro.sandbox.sca import embedded
from nostro.sandbox.sca.links import Matter, Step, authorisation_link
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


def matter_of_consent(bank: Bank, consent: Consent) -> Matter:
    """A consent as its authorisations see it."""

    def approve(authorisation: Authorisation, psu: str) -> None:
        unfolding.approve(bank, authorisation, psu, unfolding.offered(bank, consent, psu))

    return Matter(
        f"/v1/consents/{consent.id}", "sca", consent.approach, consent.psu_hint, "",
        lambda psu, status: bank.consents.start_authorisation(consent, psu, status), approve,
    )  # fmt: skip


def matter_of_payment(bank: Bank, payment: Payment, product: str, approach: Approach) -> Matter:
    """The same of a payment, for an attempt to sign it in this way."""
    payments, first = Payments(bank), payment.transfers[0].body["creditorName"]
    whom = first if len(payment.transfers) == 1 else f"{first} and {len(payment.transfers) - 1} more"
    return Matter(
        f"/v1/{payment.service}/{product}/{payment.id}", "sca/payments", approach, payment.psu_hint,
        f"You pay {amount_text(payment.total, CURRENCY)} {CURRENCY} to {whom}.",
        lambda psu, status: payments.start(payment, approach, psu, status), payments.sign_elsewhere,
    )  # fmt: skip


def device_message(matter: Matter) -> str:
    """What the customer reads while the app asks."""
    what = matter.facts or "A service asks to read your accounts."
    return (
        f"{what} Please confirm this in the app of Nostro Test Bank. In the sandbox that happens by itself after "
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


def psu_of(request: BankRequest, matter: Matter) -> str:
    """The customer as the service names them, now or when it asked first."""
    return (request.headers.get("PSU-ID", "") or matter.psu_hint)[:70]


def offer(bank: Bank, request: BankRequest, matter: Matter) -> Step:
    """How a new consent or payment goes on; without wish or need of an explicit start its authorisation begins at
    once."""
    start = {"href": f"{matter.address}/authorisations"}
    if matter.approach == "embedded":
        return Step({"startAuthorisationWithPsuAuthentication": start})
    if matter.approach == "decoupled" and bank.customers.find(matter.psu_hint) is None:
        return Step({"startAuthorisationWithPsuIdentification": start})
    if _preference(request, "TPP-Explicit-Authorisation-Preferred") == "true":
        return Step({"startAuthorisation": start})
    return begin(bank, request, matter, {})[1]


def begin(bank: Bank, request: BankRequest, matter: Matter, body: dict[str, Any]) -> tuple[Authorisation, Step]:
    """Start an authorisation."""
    psu = psu_of(request, matter)
    if matter.approach == "embedded":
        return embedded.begin(bank, matter, psu, body)
    authorisation = matter.start(None, "received")
    status = {"scaStatus": {"href": authorisation_link(matter, authorisation)}}
    if matter.approach == "redirect":
        page = {"href": f"{request.host_url}{matter.page}/{authorisation.id}"}
        return authorisation, Step({"scaRedirect": page, **status})
    if matter.approach == "oauth":
        return authorisation, Step({"scaOAuth": {"href": metadata_address(request)}, **status})
    if bank.customers.find(psu) is None:
        here = {"href": authorisation_link(matter, authorisation)}
        return authorisation, Step({"updatePsuIdentification": here, **status})
    return ask_device(bank, authorisation, psu), Step(status, {"psuMessage": device_message(matter)})


def started(bank: Bank, request: BankRequest, matter: Matter) -> Response:
    """The answer to ``POST …/authorisations``: one more attempt of the customer."""
    authorisation, step = begin(bank, request, matter, _optional_body(request))
    named = {"scaStatus": authorisation.status, "authorisationId": authorisation.id}
    return json_reply(
        {**named, **step.more, "_links": step.links}, 201, {"ASPSP-SCA-Approach": HEADER[matter.approach]}
    )


def updated(bank: Bank, request: BankRequest, matter: Matter, found: Authorisation) -> Response:
    """The answer to ``PUT …/authorisations/{aid}``: the next thing that the customer typed at the service
    (embedded), or who the customer is (decoupled)."""
    if matter.approach in {"redirect", "oauth"}:
        raise Refusal(409, "STATUS_INVALID", "This authorisation goes on at the bank's own page.")
    if found.status in FINAL:
        raise Refusal(409, "STATUS_INVALID", f"The authorisation is {found.status}.")
    headers = {"ASPSP-SCA-Approach": HEADER[matter.approach]}
    if matter.approach == "embedded":
        return json_reply(embedded.update(bank, matter, found, _optional_body(request)), 200, headers)
    psu = psu_of(request, matter)
    if found.status != "received" or bank.customers.find(psu) is None:
        raise Refusal(401, "PSU_CREDENTIALS_INVALID", "The bank does not know this customer, or knows them already.")
    asked = ask_device(bank, found, psu)
    links = {"scaStatus": {"href": authorisation_link(matter, found)}}
    return json_reply({"scaStatus": asked.status, "psuMessage": device_message(matter), "_links": links}, 200, headers)


def status_of(matter: Matter, found: Authorisation) -> Response:
    """The answer to ``GET …/authorisations/{aid}``."""
    waits = {"psuMessage": device_message(matter)} if found.status == "started" else {}
    return json_reply({"scaStatus": found.status, **waits})


def _optional_body(request: BankRequest) -> dict[str, Any]:
    return json_object(request) if request.get_data() else {}


def ask_device(bank: Bank, authorisation: Authorisation, psu: str) -> Authorisation:
    """Decoupled: the customer's app shows the question, and the customer says yes after a while."""
    bank.consents.set_authorisation(authorisation.id, "started", psu=psu)
    bank.consents.plan_verdict(authorisation.id, "approve", bank.clock.now() + APPROVES_AFTER)
    return bank.consents.known_authorisation(authorisation.id)
