"""Notes on pending items (books.md 12): a booked line shows those of the item it was."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import AnnouncedLine, Journal, Line, PendingLine, PendingState
from nostro.core.identity import LinkRow, link_row
from nostro.core.identity.fingerprints import fingerprint_texts
from nostro.core.text import clean
from nostro.core.transactions import Transaction
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound

NOTE_LIMIT = 1_000
LIST_LIMIT = 500
#: Vanished ones are kept this long.
LAPSED_FOR = dt.timedelta(days=30)


def pending_and_lapsed(journal: Journal) -> list[PendingLine]:
    """What the bank announced, newest first, and what vanished without being booked, for 30 days."""
    items = PendingLine.objects.filter(journal=journal).exclude(state=PendingState.BOOKED)
    return list(items.order_by("-state", "-date", "-id")[:LIST_LIMIT])


def access_pending(user: User, pending_id: UUID) -> PendingLine:
    """A pending item of a company of the person. Raises :class:`NotFound`."""
    item = PendingLine.objects.select_related("journal").filter(pk=pending_id).first()
    if item is None:
        raise NotFound("pending transaction")
    require_role(user, item.company_id, None, "pending transaction")
    return item


@transaction.atomic
def note_pending(user: User, pending_id: UUID, note: str) -> PendingLine:
    """Write or empty the note on a pending item; raises :class:`NotFound` for a stranger's."""
    item = PendingLine.objects.select_for_update(of=("self",)).select_related("journal").filter(pk=pending_id).first()
    if item is None:
        raise NotFound("pending transaction")
    require_role(user, item.company_id, Role.CLERK, "pending transaction")
    before, item.note = item.note, clean(note, NOTE_LIMIT)
    item.save(update_fields=["note"])
    record(
        tenant_id=item.company_id,
        actor=user,
        action="pending.noted",
        obj=item,
        sentence=f"{user} wrote a note on a pending transaction of {item.journal.code}.",
        before={"note": before},
        after={"note": item.note},
    )
    return item


# --- what a row is compared by -----------------------------------------------------------------------------------


def content_of(row: PendingLine | AnnouncedLine | Line, day: dt.date | None) -> str:
    """The same for rows that say the same, whatever shows them and however texts are spelt."""
    texts = fingerprint_texts(row.counterparty_account, row.label, row.end_to_end_id)
    return "\x1f".join((day.isoformat() if day else "", f"{row.amount.normalize():f}", row.currency, *texts))


def link_row_of(row: PendingLine | AnnouncedLine | Line, day: dt.date | None) -> LinkRow:
    """What links a pending row to the line it became (books.md 12)."""
    side = "creditor" if row.amount < 0 else "debtor"
    told = {f"{side}_name": row.counterparty_name, f"{side}_account": row.counterparty_account}
    said = Transaction(
        row.amount,
        row.currency,
        end_to_end_id=row.end_to_end_id or None,
        booking_date=day,
        **told,  # type: ignore[arg-type]
    )
    return link_row(row.pk, said, (row.bank_reference,))
