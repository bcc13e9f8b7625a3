"""Making notices, once each, and ending them when the consent was renewed (books.md 8, I-21)."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from nostro.books.companies.models import CompanyMember, Role
from nostro.books.journals.models import Journal
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import Connection, ConnectionState, Health, JournalLink, OnlineAccount
from nostro.books.links.queries import live_link
from nostro.books.reminders.models import ConsentNotice, NoticeMail, RenewalActivity, RenewalContact
from nostro.books.reminders.steps import STEPS, due_step
from nostro.core.ids import new_id
from nostro.core.masking import mask_iban, mask_pan
from nostro.keys.envelope import value_context
from nostro.people.audit import record
from nostro.web.secrets import seal

#: Links that one pass looks at; the next pass takes the others.
AT_ONCE = 2_000
MAX_ADDRESSES = 20
LINK_LIFETIME = dt.timedelta(days=45)


def checksum_of(secret: str) -> str:
    """What is stored of the secret of a link or calendar."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def seal_context(mail_id: UUID) -> str:
    return value_context("reminders_noticemail", "sealed_secret", mail_id)


def expires_on(account: OnlineAccount, zone: str) -> dt.date | None:
    """The day on which the consent ends, by the company's calendar."""
    end = account.consent_expires_at
    return None if end is None else end.astimezone(ZoneInfo(zone)).date()


def masked_number(account: OnlineAccount) -> str:
    """The account's number with its middle hidden; the currency where it has none."""
    hide = mask_iban if account.reference_type == "IBAN" else mask_pan
    return hide(account.reference) or account.currency


def make_notices(now: dt.datetime) -> int:
    """Make every notice that is due and was not made; returns how many. The mails are queued, not sent.

    One account's trouble stops no other (I-20).
    """
    horizon = now + dt.timedelta(days=max(STEPS) + 2)
    links = (
        JournalLink.objects.filter(unlinked_at=None, online_account__consent_expires_at__lte=horizon)
        .exclude(online_account__connection__state__in=[ConnectionState.PAUSED, ConnectionState.DISCONNECTED])
        .select_related("company", "journal", "online_account")
        .order_by("online_account__consent_expires_at")[:AT_ONCE]
    )
    return sum(_make(link, now) for link in links)


def _make(link: JournalLink, now: dt.datetime) -> bool:
    zone = link.company.time_zone
    ends = expires_on(link.online_account, zone)
    step = None if ends is None else due_step(ends, now.astimezone(ZoneInfo(zone)).date())
    if ends is None or step is None:
        return False
    made = ConsentNotice.objects.filter(online_account=link.online_account, expires_on=ends)
    if made.filter(days_before__lte=step).exists():
        return False
    try:
        with transaction.atomic():
            notice = ConsentNotice.objects.create(
                company=link.company, online_account=link.online_account, journal=link.journal,
                expires_on=ends, days_before=step, created_at=now,
            )  # fmt: skip
            _queue_mails(notice, now)
            _replace_activity(notice, now)
            if link.online_account.consent_expires_at and link.online_account.consent_expires_at <= now:
                OnlineAccount.objects.filter(pk=link.online_account_id).update(health=Health.EXPIRED)
            record(
                tenant_id=link.company_id, actor=None, action="consent.notice", obj=notice,
                sentence=f"Told the contacts of {link.journal.code} that the consent ends on {ends.isoformat()}.",
            )  # fmt: skip
    except IntegrityError:
        # Another worker was faster.
        return False
    return True


def contacts_of(journal: Journal) -> list[str]:
    """Who is told: the journal's renewal contacts, else the owners of its company."""
    chosen = list(RenewalContact.objects.filter(journal=journal).order_by("email").values_list("email", flat=True))
    if chosen:
        return chosen[:MAX_ADDRESSES]
    owners = CompanyMember.objects.filter(company_id=journal.company_id, role=Role.OWNER, user__is_active=True)
    return list(owners.order_by("created_at").values_list("user__email", flat=True)[:MAX_ADDRESSES])


def _queue_mails(notice: ConsentNotice, now: dt.datetime) -> None:
    for address in contacts_of(notice.journal):
        mail_id, secret = new_id(), secrets.token_urlsafe(32)
        NoticeMail.objects.create(
            id=mail_id, company=notice.company, notice=notice, address=address, checksum=checksum_of(secret),
            sealed_secret=seal(secret, context=seal_context(mail_id)), link_expires_at=now + LINK_LIFETIME,
        )  # fmt: skip


def _replace_activity(notice: ConsentNotice, now: dt.datetime) -> None:
    RenewalActivity.objects.update_or_create(
        journal=notice.journal,
        done_at=None,
        defaults={
            "company": notice.company,
            "online_account": notice.online_account,
            "due_on": notice.expires_on,
            "created_at": now,
        },
    )


def end_renewed(now: dt.datetime) -> int:
    """Clear the notices of accounts that were renewed or are linked no longer; a renewed one is fetched at once."""
    waiting = RenewalActivity.objects.filter(done_at=None).select_related("online_account", "company")
    ended = 0
    for activity in waiting.order_by("due_on")[:AT_ONCE]:
        link = live_link(activity.online_account)
        linked = link is not None and link.journal_id == activity.journal_id
        ends = expires_on(activity.online_account, activity.company.time_zone)
        if not linked or ends is None or ends > activity.due_on:
            with transaction.atomic():
                ended += _end(activity, fetch=linked, now=now)
    return ended


def _end(activity: RenewalActivity, *, fetch: bool, now: dt.datetime) -> bool:
    done = RenewalActivity.objects.filter(pk=activity.pk, done_at=None).update(done_at=now)
    if not done:
        return False
    account = activity.online_account
    NoticeMail.objects.filter(notice__online_account=account, link_revoked_at=None).update(
        link_revoked_at=now, sealed_secret=None
    )
    if fetch:
        request_fetch(None, account, trigger="renewal", now=now)
    return True


def connections_to_look_at() -> list[Connection]:
    """Connections with a consent that somebody may be renewing at the Hub right now."""
    waiting = RenewalActivity.objects.filter(done_at=None).values("online_account__connection")
    return list(Connection.objects.filter(pk__in=waiting).exclude(state=ConnectionState.DISCONNECTED)[:AT_ONCE])
