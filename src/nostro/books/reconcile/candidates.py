"""Which open items a line may pay, and why (books.md 16.1 and 16.2, first form: nothing is applied by itself)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, When

from nostro.books.journals.models import Line, LineStatus
from nostro.books.ledger.models import Document, EntryItem, ItemReference, PartnerBankAccount
from nostro.books.ledger.queries import open_items
from nostro.core.references import canonical_keys, find_references, print_reference

Strength = Literal["exact", "likely", "weak"]
_RANK: dict[str, int] = {"exact": 0, "likely": 1, "weak": 2}
#: A document number in a text: a word of at least 5 characters with a digit (books.md 16.2 step 5).
_TOKEN = re.compile(r"(?:^|(?<=[\s.;,:?!()/]))([^\s.;,:?!()]{5,60}?)(?=$|[\s.;,:?!()/])")
MAX_TOKENS = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open item that may belong to the line. ``residual`` is signed like the item, in ``currency``."""

    item: EntryItem
    document: Document | None
    partner_name: str
    residual: Decimal
    currency: str
    step: str
    strength: Strength
    explanation: str


def candidates(
    line: Line, *, text: str = "", limit: int = 20, partner_id: UUID | None = None, chosen: Collection[UUID] = ()
) -> list[Candidate]:
    """Open items for a line, best first; each item once, with its strongest reason.

    With ``text`` a person searches by hand: by number, partner or reference, in any amount. ``partner_id`` is whose
    payment the line is taken for; everything that is open with them is shown, what goes the other way too. Items that
    are ``chosen`` already come before all others, whatever is searched.
    """
    if line.status != LineStatus.POSTED or not line.suspense_residual:
        return []
    items = _payable(line)
    found = (
        list(_searched(_all_open(line), text))
        if text.strip()
        else [
            *_by_reference(line, items),
            *_by_number(line, items),
            *_by_partner(line, partner_id),
            *_by_amount(line, items),
        ]
    )
    best: dict[UUID, Candidate] = {}
    for candidate in sorted(found, key=lambda candidate: _RANK[candidate.strength]):
        best.setdefault(candidate.item.id, candidate)
    kept = [
        best.pop(item.id, _candidate(item, "search", "weak", f"{_name(item)} was chosen"))
        for item in (_all_open(line).filter(pk__in=chosen) if chosen else ())
    ]
    return [*kept, *list(best.values())[: max(1, min(limit, 200))]]


def _all_open(line: Line) -> QuerySet[EntryItem]:
    """Whatever a person may mean: any currency, any age, and credit notes beside invoices. What the line pays first."""
    items = open_items(line.company).select_related("document", "partner", "account")
    goes_with = Case(When(_goes_with(line), then=0), default=1, output_field=IntegerField())
    return items.annotate(place=goes_with).order_by("place", "date", "id")


def _payable(line: Line) -> QuerySet[EntryItem]:
    """Money in closes a debit (a customer's debt), money out a credit; in a currency that the bank's amounts give."""
    items = open_items(line.company).select_related("document", "partner", "account")
    known = {line.currency, line.foreign_currency, line.company.currency} - {""}
    return items.filter(_goes_with(line), currency__in=known).order_by("date", "id")


def _goes_with(line: Line) -> Q:
    return Q(residual_currency__gt=0) if line.suspense_residual > 0 else Q(residual_currency__lt=0)


def _rests(line: Line) -> dict[str, Decimal]:
    """What is unexplained of a line, by the currencies that its amounts are in; of a part only the journal's."""
    rests = {line.currency: line.suspense_residual}
    if line.suspense_residual == line.amount:
        for currency, amount in (
            (line.foreign_currency, line.foreign_amount),
            (line.company.currency, line.company_amount),
        ):
            if currency and amount is not None:
                rests.setdefault(currency, amount)
    return rests


def _exactly(line: Line) -> Q:
    """Items of exactly what is unexplained."""
    wanted = Q()
    for currency, amount in _rests(line).items():
        wanted |= Q(currency=currency, residual_currency=amount)
    return wanted


def line_keys(line: Line) -> dict[str, bool]:
    """Canonical keys on a line → weak or not. Structured field first, then texts (books.md 15)."""
    keys = dict.fromkeys(canonical_keys(line.structured_reference), False)
    for text in (line.remittance_text, line.description, line.label):
        for reference in find_references(text):
            keys.setdefault(reference.key, reference.weak)
    return keys


def _by_reference(line: Line, items: QuerySet[EntryItem]) -> list[Candidate]:
    keys = line_keys(line)
    rows = ItemReference.objects.filter(company=line.company, key__in=keys, item__in=items)
    by_item = {row.item_id: row.key for row in rows.order_by("key")}
    found = list(items.filter(pk__in=by_item))
    result = []
    for item in found:
        is_exact = item.residual_currency == _rests(line).get(item.currency)
        if keys[by_item[item.id]] and not is_exact:
            continue
        strength: Strength = "exact" if len(found) == 1 else "likely"
        why = (
            f"Reference {print_reference(by_item[item.id])} in the message = {_name(item)}, {_amount_words(line, item)}"
        )
        result.append(_candidate(item, "reference", strength, why))
    return result


def _by_number(line: Line, items: QuerySet[EntryItem]) -> list[Candidate]:
    text = " ".join((line.remittance_text, line.description, line.label))
    words = {word.strip("/") for word in re.split(r"[\s.;,:?!()]+", text)} | set(_TOKEN.findall(text))
    tokens = {word.upper() for word in words if len(word) >= 5 and any(c.isdigit() for c in word)}
    if not tokens:
        return []
    query = Q()
    for token in sorted(tokens)[:MAX_TOKENS]:
        query |= Q(document__number__iexact=token) | Q(entry__misc__number__iexact=token)
    result = []
    for item in items.filter(query):
        is_exact = item.residual_currency == _rests(line).get(item.currency)
        why = f"Number {_name(item)} is in the message, {_amount_words(line, item)}"
        result.append(_candidate(item, "number", "exact" if is_exact else "likely", why))
    return result


def _by_partner(line: Line, partner_id: UUID | None) -> list[Candidate]:
    """What is open with the partner: exactly what the line is, then the rest of it, in both directions."""
    items = _all_open(line)
    partner_id = line.partner_id or partner_id
    if partner_id is None and line.counterparty_account:
        owners = PartnerBankAccount.objects.filter(
            company=line.company, account_number=line.counterparty_account, active=True
        ).values_list("partner_id", flat=True)
        partner_id = owners[0] if len(owners) == 1 else None
    if partner_id is None:
        named = (
            items.filter(partner__name__iexact=line.counterparty_name.strip())
            if line.counterparty_name
            else items.none()
        )
    else:
        named = items.filter(partner_id=partner_id)
    rests = _rests(line)
    found = []
    for item in [*named.filter(_exactly(line))[:20], *named.exclude(_exactly(line))[:20]]:
        name = item.partner.name if item.partner else ""
        if item.residual_currency == rests.get(item.currency):
            found.append(_candidate(item, "partner", "likely", f"{name} owes exactly this: {_name(item)}"))
        else:
            found.append(_candidate(item, "partner", "weak", f"{_name(item)} is open with {name}"))
    return found


def _by_amount(line: Line, items: QuerySet[EntryItem]) -> list[Candidate]:
    """Amount alone never matches by itself; it is shown last."""
    return [
        _candidate(item, "amount", "weak", f"{_name(item)} has the same amount; nothing else speaks for it")
        for item in items.filter(_exactly(line))[:20]
    ]


def _searched(items: QuerySet[EntryItem], text: str) -> list[Candidate]:
    text = text.strip()[:100]
    query = Q(document__number__icontains=text) | Q(partner__name__icontains=text) | Q(label__icontains=text)
    query |= Q(entry__misc__number__icontains=text)
    keys = canonical_keys(text)
    if keys:
        query |= Q(references__key__in=keys)
    return [_candidate(item, "search", "weak", f"Found by “{text}”") for item in items.filter(query).distinct()[:200]]


def _candidate(item: EntryItem, step: str, strength: Strength, explanation: str) -> Candidate:
    document = getattr(item, "document", None)
    residual = item.residual_currency
    assert residual is not None
    partner = item.partner.name if item.partner else ""
    return Candidate(item, document, partner, residual, item.currency, step, strength, explanation)


def _name(item: EntryItem) -> str:
    document = getattr(item, "document", None)
    return document.number if document else item.label


def _amount_words(line: Line, item: EntryItem) -> str:
    assert item.residual_currency is not None
    paid = _rests(line).get(item.currency)
    if paid is None:
        return f"the line is in {line.currency}"
    rest = abs(item.residual_currency) - abs(paid)
    if rest == 0:
        return "amount exact"
    return f"{rest} {item.currency} stay open" if rest > 0 else f"{-rest} {item.currency} stay unexplained"
