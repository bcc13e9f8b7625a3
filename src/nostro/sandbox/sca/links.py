"""Addresses of consents and their authorisations, and what an answer offers next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nostro.sandbox.consents import Authorisation, Consent


@dataclass(frozen=True, slots=True)
class Step:
    """What the service is told: links to what is possible next, and fields of the answer besides them."""

    links: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)


def consent_link(consent: Consent, more: str = "") -> str:
    """The path of a consent or of something below it."""
    return f"/v1/consents/{consent.id}{more}"


def authorisation_link(consent: Consent, authorisation: Authorisation) -> str:
    """The path of one authorisation."""
    return consent_link(consent, f"/authorisations/{authorisation.id}")
