"""Several people and Nostro by itself apply the same proposals at the same time, on connections of their own: nothing
is booked twice, no line and no transfer is left half matched, and nobody waits for ever (books.md 16.9, I-2, I-3)."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from tests.books.conftest import NOW
from tests.books.invariants import checks
from tests.books.reconcile.steps import DAY, invoice_of, line_of

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Line
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import EntryItem, Purpose
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.automation import look, request_look
from nostro.books.reconcile.choosing import Choice, book_many, choose_many, choose_option, option_key, undo_many
from nostro.books.reconcile.models import MatchGroup, MatchPart
from nostro.books.reconcile.payments import order_payments
from nostro.books.reconcile.queries import proposals_for
from nostro.core.references import make_reference, print_reference
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 60
OWN = ("BE71096123456769", "BE68539007547034")


class World:
    """A company whose lines contend for the same items, and what the people of it can do."""

    def __init__(self, owner: User, seed: int) -> None:
        self.owner, self.chance = owner, random.Random(seed)
        self.company = create_company(owner, name=f"Race {seed}", country="BE", currency="EUR")
        self.bank, self.savings = (
            create_journal(owner, self.company, name=f"Bank {n}", currency="EUR", account_number=number)
            for n, number in enumerate(OWN)
        )
        self.fees = account_for(self.company, Purpose.BANK_FEES).id
        for n in range(6):
            reference = make_reference("BE", str(2034305000 + n))
            invoice_of(owner, self.company, f"INV/2026/{n:04}", "100.00", reference=reference, customer=f"C{n} NV")
            # Each invoice is paid once too often, and once in part: whoever comes later finds less or nothing.
            for amount in ("100.00", "100.00", "40.00"):
                line_of(self.bank, amount, print_reference(reference), counterparty_account=f"BE{n:014}")
        for n in range(3):
            there, back = f"-{500 + n}.00", f"{500 + n}.00"
            line_of(self.bank, there, "to savings", counterparty_account=OWN[1])
            line_of(self.savings, back, "from the bank", counterparty_account=OWN[0])
        bills = [
            create_document(owner, self.company, kind="bill", partner_name=f"S{n}", number=f"B-{n}", date=DAY,
                            amount=Decimal(10 + n))
            for n in range(3)
        ]  # fmt: skip
        wanted = {bill.open_item_id: None for bill in bills}
        order_payments(owner, self.bank.id, wanted, date=DAY, batch_reference="BATCH-2026-1", now=NOW)
        for _ in range(2):
            line_of(self.bank, "-33.00", "BATCH-2026-1")

    def lines(self) -> list[Line]:
        """In an order of the moment, so that everybody takes them in another one."""
        found = list(Line.objects.select_related("journal").filter(company=self.company))
        return self.chance.sample(found, len(found))

    def choices(self) -> list[Choice]:
        """The best proposal of each line, as a page shows them before anybody has done anything."""
        found = proposals_for(self.lines())
        best = [Choice(line_id, option_key(one.options[0])) for line_id, one in found.items() if one.options]
        return self.chance.sample(best, len(best))

    def acts(self) -> list[Callable[[], Any]]:
        """What happens at the same time. Everything random is decided beforehand."""
        seen = self.choices()
        again = self.chance.sample(seen, len(seen))
        some = [line.id for line in self.lines()[:8]]
        return [
            lambda: choose_many(self.owner, self.company, seen, now=NOW),
            lambda: choose_many(self.owner, self.company, again, now=NOW),
            lambda: [self._told(choose_option, self.owner, one.line_id, one.key, now=NOW) for one in again[::-1]],
            lambda: book_many(self.owner, self.company, some, self.fees, now=NOW),
            lambda: look(Company.objects.get(pk=self.company.pk)),
            self._takes_back,
        ]

    def _takes_back(self) -> None:
        for _ in range(4):
            live = MatchGroup.objects.filter(company=self.company, undone_at=None).order_by("id")
            self._told(undo_many, self.owner, list(live.values_list("id", flat=True)[:3]), now=timezone.now())

    @staticmethod
    def _told(act: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(Problem, NotFound):  # the others were faster
            act(*args, **kwargs)


def at_once(acts: list[Callable[[], Any]]) -> list[BaseException]:
    """Run all of them on connections of their own; what they raised, a deadlock for example."""
    start, raised = threading.Barrier(len(acts)), list[BaseException]()

    def run(act: Callable[[], Any]) -> None:
        try:
            start.wait(PATIENCE_S)
            act()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    return raised


def nothing_twice_and_nothing_half(company: Company) -> None:
    for check in checks.ALL:
        check(company)
    live = MatchPart.objects.filter(group__company=company, group__undone_at=None)
    taken = dict(live.values_list("group__line_id").annotate(Sum("amount_currency")))
    for line in Line.objects.filter(company=company):
        assert line.suspense_residual == line.amount - taken.get(line.id, 0)
        assert line.reconciled == (line.suspense_residual == 0)
        assert 0 <= line.suspense_residual / line.amount <= 1
    lost = dict(live.exclude(open_item=None).values_list("open_item_id").annotate(Sum("item_amount_currency")))
    for item in EntryItem.objects.filter(company=company, residual_currency__isnull=False):
        assert item.residual_currency == item.amount_currency - lost.get(item.id, 0)
    halves = MatchGroup.objects.filter(company=company, undone_at=None, step="own_transfer")
    mirrors = {half.id: half.mirror_id for half in halves}
    for half, mirror in mirrors.items():
        assert mirror in mirrors or half in mirrors.values(), "the other half of a transfer is missing"


@pytest.mark.parametrize("seed", range(3))
def test_whoever_applies_what_nothing_is_booked_twice_or_half(owner: User, seed: int) -> None:
    world = World(owner, seed)
    request_look(world.company, now=timezone.now() - dt.timedelta(minutes=1))

    assert at_once(world.acts()) == []

    nothing_twice_and_nothing_half(world.company)
    # A second round, on what the first one left, ends the same way.
    assert at_once(world.acts()) == []
    nothing_twice_and_nothing_half(world.company)
    assert MatchGroup.objects.filter(company=world.company).exists()
