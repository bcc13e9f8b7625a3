"""The rules that come with Nostro, switched off (books.md 16.8)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from nostro.books.companies.models import Company
from nostro.books.ledger.models import LedgerAccount, Purpose
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import Counterpart, Direction, Matching, Operator, TextCondition, Where
from nostro.books.reconcile.models import Rule, RuleKind
from nostro.books.reconcile.rules.services import add_rule


def lay_down_rules(company: Company, **_: Any) -> None:
    """Make those that are missing and whose accounts the company has; safe to repeat."""
    known = set(Rule.objects.filter(company=company).exclude(shipped="").values_list("shipped", flat=True))
    accounts = dict(LedgerAccount.objects.filter(company=company).exclude(purpose="").values_list("purpose", "id"))
    with transaction.atomic():
        for code, name, definition in _shipped(accounts):
            if code not in known:
                add_rule(
                    company, name=name, kind=RuleKind.AUTOMATED, definition=definition, actor=None,
                    now=timezone.now(), shipped=code,
                )  # fmt: skip


def _shipped(accounts: dict[str, Any]) -> list[tuple[str, str, Definition]]:
    found = [
        ("exact_match", "Exact match of invoices and bills", Definition(matching=Matching.EXACT)),
        ("cash_discount", "Cash discount", Definition(matching=Matching.DISCOUNT)),
    ]
    if transfer := accounts.get(Purpose.TRANSFER):
        words = r"\b(internal|own account|overboeking eigen|virement interne|umbuchung)\b"
        found.append(
            ("transfers", "Internal transfers", Definition(
                texts=(TextCondition(Where.LABEL, Operator.REGEX, words),),
                counterparts=(Counterpart(account_id=transfer),),
            ))
        )  # fmt: skip
    if fees := accounts.get(Purpose.BANK_FEES):
        words = r"\b(bank (fee|charge)s?|bankkosten|frais bancaires|kontoführung|bankgebühr)\b"
        found.append(
            ("bank_fees", "Bank fees", Definition(
                direction=Direction.PAID,
                texts=(TextCondition(Where.LABEL, Operator.REGEX, words),),
                counterparts=(Counterpart(account_id=fees),),
            ))
        )  # fmt: skip
    return found
