"""What an entry says, in the words of the specification: ``Dr Bank 100.00``."""

from __future__ import annotations

from decimal import Decimal

from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.models import Entry, EntryItem, Purpose
from nostro.core.money import quantize

_NAMES = {Purpose.SUSPENSE: "Suspense", Purpose.RECEIVABLE: "Receivable", Purpose.PAYABLE: "Payable"}


def sides(journal: Journal, entry: Entry | None) -> list[str]:
    """The items of an entry, debits first; one of another currency says its amount there too."""
    assert entry is not None
    items = EntryItem.objects.select_related("account").filter(entry=entry)
    return [_side(journal, item) for item in sorted(items, key=lambda item: (-item.amount, item.account.code))]


def entry_of(journal: Journal, line: Line) -> list[str]:
    """The bank entry of a line as it stands now."""
    line.refresh_from_db()
    return sides(journal, line.entry)


def residual_of(item: EntryItem) -> Decimal:
    """What is open of an item now, in its own currency."""
    item.refresh_from_db()
    residual: Decimal | None = item.residual_currency
    assert residual is not None
    return residual


def _side(journal: Journal, item: EntryItem) -> str:
    purpose = item.account.purpose
    name = "Bank" if item.account_id == journal.bank_account_id else _NAMES.get(Purpose(purpose)) if purpose else None
    own = journal.company.currency
    said = f"{'Dr' if item.amount > 0 else 'Cr'} {name or item.account.name} {quantize(abs(item.amount), own)}"
    if item.currency == own:
        return said
    return f"{said} ({item.currency} {quantize(abs(item.amount_currency), item.currency)})"
