"""The default chart: a short list in the order of the Belgian minimum chart (PCMN/MAR)."""

from __future__ import annotations

from itertools import chain
from typing import Any

from nostro.books.companies.models import Company
from nostro.books.ledger.models import AccountKind, LedgerAccount, Purpose
from nostro.web.errors import Problem

_NONE = ""
#: code, name, kind, purpose
CHART: tuple[tuple[str, str, str, str], ...] = (
    ("100000", "Capital", AccountKind.EQUITY, _NONE),
    ("140000", "Retained earnings", AccountKind.EQUITY, _NONE),
    ("149000", "Opening balance equity", AccountKind.EQUITY, Purpose.OPENING),
    ("170000", "Long-term loans", AccountKind.LONG_LIABILITY, _NONE),
    ("240000", "Furniture, equipment and vehicles", AccountKind.FIXED_ASSET, _NONE),
    ("400000", "Customers", AccountKind.RECEIVABLE, Purpose.RECEIVABLE),
    ("411000", "VAT recoverable", AccountKind.CURRENT_ASSET, Purpose.VAT_RECOVERABLE),
    ("440000", "Suppliers", AccountKind.PAYABLE, Purpose.PAYABLE),
    ("451000", "VAT payable", AccountKind.CURRENT_LIABILITY, Purpose.VAT_PAYABLE),
    ("453000", "Payroll tax withheld", AccountKind.CURRENT_LIABILITY, _NONE),
    ("454000", "Social security", AccountKind.CURRENT_LIABILITY, _NONE),
    ("455000", "Salaries payable", AccountKind.CURRENT_LIABILITY, _NONE),
    ("499000", "Bank suspense", AccountKind.CURRENT_ASSET, Purpose.SUSPENSE),
    ("580000", "Transfers between own accounts", AccountKind.CURRENT_ASSET, Purpose.TRANSFER),
    ("600000", "Purchases of goods", AccountKind.EXPENSE, Purpose.PURCHASES),
    ("610000", "Rent and charges", AccountKind.EXPENSE, _NONE),
    ("612000", "Supplies, energy and telephone", AccountKind.EXPENSE, _NONE),
    ("613000", "Fees and insurance", AccountKind.EXPENSE, _NONE),
    ("615000", "Travel and representation", AccountKind.EXPENSE, _NONE),
    ("620000", "Salaries", AccountKind.EXPENSE, _NONE),
    ("621000", "Employer's social contributions", AccountKind.EXPENSE, _NONE),
    ("640000", "Other operating taxes", AccountKind.EXPENSE, _NONE),
    ("650000", "Interest on debts", AccountKind.EXPENSE, _NONE),
    ("653000", "Cash discount given", AccountKind.EXPENSE, Purpose.DISCOUNT_GIVEN),
    ("654000", "Exchange losses", AccountKind.EXPENSE, Purpose.EXCHANGE_LOSS),
    ("657000", "Bank fees", AccountKind.EXPENSE, Purpose.BANK_FEES),
    ("670000", "Income tax", AccountKind.EXPENSE, _NONE),
    ("700000", "Sales", AccountKind.INCOME, Purpose.SALES),
    ("743000", "Other operating income", AccountKind.INCOME, _NONE),
    ("751000", "Interest received", AccountKind.INCOME, _NONE),
    ("754000", "Exchange gains", AccountKind.INCOME, Purpose.EXCHANGE_GAIN),
    ("756000", "Cash discount received", AccountKind.INCOME, Purpose.DISCOUNT_RECEIVED),
)
#: Round codes first, then those between them, for a company with many accounts.
_BANK_CODES = (range(550000, 580000, 1000), range(550000, 580000, 10), range(550000, 580000))
_CARD_CODES = (range(434000, 440000, 100), range(434000, 440000, 10), range(434000, 440000))


def lay_down_chart(company: Company, **_: Any) -> None:
    """Make the default accounts that are missing; safe to repeat."""
    LedgerAccount.objects.bulk_create(
        [
            LedgerAccount(
                company=company,
                code=code,
                name=name,
                kind=kind,
                purpose=purpose,
                reconcilable=kind in {AccountKind.RECEIVABLE, AccountKind.PAYABLE},
            )
            for code, name, kind, purpose in CHART
        ],
        ignore_conflicts=True,
    )


def account_for(company: Company, purpose: Purpose) -> LedgerAccount:
    """The company's account for a purpose. Raises :class:`Problem` where none has it."""
    account = LedgerAccount.objects.filter(company=company, purpose=purpose).first()
    if account is None:
        raise Problem(
            f"The company has no account for: {purpose.label}.",
            what_to_do="Choose one in the chart of accounts.",
            code="L-NO-SUSPENSE" if purpose == Purpose.SUSPENSE else "accountMissing",
        )
    return account


def new_bank_account(company: Company, name: str, currency: str, *, credit_card: bool) -> LedgerAccount:
    """A ledger account for a new journal, under the next free code. Raises :class:`Problem` when all are taken."""
    taken = set(LedgerAccount.objects.filter(company=company).values_list("code", flat=True))
    for code in map(str, chain.from_iterable(_CARD_CODES if credit_card else _BANK_CODES)):
        if code not in taken:
            kind = AccountKind.CREDIT_CARD if credit_card else AccountKind.BANK
            return LedgerAccount.objects.create(company=company, code=code, name=name, kind=kind, currency=currency)
    raise Problem(
        "All account codes for bank journals are taken.",
        what_to_do="Archive a journal, or free a code in the chart of accounts.",
        code="accountCodesTaken",
    )
