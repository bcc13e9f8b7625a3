"""The invariants of books.md 18 that concern the ledger and its reconciliation, each as a question to the database.

Every check raises ``AssertionError`` with the number of the invariant. ``test_checks.py`` breaks each
of them on purpose.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.ledger.models import Entry, EntryItem
from nostro.books.reconcile.models import MatchGroup
from nostro.people.models import AuditRecord


def _rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _none(invariant: str, found: Sequence[Any]) -> None:
    assert not found, f"{invariant}: {found[:3]}"


def entries_balance(company: Company) -> None:
    """I-1: in the company's currency always, in another where all items are in it."""
    _none("I-1", _rows(
        """SELECT entry_id, sum(amount), sum(amount_currency) FROM ledger_entryitem WHERE company_id = %s
           GROUP BY entry_id HAVING sum(amount) <> 0
              OR min(currency) = max(currency) AND sum(amount_currency) <> 0 OR count(*) < 2""", company.id,
    ))  # fmt: skip


def closed_groups_are_zero(company: Company) -> None:
    """I-2: an item is closed in both currencies or in none, and the accounts of open items hold what is open of them:
    what is closed has left nothing there, exchange and write-off entries included."""
    _none("I-2", _rows(
        """SELECT id, residual, residual_currency, amount_currency FROM ledger_entryitem
           WHERE company_id = %s AND residual_currency IS NOT NULL
             AND ((residual_currency = 0) <> (residual = 0) AND NOT (residual = 0 AND abs(amount) < 1)
                  OR residual_currency * amount_currency < 0 OR abs(residual_currency) > abs(amount_currency))""",
        company.id,
    ))  # fmt: skip
    _none("I-2", _rows(
        """SELECT account.code, item.partner_id, item.currency, sum(item.amount), sum(item.residual)
           FROM ledger_entryitem item JOIN ledger_ledgeraccount account ON account.id = item.account_id
           WHERE item.company_id = %s AND account.reconcilable
           GROUP BY account.code, item.partner_id, item.currency
           HAVING sum(item.amount) <> COALESCE(sum(item.residual), 0)
               OR sum(item.amount_currency) <> COALESCE(sum(item.residual_currency), 0)""", company.id,
    ))  # fmt: skip


def bank_and_suspense_agree(company: Company) -> None:
    """I-3: the bank account holds the opening and all posted lines, suspense what is not explained of them."""
    _none("I-3", _rows(
        """SELECT journal.code, bank.own, lines.own, suspense.own, rest.own FROM journals_journal journal
           CROSS JOIN LATERAL (SELECT COALESCE(sum(amount_currency), 0) AS own, COALESCE(sum(amount), 0) AS company
                FROM ledger_entryitem WHERE account_id = journal.bank_account_id) bank
           CROSS JOIN LATERAL (SELECT COALESCE(sum(item.amount_currency), 0) AS own FROM ledger_entryitem item
                WHERE item.account_id = journal.suspense_account_id AND item.currency = journal.currency) suspense
           CROSS JOIN LATERAL (SELECT COALESCE(sum(amount), 0) AS own, COALESCE(sum(company_amount), 0) AS company
                FROM journals_line WHERE journal_id = journal.id AND status IN ('posted', 'withdrawn')) lines
           -- Journals may share a suspense account.
           CROSS JOIN LATERAL (SELECT COALESCE(sum(line.suspense_residual), 0) AS own FROM journals_line line
                JOIN journals_journal other ON other.id = line.journal_id WHERE line.status IN ('posted', 'withdrawn')
                AND other.suspense_account_id = journal.suspense_account_id AND other.currency = journal.currency) rest
           CROSS JOIN LATERAL (SELECT COALESCE(sum(amount), 0) AS company, COALESCE(sum(amount_currency), 0) AS own
                FROM ledger_entryitem WHERE entry_id = journal.opening_entry_id
                     AND account_id = journal.bank_account_id) opening
           WHERE journal.company_id = %s AND (bank.own <> opening.own + lines.own
                OR bank.company <> opening.company + lines.company OR suspense.own <> -rest.own)""", company.id,
    ))  # fmt: skip
    _none("I-3", _rows(
        """SELECT entry.id FROM ledger_entry entry JOIN journals_line line ON line.entry_id = entry.id
           JOIN journals_journal journal ON journal.id = line.journal_id
           JOIN ledger_entryitem item ON item.entry_id = entry.id
           WHERE entry.company_id = %s GROUP BY entry.id
           HAVING count(*) FILTER (WHERE item.account_id = journal.suspense_account_id) > 1
               OR count(*) FILTER (WHERE item.account_id = journal.bank_account_id) <> 1""", company.id,
    ))  # fmt: skip
    _none("I-3", list(Line.objects.filter(company=company).raw(
        "SELECT id FROM journals_line WHERE company_id = %s AND reconciled <> (suspense_residual = 0)"
        " AND status IN ('posted', 'withdrawn')", [company.id],
    )))  # fmt: skip


def slices_sum_to_the_line(company: Company) -> None:
    """I-17: J less what is unexplained; and where all is explained exactly J, F and C."""
    _none("I-17", _rows(
        """SELECT line.id, line.amount, line.suspense_residual, sum(part.amount_currency), sum(part.foreign_amount),
                  sum(part.amount), line.foreign_amount, line.company_amount
           FROM journals_line line JOIN reconcile_matchgroup made ON made.line_id = line.id AND made.undone_at IS NULL
           JOIN reconcile_matchpart part ON part.group_id = made.id WHERE line.company_id = %s GROUP BY line.id
           HAVING sum(part.amount_currency) <> line.amount - line.suspense_residual
               OR line.suspense_residual = 0 AND (sum(part.amount) <> line.company_amount
                  OR COALESCE(sum(part.foreign_amount), 0) <> COALESCE(line.foreign_amount, 0))""", company.id,
    ))  # fmt: skip


def nothing_dated_in_a_lock(company: Company, made: set[UUID], dates: dict[UUID, dt.date]) -> None:
    """I-15: entries ``made`` under the locks now in force lie after them; ``dates`` are the bank's own."""
    locked = [day for day in (company.lock_date, company.hard_lock_date) if day]
    entries = Entry.objects.filter(pk__in=made)
    if locked:
        _none("I-15", list(entries.filter(date__lte=max(locked))))
    if company.bank_lock_date:
        _none("I-15", list(entries.filter(kind="bank", date__lte=company.bank_lock_date)))
    now = dict(Line.objects.filter(pk__in=dates).values_list("id", "booking_date"))
    _none("I-15", [line_id for line_id, day in dates.items() if now[line_id] != day])


def automatic_matches_are_sound(company: Company) -> None:
    """I-18: never on an amount alone; written off only by a rule with a tolerance or for discounts."""
    for group in MatchGroup.objects.filter(company=company, automatic=True).select_related("rule_version"):
        kinds = {one["kind"] for one in group.evidence["evidence"]}
        assert kinds - {"amount"}, f"I-18: {group.explanation}"
        if group.write_off_entry_id is not None:
            assert group.rule_version is not None, f"I-18: {group.explanation}"
            matching = group.rule_version.definition["matching"]
            assert matching in {"tolerance", "discount"}, f"I-18: {group.explanation}"


def every_match_is_told(company: Company) -> None:
    """I-23: each match and each undo has its record, and an automatic match says why."""
    told = AuditRecord.objects.filter(tenant_id=company.id)
    matched = set(told.filter(action="line.reconciled").values_list("after__group", flat=True))
    undone = set(told.filter(action="match.undone").values_list("before__group", flat=True))
    for group in MatchGroup.objects.filter(company=company):
        assert str(group.id) in matched, "I-23: a match without a record"
        assert (group.undone_at is not None) == (str(group.id) in undone), "I-23: an undo without a record"
        if group.automatic:
            assert group.explanation and group.evidence["evidence"], "I-23: an automatic match without explanation"


def standing(company: Company) -> tuple[list[Any], ...]:
    """I-11: balances by account, partner and currency, residuals, and how far lines are explained."""
    balances = _rows(
        """SELECT account_id, partner_id, currency, sum(amount), sum(amount_currency) FROM ledger_entryitem
           WHERE company_id = %s GROUP BY account_id, partner_id, currency
           HAVING sum(amount) <> 0 OR sum(amount_currency) <> 0 ORDER BY 1, 2, 3""", company.id,
    )  # fmt: skip
    opened = EntryItem.objects.filter(company=company).exclude(residual=None).order_by("id")
    lines = Line.objects.filter(company=company).order_by("id")
    return (
        balances,
        list(opened.values_list("id", "residual", "residual_currency")),
        list(lines.values_list("id", "suspense_residual", "reconciled", "status", "amount", "company_amount")),
    )


def bare(company: Company) -> tuple[list[Any], ...]:
    """What :func:`standing` is where nothing is matched: only lines, the opening and documents, all of it open."""
    balances = _rows(
        """SELECT account_id, partner_id, currency, sum(amount), sum(own) FROM (
               SELECT item.account_id, item.partner_id, item.currency, item.amount, item.amount_currency AS own
                 FROM ledger_entryitem item JOIN ledger_entry entry ON entry.id = item.entry_id
                 WHERE item.company_id = %s AND entry.kind IN ('document', 'opening')
               UNION ALL SELECT side.account_id, NULL, line.currency, side.sign * line.company_amount,
                      side.sign * line.amount
                 FROM journals_line line JOIN journals_journal journal ON journal.id = line.journal_id
                 CROSS JOIN LATERAL (VALUES (journal.bank_account_id, 1), (journal.suspense_account_id, -1))
                      AS side(account_id, sign)
                 WHERE line.company_id = %s AND line.status IN ('posted', 'withdrawn')) sides
           GROUP BY account_id, partner_id, currency HAVING sum(amount) <> 0 OR sum(own) <> 0 ORDER BY 1, 2, 3""",
        company.id, company.id,
    )  # fmt: skip
    opened = EntryItem.objects.filter(company=company).exclude(residual=None).order_by("id")
    lines = Line.objects.filter(company=company).order_by("id")
    posted = {"posted", "withdrawn"}
    return (
        balances,
        list(opened.values_list("id", "amount", "amount_currency")),
        [
            (
                one.id,
                one.amount if one.status in posted else Decimal(0),
                False,
                one.status,
                one.amount,
                one.company_amount,
            )
            for one in lines
        ],
    )


ALL = (
    entries_balance,
    closed_groups_are_zero,
    bank_and_suspense_agree,
    slices_sum_to_the_line,
    automatic_matches_are_sound,
    every_match_is_told,
)
