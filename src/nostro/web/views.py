"""Pages that belong to neither half: health, and what is shown when something went wrong."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render


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
        return JsonResponse({"status": "unavailable", "reason": "the database does not answer"}, status=503)
    if waiting:
        return JsonResponse({"status": "unavailable", "reason": "the database must be migrated"}, status=503)
    return JsonResponse({"status": "ready"})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was sent without its token, mostly because the page stayed open over a sign-out."""
    return render(request, "web/csrf_failure.html", status=403)
