"""The partner of a line, as a person says it (books.md 16.3 tier 1)."""

from __future__ import annotations

from nostro.books.journals.models import Line
from nostro.books.ledger.models import Partner
from nostro.people.audit import record
from nostro.people.models import User


def store_partner(line: Line, partner: Partner | None, user: User) -> None:
    """Write who paid or was paid, in the caller's transaction; the caller has checked both against the company."""
    if line.partner_id == (partner.id if partner else None):
        return
    before, line.partner = line.partner, partner
    line.save(update_fields=["partner"])
    record(
        tenant_id=line.company_id,
        actor=user,
        action="line.partner",
        obj=line,
        sentence=f"{user} set the partner {partner}." if partner else f"{user} took the partner away.",
        before={"partner": str(before) if before else ""},
        after={"partner": str(partner) if partner else ""},
    )
