"""Pages that belong to neither half: health, light or dark, and what is shown when something went wrong."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.web.context import THEME_COOKIE, THEMES
from nostro.web.errors import Problem
from nostro.web.problems import problem_response

YEAR_S = 365 * 24 * 3600
log = structlog.get_logger("nostro.web")


def health(request: HttpRequest) -> HttpResponse:
    """The process is alive. Says nothing about the database on purpose: a restart would not mend that."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """The process can serve: the database answers and no migration waits."""
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Exception:
        log.exception("the database does not answer")
        return JsonResponse({"status": "unavailable", "reason": "the database does not answer"}, status=503)
    if waiting:
        return JsonResponse({"status": "unavailable", "reason": "the database must be migrated"}, status=503)
    return JsonResponse({"status": "ready"})


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark on this device and go back to where the person was."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    response = redirect(back)
    remember_theme(response, request.POST.get("theme", ""))
    return response


def remember_theme(response: HttpResponseBase, theme: str) -> None:
    """Keep ``light`` or ``dark`` in a cookie for a year; anything else forgets it, and the system decides."""
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=YEAR_S, httponly=True, samesite="Lax", secure=settings.BEHIND_TLS
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")


# --- what is shown when something went wrong ------------------------------------------------------------------


def _told(request: HttpRequest, status: int, problem: Problem) -> HttpResponse:
    problem.status = status
    return problem_response(request, problem)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Error 400: Django refused the request before a view saw it."""
    problem = Problem(
        _("This request cannot be read."),
        why=_("A part of it is missing or has a form that Nostro does not expect. Nothing was changed."),
        what_to_do=_("Go back, reload the page and try again."),
        code="badRequest",
    )
    return _told(request, 400, problem)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Error 403."""
    problem = Problem(
        _("You may not do this."), what_to_do=_("Ask an owner or an administrator for access."), code="forbidden"
    )
    return _told(request, 403, problem)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Error 404. The same for what never was and for what belongs to somebody else."""
    problem = Problem(
        _("There is nothing at this address, or you may not see it."),
        what_to_do=_("Check the address, or start from the front page."),
        code="resourceNotFound",
    )
    return _told(request, 404, problem)


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Error 429: the limits on sign-in, sign-up and mails (settings, ``ACCOUNT_RATE_LIMITS``)."""
    problem = Problem(
        _("There were too many tries in a short time."),
        why=_("Nostro counts them, so that nobody can guess a password. Your account is safe."),
        what_to_do=_("Wait five minutes and try again."),
        code="tooManyRequests",
    )
    return _told(request, 429, problem)


def server_error(request: HttpRequest) -> HttpResponse:
    """Error 500: a mistake of ours. The log holds the rest under the same correlation id."""
    problem = Problem(
        _("Nostro made a mistake."),
        why=_("This request met an error that nobody foresaw. What was not finished was undone; nothing was lost."),
        what_to_do=_("Try again. If it happens again, tell your operator the reference below."),
        code="internalError",
    )
    try:
        return _told(request, 500, problem)
    except Exception:
        # The page itself may need what is broken, such as the database that knows who is signed in.
        log.exception("the error page could not be shown")
        return HttpResponse(
            f"{problem.what} {problem.what_to_do}", status=500, content_type="text/plain; charset=utf-8"
        )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was sent without its token, mostly because the page stayed open over a sign-out."""
    problem = Problem(
        _("This form is no longer valid."),
        why=_("The page was open for a long time, or you signed in or out meanwhile. Nothing was changed."),
        what_to_do=_("Go back, reload the page and send the form again."),
        code="formExpired",
    )
    return _told(request, 403, problem)
