"""Verbs on companies."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from nostro.books.companies.models import Company, CompanyMember, LockType, Role
from nostro.books.companies.queries import require_role
from nostro.books.companies.signals import company_created
from nostro.core.money import MoneyError, parse_currency
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


def lock_company(company: Company) -> Company:
    """The company as it is now, held until the caller's transaction ends; rows may still be added to it."""
    return Company.objects.select_for_update(no_key=True).get(pk=company.pk)


@transaction.atomic
def set_lock_date(
    user: User, company: Company, lock_date: dt.date | None, *, which: LockType = LockType.ALL
) -> Company:  # fmt: skip
    """Lock all days until ``lock_date``, or none (books.md 14.4).

    Raises :class:`Problem` where the hard lock would be moved back, or another one before it.
    """
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    company = lock_company(company)
    hard = company.hard_lock_date
    if which in {LockType.ALL, LockType.HARD} and hard is not None and (lock_date is None or lock_date < hard):
        raise Problem(
            f"The books are locked for good until {hard:%d %b %Y}.",
            what_to_do="Choose that day or a later one.",
            code="hardLock",
            field=which,
        )
    before: dt.date | None = getattr(company, which)
    if before != lock_date:
        setattr(company, which, lock_date)
        company.save(update_fields=[which])
        record(
            tenant_id=company.id,
            actor=user,
            action="company.locked",
            obj=company,
            sentence=f"{which.label}: locked until {lock_date:%d %b %Y}." if lock_date else f"{which.label}: unlocked.",
            before={str(which): before and before.isoformat()},
            after={str(which): lock_date and lock_date.isoformat()},
        )
    return company


@transaction.atomic
def create_company(user: User, *, name: str, country: str, currency: str = "EUR") -> Company:
    """Make a company with its default chart of accounts; ``user`` becomes its owner. Raises :class:`Problem`."""
    name = clean(name, 200)
    if not name:
        raise Problem("The company has no name.", what_to_do="Type its name.", code="nameMissing", field="name")
    try:
        currency = parse_currency(currency)
    except MoneyError:
        raise Problem(
            "This is no currency.",
            what_to_do="Use three letters, such as EUR.",
            code="currencyUnknown",
            field="currency",
        ) from None
    company = Company.objects.create(name=name, country=country.strip().upper()[:2], currency=currency)
    CompanyMember.objects.create(company=company, user=user, role=Role.OWNER)
    company_created.send(sender=Company, company=company)
    record(
        tenant_id=company.id,
        actor=user,
        action="company.created",
        obj=company,
        sentence=f"{user} created the company {name}.",
    )
    return company
