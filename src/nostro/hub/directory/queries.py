"""Searching the directory of institutions. It belongs to nobody, so everybody signed in may read it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Case, Exists, IntegerField, OuterRef, Prefetch, Q, QuerySet, Value, When

from nostro.hub.directory.folding import fold_words
from nostro.hub.directory.identifiers import bank_code_in, bank_of_iban, bic_in, compact
from nostro.hub.directory.models import Institution, Route
from nostro.web.errors import NotFound

MAX_RESULTS = 100
MAX_TEXT_LENGTH = 100
MAX_WORDS = 8


def search(text: str, *, country: str = "", sandbox: bool = False, limit: int = 20) -> list[Institution]:
    """Institutions that match a name, BIC, IBAN or bank code; their enabled routes are prefetched.

    An exact identifier comes first, then exact names, names that begin with the text, names whose words do, names
    that contain it; within each, institutions that can be linked. ``country`` is an ISO 3166-1 code; an IBAN names
    its own. The sandbox has its own banks and shows them all, matching ones first. At most ``limit`` (and never more
    than 100) come back. Raises Problem ``ibanInvalid``.
    """
    text = text[:MAX_TEXT_LENGTH]
    limit = max(1, min(limit, MAX_RESULTS))
    known = _listed(Institution.objects.filter(is_sandbox=sandbox))
    if sandbox:
        return list(known.annotate(rank=_name_rank(fold_words(text))).order_by("rank", "folded_name", "id")[:limit])
    if country:
        known = known.filter(country=country.upper())
    iban = bank_of_iban(text)
    if iban is not None:
        of_iban = Q(bank_codes__contains=[iban.bank_code]) if iban.bank_code else Q(pk=None)
        if iban.bic:
            of_iban |= Q(bic=iban.bic)
        same_bank = Case(When(bic=iban.bic, then=0), default=1, output_field=IntegerField())
        found = _listed(Institution.objects.filter(of_iban, is_sandbox=False, country=iban.country))
        return list(
            found.annotate(rank=same_bank, has_route=_has_route()).order_by("rank", "-has_route", "folded_name", "id")[
                :limit
            ]
        )
    condition = _text_condition(text)
    if condition is None:
        return []
    found = known.filter(condition).annotate(rank=_rank(text), has_route=_has_route())
    return list(found.order_by("rank", "-has_route", "folded_name", "id")[:limit])


def get_institution(institution_id: uuid.UUID) -> Institution:
    """The institution with its enabled routes prefetched. Raises NotFound."""
    found = _listed(Institution.objects.filter(pk=institution_id), deprecated=True).first()
    if found is None:
        raise NotFound("financial institution")
    return found


def countries() -> list[str]:
    """ISO 3166-1 codes of the countries whose banks are listed, sorted."""
    listed = Institution.objects.filter(is_sandbox=False, deprecated=False).exclude(country="")
    return list(listed.order_by("country").values_list("country", flat=True).distinct())


def _listed(institutions: QuerySet[Institution], *, deprecated: bool = False) -> QuerySet[Institution]:
    routes = Route.objects.filter(enabled=True).order_by("-recommended", "id")
    if not deprecated:
        institutions = institutions.filter(deprecated=False)
    return institutions.prefetch_related(Prefetch("routes", queryset=routes))


def _has_route() -> Exists:
    return Exists(Route.objects.filter(institution=OuterRef("pk"), enabled=True))


def _text_condition(text: str) -> Q | None:
    """What matches the text at all; None where the text holds nothing to search for."""
    words = fold_words(text).split()[:MAX_WORDS]
    if not words:
        return None
    condition = Q()
    for word in words:
        condition &= Q(folded_name__contains=word)
    identifier = compact(text)
    if len(identifier) >= 4 and identifier.isascii() and identifier.isalnum():
        condition |= Q(bic__startswith=identifier)
    if bic := bic_in(text):
        condition |= Q(bic=bic)
    if code := bank_code_in(text):
        condition |= Q(bank_codes__contains=[code])
    return condition


def _rank(text: str) -> Case:
    exact: list[When] = []
    if bic := bic_in(text):
        exact.append(When(bic=bic, then=Value(0)))
    if code := bank_code_in(text):
        exact.append(When(bank_codes__contains=[code], then=Value(0)))
    return _name_rank(fold_words(text), *exact)


def _name_rank(folded: str, *before: When) -> Case:
    words = folded.split()[:MAX_WORDS]
    begins: dict[str, Any] = {"folded_name__startswith": folded} if folded else {}
    every_word = Q()
    for word in words:
        every_word &= Q(folded_name__startswith=word) | Q(folded_name__contains=" " + word)
    whens = [When(folded_name=folded, then=Value(1)), When(**begins, then=Value(2))] if folded else []
    if words:
        whens.append(When(every_word, then=Value(3)))
    if not whens and not before:
        return Case(default=Value(4), output_field=IntegerField())
    return Case(*before, *whens, default=Value(4), output_field=IntegerField())
