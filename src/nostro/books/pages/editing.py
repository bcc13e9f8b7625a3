"""Edit: everything that can be changed about how one account feeds one journal (books.md 4, 6)."""

from __future__ import annotations

import uuid
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
from nostro.books.links.queries import access_link, live_link_of_journal
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
    form = EditForm(request.POST or None, initial=_initial(link))
    refused: Problem | None = None
    if request.method == "POST" and form.is_valid():
        try:
            _save(person(request), link, form)
        except Problem as problem:
            refused = tell(form, problem)
        else:
            messages.success(request, _("The settings are saved. A new grouping is for new lines."))
            return redirect("books:connection", connection_id=link.online_account.connection_id)
    return _page(request, link, form, RelinkForm(link=link), refused)


def _initial(link: JournalLink) -> dict[str, object]:
    return {
        "grouping": link.journal.grouping,
        "fetch_schedule": link.fetch_schedule,
        "fetch_times": ", ".join(f"{each:%H:%M}" for each in link.fetch_times),
        "fetch_from": link.fetch_from,
        "opening": link.journal.opening_origin,
        "opening_amount": link.journal.opening_amount,
    }


@transaction.atomic
def _save(user: User, link: JournalLink, form: EditForm) -> None:
    """All of the form or nothing of it."""
    data, moment = form.cleaned_data, now()
    edit_link(
        user, link.id, grouping=data["grouping"], fetch_schedule=data["fetch_schedule"],
        fetch_times=data["fetch_times"], now=moment,
    )  # fmt: skip
    change_fetch_from(user, link.id, data["fetch_from"], now=moment)
    change_opening(user, link.journal_id, origin=data["opening"], amount=data["opening_amount"])


def _page(
    request: HttpRequest, link: JournalLink, form: EditForm, other: RelinkForm, problem: Problem | None = None
) -> HttpResponse:
    return show(
        request, "edit_link.html", link=link, title=journal_title(link.journal), form=form, other=other,
        problem=problem, room="synchronization",
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
