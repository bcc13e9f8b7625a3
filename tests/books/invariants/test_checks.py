"""Each check of ``checks`` sees what it is there for: the books are broken by hand, past the services and triggers."""

from __future__ import annotations

import pytest
from django.db import connection
from tests.books.invariants import checks
from tests.books.invariants.world import VERBS, Action, Piece, act, apart, build, entries_of, match_own

from nostro.books.companies.models import Company, ReconcileMode
from nostro.books.reconcile.models import MatchGroup
from nostro.people.models import User

#: A history of an invoice in dollars that is paid in euro, and one that is paid in part.
PIECES = [Piece(100_000, 0, 1, 0, 0, 0, 0, 1), Piece(50_000, 0, 0, 0, 2, 0, 0, 1)]

BREAKS = [
    ("I-1", "UPDATE ledger_entryitem SET amount = amount + 1 WHERE amount > 0"),
    ("I-2", "UPDATE ledger_entryitem SET residual = 0.01 WHERE residual_currency = 0"),
    ("I-2", "DELETE FROM ledger_entryitem WHERE entry_id IN (SELECT exchange_entry_id FROM reconcile_matchgroup)"),
    ("I-3", "UPDATE journals_line SET suspense_residual = suspense_residual + 1, reconciled = false"),
    ("I-3", "UPDATE journals_line SET reconciled = NOT reconciled"),
    ("I-17", "UPDATE reconcile_matchpart SET amount = amount + 0.01"),
    ("I-17", "UPDATE reconcile_matchpart SET foreign_amount = foreign_amount + 0.01"),
    ("I-18", "UPDATE reconcile_matchgroup SET automatic = true,"
             " evidence = '{\"evidence\": [{\"kind\": \"amount\", \"text\": \"1\", \"place\": \"amount\"}]}'"),
    ("I-23", "DELETE FROM people_auditrecord WHERE action = 'line.reconciled'"),
    ("I-23", "UPDATE reconcile_matchgroup SET undone_at = now()"),
]  # fmt: skip


@pytest.mark.parametrize(("invariant", "harm"), BREAKS, ids=[f"{n}-{one[0]}" for n, one in enumerate(BREAKS)])
def test_a_check_sees_broken_books(owner: User, company: Company, invariant: str, harm: str) -> None:
    world = build(owner, company, PIECES, mode=ReconcileMode.EDIT)
    for number in (0, 1):
        act(world, Action(VERBS.index(match_own), number, 0))
    assert MatchGroup.objects.count() == 2
    for check in checks.ALL:
        check(company)
    with apart(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger looks
        cursor.execute(harm)
        with pytest.raises(AssertionError, match=invariant):
            for check in checks.ALL:
                check(company)


def test_what_a_match_leaves_behind_is_seen(owner: User, company: Company) -> None:
    """I-11: one cent on an account, and one of a residual."""
    world = build(owner, company, PIECES, mode=ReconcileMode.EDIT)
    assert checks.standing(company) == checks.bare(company)
    act(world, Action(VERBS.index(match_own), 0, 0))
    assert checks.standing(company) != checks.bare(company)


def test_an_entry_inside_a_lock_is_seen(owner: User, company: Company) -> None:
    """I-15."""
    world = build(owner, company, PIECES, mode=ReconcileMode.EDIT)
    company.lock_date = max(world.dates.values())
    with pytest.raises(AssertionError, match="I-15"):
        checks.nothing_dated_in_a_lock(company, entries_of(world), world.dates)
    moved = {line_id: day.replace(year=2025) for line_id, day in world.dates.items()}
    with pytest.raises(AssertionError, match="I-15"):
        checks.nothing_dated_in_a_lock(company, set(), moved)
