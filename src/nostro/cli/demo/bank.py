"""What the sandbox bank itself says it holds: the oracle of the comparison."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import httpx

from nostro.cli.demo.comparison import Figures

#: An account is known by its number and its currency.
Key = tuple[str, str]
#: The currency of an aggregate over sub-accounts; only the sub-accounts hold rows.
AGGREGATE = "XXX"


class Bank:
    """The control API of the sandbox bank (connectors.md 5.2)."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def figures(self, customers: Iterable[str]) -> dict[str, dict[Key, Figures]]:
        """For each customer: booked rows, their sum, and the balance of every account in one currency."""
        found: dict[str, dict[Key, Figures]] = {customer: {} for customer in customers}
        for account in self._get("/_control/state")["accounts"]:
            if account["psu"] in found and account["currency"] != AGGREGATE:
                found[account["psu"]] |= self._account(account)
        return found

    def _account(self, account: dict[str, Any]) -> dict[Key, Figures]:
        amounts: dict[str, list[Decimal]] = defaultdict(list)
        truth = self._get(f"/_control/truth/{account['id']}")
        for row in truth["rows"]:
            amounts[row["currency"]].append(Decimal(row["amount"]))
        return {
            (account["iban"], part["currency"]): Figures(
                len(amounts[part["currency"]]),
                sum(amounts[part["currency"]], Decimal(0)),
                Decimal(part["booked"]),
            )
            for part in truth["balances"]
        }

    def _get(self, path: str) -> Any:
        answer = self._client.get(path)
        answer.raise_for_status()
        return json.loads(answer.text, parse_float=Decimal)
