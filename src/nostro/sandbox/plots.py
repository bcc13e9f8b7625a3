"""What happens to a customer's first account after the first approval (connectors.md 5.3).

Each plot writes at once what will be seen on later days, so the clock alone decides what an answer says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nostro.sandbox.histories.company import codes
from nostro.sandbox.histories.rows import Row
from nostro.sandbox.histories.special import twin

if TYPE_CHECKING:
    from nostro.sandbox.changes import Changes
    from nostro.sandbox.ledger import Account, Entry, Ledger

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a plot plays: ``today`` is the day of the approval."""

    ledger: Ledger
    changes: Changes
    account: Account
    today: dt.date

    def newest(self, count: int) -> list[Entry]:
        """The newest rows of single payments with a reference."""
        found = self.ledger.booked([self.account.id], self.today, limit=200)
        single = [row for row in found if row.entry_reference and "batchIndicator" not in row.body]
        return single[:count]


Plot = Callable[[Stage], None]


def _payment(minor: int, day: dt.date, name: str, text: str) -> Row:
    body = {"creditorName": name, "remittanceInformationUnstructured": text, **codes("PMNT-ICDT-ESCT", "DEBIT")}
    return Row(minor, day, body)


def reused_reference(stage: Stage) -> None:
    """Two different payments of the last days bear one ``entryReference``."""
    first = _payment(-4_400, stage.today - 3 * DAY, "Drukkerij Ostermans NV", "Visitekaartjes")
    second = _payment(-9_150, stage.today - 2 * DAY, "Houthandel Eikenrode NV", "Eiken planken")
    rows = [replace(row, reference="REUSED-REFERENCE-1") for row in (first, second)]
    stage.changes.add(stage.account.id, rows)


def hidden_row(stage: Stage) -> None:
    """Balances count a row of 12.34 from tomorrow; lists show it two weeks later."""
    row = _payment(-1_234, stage.today + DAY, "Parking Waterpoort", "Parkeren")
    stage.changes.add(stage.account.id, [replace(row, listed_on=stage.today + 15 * DAY)])


def backdated(stage: Stage) -> None:
    """Tomorrow an entry is there that was booked 20 days ago."""
    row = _payment(-5_678, stage.today - 20 * DAY, "Assekura Feldberg AG", "Nachbelastung")
    stage.changes.add(stage.account.id, [replace(row, seen_on=stage.today + DAY)])


def corrections(stage: Stage) -> None:
    """Tomorrow one row has another text, one another name, one another value date, one another amount (with the same
    reference), and one is gone."""
    tomorrow = stage.today + DAY
    text, name, value_date, amount, gone = stage.newest(5)
    changed = f"{text.body.get('remittanceInformationUnstructured', '')} (corrected)".strip()[:140]
    stage.changes.amend(text.truth_id, tomorrow, texts={"remittanceInformationUnstructured": changed})
    party = "creditorName" if "creditorName" in name.body else "debtorName"
    stage.changes.amend(name.truth_id, tomorrow, texts={party: "Corrected Name BV"})
    stage.changes.amend(value_date.truth_id, tomorrow, value_on=dt.date.fromisoformat(value_date.value_on) + DAY)
    stage.changes.amend(amount.truth_id, tomorrow, minor=amount.minor - 100)
    stage.changes.remove(gone.truth_id, on=tomorrow)


def third_twin(stage: Stage) -> None:
    """Tomorrow the newest two equal payments are three, for a week."""
    pair = next(row for row in stage.ledger.booked([stage.account.id], stage.today) if row.entry_reference is None)
    third = twin(dt.date.fromisoformat(pair.booked_on))
    stage.changes.add(stage.account.id, [replace(third, seen_on=stage.today + DAY, gone_on=stage.today + 8 * DAY)])


def closed(stage: Stage) -> None:
    """The account is closed after four weeks; other accounts stay."""
    stage.changes.close(stage.account, stage.today + 28 * DAY)
