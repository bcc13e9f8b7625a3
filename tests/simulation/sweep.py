"""Forgets a life: the next one has an empty hub, as it would have alone. Quicker than TRUNCATE, which takes longer
than a short life."""

from __future__ import annotations

from functools import lru_cache

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model
from tests.database import empty_written_tables

from nostro.books.companies.models import Company
from nostro.hub.directory.models import Institution, Route
from nostro.hub.organizations.models import Organization
from nostro.hub.sync.models import QuotaState
from nostro.people.models import AuditRecord, User

_MAY_BE_EMPTIED = ("test_", "nostro_bench_")


@lru_cache(maxsize=1)
def _statement() -> str:
    """One message that empties all that a life fills, referring tables first."""
    found: list[type[Model]] = []
    models = [model for model in apps.get_models() if model.__module__.startswith("nostro.hub.")]
    referring = {
        target: [model for model in models if any(_refers(field, target) for field in model._meta.get_fields())]
        for target in models
    }

    def add(model: type[Model]) -> None:
        for other in referring.get(model, ()):
            if other is not model and other not in found:
                add(other)
        if model not in found:
            found.append(model)

    for model in (Organization, Route, Institution, QuotaState):
        add(model)
    found.append(User)
    tables = [model._meta.db_table for model in found]
    jobs = "DELETE FROM procrastinate_events; DELETE FROM procrastinate_jobs"
    # The trail refuses that a record is deleted; emptying the table is what only its owner may do.
    trail = f'TRUNCATE "{AuditRecord._meta.db_table}"'
    return "; ".join([trail, *(f'DELETE FROM "{table}"' for table in tables), jobs])


def _refers(field: object, target: type[Model]) -> bool:
    return isinstance(field, ForeignKey) and field.related_model is target


def sweep() -> None:
    """Empty the hub. Only databases of tests and benchmarks may be emptied."""
    assert str(connection.settings_dict["NAME"]).startswith(_MAY_BE_EMPTIED), "this is no database of a test"
    if Company.objects.exists():
        # Of a life with Books, whose ledger refuses that anything is deleted.
        empty_written_tables()
        return
    with connection.cursor() as cursor:
        cursor.execute(_statement())
