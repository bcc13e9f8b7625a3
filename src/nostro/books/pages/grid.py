"""The accounts grid of the link wizard: one form per account, checked together (books.md 4, step 3)."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Role
from nostro.books.hub_client.catalogue import CATALOGUE, describe
from nostro.books.journals.models import GroupingChoice, OpeningOrigin
from nostro.books.journals.queries import journal_of_number
from nostro.books.ledger.models import LedgerAccount
from nostro.books.links.models import Connection, FetchSchedule, OnlineAccount
from nostro.books.links.queries import live_link, live_link_of_journal
from nostro.books.links.wizard import LinkRow, ProposedRow, RowError
from nostro.books.pages.fields import AmountField, DateField, LedgerAccountField
from nostro.books.pages.refusals import Refusal, refusal_of
from nostro.books.pages.remedies import Place
from nostro.books.pages.states import consent_days_left, consent_state, day_text
from nostro.web.errors import Problem
from nostro.web.said import said

ACTIONS = [("create", _("Create new journal")), ("link", _("Link to existing journal")), ("skip", _("Do not link"))]
#: Kinds of accounts that the API has (hub-api.md), in words.
KINDS = {
    "checking": _("current account"),
    "savings": _("savings account"),
    "securities": _("securities account"),
    "card": _("card account"),
    "psp": _("account at a payment service"),
}
#: Where an error of the wizard is shown when the form's field has another name.
_FIELDS = {"journal_id": "journal", "opening_account_id": "opening_account"}


class TimesField(forms.CharField):
    """Times of day, ``08:00, 13:30``; the value is a tuple of times."""

    def clean(self, value: Any) -> tuple[dt.time, ...]:
        text = super().clean(value)
        try:
            return tuple(dt.time.fromisoformat(part.zfill(5)) for part in re.split(r"[\s,;]+", text) if part)
        except ValueError:
            raise forms.ValidationError(_("Type times like 08:00, 13:30."), code="invalid") from None


class JournalField(forms.CharField):
    """The id of a journal. Whether one is needed depends on the action, so the wizard judges emptiness."""

    def validate(self, value: Any) -> None:
        return


class RateField(AmountField):
    """An exchange rate; the wizard knows whether one is needed."""

    def validate(self, value: Any) -> None:
        return


class SettingsForm(forms.Form):
    """The two separate settings of books.md 5, side by side: how lines are grouped, and when Books asks the Hub."""

    grouping = forms.ChoiceField(
        label=_("Synchronization frequency"),
        choices=GroupingChoice.choices,
        initial=GroupingChoice.PER_SYNCHRONIZATION,
        help_text=_("How transactions are grouped into statements."),
    )
    fetch_schedule = forms.ChoiceField(
        label=_("Fetch schedule"),
        choices=FetchSchedule.choices,
        initial=FetchSchedule.EVERY_12_HOURS,
        help_text=_("How often Books asks the Hub."),
    )
    fetch_times = TimesField(
        label=_("Times"), required=False, max_length=200, help_text=_("For “daily at given times”, like 08:00, 13:30.")
    )


class RowForm(SettingsForm):
    """One row of the grid. The field order is the order of work."""

    action = forms.ChoiceField(label=_("Action"), choices=ACTIONS)
    journal = JournalField(label=_("Journal"))
    fetch_from = DateField(label=_("Fetch from"))
    opening = forms.ChoiceField(label=_("Opening balance"), choices=OpeningOrigin.choices)
    opening_amount = AmountField(label=_("Opening amount"), required=False)
    opening_account = LedgerAccountField(
        label=_("Opening account"), required=False, help_text=_("Empty: opening balance equity.")
    )
    exchange_rate = RateField(label=_("Exchange rate"))
    confirmed_number = forms.BooleanField(label=_("Link although the journal has another number"), required=False)
    changed_currency = forms.BooleanField(
        label=_("Change the currency of the journal, which has no lines"), required=False
    )
    use_required_attribute = False
    field_order = ("action", "journal", "grouping", "fetch_schedule", "fetch_from", "opening", "opening_amount")

    def __init__(
        self,
        *args: Any,
        row: ProposedRow,
        company_currency: str,
        accounts: Sequence[LedgerAccount],
        now: dt.datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{"prefix": str(row.account.id), "initial": _initial(row), **kwargs})
        self.row = row
        self.refusals: list[Refusal] = []
        self.consent = consent_state(consent_days_left(row.account, now))
        free = [("", _("Choose a journal")), *((str(each.id), str(each)) for each in row.journals)]
        self.fields["journal"].widget = forms.Select(choices=free)
        account_field = self.fields["opening_account"]
        assert isinstance(account_field, LedgerAccountField)
        account_field.accounts = accounts
        if not row.rate_needed:
            del self.fields["exchange_rate"]
        else:
            self.fields["exchange_rate"].help_text = _("What 1 %(foreign)s is worth in %(own)s.") % {
                "foreign": row.account.currency,
                "own": company_currency,
            }

    @property
    def account(self) -> OnlineAccount:
        return self.row.account

    @property
    def kind(self) -> str:
        """What kind of account it is, where the Hub says a kind that is known."""
        return str(KINDS.get(self.account.subtype, ""))

    @property
    def opens_more(self) -> bool:
        """Whether one of the rarer settings needs the person's eye."""
        rarer = ("fetch_times", "opening_amount", "opening_account", "confirmed_number", "changed_currency")
        return self.is_bound and any(self[name].errors or self[name].value() for name in rarer)

    def clean(self) -> dict[str, Any]:
        """An account that is not linked needs nothing else."""
        if self.cleaned_data.get("action") == "skip":
            self.errors.clear()
        return self.cleaned_data

    def link_row(self) -> LinkRow:
        """The row for the wizard; only for a valid form."""
        data = self.cleaned_data
        if data["action"] == "skip":
            return LinkRow(account_id=self.account.id, action="skip")
        opening_account = data["opening_account"]
        return LinkRow(
            account_id=self.account.id,
            action=data["action"],
            journal_id=_uuid(data["journal"]) if data["action"] == "link" else None,
            grouping=data["grouping"],
            fetch_schedule=data["fetch_schedule"],
            fetch_times=data["fetch_times"],
            fetch_from=data["fetch_from"],
            opening=data["opening"],
            opening_amount=data["opening_amount"],
            opening_account_id=opening_account.id if opening_account else None,
            exchange_rate=data.get("exchange_rate"),
            confirmed_number=data["confirmed_number"],
            changed_currency=data["changed_currency"],
        )

    def add_row_error(self, error: RowError, connection: Connection, now: dt.datetime) -> None:
        """Show what the wizard refused beside the field it names, and once more with its button."""
        field = _FIELDS.get(error.field, error.field)
        told = said(error.sentence) + (f" ({error.code})" if error.code in CATALOGUE else "")
        self.add_error(field if field in self.fields else None, forms.ValidationError(told, code=error.code))
        if error.code in CATALOGUE:
            problem = Problem(error.sentence, what_to_do=describe(error.code).remedy, code=error.code)
            self.refusals.append(refusal_of(problem, self._place(error, connection), now))

    def _place(self, error: RowError, connection: Connection) -> Place:
        """This row, its fields and the buttons that mend it; who holds what the row wants."""
        account, chosen = self.account, _uuid(str(self["journal"].value() or ""))
        holder = live_link(account) if error.code == "L-ACCOUNT-TAKEN" else None
        same = None
        if error.code == "L-JOURNAL-TAKEN":
            if self["action"].value() == "create":
                same = journal_of_number(connection.company, account.reference, account.currency)
                chosen = same.id if same else None
            holder = live_link_of_journal(chosen) if chosen else None
        offered = _("Use %(day)s") % {"day": day_text(self.row.fetch_from)}
        return Place(
            connection.company, Role.OWNER, connection=connection, taken=holder,
            taken_journal=same.id if same else None,
            fields={bound.name: bound.id_for_label for bound in self},
            presses={"create": ("", f"mend:create:{self.prefix}"),
                     "first_allowed": (str(offered), f"mend:first_allowed:{self.prefix}")},
        )  # fmt: skip


def mended(data: QueryDict, do: str, forms_: Iterable[RowForm]) -> QueryDict:
    """What was typed, with the change that the button of one row's error stands for."""
    changed = data.copy()
    verb, prefix = do.removeprefix("mend:").split(":", 1) if do.count(":") == 2 else ("", "")
    for form in forms_:
        if form.prefix == prefix and verb == "create":
            changed[f"{prefix}-action"], changed[f"{prefix}-journal"] = "create", ""
        elif form.prefix == prefix and verb == "first_allowed":
            changed[f"{prefix}-fetch_from"] = form.row.fetch_from.isoformat()
    return changed


def create_for_unmatched(data: QueryDict, forms_: Iterable[RowForm]) -> QueryDict:
    """What was typed, with *Create new journal* for every row that would link without a journal."""
    changed = data.copy()
    for form in forms_:
        if data.get(f"{form.prefix}-action") == "link" and not data.get(f"{form.prefix}-journal"):
            changed[f"{form.prefix}-action"] = "create"
    return changed


def _initial(row: ProposedRow) -> dict[str, Any]:
    return {
        "action": row.action,
        "journal": str(row.journal.id) if row.journal else "",
        "grouping": row.grouping,
        "fetch_schedule": row.fetch_schedule,
        "fetch_from": row.fetch_from,
        "opening": row.opening,
    }


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
