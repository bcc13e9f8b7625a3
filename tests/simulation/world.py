"""A bank, a hub and an adversary, all decided by one seed, in virtual time (DESIGN.md section 6).

The bank is the sandbox bank's own application, reached through the real connector; only the network between them is
replaced. The adversary adds, alters, back-dates, books and removes rows, makes twins, changes ids and references,
pages strangely, fails in every way it knows, lets consents be renewed, and kills the worker at any point of a run.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.sandbox.customer import Customer
from werkzeug.test import Client

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import UNATTENDED, Configuration, ConnectionHandle, Consent, PsuContext
from nostro.core.transactions import Account as BankAccount
from nostro.http import Answer, DoorSettings, Unreachable
from nostro.hub.accounts.models import Transaction
from nostro.hub.accounts.services import upsert_accounts
from nostro.hub.directory.models import Institution
from nostro.hub.events.models import Event
from nostro.hub.organizations.models import Organization
from nostro.hub.sync import engine
from nostro.hub.sync.bank import Bank
from nostro.hub.sync.models import QuotaAccess, Schedule
from nostro.hub.sync.schedule import schedule_of
from nostro.hub.sync.services import request_synchronization
from nostro.sandbox.server import create_application

URL = "http://localhost"
AMOUNTS = {"EUR": ("-12.34", "50.00", "-0.01"), "JPY": ("-1234", "5000", "-1"), "KWD": ("-1.234", "5.000", "-0.001")}
PAGING = ("links", "full_links", "relative_links", "empty_page", "repeated_page", "repeated_row", "reordered_pages",
          "reordered_rows", "self_next")  # fmt: skip
FAULTS = ("down", "refused", "reset_in_body", "500", "truncated", "not_json", "wrong_content_type", "bare_401")
PLACES = 4
DAY = dt.timedelta(days=1)


class Killed(BaseException):
    """What kill -9 is to the code: nothing below runs."""


class WiredDoor:
    """A door whose network is a function call. It stands for the network only."""

    def __init__(self, application: Any) -> None:
        self.settings = DoorSettings(allow_loopback_http=True)
        self.client = Client(application)

    def request(
        self, method: str, url: str, *, request_id: str, headers: Any = None, content: bytes | None = None, **_: Any
    ) -> Answer:
        try:
            reply = self.client.open(
                url.removeprefix(URL), method=method, headers={**(headers or {}), "X-Request-ID": request_id},
                data=content,
            )  # fmt: skip
            body = reply.get_data()
        except ConnectionResetError:
            raise Unreachable("the connection was cut", request_sent=True) from None
        return Answer(reply.status_code, {k.lower(): v for k, v in reply.headers.items()}, body, url, request_id)


def open_bank(directory: Path) -> Customer:
    """One bank for many seeds: each seed is a customer of its own, and time only goes on."""
    return Customer(create_application(directory, 42, "virtual", control_token="control"))


@dataclass
class Outcome:
    """What a simulated life came to."""

    runs: int = 0
    kills: int = 0
    days: float = 0
    lost: int = 0
    doubled: int = 0
    quota_violations: int = 0
    ids_changed: int = 0
    events_wrong: int = 0
    secrets: list[str] = field(default_factory=list, repr=False)

    @property
    def is_wrong(self) -> bool:
        return any([self.lost, self.doubled, self.quota_violations, self.ids_changed, self.events_wrong])


class World:
    """One customer with one account, and the hub that reads it."""

    def __init__(self, customer: Customer, seed: int, life: str = "") -> None:
        self.rng = random.Random(seed)
        self.customer = customer
        self.psu = f"sim_{seed}{life}"
        self.currency = self.rng.choice(sorted(AMOUNTS))
        self.outcome = Outcome()
        self.seen: dict[uuid.UUID, int] = {}
        self.truth_ids: list[str] = []
        self.begin = self.now()
        self.log_before = self._end_of_log()
        self._control("POST", "/psus", {"psu": self.psu})
        made = self._control("POST", f"/psus/{self.psu}/accounts", {"key": "main", "currency": self.currency})
        self.account_id = made["id"]
        for _ in range(self.rng.randint(0, 5)):
            self._add()
        self.connector = BerlinGroupConnector(WiredDoor(customer.application), self.now, lambda: str(uuid.uuid4()))
        self.organization = Organization.objects.create(name=self.psu)
        self.institution = Institution.objects.create(name="Nostro Test Bank", folded_name="nostrotestbank")
        self.connection_id = uuid.uuid4()
        self._link()

    # --- time, control, consent

    def now(self) -> dt.datetime:
        return self.customer.application.bank.clock.now()

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.customer.control(method, path, body)
        assert answer.status_code < 300 or answer.status_code in {404, 409}, (path, body, answer.text)
        return answer.json if answer.status_code < 300 and answer.data else {}

    def _advance(self, step: dt.timedelta) -> None:
        self._control("POST", "/clock", {"advance": int(step.total_seconds())})

    def _link(self) -> None:
        """Link or renew; the account must be found again by its number."""
        self._control("DELETE", "/faults")
        until = self.now().date() + dt.timedelta(days=170)
        self.consent_id = self.customer.link(self.psu, validUntil=until.isoformat())
        self.outcome.secrets.append(self.consent_id)
        shown = [
            BankAccount(item["resourceId"], item["currency"], iban=item["iban"])
            for item in self.customer.accounts(self.consent_id)
        ]
        [account] = upsert_accounts(
            self.organization, self.connection_id, shown, self.institution, is_sandbox=True, now=self.now()
        )
        assert not hasattr(self, "account") or account.pk == self.account.pk, "a renewal made a second account"
        self.account = account
        account.is_selected = True
        account.save(update_fields=["is_selected"])
        schedule_of(account)
        Schedule.objects.filter(account=account).update(paused=False, consecutive_failures=0, next_run_at=self.now())

    def _opener(self, account: Any, clock: Any) -> Bank:
        handle = ConnectionHandle(Configuration(URL, "Nostro Test Bank"), Consent(self.consent_id, "valid"))
        return Bank(self.connector, handle, self.connector.identity, "berlin_group", PLACES, 400)

    # --- the adversary at the bank

    def _amount(self) -> str:
        return self.rng.choice(AMOUNTS[self.currency])

    def _note(self, made: Any) -> None:
        self.truth_ids += made.get("truthIds", [])

    def _add(self) -> None:
        text = self.rng.choice(["Invoice 17", "invoice  17", "Rent", "Café Élysée"])
        body = {"amount": self._amount(), "remittanceInformationUnstructured": text, "ids": self.rng.random() < 0.8}
        if self.rng.random() < 0.2:
            body["pending"] = True
        self._note(self._control("POST", f"/accounts/{self.account_id}/transactions", body))

    def _twins(self) -> None:
        body = {"count": self.rng.randint(1, 3), "amount": self._amount()}
        self._note(self._control("POST", f"/accounts/{self.account_id}/twins", body))

    def _backdate(self) -> None:
        body = {"days": self.rng.randint(1, 40), "amount": self._amount()}
        self._note(self._control("POST", f"/accounts/{self.account_id}/backdate", body))

    def _reuse(self) -> None:
        self._note(
            self._control("POST", f"/accounts/{self.account_id}/reuse-entry-reference", {"amount": self._amount()})
        )

    def _alter(self) -> None:
        if self.truth_ids:
            change = self.rng.choice(
                [
                    {"amount": self._amount()},
                    {"remittanceInformationUnstructured": f"corrected {self.rng.randint(1, 9)}"},
                    {"valueDate": (self.now().date() - self.rng.randint(0, 3) * DAY).isoformat()},
                ]
            )
            self._control("PATCH", f"/transactions/{self.rng.choice(self.truth_ids)}", change)

    def _remove(self) -> None:
        if self.truth_ids:
            gone = self.truth_ids.pop(self.rng.randrange(len(self.truth_ids)))
            self._control("DELETE", f"/transactions/{gone}")

    def _book(self) -> None:
        if self.truth_ids:
            body: dict[str, Any] = {"keep_reference": self.rng.random() < 0.5}
            if self.rng.random() < 0.3:
                body["amount"] = self._amount()
            self._control("POST", f"/transactions/{self.rng.choice(self.truth_ids)}/book", body)

    def _page(self) -> None:
        body = {"account": self.account_id, "size": self.rng.randint(1, 7), "mode": self.rng.choice(PAGING)}
        self._control("POST", "/paging", body)

    def _fail(self) -> None:
        body = {"kind": self.rng.choice(FAULTS), "times": self.rng.randint(1, 3), "skip": self.rng.randint(0, 3)}
        self._control("POST", "/faults", {**body, "endpoint": self.rng.choice(["balances", "transactions", "data"])})

    def _change_ids(self) -> None:
        body = {"resourceId": True, "transactionId": True, "entryReference": self.rng.choice([0, 10, 100])}
        self._control("POST", f"/accounts/{self.account_id}/change-ids", body)
        self._link()

    def _act(self) -> None:
        actions = {
            self._add: 8, self._twins: 2, self._backdate: 2, self._reuse: 1, self._alter: 3, self._remove: 2,
            self._book: 3, self._page: 2, self._fail: 2, self._change_ids: 1, self._link: 1,
        }  # fmt: skip
        self.rng.choices([*actions], [*actions.values()])[0]()

    # --- the hub

    def _is_due(self) -> bool:
        schedule = Schedule.objects.get(account=self.account)
        return not schedule.paused and schedule.next_run_at is not None and schedule.next_run_at <= self.now()

    def synchronize(self, *, attended: bool, deadly: bool = True) -> Any:
        """One run, killed at a random point now and then, and taken over until it has ended."""
        self.account.refresh_from_db()
        psu = PsuContext(True, ip="192.0.2.1", observed_at=self.now()) if attended else UNATTENDED
        trigger: Any = "person" if attended else "schedule"
        run = request_synchronization(self.account, trigger=trigger, now=self.now(), psu=psu)
        self.outcome.runs += 1
        for _ in range(3):
            try:
                done = engine.run(
                    run.pk, clock=self.now, bank_opener=self._opener, randomness=self.rng,
                    reached=self._kill_at() if deadly and self.rng.random() < 0.3 else _pass,
                )  # fmt: skip
                break
            except Killed:
                self.outcome.kills += 1
                self._advance(dt.timedelta(minutes=3))
        else:
            done = engine.run(run.pk, clock=self.now, bank_opener=self._opener, randomness=self.rng)
        self._look()
        return done

    def _kill_at(self) -> Any:
        left = self.rng.randint(1, 12)

        def reached(point: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed(point)

        return reached

    def _look(self) -> None:
        """Ids and places are given once and stay."""
        now = dict(Transaction.objects.filter(account=self.account).values_list("id", "sequence"))
        self.outcome.ids_changed += sum(now.get(row_id) != place for row_id, place in self.seen.items())
        self.seen = now

    # --- a life

    def live(self, steps: int) -> Outcome:
        for _ in range(steps):
            for _ in range(self.rng.randint(0, 3)):
                self._act()
            self._advance(dt.timedelta(minutes=self.rng.randint(10, 600)))
            if self._is_due():
                self.synchronize(attended=False)
            elif self.rng.random() < 0.1:
                self.synchronize(attended=True)
        self._settle()
        self._judge()
        return self.outcome

    def _settle(self) -> None:
        """The bank is well again; removed rows need two complete reads to be believed."""
        self._control("DELETE", "/faults")
        self._control("POST", "/paging", {"account": self.account_id, "size": 50, "mode": "links"})
        self._link()
        for _ in range(3):
            self._advance(dt.timedelta(hours=1))
            Schedule.objects.filter(account=self.account).update(last_wide_read_at=None)
            done = self.synchronize(attended=True, deadly=False)
            assert done is not None and done.status == "success", done and done.errors
        self.outcome.days = (self.now() - self.begin) / DAY

    def _judge(self) -> None:
        truth = self.customer.truth(self.account_id)
        at_bank = Counter((row["bookingDate"], Decimal(row["amount"])) for row in truth["rows"])
        rows = Transaction.objects.filter(account=self.account, removed_at=None)
        at_hub = Counter((row.booking_date.isoformat(), row.amount) for row in rows if row.booking_date)
        assert sum(at_hub.values()) == len(rows)
        self.outcome.lost = (at_bank - at_hub).total()
        self.outcome.doubled = (at_hub - at_bank).total()
        told = Event.objects.filter(account_id=self.account.pk, event_type="account.transactionsCreated")
        self.outcome.events_wrong = abs(sum(event.attributes["count"] for event in told) - len(self.seen))
        self.outcome.quota_violations = self._ledger_violations() + self._refusals()

    def _ledger_violations(self) -> int:
        """Counted accesses that were the fifth within 24 hours of one key."""
        times: dict[tuple[str, str], list[dt.datetime]] = {}
        for access in QuotaAccess.objects.filter(organization=self.organization, counted=True).order_by("accessed_at"):
            times.setdefault((access.quota_key, access.endpoint), []).append(access.accessed_at)
        return sum(
            fifth - first < DAY for found in times.values() for first, fifth in zip(found, found[PLACES:], strict=False)
        )

    def _refusals(self) -> int:
        """Unattended calls that the bank itself had to refuse, out of its own record."""
        refused, after = 0, self.log_before
        while records := self.customer.control("GET", f"/log?after={after}").json["records"]:
            refused += sum(record["status"] == 429 and record["consent"] in self.outcome.secrets for record in records)
            after = records[-1]["id"]
        return refused

    def _end_of_log(self) -> int:
        after = 0
        while records := self.customer.control("GET", f"/log?after={after}").json["records"]:
            after = records[-1]["id"]
        return int(after)


def _pass(point: str) -> None:
    """Nobody is killed."""
