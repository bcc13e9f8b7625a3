"""Announced work on a bank's interface is of a known kind and ends after it begins."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("directory", "0002_added_by_operator")]

    operations = [
        migrations.AddConstraint(
            model_name="institution",
            constraint=models.CheckConstraint(
                condition=Q(maintenance_type__in=["", "internal", "financialInstitution"]),
                name="maintenance_is_of_a_known_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="institution",
            constraint=models.CheckConstraint(
                condition=Q(maintenance_to=None)
                | Q(maintenance_from=None)
                | Q(maintenance_to__gt=F("maintenance_from")),
                name="maintenance_ends_after_it_begins",
            ),
        ),
    ]
