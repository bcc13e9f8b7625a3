"""Institutions and the routes to them (connectors.md section 2)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from nostro.web.fields import IdField


class Institution(models.Model):
    """A bank as listed in the directory. Its id is derived from country, BIC and name, so that it is the same on
    every host and after every reload of the directory."""

    id = IdField()
    name = models.CharField(max_length=200)
    folded_name = models.CharField(max_length=200)
    bic = models.CharField(max_length=11, blank=True, db_index=True)
    country = models.CharField(max_length=2, blank=True)
    bank_codes = ArrayField(models.CharField(max_length=20), default=list)
    time_zone = models.CharField(max_length=50, blank=True)
    status = models.CharField(max_length=12, default="stable")  # experimental, beta, stable
    added_by_operator = models.BooleanField(default=False)
    is_sandbox = models.BooleanField(default=False)
    deprecated = models.BooleanField(default=False)
    maintenance_from = models.DateTimeField(null=True)
    maintenance_to = models.DateTimeField(null=True)
    maintenance_type = models.CharField(max_length=20, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["folded_name", "id"], name="institution_by_name"),
            models.Index(fields=["country", "folded_name"], name="institution_by_country"),
            GinIndex(fields=["bank_codes"], name="institution_by_bank_code"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(maintenance_type__in=["", "internal", "financialInstitution"]),
                name="maintenance_is_of_a_known_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(maintenance_to=None)
                | models.Q(maintenance_from=None)
                | models.Q(maintenance_to__gt=models.F("maintenance_from")),
                name="maintenance_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """One way to reach an institution: a connector and its dialect profile. An institution without a route is known
    but cannot be linked yet."""

    id = IdField()
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="routes")
    connector = models.CharField(max_length=40)
    base_url = models.URLField(max_length=500)
    profile = models.JSONField(default=dict)
    sca_approaches = ArrayField(models.CharField(max_length=20), default=list)
    consent_days = models.PositiveSmallIntegerField(default=180)
    history_days = models.PositiveSmallIntegerField(default=730)
    falls_under_psd2 = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    recommended = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "connector"], name="one_route_per_connector")]
