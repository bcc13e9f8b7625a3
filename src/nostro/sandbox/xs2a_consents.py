"""The standard's consent endpoints (connectors.md 4.1: create, status, delete, authorisations)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Authorisation, Consent, Wish
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, iso_date, json_object, ways_back, whole_number
from nostro.sandbox.sca import steps
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
    step = steps.offer(bank, request, steps.matter_of_consent(bank, consent))
    here = f"/v1/consents/{consent.id}"
    links = {
        "self": {"href": here},
        "status": {"href": f"{here}/status"},
        **step.links,
    }
    body = {"consentStatus": consent.status, "consentId": consent.id, **step.more, "_links": links}
    location = request.host_url + here.removeprefix("/")
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
    ok_uri, nok_uri = ways_back(request, is_needed=approach in {"redirect", "oauth"})
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
    return steps.started(bank, request, steps.matter_of_consent(bank, consent))


def list_authorisations(bank: Bank, request: BankRequest, record: Record, consent_id: str) -> Response:
    """``GET /v1/consents/{id}/authorisations``."""
    del request
    return json_reply({"authorisationIds": bank.consents.authorisation_ids(_known(bank, record, consent_id).id)})


def authorisation_status(
    bank: Bank, request: BankRequest, record: Record, consent_id: str, authorisation_id: str
) -> Response:
    """``GET /v1/consents/{id}/authorisations/{aid}``."""
    del request
    consent, found = _known_authorisation(bank, record, consent_id, authorisation_id)
    return steps.status_of(steps.matter_of_consent(bank, consent), found)


def update_authorisation(
    bank: Bank, request: BankRequest, record: Record, consent_id: str, authorisation_id: str
) -> Response:
    """``PUT``: what the customer typed at the service, or who the customer is."""
    consent, found = _known_authorisation(bank, record, consent_id, authorisation_id)
    return steps.updated(bank, request, steps.matter_of_consent(bank, consent), found)


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
