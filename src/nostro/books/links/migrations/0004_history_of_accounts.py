"""Since when the Hub has data of an account, for the wizard (books.md 4)."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("links", "0003_credential_kinds")]

    operations = [
        migrations.AddField("onlineaccount", "history_from", models.DateField(null=True)),
        migrations.AddField("onlineaccount", "history_complete", models.BooleanField(default=False)),
    ]
