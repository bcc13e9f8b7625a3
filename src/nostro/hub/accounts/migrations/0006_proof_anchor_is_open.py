from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_proof_anchor_sequence"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="proof_anchor_is_open",
            field=models.BooleanField(default=False),
        ),
    ]
