"""The test users of the bank as one table (connectors.md 5.3). A new scenario is a new line here.

The user's name is the scenario; the password of all is ``sandbox`` and the code ``123456``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nostro.sandbox.histories import company, special, trade
from nostro.sandbox.histories.rows import Place, Row

PASSWORD = "sandbox"  # noqa: S105 - public, printed on the login page
CODE = "123456"
#: 24 months; the first row is as old as a reader who asks for 729 days back can see.
HISTORY_DAYS = special.HISTORY_DAYS
PAGE_SIZE = 100

#: Histories by the name under which an account remembers its own.
HISTORIES: dict[str, Callable[[Place, dt.date], Iterator[Row]]] = {
    "company": company.current_account,
    "company_with_dollars": special.company_with_dollars,
    "savings": company.savings_account,
    "trade": trade.trade_account,
    "many_rows": special.many_rows,
    "empty": special.empty,
    "twins": special.twins,
    "pending_then_booked": special.pending_then_booked,
    "hostile_text": special.hostile_text,
}


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One account of a test user. ``number`` chooses the IBAN; accounts that share it share the IBAN.

    A plan in currency XXX is an aggregate over the accounts with the same number and has no history of its own.
    """

    key: str
    name: str
    product: str
    currency: str = "EUR"
    type: str = "CACC"
    history: str = "company"
    number: str = ""

    @property
    def iban_number(self) -> str:
        """What tells the IBAN apart from those of the customer's other accounts."""
        return self.number or self.key


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the bank does for one test user. ``consent_days`` shortens every consent; ``shows_pending`` false means
    that ``bookingStatus`` may only be ``booked``."""

    psu: str
    story: str
    accounts: tuple[AccountPlan, ...]
    page_size: int = PAGE_SIZE
    shows_pending: bool = True
    consent_days: int | None = None
    always_denies: bool = False


_CURRENT = AccountPlan("current", "Zichtrekening", "Business current account")
_SAVINGS = AccountPlan("savings", "Spaarrekening", "Business savings account", type="SVGS", history="savings")
_DOLLARS = AccountPlan("dollars", "Dollar account", "Foreign currency account", "USD", history="trade")


def _sub_account(key: str, name: str, currency: str, history: str = "trade") -> AccountPlan:
    return AccountPlan(key, name, "Multi-currency account", currency, history=history, number="multi")


def _single(key: str, name: str, history: str) -> tuple[AccountPlan, ...]:
    return (AccountPlan(key, name, "Business current account", history=history),)


SCENARIOS: dict[str, Scenario] = {
    scenario.psu: scenario
    for scenario in (
        Scenario(
            "user_good",
            "A small company: current account, savings and dollars, 24 months, everything as it should be.",
            (
                AccountPlan("current", "Zichtrekening", _CURRENT.product, history="company_with_dollars"),
                _SAVINGS,
                _DOLLARS,
            ),
        ),
        Scenario(
            "user_multi_currency",
            "One IBAN with EUR, USD, JPY and KWD accounts under an aggregate (XXX).",
            (
                _sub_account("multi", "Multi-currency account", "XXX", "empty"),
                _sub_account("multi-eur", "Multi-currency EUR", "EUR"),
                _sub_account("multi-usd", "Multi-currency USD", "USD"),
                _sub_account("multi-jpy", "Multi-currency JPY", "JPY"),
                _sub_account("multi-kwd", "Multi-currency KWD", "KWD"),
            ),
        ),
        Scenario("user_10k_tx", "Ten thousand booked rows in pages of 100.", _single("many", "Webshop", "many_rows")),
        Scenario(
            "user_identical_twins",
            "Equal payments on one day without any id.",
            _single("twins", "Zichtrekening", "twins"),
        ),
        Scenario(
            "user_pending_then_booked",
            "Pending rows that book unchanged, book with another amount, or vanish.",
            _single("pending", "Zichtrekening", "pending_then_booked"),
        ),
        Scenario("user_empty", "An account without any row.", _single("empty", "New account", "empty")),
        Scenario(
            "user_hostile_text",
            "Texts with markup, control characters, right-to-left marks and formulas.",
            _single("hostile", "Zichtrekening", "hostile_text"),
        ),
        Scenario("user_cancel", "Denies whatever is asked.", (_CURRENT, _SAVINGS), always_denies=True),
        Scenario("user_consent_90d", "Grants 90 days at most.", (_CURRENT, _SAVINGS), consent_days=90),
        Scenario(
            "user_booked_only",
            "The bank shows booked rows only and refuses to show others.",
            (_CURRENT, _SAVINGS),
            shows_pending=False,
        ),
    )
}
