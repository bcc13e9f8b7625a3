"""The standard's consent endpoints (connectors.md 4.1: create, status, delete, authorisations)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import FINAL, Authorisation, Consent, Wish
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, iso_date, json_object, web_address, whole_number
from nostro.sandbox.sca import embedded, steps
from nostro.sandbox.sca.links import authorisation_link, consent_link
from nostro.sandbox.xs2a_accounts import reference as account_reference

SCOPES = ("accounts", "balances", "transactions")
#: Requests for everything, whose value says whether the owner's name is wanted as well.
GLOBAL_SCOPES = ("allPsd2", "availableAccounts", "availableAccountsWithBalance")
MAX_REFERENCES = 100


def create(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``POST /v1/consents``: a consent that waits for its customer."""
    if not request.headers.get("PSU-IP-Address"):
        raise format_error("The header PSU-IP-Address is required.", "PSU-IP-Address")
    consent = bank.consents.create(_wish(bank, request))
    record.consent = consent.id
    step = steps.offer(bank, request, consent)
    links = {
        "self": {"href": consent_link(consent)},
        "status": {"href": consent_link(consent, "/status")},
        **step.links,
    }
    body = {"consentStatus": consent.status, "consentId": consent.id, **step.more, "_links": links}
    location = request.host_url + consent_link(consent).removeprefix("/")
    return json_reply(body, 201, {"Location": location, "ASPSP-SCA-Approach": steps.HEADER[consent.approach]})


def _wish(bank: Bank, request: BankRequest) -> Wish:
    body = json_object(request)
    for name in ("recurringIndicator", "combinedServiceIndicator"):
        if not isinstance(body.get(name), bool):
            raise format_error(f"{name} must be true or false.", name)
    frequency = whole_number(body, "frequencyPerDay", None, 1, 1_000)
    if not body["recurringIndicator"] and frequency != 1:
        raise format_error("A consent for one time has the frequencyPerDay 1.", "frequencyPerDay")
    psu = _psu(bank, request)
    approach = steps.choose(bank.customers.find(psu), request)
    ok_uri, nok_uri = _ways_back(request, is_needed=approach in {"redirect", "oauth"})
    return Wish(
        access=_access(body.get("access")),
        recurring=body["recurringIndicator"],
        frequency=min(frequency, 4),
        valid_until=_valid_until(body.get("validUntil"), bank.clock.today()),
        ok_uri=ok_uri,
        nok_uri=nok_uri,
        psu_hint=psu,
        approach=approach,
    )


def _psu(bank: Bank, request: BankRequest) -> str:
    """The customer as the access token tells (OAuth pre-step), or as the service says."""
    named = request.headers.get("PSU-ID", "")[:70]
    scenario = bank.customers.find(named)
    needs_token = scenario is not None and scenario.needs_token
    return bank.tokens.require(request) if needs_token or "Authorization" in request.headers else named


def _ways_back(request: BankRequest, *, is_needed: bool) -> tuple[str, str]:
    """Where the browser goes after a yes and after a no. Only a browser that left needs a way back."""
    given = request.headers.get("TPP-Redirect-URI", "")
    if not given and not is_needed:
        return "", ""
    ok_uri = web_address(given, "TPP-Redirect-URI")
    return ok_uri, web_address(request.headers.get("TPP-Nok-Redirect-URI") or ok_uri, "TPP-Nok-Redirect-URI")


def _valid_until(value: object, today: dt.date) -> dt.date:
    day = iso_date(value, "validUntil")
    if day < today:
        raise format_error("validUntil must not be in the past.", "validUntil")
    return day


def _access(value: object) -> dict[str, Any]:
    """The three scopes as lists of account references, or one of the requests for everything."""
    if not isinstance(value, dict) or not value:
        raise format_error("access must name what is asked for.", "access")
    access: dict[str, Any] = {}
    for name in GLOBAL_SCOPES:
        if name in value:
            if value[name] not in ("allAccounts", "allAccountsWithOwnerName"):
                raise format_error(f"{name} must be allAccounts or allAccountsWithOwnerName.", f"access.{name}")
            access[name] = value[name]
    for name in SCOPES:
        if name in value:
            access[name] = _references(value[name], name)
    if not access or (len(access) > 1 and any(name in access for name in GLOBAL_SCOPES)):
        raise format_error("access must be lists of accounts, or one request for all.", "access")
    if len({bool(references) for references in access.values()}) > 1:
        raise format_error("access must name accounts in every list or in none.", "access")
    return access


def _references(value: object, name: str) -> list[dict[str, str]]:
    if not isinstance(value, list) or len(value) > MAX_REFERENCES:
        raise format_error(f"{name} must be a list of at most {MAX_REFERENCES} accounts.", f"access.{name}")
    references = []
    for item in value:
        kind = next((kind for kind in ("iban", "maskedPan") if isinstance(item, dict) and kind in item), "")
        if not kind or not isinstance(item[kind], str) or len(item[kind]) > 34:
            raise format_error("This bank knows accounts by iban, and cards by maskedPan.", f"access.{name}")
        number = item[kind].replace(" ", "")
        reference = {kind: number.upper() if kind == "iban" else number}
        if isinstance(item.get("currency"), str):
            reference["currency"] = item["currency"][:3].upper()
        references.append(reference)
    return references


def read(bank: Bank, request: BankRequest, record: Record, consent_id: str) -> Response:
    """``GET /v1/consents/{id}``: what was asked, or after approval what was granted."""
    del request
    consent = _known(bank, record, consent_id)
    body = {
        "access": _granted_access(bank, consent) if consent.granted else consent.access,
        "recurringIndicator": consent.recurring,
        "validUntil": consent.valid_until.isoformat(),
        "frequencyPerDay": consent.frequency,
        "lastActionDate": consent.last_action_on,
        "consentStatus": consent.status,
    }
    return json_reply(body)


def _granted_access(bank: Bank, consent: Consent) -> dict[str, Any]:
    accounts = {account.id: account for account in bank.ledger.accounts(consent.psu)}
    return {
        scope: [account_reference(accounts[a]) for a in consent.granted.get(scope, ())]
        for scope in SCOPES
        if consent.granted.get(scope)
    }


def status(bank: Bank, request: BankRequest, record: Record, consent_id: str) -> Response:
    """``GET /v1/consents/{id}/status``."""
    del request
    return json_reply({"consentStatus": _known(bank, record, consent_id).status})


def delete(bank: Bank, request: BankRequest, record: Record, consent_id: str) -> Response:
    """``DELETE /v1/consents/{id}``: the service needs it no longer."""
    del request
    bank.consents.end(_known(bank, record, consent_id).id, "terminatedByTpp")
    return Response(status=204)


def start_authorisation(bank: Bank, request: BankRequest, record: Record, consent_id: str) -> Response:
    """``POST /v1/consents/{id}/authorisations``: one more attempt of the customer."""
    consent = _known(bank, record, consent_id)
    authorisation, step = steps.begin(bank, request, consent, _optional_body(request))
    body = {
        "scaStatus": authorisation.status,
        "authorisationId": authorisation.id,
        **step.more,
        "_links": step.links,
    }
    return json_reply(body, 201, {"ASPSP-SCA-Approach": steps.HEADER[consent.approach]})


def list_authorisations(bank: Bank, request: BankRequest, record: Record, consent_id: str) -> Response:
    """``GET /v1/consents/{id}/authorisations``."""
    del request
    return json_reply({"authorisationIds": bank.consents.authorisation_ids(_known(bank, record, consent_id).id)})


def authorisation_status(
    bank: Bank, request: BankRequest, record: Record, consent_id: str, authorisation_id: str
) -> Response:
    """``GET /v1/consents/{id}/authorisations/{aid}``."""
    del request
    _, found = _known_authorisation(bank, record, consent_id, authorisation_id)
    waits = {"psuMessage": steps.DEVICE_MESSAGE} if found.status == "started" else {}
    return json_reply({"scaStatus": found.status, **waits})


def update_authorisation(
    bank: Bank, request: BankRequest, record: Record, consent_id: str, authorisation_id: str
) -> Response:
    """``PUT``: the next thing that the customer typed at the service (embedded), or who the customer is (decoupled)."""
    consent, found = _known_authorisation(bank, record, consent_id, authorisation_id)
    if consent.approach in {"redirect", "oauth"}:
        raise Refusal(409, "STATUS_INVALID", "This authorisation goes on at the bank's own page.")
    if found.status in FINAL:
        raise Refusal(409, "STATUS_INVALID", f"The authorisation is {found.status}.")
    headers = {"ASPSP-SCA-Approach": steps.HEADER[consent.approach]}
    if consent.approach == "embedded":
        return json_reply(embedded.update(bank, consent, found, _optional_body(request)), 200, headers)
    psu = steps.psu_of(request, consent)
    if found.status != "received" or bank.customers.find(psu) is None:
        raise Refusal(401, "PSU_CREDENTIALS_INVALID", "The bank does not know this customer, or knows them already.")
    started = steps.ask_device(bank, found, psu)
    links = {"scaStatus": {"href": authorisation_link(consent, found)}}
    body = {"scaStatus": started.status, "psuMessage": steps.DEVICE_MESSAGE, "_links": links}
    return json_reply(body, 200, headers)


def _optional_body(request: BankRequest) -> dict[str, Any]:
    return json_object(request) if request.get_data() else {}


def _known(bank: Bank, record: Record, consent_id: str) -> Consent:
    record.consent = consent_id[:100]
    return bank.consents.require(consent_id, status=403)


def _known_authorisation(
    bank: Bank, record: Record, consent_id: str, authorisation_id: str
) -> tuple[Consent, Authorisation]:
    consent = _known(bank, record, consent_id)
    found = bank.consents.authorisation(authorisation_id)
    if found is None or found.consent != consent.id:
        raise Refusal(403, "RESOURCE_UNKNOWN", "This consent has no such authorisation.")
    return consent, found
