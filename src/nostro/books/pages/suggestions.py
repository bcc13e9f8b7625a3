"""Proposals as a person reads them: a short name, the sentence, how sure it is, what was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line, LineStatus
from nostro.books.ledger.models import LedgerAccount
from nostro.books.pages.states import State
from nostro.books.reconcile.choosing import option_key
from nostro.books.reconcile.engine import Allocation, ItemKind, Option, Proposal, Step
from nostro.books.reconcile.queries import proposals_for

#: Buttons beside a line of the list (books.md 16.10).
MAX_BUTTONS = 2


@dataclass(frozen=True)
class Suggestion:
    """One way to explain a line. ``sure`` ones are marked for the bulk action without asking: those that are exact, and
    structured references, which may pay a part (books.md 16.2 step 3)."""

    key: str
    name: str
    sentence: str
    strength: State
    sure: bool
    allocations: tuple[Allocation, ...]
    bookings: tuple[tuple[LedgerAccount | None, Decimal], ...]  # what a rule books to accounts
    is_transfer: bool


@dataclass(frozen=True)
class Suggestions:
    """What is proposed for a line, best first, and what was looked at and refused."""

    options: tuple[Suggestion, ...] = ()
    proposal: Proposal | None = None

    @property
    def buttons(self) -> tuple[Suggestion, ...]:
        """At most two, for the list."""
        return self.options[:MAX_BUTTONS]

    @property
    def best(self) -> Suggestion | None:
        return self.options[0] if self.options else None

    @property
    def sure(self) -> bool:
        """Whether the best one is the only one of a step that speaks for itself."""
        return self.best is not None and self.best.sure


def suggestions_for(company: Company, lines: Sequence[Line]) -> dict[UUID, Suggestions]:
    """The suggestions for each of the lines that can be matched."""
    found = proposals_for([line for line in lines if is_open(line) and line.company_id == company.id])
    named = {one.account_id for each in found.values() for option in each.options for one in option.bookings}
    accounts = LedgerAccount.objects.filter(company=company).in_bulk(named) if named else {}
    return {line_id: _suggestions(proposal, accounts) for line_id, proposal in found.items()}


def is_open(line: Line) -> bool:
    """Whether a line can be matched."""
    return line.status in {LineStatus.POSTED, LineStatus.WITHDRAWN} and not line.reconciled


def _suggestions(proposal: Proposal, accounts: Mapping[UUID, LedgerAccount]) -> Suggestions:
    of_first_step = [option for option in proposal.options if option.step == proposal.options[0].step]
    alone = len(of_first_step) == 1 and of_first_step[0].step != Step.REST
    options = tuple(
        Suggestion(
            key=option_key(option),
            name=_name(option),
            sentence=option.sentence,
            strength=_strength(option, alone and index == 0),
            sure=alone and index == 0 and (option.exact or option.step == Step.REFERENCE),
            allocations=option.allocations,
            bookings=tuple((accounts.get(one.account_id), one.amount) for one in option.bookings),
            is_transfer=any(one.item.kind == ItemKind.MIRROR for one in option.allocations),
        )
        for index, option in enumerate(proposal.options)
        if not any(one.item.is_draft for one in option.allocations)
    )
    return Suggestions(options, proposal)


def _name(option: Option) -> str:
    if not option.allocations:
        return next((one.text for one in option.evidence if one.kind == "rule"), _("Rule"))
    first, *others = option.allocations
    if first.item.kind == ItemKind.MIRROR:
        return _("Own transfer")
    if not others:
        return _closed(first) if first.write_off else first.item.name
    return ngettext("%(name)s and %(n)s more", "%(name)s and %(n)s more", len(others)) % {
        "name": first.item.name,
        "n": len(others),
    }


def _closed(one: Allocation) -> str:
    """An item that is closed though the line does not pay all of it."""
    said = _("%(name)s less discount") if one.write_off_account_id is None else _("%(name)s less a difference")
    return said % {"name": one.item.name}


def _strength(option: Option, alone: bool) -> State:
    if option.step == Step.REST:
        return State("quiet", _("Weak"))
    if option.exact:
        return State("good", _("Fits")) if alone else State("act", _("May fit"))
    return State("act", _("Fits in part"))
