"""The page ``/docs/api``: the OpenAPI document for people. Server-side, no script, nothing from elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from nostro.hub.api import openapi
from nostro.hub.api.documents import Page, RevokeInput
from nostro.hub.api.endpoints import CONNECT, ENDPOINTS, Access, Endpoint
from nostro.hub.api.examples import answer_of, body_of

_CHANGES = (
    (
        "1.4.0", "2026-11-28",
        "Bank files: handed in, looked at, imported and undone with a personal access token; accounts as files.",
    ),
    ("1.3.0", "2026-11-28", "Mandates: one organization acts for another, with personal access tokens."),
    ("1.2.0", "2026-11-28", "Sandbox resources, dashboard resources for personal access tokens, /oauth2/revoke."),
    (
        "1.1.0", "2026-11-28",
        "Payments, bulk payments, payment requests and activation requests, with the scope pi. In the sandbox they"
        " are executed by the sandbox bank; elsewhere they answer 403 paymentsNotActivated.",
    ),
    ("1.0.0", "2026-11-25", "The first version."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One endpoint as the page shows it."""

    anchor: str
    verb: str
    path: str
    summary: str
    needs: str
    mounts: str
    is_list: bool
    curl: str
    answer: str


@require_safe
def api_documentation(request: HttpRequest) -> HttpResponse:
    """All endpoints by resource, each with a call to try and an answer."""
    groups: dict[str, list[Call]] = {}
    for endpoint in sorted(ENDPOINTS, key=lambda each: _order(each.resource)):
        groups.setdefault(endpoint.resource or _("discovery and tokens"), []).append(_call(endpoint))
    return render(
        request,
        "hub_api/docs.html",
        {"groups": groups, "host": settings.PUBLIC_URL, "version": openapi.VERSION, "changes": _CHANGES},
    )


#: What most readers come for; the rest follows as it is declared.
_FIRST = ("", "account", "transaction", "pendingTransaction", "synchronization", "financialInstitution")


def _order(resource: str) -> int:
    return _FIRST.index(resource) if resource in _FIRST else len(_FIRST)


def _call(endpoint: Endpoint) -> Call:
    answer = answer_of(endpoint.verb, endpoint.path, _mount(endpoint))
    return Call(
        anchor=openapi.operation_id(endpoint, ""),
        verb=endpoint.verb,
        path=endpoint.path,
        summary=endpoint.summary,
        needs=_needs(endpoint),
        mounts=", ".join(mount or "/" for mount in endpoint.mounts),
        is_list=endpoint.document is Page,
        curl=_curl(endpoint),
        answer="" if answer is None else _text(answer),
    )


def _needs(endpoint: Endpoint) -> str:
    return {
        Access.OPEN: _("nothing"),
        Access.OPTIONAL: _("nothing, or an access token"),
        Access.CLIENT: _("Client ID and Secret ID"),
        Access.SANDBOX: _("an access token of the sandbox"),
        Access.PERSON: _("a personal access token"),
        Access.READER: _("an access token or a personal access token"),
        Access.VENDOR: _("a client token of a vendor"),
        Access.PAYMENT_INITIATION: _("an access token with the scope pi"),
    }.get(endpoint.access) or _("an access token")


def _mount(endpoint: Endpoint) -> str:
    """The one that is shown where there are both."""
    return "" if "" in endpoint.mounts else CONNECT


def _curl(endpoint: Endpoint) -> str:
    lines = [f"curl {settings.PUBLIC_URL}{_mount(endpoint)}{endpoint.path}"]
    if endpoint.access is Access.CLIENT:
        parameter = "token=$TOKEN" if endpoint.body is RevokeInput else "grant_type=client_credentials"
        lines.append(f"-u $CLIENT_ID:$SECRET_ID -d {parameter}")
    elif endpoint.access is not Access.OPEN:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    body = body_of(endpoint.verb, endpoint.path)
    if endpoint.takes_file:
        lines.append("--data-binary @statement.xml")
    if endpoint.verb not in {"GET", "POST"}:
        lines.append(f"-X {endpoint.verb}")
    if body is not None:
        lines.append(f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'")
    return " \\\n  ".join(lines)


def _text(document: Any) -> str:
    """For an element of HTML, where quotation marks stand for themselves: escaped, they are a quarter of the page."""
    text = json.dumps(document, indent=2, ensure_ascii=False).replace("{host}", settings.PUBLIC_URL)
    return SafeString(escape(text).replace("&quot;", '"'))
