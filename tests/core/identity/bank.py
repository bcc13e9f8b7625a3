"""A small bank for tests: transactions, a store that applies results, and policies."""

import datetime as dt
import itertools
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from nostro.core.identity import MatchResult, ReadRow, StoredRow, match, read_row
from nostro.core.transactions import Transaction, Window


@dataclass(frozen=True)
class Policy:
    reference_fields: tuple[str, ...] = ("entry_reference",)
    verify: bool = True


VERIFY = Policy()
TRUSTED = Policy(("transaction_id",), verify=False)
NO_IDS = Policy(())

DAY = dt.date(2026, 11, 10)


def transaction(amount="-3.50", text="COFFEE CORNER", day=DAY, currency="EUR", **fields) -> Transaction:
    return Transaction(
        amount=Decimal(amount),
        currency=currency,
        booking_date=day,
        remittance_information_unstructured=(text,),
        **fields,
    )


@dataclass
class Store:
    """What a caller of ``match`` does with the result, in memory."""

    policy: Policy = VERIFY
    source: str = "bank"
    rows: dict[UUID, StoredRow] = field(default_factory=dict)
    transactions: dict[UUID, Transaction] = field(default_factory=dict)
    removed: set[UUID] = field(default_factory=set)
    ids: itertools.count = field(default_factory=lambda: itertools.count(1))

    def read(self, *transactions, complete=True, window: Window | None = None, policy=None) -> MatchResult:
        policy = policy or self.policy
        rows = [read_row(item, policy, self.source) for item in transactions]
        result = match(rows, list(self.rows.values()), complete=complete, policy=policy, window=window)
        self._check(rows, result)
        self.apply(result)
        return result

    def apply(self, result: MatchResult) -> None:
        for new in result.new:
            self._put(UUID(int=next(self.ids)), new.row, new.ordinal)
        for modified in result.modified:
            self._put(modified.stored.id, modified.row, modified.ordinal)
        for known in result.known:
            self._put(known.stored.id, known.row, known.stored.ordinal)
        for stored in (*result.absent_once, *result.gone):
            self.rows[stored.id] = stored._replace(absences=stored.absences + 1)
        self.removed |= {stored.id for stored in result.gone}

    def _put(self, row_id: UUID, row: ReadRow, ordinal: int) -> None:
        references = row.references
        self.rows[row_id] = StoredRow(
            row_id,
            references,
            row.fingerprint,
            ordinal,
            row.booking_date,
            row.amount,
            row.currency,
            row.content,
        )
        self.transactions[row_id] = row.transaction
        self.removed.discard(row_id)

    @staticmethod
    def _check(rows, result: MatchResult) -> None:
        """Each row used once, on both sides."""
        used = [item.row for item in (*result.new, *result.known, *result.modified)] + list(result.deferred)
        assert len(used) == len({id(row) for row in used}) <= len(rows)
        stored = [item.stored.id for item in (*result.known, *result.modified)]
        stored += [row.id for row in (*result.absent_once, *result.gone)]
        assert len(stored) == len(set(stored))

    @property
    def live(self) -> list[Transaction]:
        return [item for row_id, item in self.transactions.items() if row_id not in self.removed]

    def ordinals_are_unique(self) -> bool:
        keys = [(row.fingerprint, row.ordinal) for row in self.rows.values()]
        return len(keys) == len(set(keys))


def counts(result: MatchResult) -> tuple[int, int, int]:
    """New, known, modified."""
    return len(result.new), len(result.known), len(result.modified)
