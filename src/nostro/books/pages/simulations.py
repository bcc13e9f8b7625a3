"""What a version of a rule would have done, line by line (books.md 16.8): the page behind the figures."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.ledger.models import EntryItem, LedgerAccount, Partner
from nostro.books.pages.shell import person, remember, show
from nostro.books.reconcile.planning import name_of
from nostro.books.reconcile.rules.services import access_rule

KINDS = ("differs", "missed", "newly", "agrees")


@dataclass(frozen=True)
class Tried:
    """A line with what the rule would do and what was done, by name."""

    line: Line
    would: str
    did: str


@dataclass(frozen=True)
class Verdicts:
    """The lines of one verdict; ``count`` is of all of them, ``rows`` are the newest."""

    title: str
    count: int
    rows: list[Tried]


@login_required
def simulation(request: HttpRequest, rule_id: uuid.UUID) -> HttpResponse:
    """What would the rule have done?"""
    rule = access_rule(person(request), rule_id)
    remember(request, rule.company)
    assert rule.version is not None
    last = rule.version.simulations.order_by("-created_at").first()
    counts = {kind: getattr(last, kind) for kind in KINDS} if last else {}
    return show(
        request,
        "simulation.html",
        rule=rule,
        simulation=last,
        verdicts=verdicts_of(rule.company, counts, last.examples if last else ()),
        room="reconcile",
    )


def verdicts_of(
    company: Company, counts: Mapping[str, int], examples: Sequence[Mapping[str, Any]]
) -> list[Verdicts]:  # fmt: skip
    """Stored examples (of ``simulating.Verdict``) by verdict, what asks for a person first. Lines that have gone since
    are left out."""
    titles = {
        "differs": _("Differs"),
        "missed": _("Would now be missed"),
        "newly": _("Would newly match"),
        "agrees": _("Agrees with what people did"),
    }
    lines = _in_company(Line, company, (one["line_id"] for one in examples))
    names = _names(company, {text for one in examples for text in (*one["would"], *one["did"])})
    return [
        Verdicts(
            titles[kind],
            counts[kind],
            [
                Tried(lines[one["line_id"]], _said(names, one["would"]), _said(names, one["did"]))
                for one in examples
                if one["kind"] == kind and one["line_id"] in lines
            ],
        )
        for kind in KINDS
        if counts.get(kind)
    ]


def _said(names: Mapping[str, str], ids: Iterable[str]) -> str:
    return ", ".join(names[one] for one in ids if one in names)


def _names(company: Company, ids: set[str]) -> dict[str, str]:
    """Accounts, open items and partners by what a person calls them."""
    items = EntryItem.objects.select_related("document").filter(company=company, pk__in=ids)
    return {
        **{key: str(account) for key, account in _in_company(LedgerAccount, company, ids).items()},
        **{key: partner.name for key, partner in _in_company(Partner, company, ids).items()},
        **{str(item.id): name_of(item) for item in items},
    }


def _in_company(model: Any, company: Company, ids: Iterable[str]) -> dict[str, Any]:
    return {str(one.pk): one for one in model.objects.filter(company=company, pk__in=set(ids))}
