"""Who may use the control API, and its table of addresses."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.control import accounts, behaviour, consents, customers, faults, rows, state
from nostro.sandbox.errors import Refusal
from nostro.sandbox.protocol import Record
from nostro.sandbox.requests import BankRequest

Endpoint = Callable[..., Response]


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Without a token in the bank's environment the address does not exist; without the right one it is closed."""

    @wraps(endpoint)
    def guarded(bank: Bank, request: BankRequest, record: Record, **values: Any) -> Response:
        del record
        if not bank.control_token:
            raise NotFound
        given = request.headers.get("Authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {bank.control_token}".encode()):
            raise Refusal(401, "TOKEN_INVALID", "The control API needs its bearer token.")
        return endpoint(bank, request, **values)

    return guarded


_TABLE: tuple[tuple[str, str, Endpoint], ...] = (
    ("POST", "/reset", state.reset),
    ("GET", "/state", state.show),
    ("GET", "/log", state.log),
    ("GET", "/truth/<account_id>", state.truth),
    ("POST", "/clock", state.clock),
    ("GET", "/accounts/<account_id>", rows.show_account),
    ("GET", "/accounts/<account_id>/rows", rows.read),
    ("POST", "/accounts/<account_id>/rows", rows.make),
    ("GET", "/accounts/<account_id>/rows/<int:number>", rows.read_one),
    ("PUT", "/accounts/<account_id>/rows/<int:number>", rows.replace),
    ("POST", "/accounts/<account_id>/transactions", accounts.add),
    ("POST", "/accounts/<account_id>/twins", accounts.twins),
    ("POST", "/psus", customers.add),
    ("POST", "/psus/<psu>/accounts", customers.add_account),
    ("POST", "/accounts/<account_id>/backdate", accounts.backdate),
    ("POST", "/accounts/<account_id>/reuse-entry-reference", accounts.reuse_entry_reference),
    ("POST", "/accounts/<account_id>/balance-gap", behaviour.balance_gap),
    ("POST", "/accounts/<account_id>/change-ids", behaviour.change_ids),
    ("POST", "/accounts/<account_id>/status", behaviour.status),
    ("PATCH", "/transactions/<path:truth_id>", accounts.alter),
    ("DELETE", "/transactions/<path:truth_id>", accounts.remove),
    ("POST", "/transactions/<path:truth_id>/book", accounts.book),
    ("POST", "/consents/<consent_id>/expire", consents.expire),
    ("POST", "/consents/<consent_id>/revoke", consents.revoke),
    ("POST", "/consents/<consent_id>/limit", consents.limit),
    ("POST", "/authorisations/<authorisation_id>", consents.authorisation),
    ("POST", "/quota", behaviour.set_quota),
    ("POST", "/paging", behaviour.set_paging),
    ("POST", "/format", behaviour.set_format),
    ("POST", "/faults", faults.plan),
    ("DELETE", "/faults", faults.clear),
)
ROUTES = tuple((method, f"/_control{path}", _guarded(endpoint)) for method, path, endpoint in _TABLE)
