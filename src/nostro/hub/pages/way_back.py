"""The way back to a vendor's software, for a person who was sent here and first has something else to do: make an
organization, link a bank, renew a consent (hub-api.md 4.2, 7.8). Every page shows it for an hour."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.http import HttpRequest

from nostro.hub.vendors.models import Application, OnboardingDetails

_KEY, _PERSON = "way_back", "told_of_person"
_TOLD = ("organizationName", "addressCountry", "initialFinancialInstitutionId", "requestedOrganisationId")
LASTS = dt.timedelta(hours=1)
#: hub-api.md 4.2: the id of onboarding details is valid for five minutes.
DETAILS_VALID = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where to, and to whom."""

    name: str
    url: str


def remember_way_back(request: HttpRequest, name: str, url: str, now: dt.datetime) -> None:
    """``url`` is the vendor's registered address, or the page of ours where the vendor's question waits."""
    request.session[_KEY] = {"name": name, "url": url, "until": (now + LASTS).timestamp()}


def forget_way_back(request: HttpRequest) -> None:
    request.session.pop(_KEY, None)


def way_back(request: HttpRequest, now: dt.datetime) -> WayBack | None:
    """The way back that is open, if there is one."""
    kept = request.session.get(_KEY)
    if not isinstance(kept, dict) or kept["until"] < now.timestamp():
        return None
    return WayBack(kept["name"], kept["url"])


def remember_person(request: HttpRequest, application: Application, now: dt.datetime) -> None:
    """Keep what the vendor told about the person whom it sent, if it told it in the last five minutes."""
    details_id = id_or_nothing(request.GET.get("onboarding_details_id", ""))
    found = OnboardingDetails.objects.filter(
        id=details_id, application=application, created_at__gt=now - DETAILS_VALID
    ).first()
    if found is not None:
        told = {name: value for name in _TOLD if isinstance(value := found.details.get(name), str)}
        request.session[_PERSON] = {**told, "until": (now + LASTS).timestamp()}


def told_of_person(request: HttpRequest, name: str, now: dt.datetime) -> str:
    """One of the details of 7.10 by its name; empty when nothing was told, or more than an hour ago."""
    kept = request.session.get(_PERSON)
    if not isinstance(kept, dict) or kept["until"] < now.timestamp():
        return ""
    return str(kept.get(name, ""))


def id_or_nothing(text: str) -> uuid.UUID:
    """The id that a text is, or one that nothing has."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
