"""What a customer authorises as its authorisations see it, their addresses, and what an answer offers next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nostro.sandbox.consents import Authorisation
from nostro.sandbox.scenarios import Approach

#: Starts an attempt; takes the customer, where known, and the first status.
Start = Callable[[str | None, str], Authorisation]


@dataclass(frozen=True, slots=True)
class Step:
    """What the service is told: links to what is possible next, and fields of the answer besides them."""

    links: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matter:
    """A consent or a payment. ``address`` is its path; below it are its authorisations, below ``page`` those that go on
    at the bank's own pages. ``facts`` are what the customer confirms, in a sentence for the app and beside the code."""

    address: str
    page: str
    approach: Approach
    psu_hint: str
    facts: str
    start: Start
    approve: Callable[[Authorisation, str], None]


def authorisation_link(matter: Matter, authorisation: Authorisation) -> str:
    """The path of one authorisation."""
    return f"{matter.address}/authorisations/{authorisation.id}"
