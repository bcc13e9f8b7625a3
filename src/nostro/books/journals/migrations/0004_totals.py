"""Totals of each journal and day, kept by the database, and what the pages of issue 5 need (decision 0022)."""

from django.db import migrations, models
from django.db.models import Q

import nostro.web.fields

#: (basis, day) rows carry amounts; rows of basis "count" carry how many lines wait for what.
_CHANGED = """
    INSERT INTO journals_total (journal_id, basis, day, amount, lines, to_reconcile, to_check, held)
    SELECT journal_id, basis, day, sum(amount), sum(lines), sum(to_reconcile), sum(to_check), sum(held)
    FROM ({rows}) AS parts
    GROUP BY journal_id, basis, day
    HAVING sum(amount) <> 0 OR sum(lines) <> 0 OR sum(to_reconcile) <> 0 OR sum(to_check) <> 0 OR sum(held) <> 0;
"""


def _part(table: str, sign: int) -> str:
    """The rows of one side of a change."""
    return f"""
        SELECT journal_id, 'order' AS basis, order_date AS day, {sign} * amount AS amount, 0 AS lines,
               0 AS to_reconcile, 0 AS to_check, 0 AS held
        FROM {table} WHERE status IN ('posted', 'withdrawn')
        UNION ALL
        SELECT journal_id, 'booking', booking_date, {sign} * amount, 0, 0, 0, 0 FROM {table} WHERE status = 'posted'
        UNION ALL
        SELECT journal_id, 'count', NULL, 0, {sign}, {sign} * (status = 'posted' AND NOT reconciled)::int,
               {sign} * to_check::int, {sign} * (status LIKE 'held%')::int
        FROM {table}
    """  # noqa: S608 - both values are written in this file


def _function(name: str, rows: str) -> str:
    body = _CHANGED.format(rows=rows)
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN{body}    RETURN NULL;\nEND $$;\n"


FORWARD = (
    _function("journals_lines_inserted", _part("inserted", 1))
    + _function("journals_lines_deleted", _part("removed", -1))
    + _function("journals_lines_updated", _part("inserted", 1) + " UNION ALL " + _part("removed", -1))
    + """
CREATE TRIGGER lines_inserted AFTER INSERT ON journals_line REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION journals_lines_inserted();
CREATE TRIGGER lines_deleted AFTER DELETE ON journals_line REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION journals_lines_deleted();
CREATE TRIGGER lines_updated AFTER UPDATE ON journals_line REFERENCING NEW TABLE AS inserted OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION journals_lines_updated();
"""
    + _CHANGED.format(rows=_part("journals_line", 1))
)

REVERSE = """
DROP TRIGGER lines_updated ON journals_line;
DROP TRIGGER lines_deleted ON journals_line;
DROP TRIGGER lines_inserted ON journals_line;
DROP FUNCTION journals_lines_updated();
DROP FUNCTION journals_lines_deleted();
DROP FUNCTION journals_lines_inserted();
"""


class Migration(migrations.Migration):
    dependencies = [("journals", "0003_not_duplicates")]

    operations = [
        migrations.CreateModel(
            name="Total",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("journal_id", models.UUIDField()),
                ("basis", models.CharField(max_length=8)),
                ("day", models.DateField(null=True)),
                ("amount", nostro.web.fields.AmountField(default=0)),
                ("lines", models.IntegerField(default=0)),
                ("to_reconcile", models.IntegerField(default=0)),
                ("to_check", models.IntegerField(default=0)),
                ("held", models.IntegerField(default=0)),
            ],
            options={"indexes": [models.Index(fields=["journal_id", "basis", "day"], name="total_by_journal_day")]},
        ),
        migrations.RunSQL(FORWARD, REVERSE),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(
                fields=["journal", "-order_date", "-day_seq", "-id"], name="line_to_check", condition=Q(to_check=True)
            ),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(
                fields=["journal"],
                name="line_not_grouped",
                condition=Q(statement=None, status__in=["posted", "withdrawn"]),
            ),
        ),
    ]
