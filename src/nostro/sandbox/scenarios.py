"""The test users of the bank as one table (connectors.md 5.3). A new scenario is a new line here.

The user's name is the scenario; the password of all is ``sandbox`` and the code ``123456``. What a scenario does later
starts with the customer's first approval, so that it is the same on whichever day somebody links the bank.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from nostro.sandbox import plots
from nostro.sandbox.habits import NewIds
from nostro.sandbox.histories import card, company, special, trade
from nostro.sandbox.histories.rows import Place, Row

PASSWORD = "sandbox"  # noqa: S105 - public, printed on the login page
CODE = "123456"
#: 24 months; the first row is as old as a reader who asks for 729 days back can see.
HISTORY_DAYS = special.HISTORY_DAYS
PAGE_SIZE = 100

#: Histories by the name under which an account remembers its own.
HISTORIES: dict[str, Callable[[Place, dt.date], Iterator[Row]]] = {
    "company": company.current_account,
    "good_company": special.as_user_good(company.current_account),
    "good_savings": special.as_user_good(company.savings_account),
    "savings": company.savings_account,
    "trade": trade.trade_account,
    "many_rows": special.many_rows,
    "empty": special.empty,
    "twins": special.twins,
    "pending_then_booked": special.pending_then_booked,
    "hostile_text": special.hostile_text,
    "no_ids": special.no_ids,
    "card": card.credit_card,
}
#: The ways of strong customer authentication; OAuth is a redirect by another door.
Approach = Literal["redirect", "oauth", "decoupled", "embedded"]


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
    format: str = "json"

    @property
    def iban_number(self) -> str:
        """What tells the IBAN apart from those of the customer's other accounts."""
        return self.number or self.key


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault that waits for every consent of the customer: after ``skip`` answers, ``times`` times (None: always).
    ``account`` is the key of the one account it meets; ``endpoint`` is as in :mod:`nostro.sandbox.faults`."""

    kind: str
    endpoint: str = "data"
    times: int | None = 1
    skip: int = 0
    seconds: int = 0
    account: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the bank does for one test user.

    ``shows_pending`` false: ``bookingStatus`` may only be ``booked``. ``consent_days`` shortens every consent;
    ``ends_after_s`` ends it in status ``ends_as`` so long after the approval. ``approach`` None leaves the way of SCA
    to the service's wishes; ``needs_token`` wants an access token before a consent (OAuth pre-step).
    ``oldest_days`` refuses rows older than that, except in the first ``all_open_s`` seconds after the approval.
    ``full_quota`` names accounts whose places are taken from the start. ``new_ids`` change with each renewal.
    ``plot`` is what happens to the first account after the first approval.
    """

    psu: str
    story: str
    accounts: tuple[AccountPlan, ...]
    page_size: int = PAGE_SIZE
    paging: str = "links"
    shows_pending: bool = True
    rewraps: bool = False
    consent_days: int | None = None
    ends_after_s: int | None = None
    ends_as: str = "expired"
    always_denies: bool = False
    approach: Approach | None = None
    needs_token: bool = False
    oldest_days: int | None = None
    all_open_s: int = 0
    full_quota: tuple[str, ...] = ()
    faults: tuple[PlannedFault, ...] = ()
    new_ids: NewIds | None = None
    plot: plots.Plot | None = None


_CURRENT = AccountPlan("current", "Zichtrekening", "Business current account")
_SAVINGS = AccountPlan("savings", "Spaarrekening", "Business savings account", type="SVGS", history="savings")


def _sub_account(key: str, name: str, currency: str, history: str = "trade") -> AccountPlan:
    return AccountPlan(key, name, "Multi-currency account", currency, history=history, number="multi")


def _single(key: str, name: str, history: str) -> tuple[AccountPlan, ...]:
    return (AccountPlan(key, name, "Business current account", history=history),)


_PAIR = (_CURRENT, _SAVINGS)


def _pair_in(current: str, savings: str) -> tuple[AccountPlan, ...]:
    """The accounts of user_good with their histories, their lists written in these formats."""
    return (
        replace(_CURRENT, history="good_company", format=current),
        replace(_SAVINGS, history="good_savings", format=savings),
    )


SCENARIOS: dict[str, Scenario] = {
    scenario.psu: scenario
    for scenario in (
        Scenario(
            "user_good",
            "A small company: current account and savings, 24 months, everything as it should be.",
            _PAIR,
        ),
        Scenario(
            "user_multi_currency",
            "One IBAN with EUR, USD and JPY accounts under an aggregate (XXX).",
            (
                _sub_account("multi", "Multi-currency account", "XXX", "empty"),
                _sub_account("multi-eur", "Multi-currency EUR", "EUR"),
                _sub_account("multi-usd", "Multi-currency USD", "USD"),
                _sub_account("multi-jpy", "Multi-currency JPY", "JPY"),
            ),
        ),
        Scenario(
            "user_dinar",
            "One account in Kuwaiti dinar, a currency with three decimals.",
            (AccountPlan("dinar", "Dinar account", "Foreign currency account", "KWD", history="trade"),),
        ),
        Scenario(
            "user_camt",
            "The rows of user_good as XML: camt.052 with pending rows, and camt.053 to download in a ZIP.",
            _pair_in("camt.052", "download"),
        ),
        Scenario("user_mt940", "The rows of user_good as MT940.", _pair_in("mt940", "mt940")),
        Scenario("user_10k_tx", "Ten thousand booked rows in pages of 100.", _single("many", "Webshop", "many_rows")),
        Scenario(
            "user_identical_twins",
            "Equal payments on one day without any id; on the next day a third, for a week.",
            _single("twins", "Zichtrekening", "twins"),
            plot=plots.third_twin,
        ),
        Scenario(
            "user_pending_then_booked",
            "Pending rows that book unchanged, book with another amount, or vanish.",
            _single("pending", "Zichtrekening", "pending_then_booked"),
        ),
        Scenario(
            "user_card",
            "A current account, and a credit card among the card accounts.",
            (_CURRENT, AccountPlan("card", "Kredietkaart", "Business credit card", type="CARD", history="card")),
        ),
        Scenario("user_empty", "An account without any row.", _single("empty", "New account", "empty")),
        Scenario(
            "user_hostile_text",
            "Texts with markup, control characters, right-to-left marks and formulas.",
            _single("hostile", "Zichtrekening", "hostile_text"),
        ),
        Scenario("user_cancel", "Denies whatever is asked.", _PAIR, always_denies=True),
        Scenario("user_consent_90d", "Grants 90 days at most.", _PAIR, consent_days=90),
        Scenario(
            "user_booked_only",
            "The bank shows booked rows only and refuses to show others.",
            _PAIR,
            shows_pending=False,
        ),
        Scenario(
            "user_good_oauth",
            "Approves by OAuth: an access token first, then another login for the consent.",
            _PAIR,
            approach="oauth",
            needs_token=True,
        ),
        Scenario(
            "user_mfa_decoupled", "Approves in an app of its own, 10 seconds after asked.", _PAIR, approach="decoupled"
        ),
        Scenario(
            "user_mfa_embedded",
            "Types password and code at the service, with a choice of methods.",
            _PAIR,
            approach="embedded",
        ),
        Scenario("user_consent_expires_60s", "The consent dies 60 seconds after approval.", _PAIR, ends_after_s=60),
        Scenario(
            "user_consent_revoked",
            "Takes the consent back at the bank an hour after approval.",
            _PAIR,
            ends_after_s=3_600,
            ends_as="revokedByPsu",
        ),
        Scenario(
            "user_quota_exhausted",
            "All accesses of the first account are used up already.",
            _PAIR,
            full_quota=("current",),
        ),
        Scenario(
            "user_bank_down",
            "The bank is down (503), refuses, breaks off in the third page, and then is well.",
            (_CURRENT,),
            faults=(
                PlannedFault("down", "transactions"),
                PlannedFault("refused", "transactions"),
                PlannedFault("reset_in_body", "transactions", skip=2),
            ),
        ),
        Scenario(
            "user_slow_15s",
            "Every answer with data takes 15 seconds.",
            _PAIR,
            faults=(PlannedFault("slow", times=None, seconds=15),),
        ),
        Scenario(
            "user_flaky_401",
            "One bare 401, then everything is well.",
            _PAIR,
            faults=(PlannedFault("bare_401", "balances"),),
        ),
        Scenario(
            "user_partial",
            "Three accounts, of which the second always fails.",
            (*_PAIR, AccountPlan("second", "Tweede zichtrekening", "Business current account")),
            faults=(PlannedFault("500", times=None, account="savings"),),
        ),
        Scenario(
            "user_no_ids",
            "No ids at all, and texts broken into lines differently on each read.",
            _single("noids", "Zichtrekening", "no_ids"),
            rewraps=True,
        ),
        Scenario(
            "user_uid_changes",
            "All ids of accounts and transactions, and a tenth of the references, change with each renewal.",
            _PAIR,
            new_ids=NewIds(100, 100, 10),
        ),
        Scenario(
            "user_ref_reused", "One reference on two different payments.", (_CURRENT,), plot=plots.reused_reference
        ),
        Scenario(
            "user_balance_gap",
            "From the next day the balance counts a row of 12.34 that is listed two weeks later.",
            (_CURRENT,),
            plot=plots.hidden_row,
        ),
        Scenario(
            "user_backdated",
            "On the next day an entry appears that was booked 20 days ago.",
            (_CURRENT,),
            plot=plots.backdated,
        ),
        Scenario(
            "user_corrections",
            "On the next day four rows are changed and one is gone.",
            (_CURRENT,),
            plot=plots.corrections,
        ),
        Scenario(
            "user_paging_odd",
            "Small pages in a strange way, another one each time.",
            (_CURRENT,),
            page_size=10,
            paging="in_turn",
        ),
        Scenario(
            "user_history_15min",
            "The whole history for 15 minutes after approval, 90 days afterwards.",
            _PAIR,
            oldest_days=90,
            all_open_s=900,
        ),
        Scenario("user_window_limit", "Refuses rows older than 60 days.", _PAIR, oldest_days=60),
        Scenario(
            "user_closed_account", "The current account is closed four weeks after approval.", _PAIR, plot=plots.closed
        ),
    )
}
