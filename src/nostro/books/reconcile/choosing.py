"""What a person makes of proposals: one option for one line, the best of many lines at once, an account for many
lines, open items with what is left written off (books.md 16.4, 16.10).

An option is named by :func:`option_key`, so that exactly what was shown is applied: where it is not proposed any more,
the choice is refused as stale.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Line
from nostro.books.journals.partners import store_partner
from nostro.books.journals.queries import access_line
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import LedgerAccount, Partner, Purpose
from nostro.books.reconcile.applications import Application, BookTo, of_option
from nostro.books.reconcile.applying import Outcome, apply, apply_one
from nostro.books.reconcile.engine import Option
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.queries import proposals_for
from nostro.books.reconcile.undoing import undo_together
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Lines that a person acts on at once.
MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """One option for one line, by its key."""

    line_id: UUID
    key: str


def option_key(option: Option) -> str:
    """The same for the same items with the same parts under the same step."""
    said = [
        option.step,
        *(f"{one.item.id} {one.part} {one.write_off} {one.write_off_account_id}" for one in option.allocations),
        *(f"{one.account_id} {one.amount} {one.partner_id}" for one in option.bookings),
    ]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:20]


# --- one line -----------------------------------------------------------------------------------------------------


@transaction.atomic
def choose_option(user: User, line_id: UUID, key: str, *, now: dt.datetime) -> MatchGroup:
    """Apply an option that was shown. Raises :class:`Problem` ``proposalStale`` where it is not proposed any more."""
    line = access_line(user, line_id, role=Role.CLERK)
    found = _applications(line.company, [line], [Choice(line.id, key)])[line.id]
    if isinstance(found, Problem):
        raise found
    first = apply(line.company, found, actor=user, now=now)[0]
    if not isinstance(first, MatchGroup):
        raise first
    return first


@transaction.atomic
def book_to_partner(user: User, line_id: UUID, purpose: Purpose, *, now: dt.datetime) -> MatchGroup:
    """Book what is unexplained of a line to the receivable or payable account, under the line's partner."""
    line = access_line(user, line_id, role=Role.CLERK)
    if line.partner_id is None:
        raise Problem(
            "Nobody knows whose payment this is.", what_to_do="Set the partner first.", code="partnerMissing"
        )  # fmt: skip
    account = account_for(line.company, purpose)
    application = Application(line.id, (BookTo(account.id),), "manual", f"{user} chose the account {account}.")
    return apply_one(line.company, application, actor=user, now=now)


def undo_many(user: User, group_ids: Iterable[UUID], *, now: dt.datetime) -> int:
    """Take several matches back, all or none; how many were live."""
    return undo_together(user, list(dict.fromkeys(group_ids))[:MAX_LINES], now=now)


# --- many lines ---------------------------------------------------------------------------------------------------


@transaction.atomic
def choose_many(
    user: User, company: Company, choices: Sequence[Choice], *, now: dt.datetime
) -> list[tuple[Line, Outcome]]:
    """Apply what was shown for each line; a refused one is told and touches no other.

    Lines of other companies are left out. The two halves of a transfer are one match, told for the line named first.
    """
    require_role(user, company.id, Role.CLERK, "company")
    lines = _lines(company, [choice.line_id for choice in choices])
    wanted = _applications(company, lines, choices)
    problems: list[tuple[Line, Outcome]] = []
    owners: list[Line] = []
    todo: list[Application] = []
    covered: set[UUID] = set()
    for line in lines:
        found = wanted[line.id]
        if isinstance(found, Problem):
            problems.append((line, found))
        elif line.id not in covered:
            owners.append(line)
            todo.extend(found)
            covered.update(application.line_id for application in found)
    outcomes = apply(company, todo, actor=user, now=now)
    firsts = [done for one, done in zip(todo, outcomes, strict=True) if one.mirror_of is None]
    return [*zip(owners, firsts, strict=True), *problems]


@transaction.atomic
def book_many(
    user: User, company: Company, line_ids: Sequence[UUID], account_id: UUID, *, now: dt.datetime
) -> list[tuple[Line, Outcome]]:
    """Book what is unexplained of each line to one account; a refused one is told and touches no other."""
    require_role(user, company.id, Role.CLERK, "company")
    account = LedgerAccount.objects.filter(company=company, pk=account_id, active=True).first()
    if account is None:
        raise NotFound("account")
    lines = _lines(company, line_ids)
    said = f"{user} chose the account {account}."
    todo = [Application(line.id, (BookTo(account.id),), "manual", said) for line in lines]
    return list(zip(lines, apply(company, todo, actor=user, now=now), strict=True))


def _lines(company: Company, line_ids: Sequence[UUID]) -> list[Line]:
    """The company's lines among those named, in the order they were named."""
    ids = list(dict.fromkeys(line_ids))
    if len(ids) > MAX_LINES:
        raise Problem(
            f"{len(ids)} lines are more than the {MAX_LINES} that can be done at once.",
            what_to_do="Mark fewer.",
            code="tooManyLines",
        )
    found = Line.objects.select_related("journal", "partner").filter(company=company, pk__in=ids).in_bulk()
    return [found[line_id] for line_id in ids if line_id in found]


def _applications(
    company: Company, lines: Sequence[Line], choices: Sequence[Choice]
) -> Mapping[UUID, list[Application] | Problem]:
    keys = {choice.line_id: choice.key for choice in choices}
    proposals = proposals_for(lines)
    result: dict[UUID, list[Application] | Problem] = {}
    for line in lines:
        proposal = proposals.get(line.id)
        options = proposal.options if proposal else ()
        option = next((each for each in options if option_key(each) == keys[line.id]), None)
        if proposal is None or option is None:
            result[line.id] = _gone()
        else:
            result[line.id] = of_option(company, proposal, option, line.suspense_residual)
    return result


def _gone() -> Problem:
    return Problem(
        "This is not proposed any more.",
        why="The line or an open item has changed meanwhile.",
        what_to_do="Look at the line again and choose.",
        code="proposalStale",
    )


# --- the partner of a line ----------------------------------------------------------------------------------------


@transaction.atomic
def set_partner(user: User, line_id: UUID, partner_id: UUID | None) -> Line:
    """Say who paid or was paid, or take it back; changes no amount and is evidence from now on (books.md 16.3)."""
    line = access_line(user, line_id, role=Role.CLERK)
    partner = Partner.objects.filter(company=line.company, pk=partner_id).first() if partner_id else None
    if partner_id is not None and partner is None:
        raise NotFound("partner")
    store_partner(line, partner, user)
    return line
