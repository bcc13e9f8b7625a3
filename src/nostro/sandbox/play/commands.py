"""The buttons: each is one command of the control API with a fixed body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.control import accounts, behaviour, consents, faults, state
from nostro.sandbox.requests import BankRequest


@dataclass(frozen=True, slots=True)
class Command:
    """``target`` is the name under which ``verb`` takes what the button stands beside; empty for the whole bank.
    ``done`` says afterwards what happened."""

    label: str
    done: str
    verb: Callable[..., Response]
    body: Mapping[str, Any] = field(default_factory=dict)
    target: str = ""


COMMANDS: dict[str, Command] = {
    "hour": Command("One hour on", "An hour has passed.", state.clock, {"advance": 3_600}),
    "day": Command("One day on", "A day has passed.", state.clock, {"advance": 86_400}),
    "week": Command("One week on", "A week has passed.", state.clock, {"advance": 7 * 86_400}),
    "down": Command("Down once", "The next answer is 503.", faults.plan, {"kind": "down", "times": 1}),
    "refuse": Command("Refuse once", "The next answer will not come.", faults.plan, {"kind": "refused", "times": 1}),
    "break": Command(
        "Break off once", "The next answer ends in its middle.", faults.plan, {"kind": "reset_in_body", "times": 1}
    ),
    "slow": Command(
        "Slow once", "The next answer takes 15 seconds.", faults.plan, {"kind": "slow", "times": 1, "seconds": 15}
    ),
    "well": Command("All is well", "Nothing goes wrong any more.", faults.clear),
    "approve": Command(
        "Approve", "The customer has approved.", consents.authorisation, {"approve": True}, "authorisation_id"
    ),
    "deny": Command("Deny", "The customer has said no.", consents.authorisation, {"deny": True}, "authorisation_id"),
    "expire": Command("Expire", "The consent is over.", consents.expire, target="consent_id"),
    "revoke": Command("Revoke", "The customer took the consent back.", consents.revoke, target="consent_id"),
    "receipt": Command(
        "Receipt",
        "Somebody has paid 42.",
        accounts.add,
        {"amount": "42", "debtorName": "Haastige Klant BV", "remittanceInformationUnstructured": "Paid by button"},
        "account_id",
    ),
    "pending": Command(
        "Pending payment",
        "A payment of 17 waits to be booked.",
        accounts.add,
        {"amount": "-17", "creditorName": "Hotel zum alten Stellwerk", "pending": True},
        "account_id",
    ),
    "twins": Command("Twins", "Two equal payments without ids.", accounts.twins, {"count": 2}, "account_id"),
    "late": Command(
        "Late entry", "An entry appears 20 days back.", accounts.backdate, {"days": 20, "amount": "-17"}, "account_id"
    ),
    "gap": Command(
        "Gap", "The balance says 12 more than the rows.", behaviour.balance_gap, {"amount": "12"}, "account_id"
    ),
    "mend": Command("No gap", "The balance is that of the rows.", behaviour.balance_gap, {"amount": "0"}, "account_id"),
    "ids": Command(
        "New ids",
        "The account and its rows have new ids.",
        behaviour.change_ids,
        {"resourceId": True, "transactionId": True},
        "account_id",
    ),
    "close": Command("Close", "The account is closed.", behaviour.status, {"deleted": True}, "account_id"),
    "open": Command("Open again", "The account is open.", behaviour.status, {}, "account_id"),
}


def run(bank: Bank, name: str, target: str) -> None:
    """Do what a button says. Raises ``KeyError`` for a button that does not exist, else what the control API does."""
    command = COMMANDS[name]
    request = BankRequest(EnvironBuilder(method="POST", json=dict(command.body)).get_environ())
    command.verb(bank, request, **({command.target: target} if command.target else {}))
