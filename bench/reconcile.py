"""Proposals for bank lines against many open items: seconds, scale, memory, and whether anything was wrong.

A company with open invoices of many partners gets lines that pay them in every way people do: the reference in one of
30 disguises, the document number, only the payer's name, nothing at all; and lines that are made to look like payments
of something they do not pay. The history knows the truth, so ``wrong`` counts applied proposals that it contradicts and
``recall`` is the share of valid references that were found. The limit beside it is what the database alone takes to
hand over the same lines and items (``read_s``).

Then everything that may be applied is applied, a tenth of it to items in a foreign currency, so that entries, exchange
differences and the trail are written too.

Figures: ``propose_s`` for all lines, ``scale_10x`` (time with ten times the items, divided by the time before),
``peak_rss_mb`` of this process, ``wrong``, ``recall``, ``read_s``, ``apply_per_s``, ``applied``, ``lines``, ``items``,
``partners``.
"""

from __future__ import annotations

import datetime as dt
import gc
import random
import resource
import time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from bench.scratch import scratch_database
from nostro.core.money import quantize
from nostro.core.references import canonical_keys, make_reference, print_reference

FULL = {"lines": 10_000, "items": 100_000, "partners": 10_000}
QUICK = {"lines": 1_000, "items": 10_000, "partners": 1_000}
TODAY = dt.date(2026, 11, 2)
RATE, PAID_RATE = Decimal("0.91"), Decimal("0.92")
_WORDS = (
    "Noord",
    "Atelier",
    "Bakker",
    "Delta",
    "Orion",
    "Vega",
    "Linde",
    "Meyer",
    "Rivera",
    "Kowal",
    "Santos",
    "Lunde",
)


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    size = QUICK if quick else FULL
    with scratch_database():
        history = _History(random.Random(1), size["lines"], size["items"], size["partners"])
        history.store()
        _propose(history)  # loads code and plans statements
        first, proposals = _propose(history)
        wrong, recall = history.judge(proposals)
        read = _read(history)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        history.add_items(9 * size["items"])
        _propose(history)
        tenfold, again = _propose(history)
        wrong_again, recall_again = history.judge(again)
        applied, seconds = _apply(history, again)
    return {
        "propose_s": round(first, 2),
        "scale_10x": round(tenfold / first, 2),
        "peak_rss_mb": round(peak),
        "wrong": wrong + wrong_again,
        "recall": round(min(recall, recall_again), 4),
        "read_s": round(read, 2),
        "apply_per_s": round(applied / seconds),
        "applied": applied,
        **size,
    }


class _Item(NamedTuple):
    """An open invoice."""

    id: UUID
    amount: Decimal
    number: str
    reference: str
    partner: int
    currency: str


class _Truth(NamedTuple):
    """A line's text and amount, the item it really pays, and whether its text carries a valid reference of it."""

    line_id: UUID
    text: str
    amount: Decimal
    name: str
    pays: UUID | None
    has_reference: bool
    dollars: Decimal | None


class _History:
    """Who owes what, who paid what how, from a seed."""

    def __init__(self, chance: random.Random, lines: int, items: int, partners: int) -> None:
        self.chance, self.line_count, self.item_count, self.partner_count = chance, lines, items, partners
        self.number = 0
        self.items: list[_Item] = []
        self.truths: list[_Truth] = []

    def store(self) -> None:
        """Lay down company, partners, items and lines."""
        from django.db import transaction

        from nostro.books.companies.services import create_company
        from nostro.books.journals.services import create_journal
        from nostro.books.ledger.bulk import copy_rows
        from nostro.books.ledger.models import Partner
        from nostro.books.ledger.posting import post
        from nostro.people.models import User

        user = User.objects.create_user("bench@example.test")
        self.company = create_company(user, name="Own Company", country="BE")
        self.journal = create_journal(user, self.company, name="Bank", currency="EUR", account_number="")
        self.partners = [
            Partner(company=self.company, name=f"{self.chance.choice(_WORDS)} {_spelled(number)} BV")
            for number in range(self.partner_count)
        ]
        Partner.objects.bulk_create(self.partners, batch_size=2_000)
        self.add_items(self.item_count)
        self.truths = [self._truth(item) for item in self.chance.sample(self.items, self.line_count)]
        drafts = [self._bank_entry(truth) for truth in self.truths]
        with transaction.atomic():
            post(drafts)
            copy_rows([self._line(truth, draft) for truth, draft in zip(self.truths, drafts, strict=True)])
        _analyze()

    def add_items(self, count: int) -> None:
        """Post ``count`` more open invoices."""
        from django.db import transaction

        for begin in range(0, count, 5_000):
            with transaction.atomic():
                self._add_items(min(5_000, count - begin))
            gc.collect()  # the figure is of the engine, not of rows that were laid down for it
        _analyze()

    def _add_items(self, count: int) -> None:
        from nostro.books.ledger.bulk import copy_rows
        from nostro.books.ledger.chart import account_for
        from nostro.books.ledger.models import Document, ItemReference, Purpose
        from nostro.books.ledger.posting import Side, draft_entry, post

        receivable, sales = account_for(self.company, Purpose.RECEIVABLE), account_for(self.company, Purpose.SALES)
        drafts, documents = [], []
        references: list[tuple[Any, str]] = []
        for _ in range(count):
            self.number += 1
            partner = self.number % self.partner_count
            amount = Decimal(self.chance.randint(500, 500_000)) / 100
            number = f"INV/2026/{self.number:07}"
            base = str(self.number + 10_000_000)
            reference = make_reference("BE", base) if self.number % 2 else make_reference("RF", f"{base}{partner}")
            date = TODAY - dt.timedelta(days=self.number % 300)
            # The books know another rate than the bank will pay at.
            own = quantize(amount * RATE, "EUR") if self.number % 10 == 0 else amount
            currency = "USD" if self.number % 10 == 0 else "EUR"
            sides = (
                Side(receivable.id, own, currency, amount, self.partners[partner].id, date, is_open=True),
                Side(sales.id, -own, currency, -amount),
            )
            draft = draft_entry(self.company, kind="document", date=date, label=number, sides=sides)
            item = draft.items[0]
            drafts.append(draft)
            documents.append(
                Document(company=self.company, kind="invoice", partner=self.partners[partner], number=number, date=date,
                         due_date=date, amount=amount, currency=currency, structured_reference=reference,
                         entry=draft.entry, open_item=item)
            )  # fmt: skip
            references.extend((item, key) for key in canonical_keys(reference))
            self.items.append(_Item(item.id, amount, number, reference, partner, currency))
        post(drafts)
        copy_rows(documents)
        ItemReference.objects.bulk_create(
            [ItemReference(company=self.company, item=item, key=key) for item, key in references], batch_size=5_000
        )

    def _truth(self, item: _Item) -> _Truth:
        from nostro.core.ids import new_id

        item_id, amount, number, reference, partner, currency = item
        dollars = amount if currency == "USD" else None
        amount = quantize(amount * PAID_RATE, "EUR") if dollars else amount
        kind = self.chance.random()
        name = self.partners[partner].name
        if kind < 0.6:
            return _Truth(new_id(), _disguise(self.chance, reference), amount, name, item_id, True, dollars)
        if kind < 0.75:
            return _Truth(new_id(), f"payment {number} thanks", amount, name, item_id, False, dollars)
        if kind < 0.85:
            return _Truth(new_id(), "thank you", amount, name, item_id, False, dollars)
        return _Truth(new_id(), _look_alike(self.chance, number, reference), amount, "", None, False, dollars)

    def _bank_entry(self, truth: _Truth) -> Any:
        from nostro.books.ledger.posting import Side, draft_entry

        sides = (
            Side(self.journal.bank_account_id, truth.amount, "EUR", truth.amount),
            Side(self.journal.suspense_account_id, -truth.amount, "EUR", -truth.amount),
        )
        return draft_entry(self.company, kind="bank", date=TODAY, label=truth.text[:200], sides=sides)

    def _line(self, truth: _Truth, draft: Any) -> Any:
        from nostro.books.journals.models import Line

        return Line(
            id=truth.line_id, company=self.company, journal=self.journal, booking_date=TODAY, order_date=TODAY,
            amount=truth.amount, currency="EUR", company_amount=truth.amount, label=truth.text[:200],
            counterparty_name=truth.name, remittance_text=truth.text, status="posted",
            suspense_residual=truth.amount, foreign_amount=truth.dollars,
            foreign_currency="USD" if truth.dollars else "", source="feed", entry=draft.entry,
            fingerprint=str(truth.line_id),
        )  # fmt: skip

    def judge(self, proposals: list[Any]) -> tuple[int, float]:
        """How many applied proposals are wrong, and the share of valid references that led to their item."""
        truths = {truth.line_id: truth for truth in self.truths}
        wrong = found = 0
        for proposal in proposals:
            truth = truths[proposal.line_id]
            chosen = proposal.options[0].item_ids if proposal.decision == "apply" else ()
            wrong += bool(chosen) and chosen != (truth.pays,)
            found += truth.has_reference and chosen == (truth.pays,)
        return wrong, found / max(1, sum(truth.has_reference for truth in self.truths))


def _spelled(number: int) -> str:
    """A made-up word for a number, so that names differ by letters."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:06}").capitalize()


def _disguise(chance: random.Random, reference: str) -> str:
    """A reference as payers and banks write it: 30 ways of parting, wrapping and introducing it."""
    printed = print_reference(canonical_keys(reference)[0]).strip("+")
    bare = "".join(filter(str.isalnum, printed))
    head, tail = bare[: len(bare) // 2], bare[len(bare) // 2 :]
    fours = [bare[start : start + 4] for start in range(0, len(bare), 4)]
    form = chance.choice(
        [bare, printed, f"+++{printed}+++", f"***{printed}***", " ".join(fours), "-".join(fours), ".".join(fours),
         f"{head} {tail}", f"{head}\n{tail}", bare.lower()]
    )  # fmt: skip
    return chance.choice(["{}", "ref: {}", "Payment, {} thank you"]).format(form)


def _look_alike(chance: random.Random, number: str, reference: str) -> str:
    """Text that resembles a reference or number of an open item and is none."""
    bare = "".join(filter(str.isalnum, reference))
    digit = chance.randrange(5, len(bare))
    altered = bare[:digit] + str((int(bare[digit]) + 1) % 10) + bare[digit + 1 :]
    return chance.choice(
        [altered, f"X{bare}", f"{bare}0", f"order {number}9", f"A{number}", f"{number[:-1]}", bare.replace("0", "O", 1),
         f"IBAN BE12{bare}", f"{bare[:-2]}"]
    )  # fmt: skip


def _propose(history: _History) -> tuple[float, list[Any]]:
    """Seconds and proposals for all lines, batch by batch, as the job makes them."""
    from nostro.books.reconcile.proposing import propose_lines

    begin = time.perf_counter()
    proposals = list(propose_lines(history.company, [truth.line_id for truth in history.truths]))
    return time.perf_counter() - begin, proposals


def _apply(history: _History, proposals: list[Any]) -> tuple[int, float]:
    """How many matches were made, and the seconds they took, a thousand in each transaction."""
    from django.utils import timezone

    from nostro.books.reconcile.applications import of_proposal
    from nostro.books.reconcile.applying import MAX_APPLICATIONS, apply
    from nostro.books.reconcile.models import MatchGroup

    rests = {truth.line_id: truth.amount for truth in history.truths}
    ready = [proposal for proposal in proposals if proposal.decision == "apply"]
    applied, now, begin = 0, timezone.now(), time.perf_counter()
    for start in range(0, len(ready), MAX_APPLICATIONS):
        applications = [
            application
            for proposal in ready[start : start + MAX_APPLICATIONS]
            for application in of_proposal(history.company, proposal, rests[proposal.line_id])
        ]
        outcomes = apply(history.company, applications, actor=None, now=now)
        applied += sum(isinstance(outcome, MatchGroup) for outcome in outcomes)
    seconds = time.perf_counter() - begin
    assert applied == len(ready), (applied, len(ready))
    return applied, seconds


def _read(history: _History) -> float:
    """Seconds in which the database hands over the same lines and items, ids given."""
    from django.db import connection

    lines = [truth.line_id for truth in history.truths]
    items = [truth.pays for truth in history.truths if truth.pays]
    begin = time.perf_counter()
    with connection.cursor() as cursor:
        for table, ids in (("journals_line", lines), ("ledger_entryitem", items)):
            for start in range(0, len(ids), 1_000):
                cursor.execute(f"SELECT * FROM {table} WHERE id = ANY(%s)", [ids[start : start + 1_000]])
                cursor.fetchall()
    return time.perf_counter() - begin


def _analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
