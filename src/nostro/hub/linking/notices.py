"""Mails about consents, each once: 30, 14, 7 and 1 days before the end (connectors.md 1.6), and when the bank has
ended one."""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction

from nostro.hub.linking.models import Connection, Consent, ConsentNotice
from nostro.hub.organizations.models import Membership, Role

log = structlog.get_logger(__name__)

DAYS_BEFORE = (30, 14, 7, 1)
#: The step of a notice that a consent is over.
OVER = 0
#: An end that is longer ago is no news.
NEWS = dt.timedelta(days=7)
#: Consents that one pass looks at; the next pass takes the others.
CONSENTS_AT_ONCE = 1_000
#: Mails of one notice: an organization has few people who may renew.
MAX_RECIPIENTS = 20


def due_step(valid_until: dt.date, today: dt.date) -> int | None:
    """The warning that is due now: the latest of 30, 14, 7 and 1 days that has been reached; None before and after."""
    left = (valid_until - today).days
    return min((step for step in DAYS_BEFORE if 0 <= left <= step), default=None)


def send_consent_notices(now: dt.datetime) -> int:
    """Send every warning that is due and was not sent, and tell of each consent that is over; returns how many.

    Steps that passed while nothing ran are not made up for: only the latest one is sent. The row and the mail belong
    to one transaction, and the constraint ``one_consent_notice_per_step`` decides between workers.
    """
    today = now.date()
    ending = (
        Consent.objects.filter(
            is_current=True,
            status="valid",
            valid_until__range=(today, today + dt.timedelta(days=max(DAYS_BEFORE))),
            connection__removed_at=None,
            connection__linked_at__isnull=False,
        )
        .select_related("connection__institution", "organization")
        .prefetch_related("notices")
        .order_by("valid_until")[:CONSENTS_AT_ONCE]
    )
    return sum(_send_once(consent, now) for consent in (*_ended(now), *ending))


def _ended(now: dt.datetime) -> list[Consent]:
    """Consents through which nothing can be read any more, until another takes their place."""
    return list(
        Consent.objects.filter(
            is_current=True,
            status__in=["expired", "revokedByPsu", "rejected"],
            ended_at__gt=now - NEWS,
            connection__removed_at=None,
            connection__linked_at__isnull=False,
        )
        .select_related("connection__institution", "organization")
        .prefetch_related("notices")
        .order_by("ended_at")[:CONSENTS_AT_ONCE]
    )


def _step_of(consent: Consent, today: dt.date) -> int | None:
    if consent.status != "valid" or consent.valid_until is None:
        return OVER
    return due_step(consent.valid_until, today)


def _send_once(consent: Consent, now: dt.datetime) -> bool:
    step = _step_of(consent, now.date())
    if step is None or any(notice.days_before <= step for notice in consent.notices.all()):
        return False
    people = _people(consent.connection)
    try:
        with transaction.atomic():
            ConsentNotice.objects.create(
                organization=consent.organization,
                consent=consent,
                days_before=step,
                recipients=len(people),
                sent_at=now,
            )
            _send(consent, step, people, now.date())
    except IntegrityError:
        # Another worker was faster.
        return False
    except OSError as error:
        # The mail server does not answer; the next pass tries again.
        log.warning("consent_notice_not_sent", consent_id=str(consent.pk), error=type(error).__name__)
        return False
    return True


def _people(connection: Connection) -> list[str]:
    """The addresses of those who may renew."""
    members = Membership.objects.filter(
        organization_id=connection.organization_id, role__in=[Role.OWNER, Role.ADMIN], user__is_active=True
    ).order_by("created_at")
    return list(members.values_list("user__email", flat=True)[:MAX_RECIPIENTS])


def _send(consent: Consent, step: int, people: list[str], today: dt.date) -> None:
    subject, body = _over(consent) if step == OVER else _warning(consent, today)
    for address in people:
        # One mail each, so that nobody learns the addresses of the others.
        EmailMessage(subject, body, to=[address]).send()


def _over(consent: Consent) -> tuple[str, str]:
    bank, company = _names(consent)
    how = "was taken back at the bank" if consent.status == "revokedByPsu" else "has ended"
    return (
        f"{bank}: renew the connection, it no longer works",
        f"The permission to read the accounts of {company} at {bank} {how}. No new transactions arrive.\n\n"
        f"{_STAYS}Renew here: {settings.PUBLIC_URL}/\n",
    )


def _warning(consent: Consent, today: dt.date) -> tuple[str, str]:
    assert consent.valid_until is not None
    bank, company = _names(consent)
    days = (consent.valid_until - today).days
    when = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
    return (
        f"{bank}: renew the connection, it ends {when}",
        f"The permission to read the accounts of {company} at {bank} ends {when},"
        f" on {consent.valid_until:%d %B %Y}.\n\n"
        f"After that no new transactions arrive. {_STAYS}Renew here: {settings.PUBLIC_URL}/\n",
    )


_STAYS = (
    "What is stored stays readable, and accounts and history stay the same when you renew. Renewing takes a few "
    "minutes and needs the login at the bank.\n\n"
)


def _names(consent: Consent) -> tuple[str, str]:
    return _one_line(consent.connection.institution.name), _one_line(consent.organization.name)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:100]
