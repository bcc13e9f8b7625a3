"""Verbs on companies."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from nostro.books.companies.models import Company, CompanyMember, Role
from nostro.books.companies.queries import require_role
from nostro.books.companies.signals import company_created
from nostro.core.money import MoneyError, parse_currency
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


@transaction.atomic
def set_lock_date(user: User, company: Company, lock_date: dt.date | None) -> Company:
    """Lock all days until ``lock_date``, or none. Raises :class:`Problem` before the hard lock (books.md 14.4)."""
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    company = Company.objects.select_for_update().get(pk=company.pk)
    hard = company.hard_lock_date
    if hard is not None and (lock_date is None or lock_date < hard):
        raise Problem(
            f"The books are locked for good until {hard:%d %b %Y}.",
            what_to_do="Choose that day or a later one.",
            code="hardLock",
            field="lock_date",
        )
    before, company.lock_date = company.lock_date, lock_date
    if before != lock_date:
        company.save(update_fields=["lock_date"])
        record(
            tenant_id=company.id,
            actor=user,
            action="company.locked",
            obj=company,
            sentence=f"The books are locked until {lock_date:%d %b %Y}." if lock_date else "The books are unlocked.",
            before={"lock_date": before and before.isoformat()},
            after={"lock_date": lock_date and lock_date.isoformat()},
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
