"""How a problem is told: as a page, as a fragment to htmx, as JSON to a program; always with its correlation id."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from nostro.web.errors import Problem
from nostro.web.middleware import GetResponse

log = structlog.get_logger("nostro.web.problems")


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The answer to a request that ended in ``problem``, in the form the caller asked for."""
    correlation_id = getattr(request, "correlation_id", "")
    # A browser sends text/html among others; a caller that prefers JSON is a program.
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse(as_json(problem, correlation_id), status=problem.status)
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
    template = "web/problem_fragment.html" if fragment else "web/problem.html"
    context = {"problem": problem, "correlation_id": correlation_id}
    return render(request, template, context, status=problem.status)


def as_json(problem: Problem, correlation_id: str) -> dict[str, str]:
    """The same facts for programs; empty ones are left out."""
    told = {
        "code": problem.code,
        "what": problem.what,
        "why": problem.why,
        "whatToDo": problem.what_to_do,
        "field": problem.field,
        "correlationId": correlation_id,
    }
    return {name: str(value) for name, value in told.items() if value}


class ProblemMiddleware:
    """Answers a ``Problem`` that a view let through. Other errors go on to the page of error 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Problem):
            return None
        log.info("problem", code=error.code, status=error.status, what=error.what)
        return problem_response(request, error)
