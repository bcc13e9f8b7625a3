"""Edit: everything that can be changed about how one account feeds one journal (books.md 4, 6)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Role
from nostro.books.hub_client.catalogue import describe
from nostro.books.journals.models import OpeningOrigin
from nostro.books.journals.opening import change_opening
from nostro.books.links.editing import change_fetch_from, decline, relink
from nostro.books.links.models import JournalLink
from nostro.books.links.queries import access_link, link_ended, live_link_of_journal, locked_live_link
from nostro.books.links.services import edit_link, unlink
from nostro.books.links.wizard import LinkErrors, RowError, free_journals
from nostro.books.pages.fields import AmountField, DateField
from nostro.books.pages.grid import SettingsForm
from nostro.books.pages.refusals import Refusal, place_of, refusal_of, tell
from nostro.books.pages.shell import now, person, remember, show
from nostro.books.pages.states import journal_title
from nostro.people.models import User
from nostro.web.errors import Problem


class EditForm(SettingsForm):
    """The settings of a link that exists."""

    fetch_from = DateField(
        label=gettext_lazy("Fetch transactions from"),
        help_text=gettext_lazy("An earlier day reads the account again. No line is doubled by it."),
    )
    opening = forms.ChoiceField(label=gettext_lazy("Opening balance"), choices=OpeningOrigin.choices)
    opening_amount = AmountField(label=gettext_lazy("Opening amount"), required=False)
    #: What was set when the page was made.
    seen = forms.CharField(max_length=500, required=False, widget=forms.HiddenInput)


class RelinkForm(forms.Form):
    """Another journal for the account."""

    journal = forms.ChoiceField(label=gettext_lazy("Journal"))
    confirmed_number = forms.BooleanField(
        label=gettext_lazy("Link although the journal has another number"), required=False
    )

    def __init__(self, data: QueryDict | None = None, *, link: JournalLink) -> None:
        super().__init__(data)
        self.refusals: list[Refusal] = []
        field = self.fields["journal"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (str(each.id), str(each)) for each in free_journals(link.company) if each.id != link.journal_id
        ]


@login_required
def edit(request: HttpRequest, link_id: uuid.UUID) -> HttpResponse:
    """The settings of one journal's link."""
    link = access_link(person(request), link_id, role=Role.ACCOUNTANT)
    remember(request, link.company)
    if link.unlinked_at is not None:
        raise link_ended()
    form = EditForm(request.POST or None, initial=_initial(link))
    refused: Problem | None = None
    if request.method == "POST" and form.is_valid():
        try:
            _save(person(request), link, form)
        except _SetMeanwhile:
            return _set_meanwhile(request, link_id)
        except Problem as problem:
            refused = tell(form, problem)
        else:
            messages.success(request, _("The settings are saved. A new grouping is for new lines."))
            return redirect("books:connection", connection_id=link.online_account.connection_id)
    return _page(request, link, form, RelinkForm(link=link), refused)


class _SetMeanwhile(Exception):
    """Somebody else saved other settings after the page was made."""


def _initial(link: JournalLink) -> dict[str, object]:
    values = {
        "grouping": link.journal.grouping,
        "fetch_schedule": link.fetch_schedule,
        "fetch_times": ", ".join(f"{each:%H:%M}" for each in link.fetch_times),
        "fetch_from": link.fetch_from,
        "opening": link.journal.opening_origin,
        "opening_amount": link.journal.opening_amount,
    }
    # A computed opening gets its amount from a fetch; nobody changed a setting then.
    chosen = {**values, "opening_amount": values["opening_amount"] if values["opening"] == "typed" else ""}
    return {**values, "seen": "|".join(map(str, chosen.values()))}


def _differing(form: EditForm, link: JournalLink) -> list[str]:
    """The settings in which a form differs from what is set."""
    is_set: dict[str, object] = {
        "grouping": link.journal.grouping,
        "fetch_schedule": link.fetch_schedule,
        "fetch_times": tuple(link.fetch_times),
        "fetch_from": link.fetch_from,
        "opening": link.journal.opening_origin,
        "opening_amount": link.journal.opening_amount,
    }
    if form.cleaned_data["opening"] != OpeningOrigin.TYPED:
        del is_set["opening_amount"]
    return [name for name, value in is_set.items() if form.cleaned_data[name] != value]


def _set_meanwhile(request: HttpRequest, link_id: uuid.UUID) -> HttpResponse:
    """What was typed stays, beside what is set now; saved once more, it replaces that knowingly."""
    link = access_link(person(request), link_id, role=Role.ACCOUNTANT)
    initial = _initial(link)
    form = EditForm({**request.POST.dict(), "seen": str(initial["seen"])}, initial=initial)
    form.full_clean()
    problem = Problem(
        "These settings were changed meanwhile.",
        why="Somebody else saved them after this page was opened. Nothing of yours is saved yet.",
        what_to_do="Compare with what is set now; save again to replace it.",
        code="settingsChanged",
    )
    tell(form, problem)
    stored = EditForm(initial=initial)
    set_now = [(str(stored[name].label), _shown(stored[name])) for name in _differing(form, link)]
    return _page(request, link, form, RelinkForm(link=link), set_now=set_now)


def _shown(field: forms.BoundField) -> str:
    """The value of a field in words."""
    value = field.value()
    return str(dict(getattr(field.field, "choices", ())).get(value, value))


@transaction.atomic
def _save(user: User, link: JournalLink, form: EditForm) -> None:
    """All of the form or nothing of it."""
    data, moment = form.cleaned_data, now()
    link = locked_live_link(user, link.id, role=Role.ACCOUNTANT)
    if data["seen"] not in ("", _initial(link)["seen"]) and _differing(form, link):
        raise _SetMeanwhile
    edit_link(
        user, link.id, grouping=data["grouping"], fetch_schedule=data["fetch_schedule"],
        fetch_times=data["fetch_times"], now=moment,
    )  # fmt: skip
    change_fetch_from(user, link.id, data["fetch_from"], now=moment)
    change_opening(user, link.journal_id, origin=data["opening"], amount=data["opening_amount"])


def _page(
    request: HttpRequest, link: JournalLink, form: EditForm, other: RelinkForm, problem: Problem | None = None, *,
    set_now: Sequence[tuple[str, str]] = (),
) -> HttpResponse:  # fmt: skip
    return show(
        request, "edit_link.html", link=link, title=journal_title(link.journal), form=form, other=other,
        problem=problem, set_now=set_now, room="synchronization",
    )  # fmt: skip


@login_required
@require_POST
def move(request: HttpRequest, link_id: uuid.UUID) -> HttpResponse:
    """Let the account feed another journal; errors are shown on the page of the link."""
    link = access_link(person(request), link_id, role=Role.OWNER)
    remember(request, link.company)
    form = RelinkForm(request.POST, link=link)
    if form.is_valid():
        try:
            relink(
                person(request), link.id, uuid.UUID(form.cleaned_data["journal"]),
                confirmed_number=form.cleaned_data["confirmed_number"], now=now(),
            )  # fmt: skip
        except LinkErrors as refused:
            form.refusals = [_refusal(form, link, error) for error in refused.errors]
            form.add_error("journal", _("This journal cannot be fed by the account."))
        else:
            messages.success(request, _("The account feeds the other journal now. Lines stay where they are."))
            return redirect("books:connection", connection_id=link.online_account.connection_id)
    return _page(request, link, EditForm(initial=_initial(link)), form)


def _refusal(form: RelinkForm, link: JournalLink, error: RowError) -> Refusal:
    """One reason against the journal that was chosen, with its button."""
    place = place_of(link.company, Role.OWNER, {"connection": link.online_account.connection, "form": form})
    taken = live_link_of_journal(uuid.UUID(form.cleaned_data["journal"]))
    problem = Problem(error.sentence, what_to_do=describe(error.code).remedy, code=error.code)
    return refusal_of(problem, replace(place, link=link, taken=taken), now())


@login_required
@require_POST
def end_link(request: HttpRequest, link_id: uuid.UUID) -> HttpResponse:
    """Unlink one account, for now or with the choice *Do not link*; its siblings go on."""
    link = access_link(person(request), link_id, role=Role.OWNER)
    (decline if request.POST.get("do") == "decline" else unlink)(person(request), link.id, now=now())
    messages.success(request, _("The journal is no longer fed. Its lines stay, and it can be linked again."))
    return redirect("books:connection", connection_id=link.online_account.connection_id)
