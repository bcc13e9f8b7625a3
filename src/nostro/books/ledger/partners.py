"""Customers and suppliers: the list, names, and the account numbers they are known by (books.md 16.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, Sum

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.ledger.models import Document, EntryItem, Partner, PartnerBankAccount
from nostro.books.ledger.queries import open_items
from nostro.core.account_keys import normalise_account_number
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

PAGE = 100
#: Account numbers of one partner; documents and open items that its page shows.
MAX_NUMBERS, MAX_SHOWN = 100, 50
#: Two partners may be seen with one number: then it identifies neither.
SHORTEST_NUMBER, LONGEST_NUMBER = 5, 70


@dataclass(frozen=True, slots=True)
class Owing:
    """What is open between the company and a partner, by currency: positive is owed to the company."""

    currency: str
    amount: Decimal


def access_partner(user: User, partner_id: UUID, *, role: Role | None = None) -> Partner:
    """A partner of one of the person's companies, else :class:`NotFound`."""
    partner = Partner.objects.select_related("company").filter(pk=partner_id).first()
    if partner is None:
        raise NotFound("partner")
    require_role(user, partner.company_id, role, "partner")
    return partner


def find_partners(
    company: Company, *, text: str = "", archived: bool = False, after: str = ""
) -> tuple[list[Partner], str]:  # fmt: skip
    """A page of partners by name, and where the next one begins. ``text`` is part of a name, number or VAT number."""
    found = Partner.objects.filter(company=company, active=not archived)
    if text := clean(text, 100):
        number = normalise_account_number(text)
        told = Q(name__icontains=text) | Q(vat_number__icontains=text)
        if len(number) >= SHORTEST_NUMBER:
            told |= Q(bank_accounts__account_number__contains=number)
        found = found.filter(told).distinct()
    if after:
        found = found.filter(name__gt=after)
    page = list(found.order_by("name")[: PAGE + 1])
    return page[:PAGE], page[PAGE - 1].name if len(page) > PAGE else ""


def owing(company: Company, partners: Iterable[Partner]) -> dict[UUID, list[Owing]]:
    """What is open with each of the partners; none is missing."""
    result: dict[UUID, list[Owing]] = {partner.id: [] for partner in partners}
    sums = open_items(company).filter(partner_id__in=result).values("partner_id", "currency")
    for row in sums.annotate(total=Sum("residual_currency")).order_by("currency"):
        result[row["partner_id"]].append(Owing(row["currency"], row["total"]))
    return result


def numbers_of(partner: Partner) -> list[PartnerBankAccount]:
    """The account numbers a partner was seen with, those in use first."""
    return list(partner.bank_accounts.order_by("-active", "account_number")[:MAX_NUMBERS])


def open_items_of(partner: Partner) -> list[EntryItem]:
    """What is open with a partner, oldest first; at most :data:`MAX_SHOWN`."""
    found = open_items(partner.company).filter(partner=partner).select_related("entry", "account")
    return list(found.order_by("date", "id")[:MAX_SHOWN])


def documents_of_partner(partner: Partner) -> list[Document]:
    """Its newest invoices and bills; at most :data:`MAX_SHOWN`."""
    found = Document.objects.filter(partner=partner).select_related("open_item")
    return list(found.order_by("-date", "-id")[:MAX_SHOWN])


@transaction.atomic
def add_partner(user: User, company: Company, *, name: str, vat_number: str = "") -> Partner:
    """A new partner. Raises :class:`Problem` ``partnerExists`` when the name is taken."""
    require_role(user, company.id, Role.CLERK, "company")
    partner = Partner(company=company, name=_checked_name(name), vat_number=clean(vat_number, 20))
    _save(partner)
    record(
        tenant_id=company.id, actor=user, action="partner.created", obj=partner,
        sentence=f"The partner {partner.name} was made.", after=_said(partner),
    )  # fmt: skip
    return partner


@transaction.atomic
def change_partner(user: User, partner_id: UUID, *, name: str, vat_number: str, active: bool) -> Partner:
    """Rename a partner, or archive it: it is no longer suggested, and what was booked stays. The same for all lines."""
    partner = _locked(user, partner_id)
    before = _said(partner)
    partner.name, partner.vat_number, partner.active = _checked_name(name), clean(vat_number, 20), active
    if _said(partner) != before:
        _save(partner)
        record(
            tenant_id=partner.company_id, actor=user, action="partner.changed", obj=partner,
            sentence=f"The partner {partner.name} was changed.", before=before, after=_said(partner),
        )  # fmt: skip
    return partner


@transaction.atomic
def add_number(user: User, partner_id: UUID, account_number: str) -> PartnerBankAccount:
    """Let payments from an account number be known as this partner's. Adding a known one takes it back into use."""
    partner = _locked(user, partner_id)
    number = normalise_account_number(account_number)
    if not SHORTEST_NUMBER <= len(number) <= LONGEST_NUMBER:
        raise Problem(
            "This is no account number.",
            why=f"It has {len(number)} letters and digits.",
            what_to_do="Type the IBAN, or the number as the bank shows it.",
            code="accountNumberInvalid",
            field="account_number",
        )
    if partner.bank_accounts.count() >= MAX_NUMBERS:
        raise Problem(
            f"A partner has at most {MAX_NUMBERS} account numbers.",
            what_to_do="Make a partner for each branch.",
            code="tooManyAccountNumbers",
        )
    found, _created = PartnerBankAccount.objects.update_or_create(
        partner=partner, account_number=number, defaults={"active": True}, create_defaults={"company": partner.company}
    )
    _told_of_number(user, partner, number, "is known by")
    return found


@transaction.atomic
def set_number_active(user: User, partner_id: UUID, number_id: UUID, active: bool) -> None:
    """Stop knowing a partner by an account number, or begin again (books.md 16.3)."""
    partner = _locked(user, partner_id)
    found = PartnerBankAccount.objects.filter(partner=partner, pk=number_id).first()
    if found is None:
        raise NotFound("account number")
    if found.active != active:
        found.active = active
        found.save(update_fields=["active"])
        _told_of_number(user, partner, found.account_number, "is known by" if active else "is no longer known by")


# --- parts --------------------------------------------------------------------------------------------------------


def _locked(user: User, partner_id: UUID) -> Partner:
    partner = access_partner(user, partner_id, role=Role.CLERK)
    return Partner.objects.select_for_update(of=("self",)).select_related("company").get(pk=partner.pk)


def _checked_name(name: str) -> str:
    name = clean(name, 200)
    if not name:
        raise Problem("The partner has no name.", what_to_do="Type the name.", code="partnerMissing", field="name")
    return name


def _save(partner: Partner) -> None:
    try:
        with transaction.atomic():
            partner.save()
    except IntegrityError:
        raise Problem(
            f"There is a partner called {partner.name} already.",
            why="Names tell partners apart; capitals do not count.",
            what_to_do="Use that partner, or add a word to the name.",
            code="partnerExists",
            field="name",
        ) from None


def _said(partner: Partner) -> dict[str, Any]:
    return {"name": partner.name, "vat_number": partner.vat_number, "active": partner.active}


def _told_of_number(user: User, partner: Partner, number: str, what: str) -> None:
    record(
        tenant_id=partner.company_id, actor=user, action="partner.number", obj=partner,
        sentence=f"The partner {partner.name} {what} the account …{number[-4:]}.",
    )  # fmt: skip
