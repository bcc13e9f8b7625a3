"""Compares the hub with the bank, and the hub with itself."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from tests.simulation.adversary import MARK, Adversary, BankAccount
from tests.simulation.hub import Hub
from tests.simulation.wires import DAY, PLACES

from nostro.core.text import fold
from nostro.hub.accounts.models import Account, PendingTransaction, Transaction, TransactionChange
from nostro.hub.events.models import Event
from nostro.hub.sync.models import QuotaAccess, Synchronization


@dataclass
class Outcome:
    """What a life came to. All that is wrong must be 0 or empty: whatever is not counted from runs to days."""

    runs: int = 0
    kills: int = 0
    days: float = 0
    proofs_red: int = 0
    lost: int = 0
    doubled: int = 0
    quota_violations: int = 0
    ids_changed: int = 0
    events_wrong: int = 0
    secrets_logged: int = 0
    #: Of the Books, where they take part.
    books_runs: int = 0
    books_kills: int = 0
    books_lines: int = 0
    books_lost: int = 0
    books_doubled: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def is_wrong(self) -> bool:
        return bool(
            self.lost
            + self.doubled
            + self.quota_violations
            + self.ids_changed
            + self.events_wrong
            + self.secrets_logged
            + self.proofs_red
            + self.books_lost
            + self.books_doubled
            or self.complaints
        )


class Judge:
    """Looks at a life as it goes on (:meth:`look`) and at its end (:meth:`judge`)."""

    def __init__(self, adversary: Adversary, hub: Hub) -> None:
        self._bank, self._hub = adversary, hub
        self.outcome = Outcome()
        self._places: dict[uuid.UUID, int] = {}
        self._marked: dict[tuple[uuid.UUID, str], uuid.UUID] = {}
        self._numbers: dict[str, str] = {}

    # --- at all times

    def look(self) -> None:
        """Ids and places are given once and stay, and a transaction that nobody altered keeps its id."""
        rows = Transaction.objects.filter(organization_id=self._hub.organization.pk)
        now = dict(rows.values_list("id", "sequence"))
        self.outcome.ids_changed += sum(now.get(row_id) != place for row_id, place in self._places.items())
        self._places = now
        if len(set(now.values())) != len(now):
            self.outcome.complaints.append("two transactions have one place in the order of creation")
        self._follow_marked(rows.filter(remittance_information__startswith=MARK, removed_at=None))

    def _follow_marked(self, rows: QuerySet[Transaction]) -> None:
        """A row that nobody altered may be doubled for a while, where a bank repeats rows without ids at the borders of
        pages; but the first one must be the one that stays."""
        live: dict[tuple[uuid.UUID, str], list[uuid.UUID]] = {}
        for account_id, text, row_id in rows.order_by("sequence").values_list(
            "account_id", "remittance_information", "id"
        ):
            live.setdefault((account_id, text), []).append(row_id)
        for account, stored in self.pairs():
            for text in account.marks:
                found = live.get((stored.pk, text))
                if found:
                    first = self._marked.setdefault((stored.pk, text), found[0])
                    self.outcome.ids_changed += first not in found

    def truth(self, account: BankAccount) -> Any:
        """All that the bank holds of an account."""
        return self._bank.truth(account)

    def pairs(self) -> list[tuple[BankAccount, Account]]:
        """The bank's accounts and the hub's, found by their numbers and not by any id."""
        stored = {account.reference: account for account in self._hub.accounts()}
        pairs = []
        for account in self._bank.accounts:
            if account.id not in self._numbers:
                self._numbers[account.id] = self._bank.truth(account)["iban"]
            if self._numbers[account.id] in stored:
                pairs.append((account, stored[self._numbers[account.id]]))
        return pairs

    # --- at the end

    def judge(self) -> Outcome:
        """Everything at once, when the bank is well and was read."""
        self.outcome.lost = self.outcome.doubled = self.outcome.events_wrong = 0
        pairs = self.pairs()
        if len(pairs) != len(self._bank.accounts) or len(self._hub.accounts()) != len(pairs):
            self.outcome.complaints.append("the hub has not the accounts of the bank")
        for account, stored in pairs:
            self._compare(account, stored)
            self._count_events(stored)
        self.outcome.quota_violations = len(self._hub.wires.quota_violations) + self._overrun_ledger()
        self.outcome.complaints += self._hub.wires.quota_violations[:5]
        self._search_log()
        return self.outcome

    def _compare(self, account: BankAccount, stored: Account) -> None:
        truth = self._bank.truth(account)
        at_bank = Counter(map(_as_it_should_be, truth["rows"]))
        rows = list(Transaction.objects.filter(account=stored, removed_at=None))
        at_hub = Counter(map(_as_stored, rows))
        missing, left_over = at_bank - at_hub, at_hub - at_bank
        # A wrong text or value date is a complaint; a row of another day or amount is a row lost and one doubled.
        counted_at_bank, counted_at_hub = Counter(key[:2] for key in at_bank.elements()), Counter(
            key[:2] for key in at_hub.elements()
        )  # fmt: skip
        self.outcome.lost += (counted_at_bank - counted_at_hub).total()
        self.outcome.doubled += (counted_at_hub - counted_at_bank).total()
        if missing or left_over:
            self.outcome.complaints.append(f"{account.id}: the bank has {missing}, the hub {left_over}")
        pending = PendingTransaction.objects.filter(account=stored, removed_at=None)
        if Counter(Decimal(row["amount"]) for row in truth["pending"]) != Counter(row.amount for row in pending):
            self.outcome.complaints.append(f"{account.id}: the pending rows differ")
        self._compare_sums(account, stored, truth, rows)

    def _compare_sums(self, account: BankAccount, stored: Account, truth: Any, rows: Sequence[Transaction]) -> None:
        booked = Decimal(truth["balances"][0]["booked"])
        figures = {
            "balance": (stored.current_balance, booked),
            "sum": (stored.booked_total, sum((row.amount for row in rows), Decimal(0))),
            "number": (stored.transaction_count, len(rows)),
            "health": (stored.health, "active"),
        }
        # The bank is well, so every balance is explained, also by rows that were found late.
        self.outcome.proofs_red += stored.proof == "red"
        wrong = {name: pair for name, pair in figures.items() if pair[0] != pair[1]}
        if wrong:
            self.outcome.complaints.append(f"{account.id}: {wrong}")

    def _count_events(self, stored: Account) -> None:
        """Each change is told once: events and changes are written in the transaction that makes them."""
        told: Counter[str] = Counter()
        for event in Event.objects.filter(account_id=stored.pk):
            told[event.event_type] += event.attributes.get("count", 1)
        changes = TransactionChange.objects.filter(transaction__account=stored).count()
        pending = PendingTransaction.objects.filter(account=stored)
        runs = Synchronization.objects.filter(account=stored, status__in=["success", "error"])
        expected = {
            "account.transactionsCreated": Transaction.objects.filter(account=stored).count(),
            "account.transactionsUpdated": changes,
            "synchronization.failed": runs.filter(status="error").count(),
            "account.pendingTransactionsCreated": _sum(runs, "pending_created_count"),
            "account.pendingTransactionsUpdated": _sum(runs, "pending_updated_count"),
        }
        gone = pending.exclude(removed_at=None).count()
        if expected["account.pendingTransactionsUpdated"] < gone:
            self.outcome.complaints.append("more pending rows ended than was told")
        for name, number in expected.items():
            if told[name] != number:
                self.outcome.events_wrong += 1
                self.outcome.complaints.append(f"{name}: {told[name]} told, {number} happened")
        silent = runs.filter(status="success").exclude(pk__in=Event.objects.values("synchronization_id")).count()
        if silent:
            self.outcome.events_wrong += silent
            self.outcome.complaints.append(f"{silent} runs ended without a word")

    def _overrun_ledger(self) -> int:
        """Counted accesses that were the fifth within 24 hours of one key."""
        times: dict[tuple[str, str], list[Any]] = {}
        ledger = QuotaAccess.objects.filter(organization=self._hub.organization, counted=True)
        for access in ledger.order_by("accessed_at"):
            times.setdefault((access.quota_key, access.endpoint), []).append(access.accessed_at)
        return sum(
            fifth - first < DAY for found in times.values() for first, fifth in zip(found, found[PLACES:], strict=False)
        )

    def _search_log(self) -> None:
        logged = self._hub.log.getvalue()
        secrets = {*self._hub.secrets, *self._numbers.values()}
        self.outcome.secrets_logged = sum(secret in logged for secret in secrets)


def _sum(runs: Any, column: str) -> int:
    return int(runs.aggregate(total=Sum(column))["total"] or 0)


def _as_it_should_be(row: dict[str, Any]) -> tuple[str, Decimal, str, str]:
    text = fold(row.get("remittanceInformationUnstructured"))
    return row["bookingDate"], Decimal(row["amount"]), row["valueDate"], text


def _as_stored(row: Transaction) -> tuple[str, Decimal, str, str]:
    day, value = row.booking_date, row.value_date
    text = fold(" ".join(row.remittance_unstructured))
    return day.isoformat() if day else "", row.amount, value.isoformat() if value else "", text
