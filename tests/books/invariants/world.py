"""A generated history: documents and lines that belong together more or less, and what people and Nostro do to them.

An action takes two numbers and chooses by them among what there is, so every list of numbers is a history. What the
house refuses changes nothing and is remembered with its code.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from hypothesis import strategies as st
from tests.books.conftest import NOW
from tests.books.reconcile.steps import line_of

from nostro.books.companies.models import Company, LockType, ReconcileMode
from nostro.books.companies.services import set_lock_date
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.opening import change_opening
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, Entry, EntryItem, LedgerAccount, Payment, Purpose, TaxOption
from nostro.books.ledger.rates import set_rate
from nostro.books.ledger.services import create_document
from nostro.books.ledger.terms import EarlyTerms, Taxed, work_out
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.choosing import choose_option, option_key, set_partner
from nostro.books.reconcile.closing import RestLine, close_with
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import Counterpart, Matching, Operator, TextCondition, Tolerance, Where
from nostro.books.reconcile.models import MatchGroup, Rule, RuleKind
from nostro.books.reconcile.payments import change_payment, order_payments
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.rules.services import create_rule, press, set_active, set_applies
from nostro.books.reconcile.rules.simulating import simulate_version
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, undo
from nostro.core.money import quantize
from nostro.core.references import make_reference, print_reference
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

DAY = dt.date(2026, 11, 1)
CURRENCIES = ("EUR", "USD", "JPY", "KWD")
RATES = {"USD": "0.9137", "JPY": "0.0061", "KWD": "2.9871", "EUR": "1.0931"}
CUSTOMERS = ("Anna Peeters", "Brouwerij Zilver NV", "Customer NV")


class Piece(NamedTuple):
    """A document and a line that pays it more or less, in numbers."""

    cents: int
    kind: int
    currency: int
    terms: int
    relation: int
    journal: int
    text: int
    day: int


class Action(NamedTuple):
    """What is done, and the two numbers that choose by what and to what."""

    verb: int
    first: int
    second: int


@dataclass
class World:
    """A company with its journals, documents and lines, and what was done."""

    user: User
    company: Company
    journals: list[Journal]
    documents: list[Document] = field(default_factory=list)
    lines: list[UUID] = field(default_factory=list)
    dates: dict[UUID, dt.date] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    clock: dt.datetime = NOW

    def now(self) -> dt.datetime:
        """A second later at each look."""
        self.clock += dt.timedelta(seconds=1)
        return self.clock

    def line(self, number: int) -> Line:
        return Line.objects.select_related("company", "journal").get(pk=self.lines[number % len(self.lines)])

    def items(self, number: int, count: int) -> list[UUID]:
        start = number % len(self.documents)
        ordered = self.documents[start:] + self.documents[:start]
        return [document.open_item_id for document in ordered[:count]]

    def account(self, number: int) -> LedgerAccount:
        purposes = (Purpose.BANK_FEES, Purpose.SALES, Purpose.PURCHASES)
        return account_for(self.company, purposes[number % len(purposes)])


# --- what there is --------------------------------------------------------------------------------------------------


def build(user: User, company: Company, pieces: list[Piece], *, mode: str, own: str = "EUR") -> World:
    """A world before anything was matched."""
    Company.objects.filter(pk=company.pk).update(reconcile_mode=mode, currency=own)
    company.refresh_from_db()
    for currency in CURRENCIES:
        if currency != own:
            set_rate(company, currency, DAY - dt.timedelta(days=30), Decimal(RATES[currency]))
            set_rate(company, currency, DAY + dt.timedelta(days=3), Decimal(RATES[currency]) * Decimal("1.07"))
    journals = [create_journal(user, company, name=currency, currency=currency) for currency in CURRENCIES]
    change_opening(user, journals[0].id, origin="typed", amount=quantize(Decimal(1000), CURRENCIES[0]))
    world = World(user, company, [Journal.objects.select_related("company").get(pk=one.pk) for one in journals])
    for number, piece in enumerate(pieces):
        world.documents.append(_document(world, number, piece))
        line = _line(world, number, piece)
        world.lines.append(line.id)
        world.dates[line.id] = line.booking_date
    return world


def _document(world: World, number: int, piece: Piece) -> Document:
    currency = CURRENCIES[piece.currency % 4]
    kind = ("invoice", "bill", "invoice", "credit_note", "refund")[piece.kind % 5]
    net = quantize(Decimal(piece.cents) / 100, currency) or Decimal(1)
    early = None
    if piece.terms % 4 and net > 50:
        early = EarlyTerms(Decimal(2), DAY + dt.timedelta(days=10), list(TaxOption)[piece.terms % 4 - 1])
    taxes = (Taxed(Decimal(21), net),)
    return create_document(
        world.user, world.company, kind=kind, partner_name=CUSTOMERS[number % 3], number=f"INV/2026/{number:04}",
        date=DAY, amount=work_out(taxes, currency, early).total, currency=currency, taxes=taxes, early=early,
        structured_reference=_reference(number),
    )  # fmt: skip


def _reference(number: int) -> str:
    return print_reference(f"BE:{make_reference('BE', str(2_034_305_000 + number))}")


def _line(world: World, number: int, piece: Piece) -> Line:
    """Money in the direction of the document: all of it, with discount, less, more, or something else."""
    document = world.documents[number]
    journal = world.journals[piece.journal % 4]
    open_amount = document.open_item.residual_currency or Decimal(0)
    factor = (Decimal(1), Decimal(1), Decimal("0.6"), Decimal("1.3"), Decimal("0.37"))[piece.relation % 5]
    amount = quantize(open_amount * factor, document.currency) or open_amount
    if piece.relation % 5 == 1:
        amount = (document.amount - document.discount - document.discount_tax).copy_sign(open_amount)
    text = (_reference(number), document.number, "thanks", document.partner.name, "bank fee")[piece.text % 5]
    values: dict[str, Any] = {"counterparty_name": document.partner.name if piece.text % 2 else ""}
    if journal.currency != document.currency:
        values |= {"foreign_amount": amount, "foreign_currency": document.currency}
        amount = quantize(amount * Decimal("0.877") + Decimal(2).copy_sign(amount), journal.currency)
    return line_of(journal, str(amount), text, DAY + dt.timedelta(days=piece.day % 6), **values)


# --- what is done ---------------------------------------------------------------------------------------------------


def match(world: World, first: int, second: int) -> None:
    line = world.line(first)
    reconcile_with_items(world.user, line.id, world.items(second, 1 + second % 3), now=world.now())


def match_own(world: World, first: int, second: int) -> None:
    """The line with the document it was made for."""
    del second
    number = first % len(world.lines)
    reconcile_with_items(world.user, world.lines[number], world.items(number, 1), now=world.now())


def book(world: World, first: int, second: int) -> None:
    line = world.line(first)
    part = None if second % 2 else quantize(line.suspense_residual / 3, line.currency)
    reconcile_with_account(world.user, line.id, world.account(second).id, amount=part, now=world.now())


def close(world: World, first: int, second: int) -> None:
    """Mark as fully paid: the rest is written off."""
    number = first % len(world.lines)
    items = world.items(number, 1 + second % 2)
    tax = Decimal(21) if second % 3 else Decimal(0)
    rests = [RestLine(world.account(second + 1).id, tax_percent=tax)]
    if second % 4 == 3:
        rests.insert(0, RestLine(world.account(second).id, Decimal(1)))
    close_with(world.user, world.lines[number], items, rests, now=world.now())


def choose(world: World, first: int, second: int) -> None:
    """One of the options that are proposed."""
    line = world.line(first)
    for proposal in propose_lines(world.company, [line.id]):
        if proposal.options:
            option = proposal.options[second % len(proposal.options)]
            choose_option(world.user, line.id, option_key(option), now=world.now())


def look_by_itself(world: World, first: int, second: int) -> None:
    del first, second
    look(world.company, clock=world.now)


def undo_one(world: World, first: int, second: int) -> None:
    del second
    groups = list(MatchGroup.objects.filter(company=world.company, undone_at=None).order_by("id"))
    if groups:
        undo(world.user, groups[first % len(groups)].id, now=world.now())


def lock(world: World, first: int, second: int) -> None:
    """Move a lock, also behind and before lines and documents."""
    which = (LockType.ALL, LockType.ALL, LockType.ALL, LockType.BANK, LockType.SALES)[first % 5]
    day = None if second % 5 == 0 else DAY + dt.timedelta(days=second % 7)
    _renewed(world, set_lock_date(world.user, world.company, day, which=which))


def change_mode(world: World, first: int, second: int) -> None:
    del second
    Company.objects.filter(pk=world.company.pk).update(reconcile_mode=ReconcileMode.values[first % 2])
    _renewed(world, Company.objects.get(pk=world.company.pk))


def _renewed(world: World, company: Company) -> None:
    world.company = company
    for journal in world.journals:
        journal.company = company


def make_rule(world: World, first: int, second: int) -> None:
    """A rule that applies by itself: on a text, on an exact amount, with discount or with a tolerance."""
    fees = account_for(world.company, Purpose.BANK_FEES)
    fee_text = (TextCondition(Where.LABEL, Operator.CONTAINS, "bank fee"),)
    definition = (
        Definition(texts=fee_text, counterparts=(Counterpart(account_id=fees.id),)),
        Definition(matching=Matching.EXACT),
        Definition(matching=Matching.DISCOUNT),
        Definition(matching=Matching.TOLERANCE, tolerance=Tolerance(fees.id, percent=Decimal(1), overpayment=True)),
    )[first % 4]
    kind = RuleKind.MANUAL if second % 5 == 0 and definition.counterparts else RuleKind.AUTOMATED
    rule = create_rule(world.user, world.company, name="A rule", kind=kind, definition=definition, now=world.now())
    if kind == RuleKind.AUTOMATED and second % 2:
        simulate_version(world.user, rule.id, 1, today=DAY, now=world.now())
        set_applies(world.user, rule.id, True, now=world.now())


def press_button(world: World, first: int, second: int) -> None:
    rules = list(Rule.objects.filter(company=world.company, kind=RuleKind.MANUAL).order_by("id"))
    if rules:
        press(world.user, world.line(first).id, rules[second % len(rules)].id, now=world.now())


def switch_rule(world: World, first: int, second: int) -> None:
    rules = list(Rule.objects.filter(company=world.company).order_by("id"))
    set_active(world.user, rules[first % len(rules)].id, bool(second % 2), now=world.now())


def name_partner(world: World, first: int, second: int) -> None:
    partner = world.documents[second % len(world.documents)].partner_id
    set_partner(world.user, world.line(first).id, partner if second % 3 else None)


def order(world: World, first: int, second: int) -> None:
    """Payments on their way, alone or in a batch."""
    items = EntryItem.objects.filter(pk__in=world.items(first, 1 + second % 3), residual_currency__lt=0)
    amounts = dict.fromkeys(items.values_list("id", flat=True))
    reference = f"BATCH-{first}-{second}"[:35] if second % 2 else ""
    journal = world.journals[second % 4]
    order_payments(world.user, journal.id, amounts, date=DAY, batch_reference=reference, now=world.now())


def pay_expected(world: World, first: int, second: int) -> None:
    """The bank executes a payment, rejects it, or brings it back."""
    payments = list(Payment.objects.filter(company=world.company).order_by("id"))
    if not payments:
        return
    payment = payments[first % len(payments)]
    if second % 3 == 0:
        change_payment(
            world.user, payment.id, ("rejected", "outstanding", "cancelled")[second % 9 // 3], now=world.now()
        )
        return
    journal = next(journal for journal in world.journals if journal.id == payment.journal_id)
    amount = payment.amount if payment.state == "outstanding" else -payment.amount
    amount = quantize(amount, journal.currency)
    if amount:
        line = line_of(journal, str(amount), "executed", DAY, end_to_end_id=payment.end_to_end_id)
        world.lines.append(line.id)
        world.dates[line.id] = line.booking_date


VERBS: tuple[Callable[[World, int, int], None], ...] = (
    match, match_own, match_own, book, close, close, choose, choose, look_by_itself, look_by_itself, undo_one, undo_one,
    lock, lock, change_mode, make_rule, press_button, switch_rule, name_partner, order, pay_expected,
)  # fmt: skip


def act(world: World, action: Action) -> None:
    """Do it; what is refused is rolled back."""
    verb = VERBS[action.verb % len(VERBS)]
    try:
        with transaction.atomic():
            verb(world, action.first, action.second)
    except (Problem, NotFound) as refused:
        world.refused[getattr(refused, "code", "notFound")] += 1
    else:
        world.done[verb.__name__] += 1


def undo_everything(world: World, numbers: list[int]) -> None:
    """Take every live match back in an order that the numbers choose, with no lock in the way of the comparison."""
    for which in (LockType.ALL, LockType.BANK, LockType.SALES, LockType.PURCHASES):
        _renewed(world, set_lock_date(world.user, world.company, None, which=which))
    for number in [*numbers, *[0] * 200]:
        live = list(MatchGroup.objects.filter(company=world.company, undone_at=None).order_by("id"))
        if not live:
            return
        undo(world.user, live[number % len(live)].id, now=world.now())


@contextmanager
def apart() -> Iterator[None]:
    """Whatever happens inside is rolled back, so that examples do not meet."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def constraints_hold() -> None:
    """Ask the database for what it checks only at a commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def entries_of(world: World) -> set[UUID]:
    return set(Entry.objects.filter(company=world.company).values_list("id", flat=True))


_numbers = st.integers(0, 10_000)
#: Small amounts too, where rounding bites.
pieces = st.lists(
    st.builds(
        Piece, st.integers(2, 400) | st.integers(1_000, 500_000), _numbers, st.sampled_from([0, 0, 0, 1, 1, 2, 3]),
        _numbers, _numbers, st.sampled_from([0, 0, 0, 1, 2, 3]), _numbers, _numbers,
    ),
    min_size=2, max_size=6,
)  # fmt: skip
actions = st.lists(st.builds(Action, st.integers(0, len(VERBS) - 1), _numbers, _numbers), min_size=3, max_size=12)
