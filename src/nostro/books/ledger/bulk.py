"""Many rows in one statement: COPY is six to nine times faster than ``bulk_create`` (DESIGN.md section 3).

Rows of a hot path are tuples of text, because making a model instance and letting the driver format each value take
longer than the database needs to store it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from django.db import connection, models
from django.db.models.fields import NOT_PROVIDED
from psycopg.types.json import Jsonb

#: A value as PostgreSQL reads it from text; ``None`` is null.
Text = str | None


@lru_cache(maxsize=32)
def column_names(model: type[models.Model]) -> tuple[str, ...]:
    """The columns that the database does not fill by itself, in the order of the model; each named as its attribute."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField) and field.db_default is NOT_PROVIDED
    ]
    assert all(field.column == field.attname for field in fields)
    return tuple(field.attname for field in fields)


def copy_rows(rows: Sequence[models.Model]) -> None:
    """Insert instances of one model with COPY, in the caller's transaction. Constraints and triggers apply."""
    if not rows:
        return
    model = type(rows[0])
    names = column_names(model)
    if any(isinstance(field, models.JSONField) for field in model._meta.concrete_fields):
        _copy(model, names, ([_adapted(row.__dict__[name]) for name in names] for row in rows))
    else:
        _copy(model, names, ([row.__dict__[name] for name in names] for row in rows))


def _adapted(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict | list) else value


def copy_texts(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
    """The same for rows that are ready as text. ``names`` are the columns of each row and must be all of them."""
    assert set(names) == set(column_names(model))
    _copy(model, names, rows)


def _copy(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(name) for name in names)
    with (
        # COPY is psycopg's own, so its errors must be made Django's here.
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.cursor.copy(f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
