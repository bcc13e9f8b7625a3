"""Planning what goes wrong."""

from __future__ import annotations

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.errors import format_error
from nostro.sandbox.faults import ENDPOINTS, KINDS, MAX_SECONDS
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object, whole_number


def plan(bank: Bank, request: BankRequest) -> Response:
    """``POST /faults {kind, endpoint?, times?, seconds?}``; without ``times`` until ``DELETE /faults``."""
    body = json_object(request)
    kind, endpoint = body.get("kind"), body.get("endpoint")
    if kind not in KINDS:
        raise format_error(f"kind must be one of {', '.join(KINDS)}.", "kind")
    if endpoint is not None and endpoint not in ENDPOINTS:
        raise format_error(f"endpoint must be one of {', '.join(ENDPOINTS)}.", "endpoint")
    times = None if body.get("times") is None else whole_number(body, "times", None, 1, 10_000)
    bank.faults.plan(kind, endpoint, times, whole_number(body, "seconds", 0, 0, MAX_SECONDS))
    return json_reply({"kind": kind, "endpoint": endpoint, "times": times}, 201)


def clear(bank: Bank, request: BankRequest) -> Response:
    """``DELETE /faults``: the bank is well."""
    del request
    bank.faults.clear()
    return Response(status=204)
