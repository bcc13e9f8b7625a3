"""What a bank, its customers and its weather do in a life, decided by the seed. Everything goes through the sandbox
bank's control API (connectors.md 5.2)."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.customer import Customer

AMOUNTS = {"EUR": ("-12.34", "50.00", "-0.01"), "JPY": ("-1234", "5000", "-1"), "KWD": ("-1.234", "5.000", "-0.001")}
PAGING = ("links", "full_links", "relative_links", "empty_page", "repeated_page", "repeated_row", "reordered_pages",
          "reordered_rows", "self_next", "row_inserted", "in_turn")  # fmt: skip
FAULTS = ("down", "refused", "reset_in_body", "slow", "500", "truncated", "not_json", "wrong_content_type", "bare_401")
#: Rows with this text are alike in no other way; one that nobody alters must keep its id in the Hub.
MARK = "Unique payment "
#: Older rows are left alone: the Hub promises to look back 90 days, and a life ends with three quiet weeks.
OLDEST = dt.timedelta(days=40)


@dataclass
class BankAccount:
    """One account at the bank. ``rows`` are the truth ids of its rows, with the day each was made or dated to."""

    id: str
    currency: str
    rows: dict[str, dt.date] = field(default_factory=dict)
    made: int = 0
    #: Mark of a row that was never altered -> its truth id.
    marks: dict[str, str] = field(default_factory=dict)


class Adversary:
    """One customer's bank. ``act`` does one thing that banks do."""

    def __init__(self, customer: Customer, psu: str, rng: random.Random) -> None:
        self._customer, self._rng = customer, rng
        self.psu = psu
        self.accounts: list[BankAccount] = []
        self.consents: list[str] = []
        #: A balance that is torn when it is read for the first time proves nothing afterwards.
        self.may_tear = False
        self.control("POST", "/psus", {"psu": psu})
        for number in range(rng.choices([1, 2, 3], [6, 3, 1])[0]):
            currency = rng.choice(sorted(AMOUNTS))
            made = self.control("POST", f"/psus/{psu}/accounts", {"key": f"a{number}", "currency": currency})
            self.accounts.append(BankAccount(made["id"], currency))
        for _ in range(rng.randint(0, 6)):
            self._add(rng.choice(self.accounts))

    # --- time and control

    def now(self) -> dt.datetime:
        return self._customer.application.bank.clock.now()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._customer.control(method, path, body)
        assert answer.status_code < 300 or answer.status_code in {404, 409}, (path, body, answer.text)
        return answer.json if answer.status_code < 300 and answer.data else {}

    def truth(self, account: BankAccount) -> Any:
        """All that the bank holds of an account."""
        return self._customer.truth(account.id)

    # --- what happens

    def act(self) -> None:
        """One thing, to one account."""
        account = self._rng.choice(self.accounts)
        actions: dict[Callable[[BankAccount], None], int] = {
            self._add: 8, self._twins: 2, self._backdate: 2, self._reuse: 1, self._alter: 3, self._remove: 2,
            self._book: 3, self._page: 2, self._fail: 2, self._change_ids: 1, self._tear_balance: 1,
            self._fill_quota: 1,
        }  # fmt: skip
        self._rng.choices([*actions], [*actions.values()])[0](account)

    def heal(self) -> None:
        """From now on the bank is well."""
        self.control("DELETE", "/faults")
        for account in self.accounts:
            self.control("POST", "/paging", {"account": account.id, "size": 50, "mode": "links"})
            self.control("POST", f"/accounts/{account.id}/balance-gap", {"amount": "0"})

    def end_consent(self) -> None:
        """The consent in use expires, or the customer takes it back at the bank."""
        if self.consents:
            self.control("POST", f"/consents/{self.consents[-1]}/{self._rng.choice(['expire', 'revoke'])}", {})

    def _amount(self, account: BankAccount) -> str:
        return self._rng.choice(AMOUNTS[account.currency])

    def _note(self, account: BankAccount, made: Any, day: dt.date) -> None:
        account.made += 1
        account.rows.update(dict.fromkeys(made.get("truthIds", []), day))

    def _add(self, account: BankAccount) -> None:
        text = self._rng.choice([MARK + str(account.made), "Invoice 17", "invoice  17", "Rent", "Café Élysée"])
        body = {
            "amount": self._amount(account),
            "remittanceInformationUnstructured": text,
            "ids": self._rng.random() < 0.8,
            "pending": self._rng.random() < 0.2,
        }
        made = self.control("POST", f"/accounts/{account.id}/transactions", body)
        self._note(account, made, self.now().date())
        if text.startswith(MARK) and not body["pending"]:
            account.marks[text] = made["truthIds"][0]

    def _twins(self, account: BankAccount) -> None:
        body = {"count": self._rng.randint(1, 3), "amount": self._amount(account)}
        self._note(account, self.control("POST", f"/accounts/{account.id}/twins", body), self.now().date())

    def _backdate(self, account: BankAccount) -> None:
        days = self._rng.randint(1, OLDEST.days)
        body = {"days": days, "amount": self._amount(account)}
        day = self.now().date() - dt.timedelta(days=days)
        self._note(account, self.control("POST", f"/accounts/{account.id}/backdate", body), day)

    def _reuse(self, account: BankAccount) -> None:
        body = {"amount": self._amount(account)}
        path = f"/accounts/{account.id}/reuse-entry-reference"
        self._note(account, self.control("POST", path, body), self.now().date())

    def _some_row(self, account: BankAccount) -> str | None:
        today = self.now().date()
        young = [row for row, day in account.rows.items() if today - day <= OLDEST]
        return self._rng.choice(young) if young else None

    def _unmark(self, account: BankAccount, row: str) -> None:
        account.marks = {mark: marked for mark, marked in account.marks.items() if marked != row}

    def _alter(self, account: BankAccount) -> None:
        row = self._some_row(account)
        if row is None:
            return
        change = self._rng.choice(
            [
                {"amount": self._amount(account)},
                {"remittanceInformationUnstructured": f"corrected {self._rng.randint(1, 9)}"},
                {"valueDate": (account.rows[row] - dt.timedelta(days=self._rng.randint(0, 3))).isoformat()},
            ]
        )
        self._unmark(account, row)
        self.control("PATCH", f"/transactions/{row}", change)

    def _remove(self, account: BankAccount) -> None:
        row = self._some_row(account)
        if row is not None:
            self._unmark(account, row)
            del account.rows[row]
            self.control("DELETE", f"/transactions/{row}")

    def _book(self, account: BankAccount) -> None:
        row = self._some_row(account)
        if row is None:
            return
        body: dict[str, Any] = {"keep_reference": self._rng.random() < 0.5}
        if self._rng.random() < 0.3:
            body["amount"] = self._amount(account)
        if self.control("POST", f"/transactions/{row}/book", body):
            account.rows[row] = self.now().date()

    def _page(self, account: BankAccount) -> None:
        body = {"account": account.id, "size": self._rng.randint(1, 7), "mode": self._rng.choice(PAGING)}
        self.control("POST", "/paging", body)

    def _fail(self, account: BankAccount) -> None:
        body = {
            "kind": self._rng.choice(FAULTS),
            "times": self._rng.randint(1, 3),
            "skip": self._rng.randint(0, 3),
            "seconds": self._rng.randint(1, 44),
            "endpoint": self._rng.choice(["balances", "transactions", "data"]),
            "account": account.id,
        }
        self.control("POST", "/faults", body)

    def _change_ids(self, account: BankAccount) -> None:
        now = self._rng.random() < 0.5
        body = {
            "resourceId": not now,
            "transactionId": True,
            "entryReference": self._rng.choice([0, 10, 100]),
            "on_new_consent": not now,
        }
        self.control("POST", f"/accounts/{account.id}/change-ids", body)

    def _tear_balance(self, account: BankAccount) -> None:
        if self.may_tear:
            body = {"amount": self._rng.choice(["0", "777"])}
            self.control("POST", f"/accounts/{account.id}/balance-gap", body)

    def _fill_quota(self, account: BankAccount) -> None:
        if self.consents:
            endpoint = self._rng.choice(["balances", "transactions"])
            body = {"consent": self.consents[-1], "account": account.id, "endpoint": endpoint, "used": 4}
            self.control("POST", "/quota", body)
