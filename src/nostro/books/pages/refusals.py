"""What failed, as pages show it: the words of the catalogue, the button that ends it, and *Copy details*."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django import forms

from nostro.books.companies.models import Company, Role
from nostro.books.hub_client.catalogue import CATALOGUE, FailureKind, describe
from nostro.books.links.models import Connection, Failure, JournalLink
from nostro.books.pages.remedies import Place, Remedy, remedy_of
from nostro.core.masking import mask_for_log
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.said import said

_BY_ITSELF = {"info", "wait", "quota", "bank_down"}


@dataclass(frozen=True)
class Refusal:
    """Something that was refused just now. ``details`` is masked and made to be handed on."""

    code: str
    what: str
    why: str
    what_to_do: str
    remedy: Remedy
    details: str


@dataclass(frozen=True)
class FailureRow:
    """A failure that is stored, with its words and its button; ``details`` was masked when it was stored."""

    failure: Failure
    kind: FailureKind
    remedy: Remedy

    @property
    def tone(self) -> str:
        return "warn" if self.kind.klass in _BY_ITSELF else "bad"

    @property
    def what(self) -> str:
        return said(self.kind.sentence)

    @property
    def what_to_do(self) -> str:
        return said(self.kind.remedy)

    @property
    def details(self) -> str:
        failure = self.failure
        return "\n".join(
            (
                f"{failure.code} ({self.kind.klass}): {self.kind.sentence}",
                f"Technical: {failure.technical}",
                f"Hub request: {failure.hub_request_id}",
                f"Correlation: {failure.correlation_id}",
                f"First: {failure.first_at.isoformat()}  Last: {failure.last_at.isoformat()}  Count: {failure.count}",
            )
        )


def failure_row(failure: Failure, link: JournalLink | None, role: Role) -> FailureRow:
    """A stored failure as a person of that role reads it; ``link`` is that of the account, if it feeds a journal."""
    place = Place(failure.company, role, connection=failure.connection, link=link)
    return FailureRow(failure, describe(failure.code), remedy_of(failure.code, place))


def refusal_of(problem: Problem, place: Place, now: dt.datetime) -> Refusal:
    """A refusal with its button; a code outside the catalogue has the sentence of its problem and no button."""
    remedy = remedy_of(problem.code, place) if problem.code in CATALOGUE else Remedy(copies=True)
    klass = CATALOGUE[problem.code].klass if problem.code in CATALOGUE else "setup"
    correlation = structlog.contextvars.get_contextvars().get("correlation_id", "")
    details = "\n".join(
        (
            f"{problem.code} ({klass}): {problem.what}",
            f"Technical: {mask_for_log(problem.why)[:2000]}",
            f"Correlation: {correlation}",
            f"Time: {now.isoformat()}",
        )
    )
    return Refusal(problem.code, said(problem.what), said(problem.why), said(problem.what_to_do), remedy, details)


def place_of(company: Company, role: Role, context: Mapping[str, Any]) -> Place:
    """What a page's context tells of the place where something is refused."""
    connection, link, form = context.get("connection"), context.get("link"), context.get("form")
    fields, typed = {}, ""
    if isinstance(form, forms.BaseForm):
        fields = {bound.name: bound.id_for_label for bound in form if bound.id_for_label}
        typed = str(form.data.get("hub_url", ""))
    return Place(
        company,
        role,
        connection=connection if isinstance(connection, Connection) else None,
        hub_url=typed if typed.startswith(("https://", "http://")) else "",
        link=link if isinstance(link, JournalLink) else None,
        fields=fields,
    )


def tell(form: forms.Form, problem: Problem) -> Problem | None:
    """Put a refusal beside its field; one of the catalogue is given back for the page, which has its button."""
    if problem.code not in CATALOGUE:
        add_problem(form, problem)
        return None
    if problem.field in form.fields:
        form.add_error(problem.field, forms.ValidationError(said(problem.what), code=problem.code))
    return problem
