"""Announced work at a bank (hub-api.md 7.1, 7.4): said by the operator, kept to by linking, readings and pages.

While it lasts the bank is not asked: its accounts are ``readonly``, what was read stays readable, nobody links or
renews, and no reading counts as failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nostro.hub.directory.models import Institution
from nostro.web.errors import Problem

#: ``internal``: work on this installation's way to the bank. ``financialInstitution``: work at the bank itself.
Kind = Literal["internal", "financialInstitution"]
KINDS: tuple[Kind, ...] = ("internal", "financialInstitution")


@dataclass(frozen=True, slots=True)
class Maintenance:
    """``begins`` None: it has begun. ``ends`` None: until the operator says that it is over."""

    kind: Kind
    begins: datetime | None = None
    ends: datetime | None = None

    def lasts_at(self, moment: datetime) -> bool:
        """Whether the bank is not asked at this moment. The end no longer belongs to it."""
        return (self.begins is None or self.begins <= moment) and not self.is_over(moment)

    def is_over(self, moment: datetime) -> bool:
        """Whether its end has passed."""
        return self.ends is not None and self.ends <= moment


def maintenance_of(institution: Institution, now: datetime) -> Maintenance | None:
    """The work that is announced or under way; None where there is none, or it is over."""
    kind = next((each for each in KINDS if each == institution.maintenance_type), None)
    if kind is None:
        return None
    found = Maintenance(kind, institution.maintenance_from, institution.maintenance_to)
    return None if found.is_over(now) else found


def maintenance_now(institution: Institution, now: datetime) -> Maintenance | None:
    """The work that is under way."""
    found = maintenance_of(institution, now)
    return found if found is not None and found.lasts_at(now) else None


def set_maintenance(institution: Institution, wanted: Maintenance, now: datetime) -> None:
    """Announce work, or change what was announced. Raises Problem ``maintenanceInvalid`` for an impossible time."""
    if wanted.ends is not None and wanted.ends <= max(wanted.begins or now, now):
        raise Problem(
            "This maintenance would be over before it begins, or is over already.",
            what_to_do="Give an end that lies ahead and after the beginning, for example --until 2026-12-24T06:00.",
            code="maintenanceInvalid",
        )
    _write(institution, wanted.kind, wanted.begins, wanted.ends)


def end_maintenance(institution: Institution) -> None:
    """The bank may be asked again from now on."""
    _write(institution, "", None, None)


def _write(institution: Institution, kind: str, begins: datetime | None, ends: datetime | None) -> None:
    institution.maintenance_type = kind
    institution.maintenance_from, institution.maintenance_to = begins, ends
    institution.save(update_fields=["maintenance_type", "maintenance_from", "maintenance_to", "updated_at"])
