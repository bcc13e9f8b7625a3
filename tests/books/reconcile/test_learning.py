"""Proposed rules (books.md 16.11): from what people did, with a simulation, decided once by an accountant."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from tests.books.reconcile.steps import DAY, invoice_of, line_of

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Partner, Purpose
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.models import LearnedRule, MatchGroup, Rule
from nostro.books.reconcile.rules.learning import (
    access_learned,
    approve_learned,
    decline_learned,
    learn_rules,
    learned_of,
)
from nostro.books.reconcile.rules.services import set_applies
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, undo
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@pytest.fixture
def fees(company: Company) -> Any:
    return account_for(company, Purpose.BANK_FEES)


def learned(company: Company) -> int:
    return learn_rules(company, today=DAY, now=timezone.now())


def booked(owner: User, journal: Journal, account: Any, count: int = 3) -> list[Line]:
    lines = [
        line_of(journal, "-4.50", f"Account costs 2026-{8 + number:02} no. {4711 + number}", DAY - dt.timedelta(number))
        for number in range(count)
    ]
    for line in lines:
        reconcile_with_account(owner, line.id, account.id, now=timezone.now())
    return lines


def test_three_bookings_by_a_person_become_a_proposal_with_its_simulation(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    booked(owner, journal, fees, 2)
    assert learned(company) == 0
    booked(owner, journal, fees, 1)
    assert learned(company) == 1
    (proposal,) = learned_of(owner, company)
    assert (proposal.words, proposal.account, proposal.partner) == ("account costs #-# no. #", fees, None)
    assert (proposal.simulation["lines"], proposal.simulation["agrees"]) == (3, 3)
    assert Rule.objects.filter(company=company, shipped="").count() == 0, "nothing is made until a person approves"
    assert learned(company) == 0, "it is proposed once"


def test_an_approved_proposal_is_a_rule_that_suggests_and_may_apply(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    booked(owner, journal, fees)
    learned(company)
    rule = approve_learned(owner, LearnedRule.objects.get().id, today=DAY, now=timezone.now())
    line = line_of(journal, "-9.00", "ACCOUNT COSTS 2027-01 no. 99")
    assert look(company).applied == 0
    set_applies(owner, rule.id, True, now=timezone.now())
    assert look(company).applied == 1
    assert MatchGroup.objects.get(line=line).rule_version == rule.version
    with pytest.raises(Problem) as refused:
        decline_learned(owner, LearnedRule.objects.get().id, now=timezone.now())
    assert refused.value.code == "learnedRuleDecided"


def test_a_declined_proposal_is_not_repeated(owner: User, company: Company, journal: Journal, fees: Any) -> None:
    booked(owner, journal, fees)
    learned(company)
    decline_learned(owner, LearnedRule.objects.get().id, now=timezone.now())
    booked(owner, journal, fees)
    assert learned(company) == 0
    assert learned_of(owner, company) == []


def test_what_was_taken_back_or_done_by_a_rule_teaches_nothing(
    owner: User, company: Company, journal: Journal, fees: Any
) -> None:
    for line in booked(owner, journal, fees):
        undo(owner, MatchGroup.objects.get(line=line).id, now=timezone.now())
    assert learned(company) == 0
    for line in Line.objects.all():
        reconcile_with_account(owner, line.id, fees.id, now=timezone.now())
    MatchGroup.objects.filter(undone_at=None).update(automatic=True)
    assert learned(company) == 0


def test_a_partner_without_account_number_is_learned_by_the_text(
    owner: User, company: Company, journal: Journal
) -> None:
    for number in range(3):
        document = invoice_of(owner, company, f"INV/{number}", "50.00")
        line = line_of(journal, "50.00", f"Web shop settlement {number}")
        reconcile_with_items(owner, line.id, [document.open_item_id], now=timezone.now())
    assert learned(company) == 1
    (proposal,) = learned_of(owner, company)
    assert (proposal.words, proposal.partner) == ("web shop settlement #", Partner.objects.get(name="Customer NV"))


def test_a_neighbour_neither_sees_nor_decides(
    owner: User, stranger: User, company: Company, journal: Journal, fees: Any
) -> None:
    booked(owner, journal, fees)
    learned(company)
    proposal = LearnedRule.objects.get()
    create_company(stranger, name="Other", country="BE")
    for refused in (
        lambda: access_learned(stranger, proposal.id),
        lambda: approve_learned(stranger, proposal.id, today=DAY, now=timezone.now()),
        lambda: decline_learned(stranger, proposal.id, now=timezone.now()),
        lambda: learned_of(stranger, company),
    ):
        with pytest.raises(NotFound):
            refused()
