"""Reconciling by itself: what is applied, what is only proposed, when it is done again (books.md 16.2, I-7, I-8)."""

from __future__ import annotations

import datetime as dt
from unittest import mock

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.books.conftest import NOW
from tests.books.reconcile.steps import REFERENCE, invoice_of, line_of, standing

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.models import PartnerBankAccount, Purpose
from nostro.books.reconcile import automation, stored
from nostro.books.reconcile.automation import Look, look, request_look, set_automation
from nostro.books.reconcile.choosing import book_to_partner, set_partner, undo_many
from nostro.books.reconcile.models import Automation, MatchGroup, StoredProposal
from nostro.books.reconcile.queries import proposals_for
from nostro.books.reconcile.services import reconcile_with_items, undo
from nostro.books.reconcile.tasks import reconcile_company, start_due
from nostro.people.models import User
from nostro.web.errors import NotFound


def again(line: Line) -> Line:
    return Line.objects.select_related("company").get(pk=line.pk)


def test_what_is_certain_is_applied_and_the_rest_is_proposed(owner: User, company: Company, journal: Journal) -> None:
    invoice_of(owner, company, reference=REFERENCE)
    invoice_of(owner, company, "INV/2026/0008", "50.00")
    paid, unsure = line_of(journal, "121.00", "020343057642"), line_of(journal, "50.00", "thanks")
    assert look(company) == Look(lines=2, applied=1)
    assert again(paid).reconciled and not again(unsure).reconciled
    group = MatchGroup.objects.get(line=paid)
    assert (group.automatic, group.actor, group.step) == (True, None, "reference")
    assert group.explanation == f"Reference {REFERENCE} in the message = INV/2026/0007, amount exact"
    assert StoredProposal.objects.get().line_id == unsure.id
    assert proposals_for([again(unsure)])[unsure.id].decision == "suggest"


def test_a_second_look_changes_nothing(owner: User, company: Company, journal: Journal) -> None:
    invoice_of(owner, company, reference=REFERENCE)
    line_of(journal, "150.00", "020343057642")
    look(company)
    before = standing(company)
    look(company)
    Automation.objects.update(finished_at=None)
    look(company)
    assert standing(company) == before
    assert MatchGroup.objects.count() == 1


def test_a_killed_look_leaves_whole_batches_and_is_finished_by_the_next(
    owner: User, company: Company, journal: Journal
) -> None:
    for number in range(3):
        invoice_of(owner, company, f"INV/2026/100{number}", "10.00")
        line_of(journal, "10.00", f"INV/2026/100{number}")
    real, calls = automation._look_at, []

    def killed(*args: object, **kwargs: object) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    with (
        mock.patch.object(automation, "_BATCH", 1),
        mock.patch.object(automation, "_look_at", killed),
        pytest.raises(KeyboardInterrupt),
    ):
        look(company)
    assert MatchGroup.objects.count() == 1
    assert look(company).applied == 2
    assert MatchGroup.objects.count() == 3 and not Line.objects.filter(reconciled=False).exists()


def test_what_a_person_took_back_is_not_applied_again(owner: User, company: Company, journal: Journal) -> None:
    invoice_of(owner, company, reference=REFERENCE)
    line = line_of(journal, "121.00", "020343057642")
    look(company)
    undo(owner, MatchGroup.objects.get().id, now=timezone.now())
    assert look(company).applied == 0
    assert proposals_for([again(line)])[line.id].decision == "apply"
    assert not again(line).reconciled


def test_switched_off_it_only_proposes(
    owner: User, stranger: User, company: Company, journal: Journal
) -> None:  # fmt: skip
    with pytest.raises(NotFound):
        set_automation(stranger, company, False)
    set_automation(owner, company, False)
    invoice_of(owner, company, reference=REFERENCE)
    line = line_of(journal, "121.00", "020343057642")
    assert look(company).applied == 0
    assert proposals_for([again(line)])[line.id].decision == "apply"
    set_automation(owner, company, True)
    assert look(company).applied == 1


def test_pages_read_what_was_computed_ahead_until_it_is_stale(
    owner: User, company: Company, journal: Journal
) -> None:  # fmt: skip
    invoice_of(owner, company, "INV/2026/0008", "50.00")
    line = line_of(journal, "50.00", "thanks")
    an_hour_on = timezone.now() + dt.timedelta(hours=1)
    look(company, clock=lambda: an_hour_on)
    with mock.patch.object(stored, "propose_lines", side_effect=AssertionError("computed at page load")):
        (proposal,) = proposals_for([again(line)]).values()
    assert proposal.options[0].allocations[0].item.name == "INV/2026/0008"
    assert proposal.options[0].sentence.startswith("The amount, and nothing else,")
    # Paid otherwise meanwhile: the item in the proposal is not open any more.
    line_of(journal, "50.00", "INV/2026/0008")
    look(company, clock=lambda: an_hour_on)
    assert proposals_for([again(line)])[line.id].options == ()


def test_a_new_invoice_makes_a_proposal_stale_at_once(owner: User, company: Company, journal: Journal) -> None:
    line = line_of(journal, "121.00", "020343057642")
    look(company)
    assert proposals_for([again(line)])[line.id].decision == "nothing"
    invoice_of(owner, company, reference=REFERENCE)
    assert proposals_for([again(line)])[line.id].decision == "apply"


def jobs() -> int:
    return ProcrastinateJob.objects.filter(task_name="books.reconcile_company", status="todo").count()


def test_one_look_waits_per_company_and_the_tick_asks_where_one_is_due(
    owner: User, company: Company, journal: Journal
) -> None:
    assert start_due() == 0
    line_of(journal, "1.00", "x")
    assert start_due() == 1 and jobs() == 1
    request_look(company)
    assert jobs() == 1
    reconcile_company.func(str(company.id))
    assert start_due() == 0


def test_at_most_the_best_five_options_are_kept(owner: User, company: Company, journal: Journal) -> None:
    for number in range(8):
        invoice_of(owner, company, f"INV/2026/200{number}", "10.00")
    line = line_of(journal, "10.00", "thanks")
    look(company)
    assert len(StoredProposal.objects.get(line=line).body["options"]) == 5


def test_the_payer_of_an_automatic_match_is_known_by_their_account_from_then_on(
    owner: User, company: Company, journal: Journal
) -> None:
    """books.md 16.3, also for what nobody looked at: the account is seen, not trusted, and kept once."""
    invoice = invoice_of(owner, company, reference=REFERENCE)
    for amount in ("100.00", "21.00"):
        line_of(journal, amount, "020343057642", counterparty_account="BE71096123456769")
        assert look(company).applied == 1
    (seen,) = PartnerBankAccount.objects.filter(company=company)
    assert (seen.partner, seen.account_number, seen.trusted) == (invoice.partner, "BE71096123456769", False)


def test_matches_that_depend_on_each_other_are_taken_back_together_in_any_order(
    owner: User, company: Company, journal: Journal
) -> None:
    """The first leaves an amount open on the customer's account, the second pays it."""
    customer = invoice_of(owner, company).partner
    before_line, after_line = line_of(journal, "50.00", "a"), line_of(journal, "-50.00", "b")
    before = standing(company)
    for line in (before_line, after_line):
        set_partner(owner, line.id, customer.id)
    first = book_to_partner(owner, before_line.id, Purpose.RECEIVABLE, now=NOW)
    opened = first.parts.get().counterpart_id
    second = reconcile_with_items(owner, after_line.id, [opened], now=NOW)
    for order in ([second.id, first.id], [first.id, second.id]):
        assert undo_many(owner, order, now=NOW) in (2, 0)
    balances, opened_items, lines = standing(company)
    is_open = [row for row in opened_items if row[1]]  # what a reversal closed stays with nothing open
    assert (balances, is_open, lines) == before
