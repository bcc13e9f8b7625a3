"""Bank-stated balances, the opening of a journal, and the balance proof (books.md 13.1, 13.3)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from nostro.books.journals.models import Balance, Journal, Line, LineStatus, OpeningOrigin, Proof, Statement
from nostro.books.journals.totals import posted_until
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import LedgerAccount, Purpose
from nostro.books.ledger.posting import Side, draft_entry, lock_of, post
from nostro.books.ledger.rates import Rates
from nostro.core.balance_proof import BalanceProof, ProofLine, StatedBalance, prove
from nostro.core.balance_proof import LineStatus as CoreStatus
from nostro.people.audit import record
from nostro.people.models import User

#: Reason of lines that the bank took back; it does not have them any more.
WITHDRAWN_REASON = "withdrawn by the bank"
#: Reason of lines that went with the import of a file that a person undid. Until another source shows them nothing says
#: that the bank has them; they come back with the file.
UNDONE_REASON = "import undone"
_NOT_THE_BANKS = frozenset({WITHDRAWN_REASON, UNDONE_REASON})


def record_balance(
    journal: Journal,
    *,
    kind: str,
    amount: Decimal,
    reference_date: dt.date | None,
    observed_at: dt.datetime,
    run_id: UUID | None = None,
) -> None:
    """Append a balance the bank stated, if it differs from the newest of its kind; ``kind`` current or available."""
    newest = newest_balance(journal, kind)
    if newest is not None and (newest.amount, newest.reference_date) == (amount, reference_date):
        return
    Balance.objects.create(
        company_id=journal.company_id,
        journal=journal,
        kind=kind,
        amount=amount,
        currency=journal.currency,
        reference_date=reference_date,
        observed_at=observed_at,
        run_id=run_id,
    )


def is_stated(journal: Journal, amount: Decimal, reference_date: dt.date) -> bool:
    """Whether the bank stated this current balance of this day before; it is no news then."""
    stated = Balance.objects.filter(journal=journal, kind="current", origin="bank")
    return stated.filter(amount=amount, reference_date=reference_date).exists()


def take_back_balances(run_id: UUID) -> None:
    """What an import told about balances counts no more, because the import was undone."""
    Balance.objects.filter(run_id=run_id, origin="bank").update(origin="undone")


def newest_balance(journal: Journal, kind: str = "current") -> Balance | None:
    """The newest balance of a kind that the bank stated."""
    return Balance.objects.filter(journal=journal, kind=kind, origin="bank").order_by("-id").first()


@transaction.atomic
def settle_opening(journal: Journal, *, actor: User | None = None) -> bool:
    """Give a journal the opening its link asked for, once its first lines are there; repeating changes nothing.

    Computed: bank-stated current balance − Σ lines with date ≤ its reference date. The entry is dated the day before
    the first line; on a locked day the opening is a checkpoint only. Without a dated balance nothing is computed.
    Returns whether it was given now.
    """
    journal = Journal.objects.select_for_update(of=("self",)).select_related("company").get(pk=journal.pk)
    if journal.opening_origin == OpeningOrigin.NONE or journal.opening_date is not None:
        return False
    stated = newest_balance(journal)
    first = Line.objects.filter(journal=journal).aggregate(first=Min("booking_date"))["first"]
    if journal.opening_origin == OpeningOrigin.COMPUTED:
        if stated is None or stated.reference_date is None:
            return False
        journal.opening_amount = stated.amount - _booked_until(journal, stated.reference_date)
    if first is None:
        if stated is None or stated.reference_date is None:
            return False
        first = stated.reference_date + dt.timedelta(days=1)
    journal.opening_date = first - dt.timedelta(days=1)
    if journal.opening_origin != OpeningOrigin.LEDGER:
        _post_opening(journal)
    journal.save()
    record(
        tenant_id=journal.company_id,
        actor=actor,
        action="journal.opened",
        obj=journal,
        sentence=f"{journal.code} opens with {journal.opening_amount} {journal.currency} "
        f"on {journal.opening_date.isoformat()} ({journal.get_opening_origin_display()}).",
    )
    return True


def _booked_until(journal: Journal, day: dt.date) -> Decimal:
    """Σ of the lines the bank has until ``day``: the P of the proof without an opening."""
    return prove(Decimal(0), _proof_lines(journal, day), StatedBalance(Decimal(0), day)).expected or Decimal(0)


def _post_opening(journal: Journal) -> None:
    company, date = journal.company, journal.opening_date
    assert date is not None
    locked = lock_of(company)
    own = Rates(company).company_amount(journal.opening_amount, journal.currency, date)
    if not journal.opening_amount or own is None or (locked is not None and date <= locked):
        return
    equity = opening_account(journal)
    draft = draft_entry(
        company,
        kind="opening",
        date=date,
        label=f"Opening balance {journal.code}",
        journal_id=journal.id,
        sides=(
            Side(journal.bank_account_id, own, journal.currency, journal.opening_amount),
            Side(equity.id, -own, journal.currency, -journal.opening_amount),
        ),
    )
    post([draft])
    journal.opening_entry = draft.entry


def opening_account(journal: Journal) -> LedgerAccount:
    """The account an opening is booked against: the one chosen at linking, else opening balance equity."""
    return journal.opening_account or account_for(journal.company, Purpose.OPENING)


def prove_journal(journal: Journal, stated: StatedBalance | None) -> BalanceProof:
    """The proof of books.md 13.3 for one stated balance."""
    until = stated.reference_date if stated else None
    lines = _proof_lines(journal, until) if until else []
    return prove(journal.opening_amount, lines, stated)


def _proof_lines(journal: Journal, until: dt.date) -> list[ProofLine]:
    """Posted lines as one sum, because they need no explanation; every other line by itself."""
    lines = Line.objects.filter(journal=journal, booking_date__lte=until)
    result = [ProofLine(journal.id, until, posted_until(journal, until))]
    others = lines.exclude(status=LineStatus.POSTED).values_list(
        "id", "booking_date", "amount", "status", "status_reason"
    )
    result.extend(
        ProofLine(
            line_id,
            date,
            amount,
            cast(CoreStatus, status),
            status == "removed" and ("duplicate" in reason.lower() or reason in _NOT_THE_BANKS),
        )
        for line_id, date, amount, status, reason in others
    )
    return result


def check_balance(journal: Journal, *, now: dt.datetime) -> BalanceProof:
    """Prove the newest stated balance, keep the result on the journal, and give its statement the bank's figure."""
    journal.refresh_from_db()
    balance = newest_balance(journal)
    stated = StatedBalance(balance.amount, balance.reference_date) if balance else None
    proof = prove_journal(journal, stated)
    difference = None if proof.difference is None else -proof.difference
    new = (Proof(proof.verdict), proof.expected, difference, proof.hint or "")
    if new != (journal.proof, journal.proof_expected, journal.proof_difference, journal.proof_hint):
        journal.proof, journal.proof_expected, journal.proof_difference, journal.proof_hint = new
        journal.proved_at = now
        journal.save(update_fields=["proof", "proof_expected", "proof_difference", "proof_hint", "proved_at"])
    if stated is not None and stated.reference_date is not None:
        _state_end(journal, stated.amount, stated.reference_date)
    return proof


def _state_end(journal: Journal, amount: Decimal, date: dt.date) -> None:
    """A bank balance dated on the last day of a statement is its stated end; of several that end then, the last one's
    (books.md 13.2)."""
    ending = Statement.objects.filter(journal=journal, date=date)
    statement = ending.order_by("-first_day", "-created_at", "-id").first()
    if statement is not None and statement.confirmed_at is None and statement.stated_end != amount:
        statement.stated_end = amount
        statement.save(update_fields=["stated_end"])
