"""New credentials for a connection, looked at before they are used; leaving the deprecated API token (books.md 6)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Role
from nostro.books.links.credentials import preview_credentials, take_token_back, update_credentials
from nostro.books.links.models import Connection, CredentialKind
from nostro.books.pages.connect import access
from nostro.books.pages.forms import CredentialsForm
from nostro.books.pages.refusals import tell
from nostro.books.pages.shell import now, person, show
from nostro.books.pages.states import hub_page
from nostro.keys.envelope import SealError
from nostro.web.errors import Problem
from nostro.web.secrets import open_sealed, seal


@never_cache
@login_required
def credentials(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Update Accounts: what would the new pair show? Confirmed, it replaces the old one."""
    found = access(request, connection_id, Role.OWNER)
    migrates = found.credential_kind == CredentialKind.API_TOKEN
    do, preview, change = request.POST.get("do", ""), None, None
    seen_at = _seen_at(request)
    refused: Problem | None = None
    form = CredentialsForm(
        request.POST if do == "preview" else None,
        with_address=False,
        initial={"client_id": "" if migrates else found.client_id},
    )
    if do == "preview" and form.is_valid():
        try:
            preview = preview_credentials(person(request), found.id, **form.cleaned_data)
            _keep(request, found, form.cleaned_data["client_id"], form.cleaned_data["secret"])
        except Problem as problem:
            refused = tell(form, problem)
    elif do == "update" and (pair := _kept(request, found)):
        try:
            change = update_credentials(
                person(request), found.id, client_id=pair[0], secret=pair[1], seen_at=seen_at, now=now()
            )
        except Problem as problem:
            refused = problem
        else:
            _forget(request, found)
            messages.success(request, _("The new credentials work and are stored."))
    elif do == "update" and seen_at not in (None, found.secret_set_at):
        # The button was pressed twice, or in two tabs.
        messages.info(request, _("New credentials were stored a moment ago already."))
        return redirect("books:connection", connection_id=found.id)
    elif do == "update":
        messages.error(request, _("The new credentials are no longer here. Type them again; nothing was changed."))
    return show(
        request, "update_accounts.html", connection=found, form=form, preview=preview, change=change,
        problem=refused, migrates=migrates, hub_page=hub_page(found), room="synchronization",
    )  # fmt: skip


@login_required
@require_POST
def token_back(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Go back to the API token as long as the new pair has fetched nothing."""
    found = take_token_back(person(request), connection_id, now=now())
    messages.success(request, _("The API token is used again."))
    return redirect("books:connection", connection_id=found.id)


def _seen_at(request: HttpRequest) -> dt.datetime | None:
    """When the credentials were set that the page with the preview spoke of."""
    try:
        return dt.datetime.fromisoformat(request.POST.get("seen_at", ""))
    except ValueError:
        return None


def _session_key(connection: Connection) -> str:
    return f"books_new_pair:{connection.id}"


def _context(request: HttpRequest, connection: Connection) -> str:
    return f"books.new_pair:{connection.id}:{person(request).id}"


def _keep(request: HttpRequest, connection: Connection, client_id: str, secret: str) -> None:
    """Keep the tested pair for the next step: sealed and on this side, because a browser is never sent a secret."""
    sealed = seal(secret, context=_context(request, connection)).hex()
    request.session[_session_key(connection)] = {"client_id": client_id, "secret": sealed}


def _kept(request: HttpRequest, connection: Connection) -> tuple[str, str] | None:
    kept = request.session.get(_session_key(connection))
    if not kept:
        return None
    try:
        secret = open_sealed(bytes.fromhex(kept["secret"]), context=_context(request, connection)).decode()
    except SealError:
        return None
    return kept["client_id"], secret


def _forget(request: HttpRequest, connection: Connection) -> None:
    request.session.pop(_session_key(connection), None)
