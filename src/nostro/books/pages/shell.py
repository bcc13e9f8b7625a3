"""What every page of the Books does first: who asks, for which company, and what their role allows.

Views are thin: they translate HTTP into one verb of a room and back. A :class:`~nostro.web.errors.Problem` that a form
can show is shown beside the form; every other one is rendered by the error pages of ``nostro.web``.
"""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company, companies_of, role_of
from nostro.books.links.queries import connections_with_token
from nostro.books.pages.refusals import place_of, refusal_of
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.said import said

Parameters = ParamSpec("Parameters")
#: The session remembers the company last looked at, so that the half's front page leads there.
LAST_COMPANY = "books_company"


class CompanyRequest(HttpRequest):
    """A request of a person who belongs to ``company``."""

    user: User
    company: Company


View = Callable[Concatenate[CompanyRequest, Parameters], HttpResponse]


@dataclass(frozen=True)
class Abilities:
    """What the pages offer a person; the rooms decide again when it is done (books.md 14.5)."""

    match: bool
    correct: bool
    connect: bool

    @classmethod
    def of(cls, role: Role) -> Abilities:
        return cls(
            match=role != Role.READER,
            correct=role in {Role.ACCOUNTANT, Role.OWNER},
            connect=role == Role.OWNER,
        )


def now() -> dt.datetime:
    """The time of this request. Rooms never look at the clock themselves."""
    return dt.datetime.now(dt.UTC)


def company_page(role: Role | None = None) -> Callable[[View[Parameters]], Callable[..., HttpResponse]]:
    """Require a signed-in member of the company that the address names, with at least ``role``."""

    def decorate(view: View[Parameters]) -> Callable[..., HttpResponse]:
        @login_required
        @functools.wraps(view)
        def guarded(request: HttpRequest, company_id: uuid.UUID, **kwargs: Any) -> HttpResponse:
            company = access_company(person(request), company_id, role=role)
            remember(request, company)
            return view(request, **kwargs)  # type: ignore[arg-type, call-arg]

        return guarded

    return decorate


def person(request: HttpRequest) -> User:
    """Who is signed in; only for views behind ``login_required``."""
    assert isinstance(request.user, User)
    return request.user


def remember(request: HttpRequest, company: Company) -> None:
    """Make ``company`` the one this request is about."""
    request.company = company  # type: ignore[attr-defined]
    if request.session.get(LAST_COMPANY) != str(company.id):
        request.session[LAST_COMPANY] = str(company.id)


def show(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a page with the company, the switcher and the person's abilities in it."""
    company = getattr(request, "company", None)
    role = role_of(person(request), company) if company else None
    problem = context.get("problem")
    if company and role and isinstance(problem, Problem):
        context["refusal"] = refusal_of(problem, place_of(company, role, context), now())
    common = {
        "half": "books",
        "company": company,
        "companies": companies_of(person(request)),
        "may": Abilities.of(role) if role else None,
        "old_tokens": connections_with_token(company) if company else [],
    }
    return render(request, f"books/{template}", {**common, **context}, status=status)


def tell_refusal(request: HttpRequest, problem: Problem) -> None:
    """Say on the page that comes next what was refused and what to do."""
    messages.error(request, f"{said(problem.what)} {said(problem.what_to_do)}")


def is_live(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def back_or(request: HttpRequest, name: str, **parameters: uuid.UUID) -> HttpResponse:
    """Redirect to the address of this site that ``next`` names, else to the page ``name``."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = reverse(f"books:{name}", kwargs=parameters)
    return HttpResponseRedirect(target)


def visitor(request: HttpRequest) -> str | None:
    """The address of the person who asks right now; it tells the bank that somebody is present (books.md 2)."""
    return request.META.get("REMOTE_ADDR") or None
