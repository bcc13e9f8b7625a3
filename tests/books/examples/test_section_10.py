"""The worked example of books.md 10, and what follows from it in figures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, transaction_id
from tests.books.steps import balance, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.destinations.builtin import BuiltinLedger
from nostro.books.journals.models import Alias, Line, Statement
from nostro.books.ledger.models import Entry
from nostro.books.links.fetching import run_fetch
from nostro.books.links.models import OnlineAccount, RawTransaction, Run
from nostro.books.links.tasks import take_over
from nostro.people.models import AuditRecord, User

DAY_2 = NOW + dt.timedelta(days=1)
T1, T2, T3 = (
    Booked("t1", "2026-10-28", "100.00"),
    Booked("t2", "2026-11-05", "-20.00"),
    Booked("t3", "2026-11-11", "-3.50"),
)
T4, T5 = Booked("t4", "2026-11-12", "40.00"), Booked("t5", "2026-11-10", "-8.00")


class Killed(BaseException):
    """The process ends here."""


def lines() -> list[Decimal]:
    """The amounts as they were imported, one after the other."""
    return list(Line.objects.order_by("aliases__id").values_list("amount", flat=True))


def marks() -> tuple[str, dt.date | None]:
    account = OnlineAccount.objects.get()
    return account.cursor, account.watermark_date


@pytest.mark.django_db(transaction=True)
def test_the_four_runs(owner: User, company: Company, hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.accounts = [ScriptedAccount(balance="5000.00", balance_date="2026-11-12", transactions=[T3, T2, T1])]
    link = linked(owner, company, hub, opening="computed", fetch_from=dt.date(2026, 10, 28))
    fetch(link, batch_limit=1)
    assert lines() == [Decimal("100.00"), Decimal("-20.00"), Decimal("-3.50")]
    assert marks() == (transaction_id("t3"), dt.date(2026, 11, 12))

    hub.accounts[0].transactions = [T5, T4, T3, T2, T1]
    hub.accounts[0].synchronized_at = "2026-11-13T08:00:00.000Z"
    _kill_at_batch(monkeypatch, 2)
    with pytest.raises(Killed):
        fetch(link, DAY_2, batch_limit=1)
    monkeypatch.undo()
    assert lines()[3:] == [Decimal("-8.00")]
    assert marks() == (transaction_id("t3"), dt.date(2026, 11, 12))

    later = DAY_2 + dt.timedelta(minutes=10)
    take_over(later)
    run = run_fetch(Run.objects.get(status="queued").id, clock=lambda: later, batch_limit=1)
    assert (run.known_count, run.new_count) == (4, 1)
    assert lines()[3:] == [Decimal("-8.00"), Decimal("40.00")]
    assert marks() == (transaction_id("t5"), dt.date(2026, 11, 13))

    before = _everything()
    run = fetch(link, later)
    assert (run.new_count, run.known_count, run.result) == (0, 5, "0 new")
    assert _everything() == before
    assert marks() == (transaction_id("t5"), dt.date(2026, 11, 13))


def _kill_at_batch(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Die between the commit of one batch and the beginning of the next."""
    batches, import_batch = 0, BuiltinLedger.import_batch

    def import_or_die(self: BuiltinLedger, *args: Any, **kwargs: Any) -> int:
        nonlocal batches
        batches += 1
        if batches == number:
            raise Killed
        return import_batch(self, *args, **kwargs)

    monkeypatch.setattr(BuiltinLedger, "import_batch", import_or_die)


def _everything() -> list[object]:
    return [
        list(Line.objects.order_by("id").values()),
        list(Entry.objects.order_by("id").values()),
        list(Statement.objects.order_by("id").values()),
        list(Alias.objects.order_by("id").values()),
        AuditRecord.objects.count(),
        RawTransaction.objects.count(),
    ]


def test_one_old_item_is_no_stop_signal_and_a_page_older_than_the_overlap_is(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    """Watermark 12 Nov less 10 days is 2 Nov: the walk ends with 100 items of 1 Nov after the cursor, however the Hub
    cuts its pages."""
    edge = Booked("edge", "2026-11-02", "3.00")
    older = [Booked(f"older {number}", "2026-11-01", "1.00") for number in range(100)]
    hub.accounts = [ScriptedAccount(transactions=[T3, T2, edge, *older, T1])]
    link = linked(owner, company, hub)
    assert fetch(link).new_count == 104
    hub.accounts[0].transactions[:0] = [Booked("back dated", "2026-11-01", "-1.00"), T4]
    for limit, items in ((100, 106), (5, 105), (1, 105)):
        hub.page_limit = limit
        assert fetch(link).items_read == items
    assert balance(link.journal.bank_account) == Decimal("218.50")
