from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0010_numbers_without_gaps")]

    operations = [
        migrations.AddField(
            model_name="entryitem",
            name="analytic",
            field=models.CharField(blank=True, default="", max_length=60),
        ),
    ]
