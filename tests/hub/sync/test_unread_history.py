"""A first import that breaks off is never forgotten, whatever the bank shows later (connectors.md 1.11.1)."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import NOW, make_account
from tests.hub.sync.scripted_bank import ScriptedBank

from nostro.connectors.errors import AccessExceeded, AspspUnavailable, PeriodInvalid
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.accounts.queries import unread_history
from nostro.hub.pages.progress import AccountProgress
from nostro.hub.pages.states import account_state
from nostro.hub.sync import engine
from nostro.hub.sync.health import HISTORY_UNREAD, health_of
from nostro.hub.sync.services import request_synchronization

pytestmark = pytest.mark.django_db
OLD_DAYS = 300


class Killed(BaseException):
    """What kill -9 is to the code."""


class ForgetfulBank(ScriptedBank):
    """Shows old rows for 15 minutes after a confirmation; afterwards it refuses them, or leaves them out silently."""

    def __init__(self, account: Account, *, refuses: bool) -> None:
        super().__init__(page_size=2, limit=None)
        self.account, self.refuses, self.now, self.breaks = account, refuses, NOW, ""
        for back in (1, 5, 20, 60, 120, 200, OLD_DAYS):
            self.add(f"-{back}.00", NOW.date() - dt.timedelta(days=back), entry_reference=f"r{back}")
        self.everything = list(self.rows)

    def open(self, account, clock):
        is_open = self.now - self.account.authorised_at <= dt.timedelta(minutes=15)
        oldest = self.now.date() - dt.timedelta(days=90)
        self.rows = [row for row in self.everything if is_open or row.booking_date >= oldest]
        self.today, self.is_open, self.oldest = self.now.date(), is_open, oldest
        return super().open(account, clock)

    def asked(self, endpoint, psu, details):
        super().asked(endpoint, psu, details)
        if endpoint != "transactions":
            return
        window, _, next_page = details
        if self.refuses and not self.is_open and window.date_from < self.oldest:
            raise PeriodInvalid
        if next_page == "1" and self.breaks:
            how, self.breaks = self.breaks, ""
            if how == "slow":
                self.now += dt.timedelta(minutes=6)
            else:
                raise {"down": AspspUnavailable(status=503), "full": AccessExceeded(status=429), "dead": Killed()}[how]


def synchronize(bank: ForgetfulBank) -> None:
    run = request_synchronization(bank.account, trigger="schedule", now=bank.now)
    try:
        engine.run(run.id, clock=lambda: bank.now, bank_opener=bank.open, randomness=random.Random(1))
    except Killed:
        bank.now += dt.timedelta(minutes=3)
    bank.account.refresh_from_db()


def stored(account: Account) -> set[Decimal]:
    return set(Transaction.objects.filter(account=account, removed_at=None).values_list("amount", flat=True))


@pytest.mark.parametrize("refuses", [True, False], ids=["refuses", "leaves-out"])
@pytest.mark.parametrize("minutes", [1, 120, 3 * 1440])
@pytest.mark.parametrize("how", ["slow", "down", "full", "dead"])
def test_a_history_that_broke_off_stays_known_as_unread_until_it_is_read(how, minutes, refuses):
    account = make_account(authorised_at=NOW)
    bank = ForgetfulBank(account, refuses=refuses)
    bank.breaks = how
    everything = {row.amount for row in bank.everything}
    synchronize(bank)
    for _ in range(3):
        bank.now += dt.timedelta(minutes=minutes)
        synchronize(bank)
        assert stored(account) == everything or unread_history(account) is not None
    held = stored(account)
    for _ in range(2):
        bank.now += dt.timedelta(days=8)
        synchronize(bank)
    assert held <= stored(account), "rows that the bank merely leaves out are not gone"
    account.authorised_at = bank.now
    account.save(update_fields=["authorised_at"])
    synchronize(bank)
    assert stored(account) == everything
    assert unread_history(account) is None


def test_days_that_were_never_read_are_a_gap_that_only_the_person_can_close():
    account = make_account(authorised_at=NOW)
    bank = ForgetfulBank(account, refuses=False)
    bank.breaks = "down"
    synchronize(bank)
    bank.now += dt.timedelta(days=1)
    synchronize(bank)
    found = health_of(account, None, bank.now)
    assert (found.health, found.code) == ("degraded", HISTORY_UNREAD)
    state = account_state(account, None, AccountProgress(account, None), bank.now)
    assert "Older transactions may be missing" in state.sentence and state.action == "renew" and state.needs_person
    account.authorised_at = bank.now
    account.save(update_fields=["authorised_at"])
    synchronize(bank)
    assert health_of(account, None, bank.now).health == "active"


@pytest.mark.parametrize("refuses", [True, False], ids=["refuses", "leaves-out"])
def test_what_changed_before_a_long_outage_is_found_at_the_next_confirmation(refuses):
    account = make_account(authorised_at=NOW)
    bank = ForgetfulBank(account, refuses=refuses)
    synchronize(bank)
    bank.add("-70.00", NOW.date() - dt.timedelta(days=30), entry_reference="late")
    bank.everything = [row for row in [*bank.everything, bank.rows[-1]] if row.entry_reference != "r20"]
    bank.now += dt.timedelta(days=75)  # nothing could be read for so long
    synchronize(bank)
    assert Decimal("-70.00") not in stored(account) and Decimal("-20.00") in stored(account)
    for _ in range(2):
        bank.now += dt.timedelta(days=20)
        account.authorised_at = bank.now
        account.save(update_fields=["authorised_at"])
        synchronize(bank)
    assert stored(account) == {row.amount for row in bank.everything}
