"""What an operator does with the directory: banks that the registry lacks, and the routes to banks.

Everything here is for whoever runs the installation; nobody reaches it through pages or the API.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from nostro.connectors.registry import check_profile, connector_names
from nostro.core.text import clean
from nostro.http.addresses import is_loopback_host
from nostro.hub.directory.folding import fold_words
from nostro.hub.directory.identifiers import full_bic
from nostro.hub.directory.models import Institution, Route
from nostro.hub.directory.services import MAX_NAME_LENGTH, institution_id
from nostro.web.errors import Problem

MAX_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class RouteWish:
    """What is to change; what is None stays. A profile's key with the value None goes back to its default."""

    connector: str = "berlin_group"
    base_url: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    consent_days: int | None = None
    history_days: int | None = None
    enabled: bool | None = None


def find_institution(text: str, *, test_banks: bool = False) -> Institution:
    """The bank with this id, BIC or name; the sandbox bank only where ``test_banks`` are meant too. Raises Problem
    ``bankUnknown`` or, with the candidates, ``bankNotClear``."""
    listed = Institution.objects.all() if test_banks else Institution.objects.filter(is_sandbox=False)
    try:
        found = list(listed.filter(pk=uuid.UUID(text)))
    except ValueError:
        bic = full_bic(text.upper()) if len(text) in {8, 11} else ""
        found = list(listed.filter(bic=bic, deprecated=False)[:20]) if bic else []
        found = found or list(listed.filter(folded_name=fold_words(text), deprecated=False)[:20])
    if not found:
        raise Problem(
            f"No bank is listed as {text!r}.",
            what_to_do="Search it with: nostro bank list NAME. If it is not there, add it with: nostro bank add.",
            code="bankUnknown",
        )
    if len(found) > 1:
        candidates = "; ".join(f"{bank.pk} {bank.name} ({bank.country})" for bank in found)
        raise Problem(
            f"Several banks are listed as {text!r}.",
            what_to_do=f"Name one by its id: {candidates}",
            code="bankNotClear",
        )
    return found[0]


def add_institution(name: str, bic: str, country: str) -> tuple[Institution, bool]:
    """List a bank that the registry does not have; says whether it is new. Its id is the same on every host."""
    name, bic, country = clean(name, limit=MAX_NAME_LENGTH).strip(), full_bic(bic.upper()), country.upper()
    if not name or len(country) != 2 or (bic and len(bic) != 11):
        raise Problem(
            "The bank's data are not complete.",
            what_to_do="Give a name, a country of two letters, and a BIC of 8 or 11 characters if it has one.",
            code="bankInvalid",
        )
    values = {"name": name, "folded_name": fold_words(name)[:MAX_NAME_LENGTH], "bic": bic, "country": country}
    return Institution.objects.get_or_create(
        pk=institution_id(country, bic, name), defaults={**values, "added_by_operator": True}
    )


def set_route(institution: Institution, wish: RouteWish) -> tuple[Route, bool]:
    """Make or change the route to a bank; says whether it is new.

    Raises Problem ``routeInvalid`` for an address, a number of days, a connector or a profile that cannot be.
    """
    if wish.connector not in connector_names():
        raise _invalid(f"There is no connector {wish.connector!r}.", f"There are: {', '.join(connector_names())}.")
    with transaction.atomic():
        known = Route.objects.select_for_update().filter(institution=institution, connector=wish.connector).first()
        route = known or Route(institution=institution, connector=wish.connector)
        if wish.base_url is not None:
            route.base_url = _checked_url(wish.base_url)
        if not route.base_url:
            raise _invalid("A new route needs the address of the bank's interface.", "Give it with --url.")
        route.profile = _merged(wish.connector, route.profile, wish.profile)
        route.consent_days = _days(wish.consent_days, route.consent_days)
        route.history_days = _days(wish.history_days, route.history_days)
        route.enabled = route.enabled if wish.enabled is None else wish.enabled
        route.save()
    return route, known is None


def _merged(connector: str, present: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: value for key, value in {**present, **changes}.items() if value is not None}
    try:
        check_profile(connector, merged)
    except ValueError as error:
        raise _invalid(str(error), "The keys are in docs/operator/banks.md.") from None
    return merged


def _days(wanted: int | None, present: int) -> int:
    if wanted is None:
        return present
    if not 1 <= wanted <= MAX_DAYS:
        raise _invalid(f"{wanted} is no number of days.", f"Give 1 to {MAX_DAYS}.")
    return wanted


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = parts.scheme == "http" and settings.OUTGOING_ALLOW_LOOPBACK and is_loopback_host(host)
    if not host or parts.query or parts.fragment or parts.username or not (parts.scheme == "https" or plain):
        raise _invalid(
            "The address of the bank's interface must begin with https:// and end before /v1.",
            "For example https://xs2a.bank.example/psd2",
        )
    return url.rstrip("/").removesuffix("/v1")


def _invalid(what: str, what_to_do: str) -> Problem:
    return Problem(what, what_to_do=what_to_do, code="routeInvalid")
