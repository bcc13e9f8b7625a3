"""One customer of the sandbox bank and their hub, in virtual time: the calm sister of the simulation's lives."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.test import Client
from tests.contract.standard import answer_faults, request_faults, template_of
from tests.sandbox.customer import Customer
from tests.simulation.hub import Hub
from tests.simulation.wires import URL

from nostro.connectors.contract import (
    AuthorisationStep,
    Challenge,
    Decoupled,
    Failed,
    Finished,
    NeedCredentials,
    PsuInput,
    Redirect,
    SelectScaMethod,
)
from nostro.http import Answer
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.directory.models import Route
from nostro.hub.events.models import Event
from nostro.hub.linking.consents import current_consent
from nostro.hub.linking.models import Authorisation, Connection, Consent
from nostro.hub.linking.services import choose_accounts, continue_authorisation, start_link, start_renewal
from nostro.sandbox.scenarios import SCENARIOS

BEGIN = "2026-01-05T09:00:00Z"
HOUR, DAY = 3_600, 86_400
#: Answers of one kind that are judged in one life; the others are made by the same code.
JUDGED = 3
#: More steps than any authorisation needs, polls of a decoupled one included.
MAX_STEPS = 20


class Calm(random.Random):
    """Chance that never hits."""

    def random(self) -> float:
        return 0.999

    def randint(self, a: int, b: int) -> int:
        return (a + b) // 2


class Life(Hub):
    """A hub whose only customer is ``psu``. Everything is in the customer's own approach of authentication."""

    def __init__(self, customer: Customer, psu: str) -> None:
        customer.control("POST", "/clock", {"set": BEGIN})
        super().__init__(customer, psu, Calm(0))
        Route.objects.filter(institution=self.institution).update(profile={})
        self.customer = customer
        self.urls: list[str] = []
        self.faults: list[str] = []
        self._judged: Counter[tuple[str, str | None, int]] = Counter()
        self._wire, self.wires.request = self.wires.request, self._overheard  # type: ignore[method-assign]

    def _overheard(
        self, method: str, url: str, *, headers: Any = None, content: bytes | None = None, **more: Any
    ) -> Answer:
        """A request and its answer, judged by the standard's own contract (connectors.md 5.4.1)."""
        path = url.removeprefix(URL)
        self.urls.append(path)
        answer = self._wire(method, url, headers=headers, content=content, **more)
        # The standard leaves open where files are.
        if path.startswith("/v1/") and "/download?" not in path:
            sent = {**(headers or {}), "X-Request-ID": more["request_id"]}
            self.faults += request_faults(method, path, sent, content)
            key = (method, template_of(urlsplit(path).path), answer.status)
            self._judged[key] += 1
            if self._judged[key] <= JUDGED:
                self.faults += answer_faults(method, path, answer.status, answer.headers, answer.body)
        return answer

    @property
    def psu(self) -> str:
        """The test user's name."""
        return self._psu

    # --- the person

    def begin(self, psu_id: str | None = None) -> tuple[Authorisation, AuthorisationStep]:
        """Ask for a consent: the first, or a new one."""
        psu, now = self._psu_context(), self.now()
        if self.connection is not None:
            return start_renewal(self.user, self.connection.pk, psu=psu, now=now)
        approach = SCENARIOS[self._psu].approach
        named = psu_id if psu_id is not None else (self._psu if approach else "")
        return start_link(
            self.user, self.organization, self.institution, is_sandbox=True, psu=psu, now=now, psu_id=named
        )

    def answer(self, authorisation: Authorisation, kind: Any, **values: str) -> AuthorisationStep:
        """Give an answer, as a process that knows nothing but the database."""
        fresh = Authorisation.objects.get(pk=authorisation.pk)
        by = {"state_token": values["state"]} if kind == "callback" else {"authorisation_id": fresh.pk}
        given = PsuInput(kind, values)
        return continue_authorisation(self.user, answer=given, psu=self._psu_context(), now=self.now(), **by)[1]

    def go_on(self, authorisation: Authorisation, step: AuthorisationStep) -> AuthorisationStep:
        """Do what the step asks for, willingly."""
        match step:
            case Redirect():
                return self.answer(authorisation, "callback", **self.at_the_bank(step.url))
            case NeedCredentials():
                return self.answer(authorisation, "credentials", password="sandbox")
            case SelectScaMethod():
                return self.answer(authorisation, "scaMethodId", scaMethodId="sms")
            case Challenge():
                return self.answer(authorisation, "scaAuthenticationData", scaAuthenticationData="123456")
            case Decoupled():
                self.wait(step.poll_after_s)
                return self.answer(authorisation, "poll")
        raise AssertionError(step)

    def at_the_bank(self, url: str) -> dict[str, str]:
        """The person at the bank's pages, redirect or OAuth; returns what the browser brings back."""
        path = url.removeprefix(URL)
        if path.startswith("/sca/"):
            page = path
        else:
            answer = self.customer.client.get(path)
            page = answer.headers.get("Location", "")
            if not page:
                typed = {"act": "log-in", "psu": self._psu, "password": "sandbox"}
                return sent_back(self.customer.client.post(path, data=typed))
        assert self.customer.log_in(page, self._psu).status_code == 303
        return sent_back(self.customer.approve(page, self.customer.choices(page)))

    def authorise(self) -> tuple[Authorisation, list[AuthorisationStep]]:
        """All steps up to the end."""
        authorisation, step = self.begin()
        steps = [step]
        while not isinstance(steps[-1], Finished | Failed):
            assert len(steps) < MAX_STEPS, steps
            steps.append(self.go_on(authorisation, steps[-1]))
        authorisation.refresh_from_db()
        return authorisation, steps

    def settle(self, *, runs: bool = True) -> list[AuthorisationStep]:
        """Link or renew, choose all accounts, and read them."""
        authorisation, steps = self.authorise()
        assert isinstance(steps[-1], Finished), steps[-1]
        if self.connection is None:
            offered = accounts_of_connection(authorisation.connection)
            choose_accounts(
                self.user, authorisation.pk, [each.pk for each in offered], self.now(), psu=self._psu_context()
            )
            self.connection = authorisation.connection
        if runs:
            self.work()
        return steps

    # --- time

    def days(self, count: float, *, step_hours: int = 2) -> None:
        """Time goes by; the worker does what is due, every two hours."""
        for _ in range(int(count * 24 // step_hours)):
            self.wait(step_hours * HOUR)
            self.minute()

    # --- what became of it

    def of_bank(self) -> Connection:
        """The connection as it is now."""
        assert self.connection is not None
        self.connection.refresh_from_db()
        return self.connection

    def consent(self) -> Consent:
        """What the connection reads through."""
        found = current_consent(self.of_bank())
        assert found is not None
        return found

    def browser(self) -> Client:
        """The person at the Hub's pages."""
        client = Client()
        client.force_login(self.user)
        return client

    def is_good(self) -> None:
        """The end state of user_good: two accounts, all rows, a green proof, one access for each account and
        endpoint."""
        self.equals_truth(of=2)
        for account in self.accounts():
            assert (account.proof, account.health) == ("green", "active")
            for endpoint in ("balances", "transactions"):
                calls = self.asked(f"/accounts/{account.resource_id}/{endpoint}")
                assert sum(call["page"] != "next" for call in calls) == 1

    def account(self, number: int = 0) -> Account:
        return self.accounts()[number]

    def rows(self, account: Account) -> Counter[tuple[str, Decimal]]:
        """The booked rows that count, as a multiset."""
        stored = Transaction.objects.filter(account=account, removed_at=None)
        return Counter((row.booking_date.isoformat(), row.amount) for row in stored if row.booking_date)

    def truth(self, account: Account) -> Counter[tuple[str, Decimal]]:
        """The same at the bank."""
        rows = self.customer.truth(account.resource_id.rpartition("/")[2])["rows"]
        return Counter((row["bookingDate"], Decimal(row["amount"])) for row in rows)

    def equals_truth(self, *, of: int | None = None) -> None:
        """Every account holds exactly what the bank holds."""
        accounts = self.accounts()
        assert of is None or len(accounts) == of
        for account in accounts:
            assert self.rows(account) == self.truth(account), account.bank_name

    def asked(self, path: str, status: int | None = None) -> list[dict[str, Any]]:
        """What the bank was asked since the test began, oldest first."""
        records = self.customer.application.bank.protocol.read(self.seen, 100_000)
        found = [record for record in records if path in record["path"]]
        return [record for record in found if status is None or record["status"] == status]

    def forget(self) -> None:
        """Count what the bank is asked from here on."""
        newest = self.customer.application.bank.protocol.newest(1)
        self.seen = newest[0]["id"] if newest else 0

    seen = 0

    def events(self, kind: str) -> int:
        return Event.objects.filter(organization=self.organization, event_type__endswith=kind).count()


def sent_back(answer: Any) -> dict[str, str]:
    """What the browser brings back from the bank."""
    assert "Location" in answer.headers, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
