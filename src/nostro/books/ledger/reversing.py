"""Taking back what is posted: by a document of the other kind, or an entry against it (books.md 14.6).

What is posted is never changed or deleted. Both the original and what reverses it have nothing open afterwards.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, LockType, Role
from nostro.books.ledger.misc import access_misc, store_misc
from nostro.books.ledger.models import Document, DocumentKind, Entry, EntryItem, MiscEntry, Payment, PaymentState
from nostro.books.ledger.numbering import next_number
from nostro.books.ledger.posting import first_open_day, hold_locks, require_open, set_residuals, sides_against
from nostro.books.ledger.queries import access_document
from nostro.books.ledger.services import OF_CUSTOMERS, DocumentFacts, store_document
from nostro.books.ledger.terms import Figures, Taxed
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

_REVERSED_BY: dict[str, DocumentKind] = {
    DocumentKind.INVOICE: DocumentKind.CREDIT_NOTE,
    DocumentKind.CREDIT_NOTE: DocumentKind.INVOICE,
    DocumentKind.BILL: DocumentKind.REFUND,
    DocumentKind.REFUND: DocumentKind.BILL,
}


@transaction.atomic
def reverse_document(user: User, document_id: UUID, *, date: dt.date | None = None) -> Document:
    """Post a document of the other kind that takes a whole one back, numbered by its series; it may be repeated.

    It is dated ``date``, else like the original or on the first open day after it. Raises :class:`Problem` where a
    part of the original is matched or being paid, because then it is not the whole that can be taken back.
    """
    seen = access_document(user, document_id, role=Role.ACCOUNTANT)
    company = seen.company
    hold_locks(company)
    _lock_open_items(seen.entry)
    original = Document.objects.select_related("partner", "entry", "open_item").get(pk=seen.pk)
    known = Document.objects.filter(reverses=original).first()
    if known is not None:
        return known
    if original.reverses_id is not None:
        raise Problem(
            f"{original.number} takes back another document.",
            what_to_do="Post the document again instead.",
            code="reversalReversed",
        )
    _check_untouched(original.entry, original.number)
    kind = _REVERSED_BY[original.kind]
    day = _day(company, original.date, date, LockType.SALES if kind in OF_CUSTOMERS else LockType.PURCHASES)
    number = next_number(company, kind, day.year)
    parts = [Taxed(one.percent, one.net, one.tax) for one in original.taxes.order_by("-percent", "id")]
    facts = DocumentFacts(
        kind=kind, partner_name=original.partner.name, number=number.text, date=day, amount=original.amount,
        currency=original.currency, partner_reference=original.number, taxes=tuple(parts),
    )  # fmt: skip
    figures = Figures(original.amount, tuple(parts) or (Taxed(Decimal(0), original.amount, Decimal(0)),))
    made = store_document(company, kind, original.partner, facts, figures, number, reverses=original)
    _close(original.entry)
    _tell(user, original, original.number, made.number)
    return made


@transaction.atomic
def reverse_misc(user: User, misc_id: UUID, *, date: dt.date | None = None) -> MiscEntry:
    """Post an entry against an entry made by hand; it may be repeated."""
    original = access_misc(user, misc_id, role=Role.ACCOUNTANT)
    company = original.company
    hold_locks(company)
    _lock_open_items(original.entry)
    known = MiscEntry.objects.filter(entry__reverses=original.entry).first()
    if known is not None:
        return known
    if original.entry.reverses_id is not None:
        raise Problem(
            f"{original.number} takes back another entry.",
            what_to_do="Post the entry again instead.",
            code="reversalReversed",
        )
    _check_untouched(original.entry, original.number)
    day = _day(company, original.entry.date, date, None)
    made, _items = store_misc(
        company, day, f"Reversal of {original.number}", sides_against(original.entry), reverses=original.entry
    )
    _close(original.entry)
    _tell(user, original, original.number, made.number)
    return made


def _day(company: Company, original: dt.date, chosen: dt.date | None, kind: LockType | None) -> dt.date:
    if chosen is None:
        return first_open_day(company, original, kind)
    require_open(company, chosen, kind)
    return chosen


def _lock_open_items(entry: Entry) -> None:
    """Who matches an item of the entry at the same time waits, or is waited for."""
    list(EntryItem.objects.select_for_update().filter(entry=entry).exclude(residual=None).order_by("id"))


def _check_untouched(entry: Entry, number: str) -> None:
    items = list(EntryItem.objects.filter(entry=entry).exclude(residual=None))
    if any(item.residual_currency != item.amount_currency or item.residual != item.amount for item in items):
        raise Problem(
            f"{number} is matched, wholly or in part.",
            what_to_do="Undo its matches first, then reverse it.",
            code="documentMatched",
        )
    if Payment.objects.filter(open_item__in=items, state=PaymentState.OUTSTANDING).exists():
        raise Problem(
            f"A payment of {number} is on its way.", what_to_do="Cancel the payment first.", code="paymentOutstanding"
        )


def _close(entry: Entry) -> None:
    items = EntryItem.objects.filter(entry=entry).exclude(residual=None)
    set_residuals({item.id: (Decimal(0), Decimal(0)) for item in items})


def _tell(user: User, original: Document | MiscEntry, number: str, by: str) -> None:
    record(
        tenant_id=original.company_id, actor=user, action="document.reversed", obj=original,
        sentence=f"{user} reversed {number} with {by}.", after={"reversed_by": by},
    )  # fmt: skip
