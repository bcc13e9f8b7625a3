"""What an answer looks like when a fault of :mod:`nostro.sandbox.faults` meets it."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.faults import Fault
from nostro.sandbox.replies import json_reply


def apply(bank: Bank, fault: Fault, well: Callable[[], Response]) -> Response:
    """The spoilt answer. ``well`` makes the one the bank would have given."""
    if fault.kind == "down":
        return Response("The bank is being maintained.", 503, content_type="text/plain")
    if fault.kind == "500":
        return Response("Internal error", 500, content_type="text/plain")
    if fault.kind == "bare_401":
        return json_reply({}, 401)
    if fault.kind == "slow":
        bank.sleep(fault.seconds)
        return well()
    response = well()
    body = response.get_data()
    if fault.kind == "truncated":
        response.set_data(body[: len(body) // 2])
    elif fault.kind == "not_json":
        response.set_data(b"<html><body>Sorry</body></html>")
    else:
        response.content_type = "text/html; charset=utf-8"
    return response
