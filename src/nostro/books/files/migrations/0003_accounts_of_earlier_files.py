"""Files of before told about one account each, their journal's."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def give_accounts(apps: Any, schema_editor: Any) -> None:
    """An account for each file that has statements, and the days that imported ones list."""
    del schema_editor
    file_model = apps.get_model("books_files", "JournalFile")
    account_model = apps.get_model("books_files", "JournalFileAccount")
    statement_model = apps.get_model("books_files", "JournalFileStatement")
    days_model = apps.get_model("journals", "FileDays")
    counts = ("rows", "new_count", "known_count", "restored_count", "held_count")
    for file in file_model.objects.select_related("journal").filter(statements__isnull=False).distinct().iterator():
        account = account_model.objects.create(
            company_id=file.company_id, file=file, position=1, number=file.journal.account_number,
            currency=file.journal.currency, journal=file.journal, reference=file.journal.account_number,
            decision="import", **{name: getattr(file, name) for name in counts},
        )  # fmt: skip
        statements = statement_model.objects.filter(file=file)
        statements.update(account=account)
        if file.status == "imported":
            days = statements.exclude(complete_from=None).values_list("complete_from", "complete_to")
            days_model.objects.bulk_create(
                days_model(
                    company_id=file.company_id, journal=file.journal, run_id=file.pk, first_day=first, last_day=last
                )
                for first, last in days
            )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("books_files", "0002_accounts")]

    operations = [
        migrations.RunPython(give_accounts, migrations.RunPython.noop),
        # PostgreSQL alters no table whose constraints still wait to be checked.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL IMMEDIATE"),
        migrations.AlterField(
            "journalfilestatement",
            "account",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="statements",
                to="books_files.journalfileaccount",
            ),
        ),
    ]
