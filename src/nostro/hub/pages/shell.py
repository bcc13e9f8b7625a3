"""What every page of the Hub does first: who asks, for which organization, live or sandbox.

Views are thin: they translate HTTP into one verb of a room and back. A :class:`~nostro.web.errors.Problem` that a form
can show is shown beside the form; every other one is rendered by the error pages of ``nostro.web``.
"""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Callable
from typing import Any, Concatenate, Literal, ParamSpec

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from nostro.connectors.contract import PsuContext
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import access_account, has_accounts
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization, organizations_of
from nostro.hub.pages.way_back import way_back
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound

Mode = Literal["live", "sandbox"]
Parameters = ParamSpec("Parameters")
#: The session remembers the tab last looked at, so that the next room opens in it.
LAST_MODE = "hub_mode"


class OrganizationRequest(HttpRequest):
    """A request of a person who belongs to ``organization``."""

    user: User
    organization: Organization


View = Callable[Concatenate[OrganizationRequest, Parameters], HttpResponseBase]


def now() -> dt.datetime:
    """The time of this request. Rooms never look at the clock themselves."""
    return dt.datetime.now(dt.UTC)


def organization_page(role: Role | None = None) -> Callable[[View[Parameters]], Callable[..., HttpResponseBase]]:
    """Require a signed-in member of the organization that the address names, with at least ``role``."""

    def decorate(view: View[Parameters]) -> Callable[..., HttpResponseBase]:
        @login_required
        @functools.wraps(view)
        def guarded(request: HttpRequest, organization_id: uuid.UUID, **kwargs: Any) -> HttpResponseBase:
            organization = access_organization(person(request), organization_id, role=role)
            remember(request, organization)
            return view(request, **kwargs)  # type: ignore[arg-type, call-arg]

        return guarded

    return decorate


def person(request: HttpRequest) -> User:
    """Who is signed in; only for views behind ``login_required``."""
    assert isinstance(request.user, User)
    return request.user


def remember(request: HttpRequest, organization: Organization) -> None:
    """Make ``organization`` the one this request is about."""
    request.organization = organization  # type: ignore[attr-defined]


def opened_account(request: HttpRequest, account_id: uuid.UUID) -> Account:
    """The account that a page is about, and its organization. Raises NotFound."""
    found = access_account(person(request), account_id)
    remember(request, found.organization)
    return found


def show(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a page with the organization and the switcher in it."""
    assert isinstance(request.user, User)
    organization = getattr(request, "organization", None)
    common = {
        "may_administer": organization is not None and _may_administer(request.user, organization),
        "half": "hub",
        "organization": organization,
        "organizations": organizations_of(request.user),
        "is_sandbox": context.get("mode") == "sandbox",
        "way_back": way_back(request, now()),
    }
    return render(request, f"hub/{template}", {**common, **context}, status=status)


def _may_administer(user: User, organization: Organization) -> bool:
    """Whether buttons of administrators are shown; the verbs check it again."""
    try:
        access_organization(user, organization.id, role=Role.ADMIN)
    except Forbidden:
        return False
    return True


def chosen_mode(request: HttpRequest, mode: str) -> Mode:
    """The tab that the address names, else the one looked at last, else the one that has accounts.

    Raises NotFound for an unknown one.
    """
    if not mode:
        last = request.session.get(LAST_MODE) or _mode_with_accounts(request)
        return "sandbox" if last == "sandbox" else "live"
    chosen: Mode = "sandbox" if is_sandbox(mode) else "live"
    if request.session.get(LAST_MODE) != chosen:
        request.session[LAST_MODE] = chosen
    return chosen


def _mode_with_accounts(request: HttpRequest) -> Mode:
    """Live, unless there are accounts in the sandbox only: nobody looks for theirs on an empty page."""
    organization = getattr(request, "organization", None)
    if organization is None or not settings.SANDBOX_ENABLED:
        return "live"
    return "sandbox" if has_accounts(organization, True) and not has_accounts(organization, False) else "live"


def is_sandbox(mode: str) -> bool:
    """Whether the address names the sandbox. Raises NotFound for anything but ``live`` and ``sandbox``."""
    if mode not in {"live", "sandbox"}:
        raise NotFound("page")
    return mode == "sandbox"


def psu_context(request: HttpRequest) -> PsuContext:
    """The person who asks right now, as the bank wants to know it (connectors.md 1.4)."""
    return PsuContext(
        present=True,
        ip=request.META.get("REMOTE_ADDR") or None,
        user_agent=request.headers.get("User-Agent", "")[:500] or None,
        accept=request.headers.get("Accept", "")[:200] or None,
        accept_language=request.headers.get("Accept-Language", "")[:100] or None,
        observed_at=now(),
    )
