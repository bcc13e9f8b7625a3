"""The two clocks: consents of banks and credentials of the Hub; notices, contacts and the calendar (books.md 8)."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from nostro.books.companies.models import Role
from nostro.books.journals.models import Journal
from nostro.books.links.account_lists import reload_accounts
from nostro.books.links.models import Connection, JournalLink
from nostro.books.links.queries import connections_of, failures_of
from nostro.books.pages.journals import access
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, show
from nostro.books.pages.states import State, consent_days_left, consent_state, hub_page, journal_title
from nostro.books.reminders.calendar import close_feed, feed_of, open_feed, read_feed
from nostro.books.reminders.models import RenewalContact
from nostro.books.reminders.notices import contacts_of, end_renewed, masked_number
from nostro.books.reminders.services import activities_of, find_renewal, mails_of, revoke_link, set_contacts
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.said import said


@dataclass(frozen=True)
class ConsentClock:
    """Bank to Hub: one linked account."""

    link: JournalLink
    title: str
    consent: State | None
    hub_page: str
    contacts: list[str]


@dataclass(frozen=True)
class CredentialsClock:
    """Hub to Books: one connection. ``refused`` is the failure of its credentials, if they are refused."""

    connection: Connection
    age_days: int
    refused: dt.datetime | None


class ContactsForm(forms.Form):
    """Who is told."""

    addresses = forms.CharField(
        label=gettext_lazy("E-mail addresses, one on each line"), required=False, max_length=6_000,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off"}),
        help_text=gettext_lazy("Empty: the owners of the company are told."),
    )  # fmt: skip


@company_page()
def renewals(request: CompanyRequest) -> HttpResponse:
    """What must be renewed, and when?"""
    moment = now()
    links = JournalLink.objects.filter(company=request.company, unlinked_at=None)
    links = links.select_related("journal__company", "online_account__connection")
    return show(
        request, "renewals.html",
        consents=[_consent(link, moment) for link in links.order_by("online_account__consent_expires_at", "id")],
        credentials=[_credentials(each, moment) for each in connections_of(request.company)],
        activities=activities_of(request.company), today=now().date(), mails=mails_of(request.company),
        feed=feed_of(request.user, request.company), room="synchronization",
    )  # fmt: skip


def _consent(link: JournalLink, moment: dt.datetime) -> ConsentClock:
    account = link.online_account
    consent = consent_state(consent_days_left(account, moment))
    return ConsentClock(
        link, journal_title(link.journal), consent, hub_page(account.connection), contacts_of(link.journal)
    )


def _credentials(connection: Connection, moment: dt.datetime) -> CredentialsClock:
    refused = [each.first_at for each in failures_of(connection) if each.code in {"H-CREDENTIALS", "H-TOKEN-OLD"}]
    return CredentialsClock(connection, (moment - connection.secret_set_at).days, min(refused, default=None))


@company_page(role=Role.ACCOUNTANT)
@require_POST
def check_renewals(request: CompanyRequest) -> HttpResponse:
    """Ask every Hub of the company whether a consent was renewed; no bank is asked by it."""
    for connection in connections_of(request.company):
        try:
            reload_accounts(request.user, connection.id, now=now())
        except Problem as problem:
            messages.error(request, f"{connection.hub_url}: {said(problem.what)} {said(problem.what_to_do)}")
    ended = end_renewed(now())
    told = _("Renewed consents were found; their accounts are fetched now.") if ended else _("Nothing new was found.")
    messages.success(request, told)
    return redirect("books:renewals", company_id=request.company.id)


@login_required
def contacts(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """Who is told when the consent of a journal ends?"""
    journal: Journal = access(request, journal_id, role=Role.ACCOUNTANT)
    chosen = RenewalContact.objects.filter(journal=journal).order_by("email").values_list("email", flat=True)
    form = ContactsForm(request.POST or None, initial={"addresses": "\n".join(chosen)})
    if request.method == "POST" and form.is_valid():
        try:
            set_contacts(person(request), journal.id, form.cleaned_data["addresses"].splitlines())
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The contacts are saved."))
            return redirect("books:renewals", company_id=journal.company_id)
    return show(
        request, "renewal_contacts.html", form=form, journal=journal, title=journal_title(journal),
        room="synchronization",
    )  # fmt: skip


@login_required
@require_POST
def revoke(request: HttpRequest, mail_id: uuid.UUID) -> HttpResponse:
    """Take back the link of one mail."""
    mail = revoke_link(person(request), mail_id, now=now())
    messages.success(request, _("The link works no more."))
    return redirect("books:renewals", company_id=mail.company_id)


@never_cache
@company_page()
@require_POST
def calendar(request: CompanyRequest) -> HttpResponse:
    """Make the person's secret calendar address, shown in this answer only, or revoke it."""
    if request.POST.get("do") == "revoke":
        close_feed(request.user, request.company)
        messages.success(request, _("The calendar address works no more."))
        return redirect("books:renewals", company_id=request.company.id)
    secret = open_feed(request.user, request.company, now=now())
    address = settings.PUBLIC_URL + reverse("books:calendar_feed", args=[secret])
    return show(request, "calendar_address.html", address=address, room="synchronization")


@require_GET
@never_cache
def calendar_feed(request: HttpRequest, secret: str) -> HttpResponse:
    """The calendar itself, for calendar programs: the secret in the address is the key."""
    content = read_feed(secret, now=now())
    return HttpResponse(
        content, content_type="text/calendar; charset=utf-8", headers={"Referrer-Policy": "no-referrer"}
    )


@require_GET
@never_cache
def renew(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind the link of a mail: no login, one account, no figures."""
    moment = now()
    renewal = find_renewal(secret, now=moment)
    page = hub_page(renewal.account.connection)
    response = render(
        request, "books/renew.html",
        {"renewal": renewal, "number": masked_number(renewal.account), "hub_page": page,
         "consent": consent_state(consent_days_left(renewal.account, moment))},
    )  # fmt: skip
    # The secret must not travel to the Hub's log.
    response["Referrer-Policy"] = "no-referrer"
    return response
