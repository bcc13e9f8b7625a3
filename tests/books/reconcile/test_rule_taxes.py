"""Lines of rules with tax (books.md 16.8): what is booked is net and tax, by hand, by itself and in a simulation."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.reconcile.steps import DAY, line_of

from nostro.books.companies.models import Company
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import LedgerAccount, Purpose
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.engine import Definition, LineFacts, LiveRule
from nostro.books.reconcile.engine.rules import (
    AmountType,
    Counterpart,
    Operator,
    TaxAccounts,
    TextCondition,
    Where,
    book_by_rule,
)
from nostro.books.reconcile.models import MatchGroup, RuleKind
from nostro.books.reconcile.rules.services import create_rule, press, set_applies
from nostro.books.reconcile.rules.simulating import simulate_version
from nostro.core.ids import new_id
from nostro.people.models import User
from nostro.web.errors import Problem

FEES = (TextCondition(Where.LABEL, Operator.CONTAINS, "bank fee"),)
ACCOUNT, TAXES = new_id(), TaxAccounts(new_id(), new_id())


def definition(company: Company, percent: str = "21", **more: object) -> Definition:
    fees = account_for(company, Purpose.BANK_FEES)
    return Definition(texts=FEES, counterparts=(Counterpart(fees.id, tax_percent=Decimal(percent), **more),))  # type: ignore[arg-type]


def booked(group: MatchGroup) -> dict[str, Decimal]:
    return {part.account.purpose: part.amount for part in group.parts.select_related("account")}


def test_the_button_books_net_and_tax(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    rule = create_rule(owner, company, name="Fees", kind=RuleKind.MANUAL, definition=definition(company), now=NOW)
    out = press(owner, line_of(journal, "-121.00", "bank fee").id, rule.id, now=NOW)
    assert booked(out) == {"bank_fees": Decimal("-100.00"), "vat_recoverable": Decimal("-21.00")}
    back = press(owner, line_of(journal, "0.01", "bank fee").id, rule.id, now=NOW)
    assert booked(back) == {"bank_fees": Decimal("0.01")}, "too little for a tax"
    received = press(owner, line_of(journal, "12.10", "bank fee").id, rule.id, now=NOW)
    assert booked(received) == {"bank_fees": Decimal("10.00"), "vat_payable": Decimal("2.10")}


def test_a_simulated_rule_applies_with_tax_and_agrees_with_itself(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    half = definition(company, amount_type=AmountType.PERCENT_OF_LINE, amount=Decimal(50))
    rule = create_rule(owner, company, name="Fees", kind=RuleKind.AUTOMATED, definition=half, now=NOW)
    simulate_version(owner, rule.id, 1, today=DAY, now=NOW)
    set_applies(owner, rule.id, True, now=NOW)
    line = line_of(journal, "-24.20", "bank fee")
    look(company, clock=timezone.now)
    line.refresh_from_db()
    assert booked(line.match_groups.get()) == {"bank_fees": Decimal("-10.00"), "vat_recoverable": Decimal("-2.10")}
    assert line.suspense_residual == Decimal("-12.10")
    again = simulate_version(owner, rule.id, 1, today=DAY, now=NOW)
    assert (again.agrees, again.differs) == (1, 0)


@given(amount=st.decimals("0.01", "99999", places=2), percent=st.decimals("0.5", "50", places=2), is_in=st.booleans())
def test_net_and_tax_add_up_to_what_is_booked(amount: Decimal, percent: Decimal, is_in: bool) -> None:
    rest = amount if is_in else -amount
    line = LineFacts(
        id=new_id(), journal_id=new_id(), currency="EUR", rests={"EUR": rest}, date=DAY, texts=("bank fee",),
        amount=rest,
    )  # fmt: skip
    rule = LiveRule(
        new_id(), new_id(), "x", Definition(counterparts=(Counterpart(ACCOUNT, tax_percent=percent),)),
        tax_accounts=TAXES,
    )  # fmt: skip
    option = book_by_rule(rule, line, None)
    assert option is not None and option.exact
    assert sum(one.amount for one in option.bookings) == rest
    assert all((one.amount > 0) == is_in for one in option.bookings)
    tax_account = TAXES.payable_id if is_in else TAXES.recoverable_id
    assert {one.account_id for one in option.bookings} <= {ACCOUNT, tax_account}


@pytest.mark.parametrize("percent", ["100", "-1", "NaN"])
def test_a_rate_that_is_none_is_refused(percent: str, owner: User, company: Company) -> None:
    with pytest.raises(Problem) as problem:
        create_rule(
            owner, company, name="x", kind=RuleKind.MANUAL, definition=definition(company, percent), now=NOW
        )  # fmt: skip
    assert problem.value.code == "ruleInvalid"


def test_without_accounts_for_tax_it_is_not_saved_and_fits_nothing(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    rule = create_rule(owner, company, name="Fees", kind=RuleKind.MANUAL, definition=definition(company), now=NOW)
    LedgerAccount.objects.filter(company=company, purpose=Purpose.VAT_PAYABLE).update(purpose="")
    with pytest.raises(Problem) as problem:
        create_rule(owner, company, name="x", kind=RuleKind.MANUAL, definition=definition(company), now=NOW)
    assert problem.value.code == "ruleInvalid"
    with pytest.raises(Problem) as problem:
        press(owner, line_of(journal, "-121.00", "bank fee").id, rule.id, now=NOW)
    assert problem.value.code == "ruleDoesNotFit"
