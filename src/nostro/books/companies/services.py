"""Verbs on companies."""

from __future__ import annotations

from django.db import transaction

from nostro.books.companies.models import Company, CompanyMember, Role
from nostro.books.companies.signals import company_created
from nostro.core.money import MoneyError, parse_currency
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


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
