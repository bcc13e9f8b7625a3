"""What people do about consents: whom to tell, which link of a mail to take back, what the link shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Journal
from nostro.books.journals.queries import access_journal
from nostro.books.links.models import OnlineAccount
from nostro.books.links.queries import live_link
from nostro.books.reminders.models import NoticeMail, RenewalActivity, RenewalContact
from nostro.books.reminders.notices import MAX_ADDRESSES, checksum_of, expires_on
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Mails that the page of consents lists.
MAILS_SHOWN = 50


@transaction.atomic
def set_contacts(user: User, journal_id: UUID, addresses: Sequence[str]) -> list[str]:
    """Replace the renewal contacts of a journal. None at all: its owners are told. Raises :class:`Problem`."""
    journal = access_journal(user, journal_id, role=Role.ACCOUNTANT)
    wanted = sorted({address.strip().lower() for address in addresses if address.strip()})
    if len(wanted) > MAX_ADDRESSES:
        raise Problem(f"There are more than {MAX_ADDRESSES} addresses.", what_to_do="Use a list of your mail server.",
                      code="tooManyAddresses", field="addresses")  # fmt: skip
    for address in wanted:
        try:
            validate_email(address)
        except ValidationError:
            raise Problem(f"“{address[:100]}” is no e-mail address.", what_to_do="Type one address on each line.",
                          code="emailInvalid", field="addresses") from None  # fmt: skip
    before = list(RenewalContact.objects.filter(journal=journal).order_by("email").values_list("email", flat=True))
    if wanted == before:
        return wanted
    RenewalContact.objects.filter(journal=journal).delete()
    RenewalContact.objects.bulk_create(
        RenewalContact(company_id=journal.company_id, journal=journal, email=address) for address in wanted
    )
    record(
        tenant_id=journal.company_id, actor=user, action="journal.renewal_contacts", obj=journal,
        sentence=f"{user} changed who is told when the consent of {journal.code} ends.",
        before={"addresses": before}, after={"addresses": wanted},
    )  # fmt: skip
    return wanted


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the page behind a mailed link may show, and nothing more: no balance and no transaction."""

    account: OnlineAccount
    journal: Journal
    ends_on: dt.date | None
    is_renewed: bool


def find_renewal(secret: str, *, now: dt.datetime) -> Renewal:
    """What a mailed link leads to. Raises :class:`NotFound` for every link that does not work (any more)."""
    mail = (
        NoticeMail.objects.select_related("notice__journal", "notice__company", "notice__online_account__connection")
        .filter(checksum=checksum_of(secret), link_revoked_at=None, link_expires_at__gt=now)
        .first()
    )
    if mail is None:
        raise NotFound("link")
    notice = mail.notice
    link = live_link(notice.online_account)
    if link is None or link.journal_id != notice.journal_id:
        raise NotFound("link")
    ends = expires_on(notice.online_account, notice.company.time_zone)
    return Renewal(notice.online_account, notice.journal, ends, ends is None or ends > notice.expires_on)


@transaction.atomic
def revoke_link(user: User, mail_id: UUID, *, now: dt.datetime) -> NoticeMail:
    """The link of one mail works no more."""
    mail = NoticeMail.objects.select_related("notice").filter(pk=mail_id).first()
    if mail is None:
        raise NotFound("link")
    require_role(user, mail.company_id, Role.ACCOUNTANT, "link")
    if mail.link_revoked_at is None:
        NoticeMail.objects.filter(pk=mail.pk).update(link_revoked_at=now, sealed_secret=None)
        record(
            tenant_id=mail.company_id, actor=user, action="consent.link_revoked", obj=mail,
            sentence=f"{user} revoked the renewal link that was mailed to {mail.address}.",
        )  # fmt: skip
    return mail


def mails_of(company: Company) -> list[NoticeMail]:
    """The newest mails of a company, with what became of them."""
    mails = NoticeMail.objects.filter(company=company).select_related("notice__journal", "notice__online_account")
    return list(mails.order_by("-id")[:MAILS_SHOWN])


def activities_of(company: Company) -> list[RenewalActivity]:
    """What is to be renewed, the most urgent first."""
    open_ones = RenewalActivity.objects.filter(company=company, done_at=None).select_related("journal")
    return list(open_ones.order_by("due_on"))
