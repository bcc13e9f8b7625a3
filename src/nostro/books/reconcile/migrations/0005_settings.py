"""Days of grace for early payment, and how far back is looked (books.md 16.1, 16.5)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reconcile", "0004_payments_of_matches")]

    operations = [
        migrations.AddField(
            model_name="automation", name="grace_days", field=models.PositiveSmallIntegerField(default=0)
        ),
        migrations.AddField(
            model_name="automation", name="look_back_months", field=models.PositiveSmallIntegerField(default=18)
        ),
    ]
