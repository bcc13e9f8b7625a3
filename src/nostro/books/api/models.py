"""What the API of the Books must remember: personal tokens, and answers to requests with an idempotency key."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models

from nostro.books.companies.models import Company
from nostro.web.fields import IdField


class BooksToken(models.Model):
    """A person's token for one company; it may never do more than its person may."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="books_tokens")
    name = models.CharField(max_length=100)
    checksum = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class IdempotentAnswer(models.Model):
    """An executed request and its answer, kept 24 h and given again when the request is repeated."""

    KEPT: ClassVar[dt.timedelta] = dt.timedelta(hours=24)

    id = IdField()
    token = models.ForeignKey(BooksToken, on_delete=models.CASCADE, related_name="+")
    path = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    body_checksum = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    document = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "path", "key"], name="one_books_answer_per_key")]
        indexes = [models.Index(fields=["created_at"], name="books_answer_by_age")]
