"""What an answer looks like when a fault of :mod:`nostro.sandbox.faults` meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.faults import Fault
from nostro.sandbox.replies import json_reply

SETTLE_S = 0.05


def apply(bank: Bank, fault: Fault, well: Callable[[], Response]) -> Response:
    """The spoilt answer. ``well`` makes the one the bank would have given."""
    if fault.kind in _WITHOUT_THE_BANK:
        return _WITHOUT_THE_BANK[fault.kind](bank)
    if fault.kind == "slow":
        bank.sleep(fault.seconds)
        return well()
    return _SPOILT[fault.kind](bank, well())


def _truncated(bank: Bank, response: Response) -> Response:
    del bank
    body = response.get_data()
    response.set_data(body[: len(body) // 2])
    return response


def _not_json(bank: Bank, response: Response) -> Response:
    del bank
    response.set_data(b"<html><body>Sorry</body></html>")
    return response


def _wrong_content_type(bank: Bank, response: Response) -> Response:
    del bank
    response.content_type = "text/html; charset=utf-8"
    return response


def _reset_in_body(bank: Bank, response: Response) -> Response:
    body = response.get_data()
    return _cut_off(bank, body[: len(body) // 2], len(body))


def _cut_off(bank: Bank, body: bytes, promised: int) -> Response:
    """The connection ends after ``body`` though ``promised`` bytes were announced. With no byte of
    the body the caller has got nothing, as at a bank that refuses the connection."""

    def sent() -> Iterator[bytes]:
        if body:
            yield body
            # Long enough for the server to pass the first half on before it learns that no more will come.
            bank.sleep(SETTLE_S)
        raise ConnectionResetError("a planned fault cuts the connection")

    headers = {"Content-Length": str(promised)}
    return Response(sent(), 200, headers, content_type="application/json")


#: Faults that answer before the bank has looked at the request.
_WITHOUT_THE_BANK: dict[str, Callable[[Bank], Response]] = {
    "down": lambda _: Response("The bank is being maintained.", 503, content_type="text/plain"),
    "500": lambda _: Response("Internal error", 500, content_type="text/plain"),
    "bare_401": lambda _: json_reply({}, 401),
    "refused": lambda bank: _cut_off(bank, b"", 1),
}
#: Faults that spoil the answer the bank would have given.
_SPOILT: dict[str, Callable[[Bank, Response], Response]] = {
    "truncated": _truncated,
    "not_json": _not_json,
    "wrong_content_type": _wrong_content_type,
    "reset_in_body": _reset_in_body,
}
