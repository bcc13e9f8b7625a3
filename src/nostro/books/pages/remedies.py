"""The button of each failure: where the person goes who wants to end it (books.md 9)."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from nostro.books.links.models import Failure, JournalLink
from nostro.books.pages.states import hub_page

_AT_THE_HUB = {"H-NOT-AUTHORISED", "H-NO-ACCOUNTS", "H-REPLACED"}
_AT_THE_CONNECTION = {"H-CREDENTIALS": "books:update_accounts", "H-TOKEN-OLD": "books:update_accounts"}
#: Failures that end by a decision on lines of a journal: the page and its filter.
_AT_THE_JOURNAL = {
    "D-LOCKED": ("books:journal", "?filter=held"),
    "D-DUPLICATE": ("books:journal", "?filter=held"),
    "D-CURRENCY": ("books:journal", "?filter=held"),
    "D-CHANGED": ("books:changes", ""),
    "D-WITHDRAWN": ("books:changes", ""),
    "D-BALANCE": ("books:proof", ""),
    "D-GAP": ("books:missing", ""),
}


@dataclass(frozen=True)
class Remedy:
    """A link. ``leaves`` tells that it goes to another site."""

    url: str
    label: str
    leaves: bool = False


def remedy_of(failure: Failure, link: JournalLink | None) -> Remedy | None:
    """The button; ``None`` where nothing is to be done but wait, or to copy the details."""
    connection = failure.connection
    if failure.code in _AT_THE_CONNECTION:
        label = _("Migrate") if failure.code == "H-TOKEN-OLD" else _("Update credentials")
        return Remedy(reverse(_AT_THE_CONNECTION[failure.code], args=[connection.id]), label)
    if failure.code == "H-CONSENT-EXPIRED":
        return Remedy(hub_page(connection), _("Reconnect at the Hub"), leaves=True)
    if failure.code in _AT_THE_HUB:
        return Remedy(hub_page(connection), _("Open the Hub"), leaves=True)
    if failure.code in {"H-ATTENDED-ONLY", "H-TLS"}:
        return Remedy(reverse("books:connection", args=[connection.id]) + "#access", _("Show the settings"))
    if link is not None and failure.code in _AT_THE_JOURNAL:
        page, query = _AT_THE_JOURNAL[failure.code]
        labels = {"D-BALANCE": _("Find gap"), "D-GAP": _("Find missing")}
        return Remedy(reverse(page, args=[link.journal_id]) + query, labels.get(failure.code, _("Decide")))
    return None
