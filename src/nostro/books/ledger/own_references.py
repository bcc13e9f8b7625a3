"""The structured reference that an own invoice gets, so that its payment is found by it (books.md 15)."""

from __future__ import annotations

from typing import Literal

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.ledger.models import DocumentSettings, LedgerAccount, ReferenceStandard
from nostro.books.ledger.numbering import Number
from nostro.core.references import canonical_keys, is_qr_iban, make_reference, print_reference
from nostro.people.audit import record
from nostro.people.models import User

Scheme = Literal["RF", "BE", "FI", "NO", "SE", "CH", "NL"]
_OF_COUNTRY: dict[str, Scheme] = {"BE": "BE", "FI": "FI", "NO": "NO", "SE": "SE", "NL": "NL"}


def own_reference(company: Company, number: Number) -> str:
    """The printed reference of an invoice with a number of the series; empty where the company wants none."""
    standard = standard_of(company)
    if standard == ReferenceStandard.NONE:
        return ""
    scheme = "RF" if standard == ReferenceStandard.RF else scheme_of(company)
    return made(scheme, number)


def made(scheme: Scheme, number: Number) -> str:
    """Year and place in the series with the check digits of a scheme, as people print it.

    The base has nine digits or more, so its reference counts as strong evidence also in free text.
    """
    compact = make_reference(scheme, f"{number.year % 100:02}{number.place:07}")
    printed = (print_reference(key) for key in canonical_keys(compact) if key.startswith(f"{scheme}:"))
    return next(printed, compact)


def scheme_of(company: Company) -> Scheme:
    """That of the country; in Switzerland and Liechtenstein only with a QR-IBAN; elsewhere the international one."""
    if company.country in {"CH", "LI"}:
        numbers = LedgerAccount.objects.filter(company=company, bank_journal__isnull=False)
        has_one = any(map(is_qr_iban, numbers.values_list("bank_journal__account_number", flat=True)))
        return "CH" if has_one else "RF"
    return _OF_COUNTRY.get(company.country, "RF")


def standard_of(company: Company) -> ReferenceStandard:
    """What the company chose, else that of its country."""
    chosen = DocumentSettings.objects.filter(company=company).values_list("standard", flat=True).first()
    return ReferenceStandard(chosen) if chosen else ReferenceStandard.COUNTRY


@transaction.atomic
def set_standard(user: User, company: Company, standard: ReferenceStandard) -> None:
    """Choose what own invoices get from now on; those that are posted keep theirs."""
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    before = standard_of(company)
    if standard == before:
        return
    DocumentSettings.objects.update_or_create(company=company, defaults={"standard": standard})
    record(
        tenant_id=company.id, actor=user, action="documents.references", obj=company,
        sentence=f"Own invoices get structured references of the standard “{standard.value}”.",
        before={"standard": before.value}, after={"standard": standard.value},
    )  # fmt: skip
