"""The button of each code of the catalogue: where the person goes who wants to end a failure (books.md 9).

One table says it for every code. A button leads only where the person's role may act; to others the page says whom to
ask. Two remedies are no button: where *Copy details* itself is what to do, and where a form on the page is pressed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import at_least
from nostro.books.links.models import Connection, JournalLink
from nostro.books.pages.states import hub_page

Target = Literal["field", "press", "company", "connection", "link", "taken", "journal", "hub", "copy"]


class _Way(NamedTuple):
    """What a button says and where it leads; ``role`` is what it takes to end the failure there."""

    label: Promise | str
    target: Target
    name: str = ""
    role: Role = Role.READER
    suffix: str = ""


_OWNER, _ACCOUNTANT, _CLERK = Role.OWNER, Role.ACCOUNTANT, Role.CLERK
_COPY = _Way(gettext_lazy("Copy details"), "copy")
_OTHER_JOURNAL = _Way(gettext_lazy("Choose another journal"), "field", "journal", _OWNER)
_HELD = "?filter=held"

#: For every code of the catalogue what ends it.
WAYS: dict[str, _Way] = {
    "L-JOURNAL-MISSING": _Way(gettext_lazy("Choose a journal"), "field", "journal", _OWNER),
    "L-JOURNAL-TWICE": _OTHER_JOURNAL,
    "L-JOURNAL-TAKEN": _Way(gettext_lazy("Open the existing link"), "taken", "", _OWNER),
    "L-ACCOUNT-TAKEN": _Way(gettext_lazy("Open the existing link"), "taken", "", _OWNER),
    "L-CURRENCY": _Way(gettext_lazy("Create a new journal"), "press", "create", _OWNER),
    "L-NUMBER": _Way(gettext_lazy("Confirm the other number"), "field", "confirmed_number", _OWNER),
    "L-TYPE": _OTHER_JOURNAL,
    "L-COMPANY": _OTHER_JOURNAL,
    "L-DATE": _Way(gettext_lazy("Use the first allowed date"), "press", "first_allowed", _ACCOUNTANT),
    "L-RATE": _Way(gettext_lazy("Enter the rate"), "field", "exchange_rate", _ACCOUNTANT),
    "L-NO-SUSPENSE": _Way(gettext_lazy("Choose the suspense account"), "company", "books:suspense", _ACCOUNTANT),
    "H-CREDENTIALS": _Way(gettext_lazy("Update credentials"), "connection", "books:update_accounts", _OWNER),
    "H-TOKEN-OLD": _Way(pgettext_lazy("verb", "Migrate"), "connection", "books:update_accounts", _OWNER),
    "H-CONSENT-EXPIRED": _Way(gettext_lazy("Reconnect at the Hub"), "hub"),
    "H-NOT-AUTHORISED": _Way(gettext_lazy("Add the account at the Hub"), "hub"),
    "H-NO-ACCOUNTS": _Way(gettext_lazy("Authorise accounts at the Hub"), "hub"),
    "H-ATTENDED-ONLY": _Way(
        gettext_lazy("Switch automatic synchronization off"), "connection", "books:connection", _ACCOUNTANT, "#access"
    ),
    "H-RECENT": _Way(gettext_lazy("Show the lines"), "journal", "books:journal"),
    "H-QUOTA": _Way(gettext_lazy("Show when it is asked again"), "connection", "books:connection", suffix="#accounts"),
    "H-REPLACED": _Way(gettext_lazy("Link the new account"), "connection", "books:link_accounts", _OWNER),
    "H-BANK-DOWN": _Way(
        gettext_lazy("Show when it is tried again"), "connection", "books:connection", suffix="#accounts"
    ),
    "H-NETWORK": _Way(
        gettext_lazy("Show when it is tried again"), "connection", "books:connection", suffix="#accounts"
    ),
    "H-TLS": _Way(gettext_lazy("Check the address"), "connection", "books:connection", suffix="#access"),
    "H-CURSOR-LOST": _Way(gettext_lazy("Show the lines"), "journal", "books:journal"),
    "H-PROTOCOL": _COPY,
    "D-LOCKED": _Way(gettext_lazy("Decide"), "journal", "books:journal", _ACCOUNTANT, _HELD),
    "D-DUPLICATE": _Way(gettext_lazy("Merge or keep both"), "journal", "books:journal", _CLERK, _HELD),
    "D-CURRENCY": _Way(gettext_lazy("Enter the amount"), "journal", "books:journal", _ACCOUNTANT, _HELD),
    "D-CHANGED": _Way(gettext_lazy("Decide"), "journal", "books:changes", _ACCOUNTANT),
    "D-WITHDRAWN": _Way(gettext_lazy("Decide"), "journal", "books:changes", _ACCOUNTANT),
    "D-BALANCE": _Way(gettext_lazy("Find gap"), "journal", "books:proof"),
    "D-GAP": _Way(gettext_lazy("Import file"), "journal", "books:journal_files", _CLERK),
    "O-AUTH": _Way(gettext_lazy("Check the settings"), "connection", "books:connection", _OWNER, "#access"),
    "O-RIGHTS": _COPY,
    "O-VERSION": _COPY,
    "O-JOURNAL-GONE": _Way(gettext_lazy("Link to another journal"), "link", "books:edit_link", _OWNER),
    "O-DELETED": _Way(gettext_lazy("Confirm as removed"), "journal", "books:journal", _ACCOUNTANT),
    "O-VALIDATION": _Way(gettext_lazy("Show the lines"), "journal", "books:journal"),
    "O-DATE-CHANGED": _Way(gettext_lazy("Review the lines"), "journal", "books:journal"),
    "O-TIMEOUT": _Way(
        gettext_lazy("Show when it is tried again"), "connection", "books:connection", suffix="#accounts"
    ),
    "B-UNEXPECTED": _COPY,
}


#: Where the form that asked the Hub is on the page, its fields are nearer than any other page.
_IN_THE_ASKING_FORM: dict[str, tuple[Promise | str, str]] = {
    "H-CREDENTIALS": (gettext_lazy("Type the Secret ID again"), "secret"),
    "H-TLS": (gettext_lazy("Check the address"), "hub_url"),
    "H-NETWORK": (gettext_lazy("Check the address"), "hub_url"),
    "H-BANK-DOWN": (gettext_lazy("Try again"), "secret"),
    "H-QUOTA": (gettext_lazy("Try again"), "secret"),
}


@dataclass(frozen=True)
class Place:
    """Where a failure shows, and to whom; what is known of it decides how near the button can lead."""

    company: Company
    role: Role
    connection: Connection | None = None
    #: The Hub that was typed, where there is no connection yet.
    hub_url: str = ""
    link: JournalLink | None = None
    #: The journal or account that is taken, by the link that holds it; or by the journal alone.
    taken: JournalLink | None = None
    taken_journal: uuid.UUID | None = None
    #: Fields of the form on the page by their ids; what its buttons can be pressed for, with label and value of ``do``.
    fields: dict[str, str] = field(default_factory=dict)
    presses: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Remedy:
    """A button. ``leaves`` tells that it goes to another site; ``press`` is the value of ``do`` in the form around it;
    ``copies`` that *Copy details* is the remedy; ``ask`` says whom to ask instead."""

    label: str = ""
    url: str = ""
    leaves: bool = False
    press: str = ""
    copies: bool = False
    ask: str = ""


def remedy_of(code: str, place: Place) -> Remedy:
    """What ends a failure of this code, seen from ``place``."""
    way = WAYS.get(code, _COPY)
    label = str(way.label)
    if way.target == "copy":
        return Remedy(label, copies=True)
    here, name = _IN_THE_ASKING_FORM.get(code, ("", ""))
    if name in place.fields:
        return Remedy(str(here), f"#{place.fields[name]}")
    if not at_least(place.role, way.role):
        return Remedy(ask=_ask(way.role))
    if way.target == "hub":
        return _at_the_hub(label, place)
    if way.target in {"press", "field"}:
        return _in_the_form(label, way, place)
    return Remedy(label, _holder(place) if way.target == "taken" else _page(way, place))


def _ask(role: Role) -> str:
    return {
        Role.OWNER: _("An owner of the company can end this."),
        Role.ACCOUNTANT: _("An accountant of the company can end this."),
    }.get(role, _("Somebody who may work in the company can end this."))


def _at_the_hub(label: str, place: Place) -> Remedy:
    url = hub_page(place.connection) if place.connection else place.hub_url or settings.DEFAULT_HUB_URL
    return Remedy(label, url, leaves=True)


def _in_the_form(label: str, way: _Way, place: Place) -> Remedy:
    """In the form on the page if it has the button or field, else on the page that has such a form."""
    if way.name in place.presses:
        said, value = place.presses[way.name]
        return Remedy(said or label, press=value)
    name = "fetch_from" if way.name == "first_allowed" else way.name
    if name in place.fields:
        return Remedy(label, f"#{place.fields[name]}")
    elsewhere = {"create": "books:add_manually", "exchange_rate": "books:rates"}
    if name in elsewhere:
        return Remedy(label, reverse(elsewhere[name], args=[place.company.id]))
    if place.link is not None:
        return Remedy(label, reverse("books:edit_link", args=[place.link.id]))
    return Remedy(label, _connection_page("books:link_accounts", place))


def _holder(place: Place) -> str:
    """The page of the link that holds the journal or account; of the journal where nothing feeds it."""
    if place.taken is not None:
        return reverse("books:edit_link", args=[place.taken.id])
    if place.taken_journal is not None:
        return reverse("books:journal", args=[place.taken_journal])
    return _connection_page("books:connection", place)


def _page(way: _Way, place: Place) -> str:
    """The page of the narrowest thing that is known: an account without a journal is mended at its connection."""
    if way.target == "company":
        return reverse(way.name, args=[place.company.id])
    if way.target == "connection":
        return _connection_page(way.name, place) + way.suffix
    if place.link is None:
        return _connection_page("books:connection", place)
    wanted = place.link.id if way.target == "link" else place.link.journal_id
    return reverse(way.name, args=[wanted]) + way.suffix


def _connection_page(name: str, place: Place) -> str:
    if place.connection is None:
        return reverse("books:synchronization", args=[place.company.id])
    return reverse(name, args=[place.connection.id])
