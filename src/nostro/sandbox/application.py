"""The WSGI application: one table of addresses, one way in and out for every request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from nostro.sandbox import (
    fault_answers,
    index_page,
    payments,
    strict,
    unfolding,
    xs2a_accounts,
    xs2a_cards,
    xs2a_consents,
    xs2a_payments,
    xs2a_transactions,
)
from nostro.sandbox.bank import Bank
from nostro.sandbox.control import api as control
from nostro.sandbox.errors import Refusal
from nostro.sandbox.play import page as play
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, is_attended, is_uuid, require_request_id
from nostro.sandbox.sca import oauth, pages, payment_pages

Endpoint = Callable[..., Response]
logger = logging.getLogger(__name__)
STYLESHEET = Path(__file__).parent / "static" / "sandbox.css"

#: What faults, quota and log call an endpoint; all others belong to ``consents``.
NAMES: dict[Endpoint, str] = {
    xs2a_accounts.list_accounts: "accounts",
    xs2a_accounts.read_account: "details",
    xs2a_accounts.read_balances: "balances",
    xs2a_transactions.read_transactions: "transactions",
    xs2a_transactions.download: "transactions",
    xs2a_transactions.read_transaction: "transaction",
    xs2a_cards.list_accounts: "card-accounts",
    xs2a_cards.read_account: "details",
    xs2a_cards.read_balances: "balances",
    xs2a_cards.read_transactions: "transactions",
}


def health(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /health``: the storage answers."""
    del request, record
    return json_reply({"status": "ok", "clock": bank.clock.now().isoformat()})


def stylesheet(bank: Bank, request: BankRequest, record: Record) -> Response:
    """The one stylesheet of the bank's pages."""
    del bank, request, record
    return Response(STYLESHEET.read_bytes(), content_type="text/css; charset=utf-8")


def _routes() -> Map:
    consent, account = "/v1/consents/<consent_id>", "/v1/accounts/<resource_id>"
    card = f"{xs2a_cards.ROOT}/<resource_id>"
    payment = "/v1/<any('payments', 'bulk-payments'):service>/<product>"
    table: tuple[tuple[str, str, Endpoint], ...] = (
        ("GET", "/", index_page.show),
        ("GET", "/health", health),
        ("GET", "/static/sandbox.css", stylesheet),
        ("GET", "/play", play.show),
        ("POST", "/play", play.press),
        ("GET", "/sca/<authorisation_id>", pages.show),
        ("POST", "/sca/<authorisation_id>", pages.show),
        ("GET", "/sca/payments/<sca>", payment_pages.show),
        ("POST", "/sca/payments/<sca>", payment_pages.show),
        ("GET", "/oauth/.well-known/oauth-authorization-server", oauth.metadata),
        ("GET", "/oauth/authorize", oauth.authorize),
        ("POST", "/oauth/authorize", oauth.authorize),
        ("POST", "/oauth/token", oauth.token),
        ("POST", "/v1/consents", xs2a_consents.create),
        ("GET", consent, xs2a_consents.read),
        ("DELETE", consent, xs2a_consents.delete),
        ("GET", f"{consent}/status", xs2a_consents.status),
        ("POST", f"{consent}/authorisations", xs2a_consents.start_authorisation),
        ("GET", f"{consent}/authorisations", xs2a_consents.list_authorisations),
        ("GET", f"{consent}/authorisations/<authorisation_id>", xs2a_consents.authorisation_status),
        ("PUT", f"{consent}/authorisations/<authorisation_id>", xs2a_consents.update_authorisation),
        ("GET", "/v1/accounts", xs2a_accounts.list_accounts),
        ("GET", account, xs2a_accounts.read_account),
        ("GET", f"{account}/balances", xs2a_accounts.read_balances),
        ("GET", f"{account}/transactions", xs2a_transactions.read_transactions),
        ("GET", f"{account}/transactions/<transaction_id>", xs2a_transactions.read_transaction),
        ("GET", f"{account}/download", xs2a_transactions.download),
        ("POST", payment, xs2a_payments.create),
        ("GET", f"{payment}/<payment_id>", xs2a_payments.read),
        ("DELETE", f"{payment}/<payment_id>", xs2a_payments.cancel),
        ("GET", f"{payment}/<payment_id>/status", xs2a_payments.status),
        ("POST", f"{payment}/<payment_id>/authorisations", xs2a_payments.start_authorisation),
        ("GET", f"{payment}/<payment_id>/authorisations", xs2a_payments.list_authorisations),
        ("GET", f"{payment}/<payment_id>/authorisations/<sca>", xs2a_payments.authorisation_status),
        ("PUT", f"{payment}/<payment_id>/authorisations/<sca>", xs2a_payments.update_authorisation),
        ("GET", xs2a_cards.ROOT, xs2a_cards.list_accounts),
        ("GET", card, xs2a_cards.read_account),
        ("GET", f"{card}/balances", xs2a_cards.read_balances),
        ("GET", f"{card}/transactions", xs2a_cards.read_transactions),
        *control.ROUTES,
    )
    return Map([Rule(path, methods=[method], endpoint=endpoint) for method, path, endpoint in table])


class Application:
    """The bank as a WSGI callable."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self._routes = _routes()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """WSGI."""
        request = BankRequest(environ)
        return self._answer(request)(environ, start_response)

    def close(self) -> None:
        """Let go of the bank's file."""
        self.bank.storage.close()

    def _answer(self, request: BankRequest) -> Response:
        record = Record(request.method, request.path, attended=is_attended(request))
        given = request.headers.get("X-Request-ID", "")
        record.request_id = given if is_uuid(given) else ""
        response = self._guarded(request, record)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if record.request_id:
            response.headers["X-Request-ID"] = record.request_id
        if request.path.startswith(("/v1/", "/sca/", "/oauth/")):
            self.bank.protocol.write(record, self.bank.clock.now(), response.status_code)
        return response

    def _guarded(self, request: BankRequest, record: Record) -> Response:
        try:
            return self._dispatch(request, record)
        except Refusal as refusal:
            return refusal_reply(refusal)
        except HTTPException as error:
            return _http_error(request, error)
        except Exception:
            logger.exception("the sandbox bank failed at %s %s", request.method, request.path)
            return refusal_reply(Refusal(500, "INTERNAL_SERVER_ERROR", "The bank made a mistake."))

    def _dispatch(self, request: BankRequest, record: Record) -> Response:
        endpoint, values = self._routes.bind_to_environ(request.environ).match()
        if request.path != "/health":
            unfolding.settle(self.bank)
            payments.settle(self.bank)
        if not request.path.startswith("/v1/"):
            return self._call(endpoint, request, record, values)
        require_request_id(request)
        if self.bank.is_strict:
            strict.check(request, self.bank.clock.now())
        record.endpoint = NAMES.get(endpoint, "")
        record.consent = str(values.get("consent_id", request.headers.get("Consent-ID", "")))[:100]
        record.account = self.bank.ledger.id_of(str(values.get("resource_id", "")))
        fault = self.bank.faults.next(record.endpoint or "consents", record.consent, record.account)
        if fault is None:
            return self._call(endpoint, request, record, values)
        record.fault = fault.kind
        return fault_answers.apply(self.bank, fault, lambda: self._call(endpoint, request, record, values))

    def _call(self, endpoint: Endpoint, request: BankRequest, record: Record, values: Mapping[str, Any]) -> Response:
        return endpoint(self.bank, request, record, **values)


def refusal_reply(refusal: Refusal) -> Response:
    """The standard's error answer."""
    headers = {} if refusal.retry_after_s is None else {"Retry-After": str(refusal.retry_after_s)}
    return json_reply(refusal.body(), refusal.status, headers)


def _http_error(request: BankRequest, error: HTTPException) -> Response:
    """What routing and body reading refuse, in the standard's words where the standard has any."""
    if isinstance(error, NotFound):
        return refusal_reply(Refusal(404, "RESOURCE_UNKNOWN", "The bank has nothing at this address."))
    if isinstance(error, MethodNotAllowed):
        response = refusal_reply(Refusal(405, "SERVICE_INVALID", f"{request.method} is not possible here."))
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response
    status = error.code or 400
    if 300 <= status < 400:
        return Response(error.get_response(request.environ).get_data(), status)
    return refusal_reply(Refusal(status, "FORMAT_ERROR", error.description or "The request cannot be read."))
