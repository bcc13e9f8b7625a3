from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="institution",
            name="added_by_operator",
            field=models.BooleanField(default=False),
        ),
    ]
