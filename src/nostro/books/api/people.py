"""Members, invitations, locks and exchange rates of the company, as endpoints."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.api import documents as show
from nostro.books.api.call import Call, Document, invalid
from nostro.books.companies import members
from nostro.books.companies.models import CompanyInvitation, CompanyMember, LockType, Role
from nostro.books.companies.queries import access_company, require_role
from nostro.books.companies.tasks import send_soon
from nostro.books.journals.held import enter_rate, move_lock
from nostro.books.journals.queries import journals_of
from nostro.books.ledger.models import ExchangeRate
from nostro.books.links.failures import clear_decided
from nostro.people.models import User
from nostro.web.errors import NotFound

#: A list of rates shows the newest ones.
RATES_SHOWN = 1_000
#: What one unit of a currency may be worth in another; far beyond any real rate.
MAX_RATE = Decimal(10) ** 12


def _access_member(user: User, member_id: UUID) -> CompanyMember:
    found = CompanyMember.objects.select_related("user").filter(pk=member_id).first()
    if found is None:
        raise NotFound("member")
    require_role(user, found.company_id, None, "member")
    return found


def _access_invitation(user: User, invitation_id: UUID) -> CompanyInvitation:
    found = CompanyInvitation.objects.filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("invitation")
    require_role(user, found.company_id, None, "invitation")
    return found


def list_members(call: Call) -> Document:
    return call.page(members.members_of(call.company), show.member)


def change_member(call: Call, key: UUID) -> Document:
    found = call.own(_access_member, key)
    return {"data": show.member(members.change_role(call.user, found.id, call.text("role")))}


def remove_member(call: Call, key: UUID) -> Document:
    found = call.own(_access_member, key)
    members.remove(call.user, found.id)
    return {"data": show.member(found)}


def list_invitations(call: Call) -> Document:
    return call.page(members.open_invitations_of(call.company), show.invitation)


def create_invitation(call: Call) -> Document:
    """The link goes to the invited person by mail, and to nobody else."""
    with transaction.atomic():
        made, secret = members.invite(
            call.user, call.company, email=call.text("email"), role=call.text("role"), now=call.now
        )
        send_soon(made, secret)
    return {"data": show.invitation(made)}


def withdraw_invitation(call: Call, key: UUID) -> Document:
    found = call.own(_access_invitation, key)
    members.withdraw(call.user, found.id)
    return {"data": show.invitation(found)}


#: Attributes of the company that are last locked days, by what they lock.
LOCKS = {
    "lockDate": LockType.ALL, "salesLockDate": LockType.SALES, "purchaseLockDate": LockType.PURCHASES,
    "bankLockDate": LockType.BANK, "hardLockDate": LockType.HARD,
}  # fmt: skip


def change_lock(call: Call) -> Document:
    """The last locked days that are named, null for none, all or nothing. What only an old lock held is posted."""
    company = call.require(Role.ACCOUNTANT)
    named = [name for name in LOCKS if name in call.attributes]
    if not named:
        raise invalid(f"Name one of {', '.join(LOCKS)}; null takes a lock away.", "lockDate")
    days = {name: call.day(name) for name in named}
    with transaction.atomic():
        for name, day in days.items():
            move_lock(call.user, company, day, which=LOCKS[name], now=call.now)
        for journal in journals_of(company):
            clear_decided(journal, now=call.now)
    return {"data": show.company(access_company(call.user, company.id))}


def list_rates(call: Call) -> Document:
    rates = ExchangeRate.objects.filter(company=call.company).order_by("-valid_from", "currency", "id")
    return call.page(list(rates[:RATES_SHOWN]), show.rate)


def create_rate(call: Call) -> Document:
    """What one unit is worth from a day on; lines that waited for it are posted."""
    company = call.require(Role.ACCOUNTANT)
    currency, day, rate = call.text("currency").upper(), call.required_day("validFrom"), call.required_amount("rate")
    if not 0 < rate <= MAX_RATE:
        raise invalid("rate must be positive.", "rate")
    with transaction.atomic():
        enter_rate(call.user, company, currency, day, rate, source=call.text("source", default="")[:100], now=call.now)
        for journal in journals_of(company):
            clear_decided(journal, now=call.now)
    return {"data": show.rate(ExchangeRate.objects.get(company=company, currency=currency, valid_from=day))}
