"""The proof: for every account, what the bank holds = what the Hub holds = what the Books hold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Figures:
    """Booked transactions of one account at one place. ``balance`` is that place's own balance of the account."""

    count: int
    total: Decimal
    balance: Decimal


@dataclass(frozen=True)
class AccountComparison:
    name: str
    currency: str
    bank: Figures
    hub: Figures
    books: Figures

    @property
    def is_equal(self) -> bool:
        return self.bank == self.hub == self.books

    def difference(self) -> str:
        """The first figure that differs, in words."""
        for what in ("count", "total", "balance"):
            figures = [getattr(place, what) for place in (self.bank, self.hub, self.books)]
            if len(set(figures)) > 1:
                return f"{what}: bank {figures[0]}, Hub {figures[1]}, Books {figures[2]}"
        return "equal"


@dataclass(frozen=True)
class Comparison:
    """All accounts. ``imported`` counts the lines that this run brought into the Books."""

    accounts: tuple[AccountComparison, ...]
    imported: int
    address: str
    email: str
    password: str

    @property
    def is_equal(self) -> bool:
        return bool(self.accounts) and all(account.is_equal for account in self.accounts)

    @property
    def unchanged(self) -> bool:
        return self.imported == 0

    def counts(self) -> tuple[int, int, int]:
        """Booked transactions at the bank, in the Hub, in the Books."""
        return (
            sum(account.bank.count for account in self.accounts),
            sum(account.hub.count for account in self.accounts),
            sum(account.books.count for account in self.accounts),
        )

    def last_line(self) -> str:
        bank, hub, books = self.counts()
        balances = "equal" if self.is_equal else "different"
        return f"demo: accounts={len(self.accounts)} bank={bank} hub={hub} books={books} balances={balances}"

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``; amounts as decimal text."""
        bank, hub, books = self.counts()
        return {
            "accounts": len(self.accounts),
            "bank": bank,
            "hub": hub,
            "books": books,
            "balances": "equal" if self.is_equal else "different",
            "unchanged": self.unchanged,
            "details": [
                {
                    "account": account.name,
                    "currency": account.currency,
                    "equal": account.is_equal,
                    **{
                        place: {"count": f.count, "sum": str(f.total), "balance": str(f.balance)}
                        for place, f in (("bank", account.bank), ("hub", account.hub), ("books", account.books))
                    },
                }
                for account in self.accounts
            ],
        }
