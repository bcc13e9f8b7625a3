"""What a line may be explained with, indexed by everything that can lead there.

A book holds the items of one company that can matter to a batch of lines, not all there are; ``reconcile.loading``
fetches them by the evidence the lines carry. :meth:`Book.take` books an applied option, so that the next line of the
same batch does not pay an item twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from nostro.books.reconcile.engine.partners import PartnerBook
from nostro.books.reconcile.engine.values import ItemKind, OpenItem, Option


class Book:
    """Open items by id, reference, number, end-to-end id, partner and amount."""

    def __init__(self, items: Iterable[OpenItem], partners: PartnerBook) -> None:
        self.partners = partners
        self._items: dict[UUID, OpenItem] = {}
        self._by_key: defaultdict[str, list[UUID]] = defaultdict(list)
        self._by_number: defaultdict[str, list[UUID]] = defaultdict(list)
        self._by_end_to_end_id: defaultdict[str, list[UUID]] = defaultdict(list)
        self._by_partner: defaultdict[UUID, list[UUID]] = defaultdict(list)
        self._by_amount: defaultdict[tuple[str, Decimal], list[UUID]] = defaultdict(list)
        self._batches: list[UUID] = []
        self._mirrors: defaultdict[str, list[UUID]] = defaultdict(list)
        self.add(items)

    def add(self, items: Iterable[OpenItem]) -> None:
        """Learn of more items; what is known already keeps the residual it has here."""
        for item in items:
            if item.id not in self._items:
                self._add(item)

    def _add(self, item: OpenItem) -> None:
        self._items[item.id] = item
        if item.kind == ItemKind.MIRROR:
            self._mirrors[item.counterparty_account].append(item.id)
            return
        for key in item.keys:
            self._by_key[key].append(item.id)
        for number in item.numbers:
            self._by_number[number].append(item.id)
        for identifier in item.end_to_end_ids:
            self._by_end_to_end_id[identifier].append(item.id)
        if item.kind == ItemKind.BATCH:
            self._batches.append(item.id)
        if item.kind != ItemKind.DOCUMENT:
            return  # whom it pays and how much is found by the document
        if item.partner_id is not None:
            self._by_partner[item.partner_id].append(item.id)
        self._by_amount[item.currency, item.residual].append(item.id)

    def __contains__(self, item_id: UUID) -> bool:
        return item_id in self._items

    def by_key(self, key: str) -> list[OpenItem]:
        """Open items that carry a canonical reference, oldest first; so are all the other answers."""
        return self._open(self._by_key.get(key))

    def by_number(self, number: str) -> list[OpenItem]:
        """Open items of that number, which is in upper case."""
        return self._open(self._by_number.get(number))

    def by_end_to_end_id(self, identifier: str) -> list[OpenItem]:
        """Payments, batches and documents of that end-to-end id, which is in upper case."""
        return self._open(self._by_end_to_end_id.get(identifier))

    def by_partner(self, partner_id: UUID) -> list[OpenItem]:
        """Everything a partner has open."""
        return self._open(self._by_partner.get(partner_id))

    def by_amount(self, currency: str, residual: Decimal) -> list[OpenItem]:
        """Items with exactly this residual."""
        found = self._open(self._by_amount.get((currency, residual)))
        return [item for item in found if item.residual == residual]

    def batches(self, currency: str, amount: Decimal) -> list[OpenItem]:
        """Batches whose outstanding payments add up to this."""
        return [item for item in self._open(self._batches) if (item.currency, item.residual) == (currency, amount)]

    def mirrors(self, account_number: str) -> list[OpenItem]:
        """Unexplained lines of the own account with this number."""
        return self._open(self._mirrors.get(account_number))

    def take(self, option: Option) -> None:
        """Reduce the residuals of what an option pays, as applying it will."""
        for allocation in option.allocations:
            item = self._items[allocation.item.id]
            rest = item.residual - allocation.part - allocation.write_off
            self._items[item.id] = replace(item, residual=rest)
            if rest and item.kind == ItemKind.DOCUMENT:
                self._by_amount[item.currency, rest].append(item.id)

    def _open(self, ids: list[UUID] | None) -> list[OpenItem]:
        if not ids:
            return []
        found = [item for item in map(self._items.__getitem__, ids) if item.residual]
        return sorted(found, key=lambda item: (item.date, item.id)) if len(found) > 1 else found
