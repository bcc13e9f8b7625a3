"""The own double-entry ledger as destination."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from nostro.books.destinations.protocol import Destination
from nostro.books.journals.balances import check_balance, settle_opening
from nostro.books.journals.grouping import group_lines, refresh_statements
from nostro.books.journals.importing import NewLine, import_lines
from nostro.books.journals.models import Journal, LineStatus
from nostro.books.journals.totals import fold_totals, has_unfolded
from nostro.books.ledger.totals import fold_totals as fold_account_totals


class BuiltinLedger:
    """Lines become posted entries of bank against suspense."""

    def import_batch(
        self, journal: Journal, batch: Sequence[NewLine], *, identity: str, run_id: UUID, now: dt.datetime
    ) -> int:
        lines = import_lines(journal, batch, identity=identity, run_id=run_id, today=journal.today(now))
        return sum(line.status == LineStatus.POSTED for line in lines)

    @transaction.atomic
    def close_run(self, journal: Journal, *, now: dt.datetime) -> None:
        if has_unfolded(journal):
            fold_totals(journal)
            fold_account_totals([journal.bank_account_id, journal.suspense_account_id])
        if settle_opening(journal):
            refresh_statements(journal)
        group_lines(journal, today=journal.today(now))
        check_balance(journal, now=now)


def destination_of(journal: Journal) -> Destination:
    """Where a journal's lines go."""
    del journal  # every journal goes to the own ledger until Odoo is a destination
    return BuiltinLedger()
