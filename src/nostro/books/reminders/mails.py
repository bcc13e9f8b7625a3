"""Sending the queued mails: each at most once, also when jobs run twice or die in between (books.md 8, I-21)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from nostro.books.reminders.models import MailState, NoticeMail
from nostro.books.reminders.notices import masked_number, seal_context
from nostro.people.models import User
from nostro.web.secrets import open_sealed

log = structlog.get_logger(__name__)

AT_ONCE = 500
MAX_ATTEMPTS = 24


def send_mails(now: dt.datetime) -> int:
    """Send what is queued; returns how many left.

    The state ``sending`` is committed before the mail server is spoken to. Who dies in between leaves it so, and the
    mail is not sent again: a notice is sent at most once. A server that refuses has sent nothing, and is asked again
    at the next pass.
    """
    waiting = NoticeMail.objects.filter(state=MailState.QUEUED, link_revoked_at=None).order_by("id")
    return sum(_send(mail_id, now) for mail_id in list(waiting.values_list("id", flat=True)[:AT_ONCE]))


def _send(mail_id: UUID, now: dt.datetime) -> bool:
    claimed = NoticeMail.objects.filter(pk=mail_id, state=MailState.QUEUED).update(state=MailState.SENDING)
    if not claimed:
        return False
    mail = NoticeMail.objects.select_related(
        "notice__journal", "notice__online_account", "notice__company"
    ).get(pk=mail_id)  # fmt: skip
    try:
        message(mail, now).send()
    except OSError as error:
        # smtplib's errors are OSErrors as well: the server did not take the mail.
        log.warning("consent_notice_not_sent", mail_id=str(mail.pk), error=type(error).__name__)
        attempts = mail.attempts + 1
        state = MailState.FAILED if attempts >= MAX_ATTEMPTS else MailState.QUEUED
        NoticeMail.objects.filter(pk=mail.pk).update(state=state, attempts=attempts)
        return False
    NoticeMail.objects.filter(pk=mail.pk).update(state=MailState.SENT, sent_at=now, sealed_secret=None)
    return True


def message(mail: NoticeMail, now: dt.datetime) -> EmailMessage:
    """The mail in the language of its reader, if they have a sign-in here. It names no balance and no transaction."""
    assert mail.sealed_secret is not None
    secret = open_sealed(mail.sealed_secret, context=seal_context(mail.pk)).decode()
    reader = User.objects.filter(email__iexact=mail.address).only("locale").first()
    with translation.override(reader.locale if reader else settings.LANGUAGE_CODE):
        account = mail.notice.online_account
        ends = date_format(mail.notice.expires_on, "j F Y")
        words = {
            "bank": _one_line(account.bank_name) or _("the bank"),
            "journal": mail.notice.journal.code,
            "account": masked_number(account),
            "day": ends,
            "link": f"{settings.PUBLIC_URL}/books/renew/{secret}/",
        }
        over = mail.notice.expires_on < now.date()
        subject = (
            _("%(bank)s: the consent ended on %(day)s") if over else _("%(bank)s: renew the consent before %(day)s")
        )
        text = _(
            "The consent to read account %(account)s at %(bank)s (journal %(journal)s) ends on %(day)s. "
            "From then on no new transactions arrive until it is renewed. Nothing that is stored is lost.\n\n"
            "How to renew it:\n%(link)s\n\n"
            "The link needs no login, shows no balance and no transaction, and works for 45 days. Check that the "
            "address begins with the one you know before you type anything there.\n"
        )
        return EmailMessage(subject % words, text % words, to=[mail.address])


def _one_line(text: str) -> str:
    return " ".join(text.split())[:100]
