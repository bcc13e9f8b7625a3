"""Parts of a match keep all three amounts of the line, and what the item they pay lost of its residuals."""

import django.db.models.deletion
from django.db import migrations, models

import nostro.web.fields

FILL = """
UPDATE reconcile_matchpart SET item_amount = amount, item_amount_currency = amount_currency
WHERE open_item_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0002_balanced_entries"),
        ("reconcile", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="matchgroup",
            name="exchange_entry",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry"
            ),
        ),
        migrations.AddField(
            model_name="matchgroup",
            name="mirror",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="reconcile.matchgroup"
            ),
        ),
        migrations.AddField(
            model_name="matchgroup",
            name="write_off_entry",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry"
            ),
        ),
        migrations.AddField(
            model_name="matchpart",
            name="foreign_amount",
            field=nostro.web.fields.AmountField(null=True),
        ),
        migrations.AddField(
            model_name="matchpart",
            name="item_amount",
            field=nostro.web.fields.AmountField(null=True),
        ),
        migrations.AddField(
            model_name="matchpart",
            name="item_amount_currency",
            field=nostro.web.fields.AmountField(null=True),
        ),
        migrations.AlterField(model_name="matchgroup", name="created_at", field=models.DateTimeField()),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
