"""Who is told that a consent ends, what they were told, and what is to be done about it (books.md 8)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.links.models import OnlineAccount
from nostro.web.fields import IdField


class RenewalContact(models.Model):
    """An address that is told when the consent of a journal's account ends."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="renewal_contacts")
    email = models.EmailField(max_length=254)

    class Meta:
        constraints = [models.UniqueConstraint("journal", Lower("email"), name="one_renewal_contact_per_address")]


class ConsentNotice(models.Model):
    """One notice. The constraint is what keeps it from being made twice, whoever runs at the same time (I-21)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    online_account = models.ForeignKey(OnlineAccount, on_delete=models.CASCADE, related_name="consent_notices")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="consent_notices")
    expires_on = models.DateField()  # by the calendar of the company
    days_before = models.SmallIntegerField()  # 30, 15, 7, 3, 1, 0, and -7, -14, … when it is over
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["online_account", "expires_on", "days_before"], name="one_consent_notice_per_date_and_step"
            )
        ]
        indexes = [models.Index(fields=["company", "-created_at"], name="consent_notice_by_company")]


class MailState(models.TextChoices):
    """``sending`` is written before the mail server is spoken to: a mail that may have left is never sent again."""

    QUEUED = "queued", _("Waits")
    SENDING = "sending", _("Not known whether it arrived")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not sent")


class NoticeMail(models.Model):
    """The mail of a notice to one address, and the link in it, which opens one page and nothing else."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    notice = models.ForeignKey(ConsentNotice, on_delete=models.CASCADE, related_name="mails")
    address = models.EmailField(max_length=254)
    checksum = models.CharField(max_length=64, unique=True)  # of the link's secret
    sealed_secret = models.BinaryField(null=True)  # wiped when the mail has left
    state = models.CharField(max_length=8, choices=MailState, default=MailState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    link_expires_at = models.DateTimeField()
    link_revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "address"], name="one_mail_per_notice_and_address")]
        indexes = [models.Index(fields=["id"], name="notice_mail_queued", condition=Q(state="queued"))]


class RenewalActivity(models.Model):
    """To do at a journal: renew the consent until ``due_on``. A newer one replaces the older."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="renewal_activities")
    online_account = models.ForeignKey(OnlineAccount, on_delete=models.CASCADE, related_name="+")
    due_on = models.DateField()
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["journal"], name="one_open_renewal_per_journal", condition=Q(done_at__isnull=True)
            )
        ]


class CalendarFeed(models.Model):
    """A calendar with the ends of a company's consents, behind a secret address of one person."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    checksum = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    last_read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "user"], name="one_calendar_per_person_and_company")]
