"""Planning what goes wrong."""

from __future__ import annotations

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.control.accounts import any_account
from nostro.sandbox.errors import format_error
from nostro.sandbox.faults import ENDPOINTS, KINDS, MAX_SECONDS
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object, whole_number


def plan(bank: Bank, request: BankRequest) -> Response:
    """``POST /faults {kind, endpoint?, times?, seconds?, skip?, account?}``.

    Without ``times`` it holds until ``DELETE /faults``. ``skip`` answers are left well before: 2 with
    ``reset_in_body`` breaks off in the third page.
    """
    body = json_object(request)
    kind, endpoint = body.get("kind"), body.get("endpoint")
    if kind not in KINDS:
        raise format_error(f"kind must be one of {', '.join(KINDS)}.", "kind")
    if endpoint is not None and endpoint not in ENDPOINTS:
        raise format_error(f"endpoint must be one of {', '.join(ENDPOINTS)}.", "endpoint")
    times = None if body.get("times") is None else whole_number(body, "times", None, 1, 10_000)
    account = any_account(bank, body["account"]).id if "account" in body else None
    skip = whole_number(body, "skip", 0, 0, 10_000)
    seconds = whole_number(body, "seconds", 0, 0, MAX_SECONDS)
    bank.faults.plan(kind, endpoint, times, seconds, skip=skip, account=account)
    return json_reply({"kind": kind, "endpoint": endpoint, "times": times}, 201)


def clear(bank: Bank, request: BankRequest) -> Response:
    """``DELETE /faults``: the bank is well."""
    del request
    bank.faults.clear()
    return Response(status=204)
