"""The ends of consents as a calendar (RFC 5545), for whoever has the secret address; it shows no balance."""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import transaction
from django.utils.translation import gettext as _

from nostro.books.companies.models import Company
from nostro.books.companies.queries import require_role
from nostro.books.links.models import JournalLink
from nostro.books.reminders.models import CalendarFeed
from nostro.books.reminders.notices import checksum_of, expires_on, masked_number
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound

MAX_EVENTS = 2_000
#: A line of RFC 5545 has at most 75 octets before its CRLF.
LINE_OCTETS = 75
READ_AGAIN = dt.timedelta(minutes=1)


@transaction.atomic
def open_feed(user: User, company: Company, *, now: dt.datetime) -> str:
    """A new secret address for a person; the one before works no more. Returns the secret, which is shown once."""
    require_role(user, company.id, None, "company")
    secret = secrets.token_urlsafe(32)
    CalendarFeed.objects.update_or_create(
        company=company,
        user=user,
        defaults={"checksum": checksum_of(secret), "created_at": now, "last_read_at": None},
    )
    _record(user, company, "opened", f"{user} made a secret calendar address.")
    return secret


@transaction.atomic
def close_feed(user: User, company: Company) -> None:
    """The person's address works no more."""
    require_role(user, company.id, None, "company")
    deleted, _by_model = CalendarFeed.objects.filter(company=company, user=user).delete()
    if deleted:
        _record(user, company, "closed", f"{user} revoked the secret calendar address.")


def feed_of(user: User, company: Company) -> CalendarFeed | None:
    return CalendarFeed.objects.filter(company=company, user=user).first()


def read_feed(secret: str, *, now: dt.datetime) -> str:
    """The calendar behind a secret. Raises :class:`NotFound`, also when its person left the company."""
    feed = CalendarFeed.objects.select_related("company", "user").filter(checksum=checksum_of(secret)).first()
    if feed is None or not feed.user.is_active:
        raise NotFound("calendar")
    require_role(feed.user, feed.company_id, None, "calendar")
    if feed.last_read_at is None or now - feed.last_read_at > READ_AGAIN:
        CalendarFeed.objects.filter(pk=feed.pk).update(last_read_at=now)
    return calendar_of(feed.company, now=now)


def calendar_of(company: Company, *, now: dt.datetime) -> str:
    """One all-day event for each linked account whose consent has an end, with an alarm a week before."""
    links = JournalLink.objects.filter(
        company=company, unlinked_at=None, online_account__consent_expires_at__isnull=False
    ).select_related("online_account", "journal")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Nostro//Books//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines.append(f"X-WR-CALNAME:{_text(_('Bank consents of %(company)s') % {'company': company.name})}")
    for link in links.order_by("online_account__consent_expires_at", "id")[:MAX_EVENTS]:
        lines += _event(link, now)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _event(link: JournalLink, now: dt.datetime) -> list[str]:
    account = link.online_account
    day = expires_on(account, link.company.time_zone)
    assert day is not None
    words = {
        "bank": account.bank_name or _("the bank"),
        "journal": link.journal.code,
        "account": masked_number(account),
    }
    summary = _text(_("Renew the consent of %(bank)s (%(journal)s)") % words)
    return [
        "BEGIN:VEVENT",
        # The same account has the same event for ever: a renewal moves it.
        f"UID:consent-{account.pk}@nostro",
        f"DTSTAMP:{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + dt.timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{summary}",
        f"DESCRIPTION:{_text(_('Account %(account)s. Renew it at the Hub until this day.') % words)}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{summary}",
        "TRIGGER:-P7D",
        "END:VALARM",
        "END:VEVENT",
    ]


def _text(value: str) -> str:
    """A TEXT value: what a bank or person wrote can neither end its line nor begin another property."""
    value = "".join(character if character.isprintable() else " " for character in value)[:300]
    return value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """Cut a line by octets, never inside a character."""
    parts: list[str] = []
    current = ""
    for character in line:
        if len((current + character).encode()) > LINE_OCTETS - bool(parts):
            parts.append(current)
            current = ""
        current += character
    return "\r\n ".join([*parts, current])


def _record(user: User, company: Company, word: str, sentence: str) -> None:
    record(tenant_id=company.id, actor=user, action=f"calendar.{word}", obj=company, sentence=sentence)
