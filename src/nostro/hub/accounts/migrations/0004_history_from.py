from django.db import migrations, models
from django.db.models import F


def trust_what_was_read(apps, schema_editor):
    """What an account was read from so far is all that is known of its history."""
    apps.get_model("accounts", "Account").objects.update(history_from=F("covered_from"))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_duplicate_decisions")]

    operations = [
        migrations.AddField(model_name="account", name="history_from", field=models.DateField(null=True)),
        migrations.RunPython(trust_what_was_read, migrations.RunPython.noop, elidable=True),
    ]
