"""Forms of the Books' pages. They check shape; what a verb refuses is put beside the field it names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Company, LockType
from nostro.books.journals.models import JournalKind
from nostro.books.ledger.models import LedgerAccount, Partner
from nostro.books.pages.fields import AmountField, DateField, LedgerAccountField
from nostro.core.money import MoneyError, parse_currency
from nostro.web.forms import countries

MAX_FILE_BYTES = 2 * 1024 * 1024


class CurrencyField(forms.CharField):
    """Three letters of ISO 4217."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "autocapitalize": "characters", "size": 3}
        super().__init__(label=_("Currency"), min_length=3, max_length=3, widget=forms.TextInput(attrs=attrs), **kwargs)


class CompanyForm(forms.Form):
    """Step one in the Books."""

    name = forms.CharField(
        label=_("Name of the company"), max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )  # fmt: skip
    country = forms.ChoiceField(label=_("Country"), choices=countries)
    currency = CurrencyField(help_text=_("The currency of the books, three letters. It stays as it is."))


class FindBankForm(forms.Form):
    """A plain GET form."""

    q = forms.CharField(
        label=_("Name of the bank"), max_length=100, required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )  # fmt: skip


class ManualJournalForm(forms.Form):
    """A bank account that no Hub serves: a journal without synchronization (books.md 4, step 0)."""

    name = forms.CharField(
        label=_("Name"), max_length=100, required=False, help_text=_("Without one, the account number is the name.")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=JournalKind.choices, initial=JournalKind.BANK)
    account_number = forms.CharField(label=_("Account number"), max_length=70)
    bank_name = forms.CharField(label=_("Bank"), max_length=200, required=False)
    bic = forms.CharField(label=_("BIC"), max_length=11, required=False)
    currency = CurrencyField()


class ManualLineForm(forms.Form):
    """One bank transaction typed by hand."""

    date = DateField(label=_("Date"))
    amount = AmountField(label=_("Amount"), help_text=_("With a minus when money left the account."))
    label = forms.CharField(label=_("Description"), max_length=500)
    counterparty_name = forms.CharField(label=_("Counterparty"), max_length=140, required=False)


class CredentialsForm(forms.Form):
    """Step 1: where the Hub is and who asks (books.md 4). The secret is never shown again."""

    hub_url = forms.CharField(
        label=_("Address of the Hub"), max_length=300, widget=forms.TextInput(attrs={"inputmode": "url"})
    )
    client_id = forms.CharField(
        label=_("Client ID"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    secret = forms.CharField(
        label=_("Secret ID"), max_length=500, help_text=_("It is kept encrypted and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, with_address: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_address:
            del self.fields["hub_url"]


class InvoiceFileForm(forms.Form):
    """An electronic invoice."""

    file = forms.FileField(
        label=_("Electronic invoice (XML)"), widget=forms.FileInput(attrs={"accept": ".xml,application/xml,text/xml"})
    )


#: Fields of open items in a file, as a person reads them.
_COLUMNS = {
    "kind": _("Kind"),
    "partner": _("Customer or supplier"),
    "number": _("Number"),
    "date": _("Date"),
    "due_date": _("Due date"),
    "amount": _("Amount"),
    "currency": _("Currency"),
    "reference": _("Structured reference"),
    "partner_reference": _("Their reference"),
    "end_to_end_id": _("End-to-end id"),
    "tax_percent": _("Tax rate, %"),
    "analytic": _("Analytic label"),
}


class TableFileForm(forms.Form):
    """A CSV or XLSX file of the company's own; not a bank's, which may be large."""

    file = forms.FileField(label=_("CSV or XLSX file"), widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,text/csv"}))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB. Split it."), code="tooLarge")
        return file


class FileForm(TableFileForm):
    """A file of open items, and what its columns are called (``column_`` and our field)."""

    def __init__(self, *args: Any, columns: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, column in columns.items():
            self.fields[f"column_{name}"] = forms.CharField(
                label=_COLUMNS[name], max_length=100, required=False, initial=column
            )

    @property
    def column_fields(self) -> list[forms.BoundField]:
        """Those that say what a column is called."""
        return [self[name] for name in self.fields if name.startswith("column_")]

    @property
    def mapping(self) -> dict[str, str]:
        """Our field → the column's name, of a form that is valid."""
        typed = self.cleaned_data.items()
        return {name.removeprefix("column_"): text for name, text in typed if name.startswith("column_") and text}


class LineFilterForm(forms.Form):
    """Search in lines; a plain GET form."""

    q = forms.CharField(
        label=_("Search"), max_length=100, required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "data-key": "/"}),
    )  # fmt: skip


class AccountMatchForm(forms.Form):
    """Match a line, or a part of it, with an account of the chart."""

    account = LedgerAccountField(label=_("Account"))
    amount = AmountField(label=_("Amount"), required=False, help_text=_("Empty: all that is left."))
    label = forms.CharField(label=_("Label"), max_length=200, required=False)

    def __init__(self, *args: Any, accounts: Sequence[LedgerAccount], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["account"]
        assert isinstance(field, LedgerAccountField)
        field.accounts = accounts


class PartnerForm(forms.Form):
    """Whose payment a line is, by name; ``found`` is the partner, or ``None`` for a new or an empty name."""

    partner = forms.CharField(
        label=_("Customer or supplier"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"list": "partners", "autocomplete": "off"}),
        help_text=_("Empty: nobody is set."),
    )  # fmt: skip
    new = forms.BooleanField(label=_("Make a new partner of this name"), required=False)

    def __init__(self, *args: Any, company: Company | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company = company

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        name = data["partner"] = " ".join(data.get("partner", "").split())
        data["found"] = Partner.objects.filter(company=self.company, name__iexact=name).first() if name else None
        if name and data["found"] is None and not data.get("new"):
            self.add_error("partner", _("No partner has this name. Tick the box to make one."))
        return data


class RateForm(forms.Form):
    """What one unit of a foreign currency is worth."""

    rate = forms.DecimalField(label=_("What one unit is worth"), min_value=Decimal("0.000000000001"), max_digits=36)


class NewRateForm(RateForm):
    """A rate from a day on, and who says so."""

    currency = CurrencyField()
    valid_from = DateField(label=_("From"))
    source = forms.CharField(label=_("Source"), max_length=100, help_text=_("For example ECB reference rate."))
    field_order = ("currency", "valid_from", "rate", "source")

    def clean_currency(self) -> str:
        try:
            return parse_currency(self.cleaned_data["currency"])
        except MoneyError:
            raise forms.ValidationError(_("Type three letters, such as USD."), code="invalid") from None


class SinceForm(forms.Form):
    """The first date that a search looks at."""

    since = forms.DateField(label=_("Starting date"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class PeriodForm(forms.Form):
    """The days that a search looks at, both included."""

    first = forms.DateField(label=_("From"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(label=_("Until"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and not dt.timedelta(0) <= last - first <= dt.timedelta(days=366):
            raise forms.ValidationError(_("Choose a period of at most a year, the first day first."), code="invalid")
        return self.cleaned_data


class LockForm(forms.Form):
    """The last locked day of each kind of entry; the fields are the values of :class:`LockType`."""

    def __init__(self, data: Any = None, *, company: Company) -> None:
        super().__init__(data, initial={str(kind): getattr(company, kind) for kind in LockType})
        helps = {
            LockType.ALL: _("The last locked day, whatever the entry is."),
            LockType.SALES: _("Customers' invoices and credit notes."),
            LockType.PURCHASES: _("Suppliers' bills and credit notes."),
            LockType.BANK: _("Entries of bank lines."),
            LockType.HARD: _("It can be moved forward later, never back."),
        }
        for kind in LockType:
            field = DateField(label=kind.label, required=False, help_text=helps[kind])
            field.widget.attrs["autocomplete"] = "off"
            self.fields[kind] = field
        self.fields["for_good"] = forms.BooleanField(
            label=_("I know that a lock for good cannot be taken back"), required=False
        )

    @property
    def changed_locks(self) -> list[LockType]:
        """Those that were changed, the hard one last."""
        return [kind for kind in LockType if kind in self.changed_data]

    def clean(self) -> dict[str, Any]:
        if LockType.HARD in self.changed_data and not self.cleaned_data.get("for_good"):
            self.add_error("for_good", _("Tick it to lock for good, or put the date back."))
        return self.cleaned_data


class SuspenseForm(forms.Form):
    """Which account holds bank lines until they are explained."""

    account = forms.ChoiceField(
        label=_("Suspense account"), help_text=_("New journals use it; journals that exist keep theirs.")
    )

    def __init__(self, data: Any = None, *, accounts: Sequence[LedgerAccount], chosen: LedgerAccount | None) -> None:
        super().__init__(data, initial={"account": str(chosen.id) if chosen else ""})
        field = self.fields["account"]
        assert isinstance(field, forms.ChoiceField)
        none = [] if chosen else [("", _("Choose an account"))]
        field.choices = [*none, *((str(each.id), str(each)) for each in accounts)]


class ReasonForm(forms.Form):
    """Why a line is removed."""

    reason = forms.CharField(label=_("Reason"), max_length=200)
