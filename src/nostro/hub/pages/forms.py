"""Forms of the Hub's pages. They check shape; what a verb refuses is put beside the field it names."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from nostro.hub.accounts.models import Account
from nostro.hub.directory.queries import countries as countries_with_banks
from nostro.hub.files.exporting import export_formats
from nostro.hub.pages.file_words import export_choices
from nostro.web.forms import ManyFilesInput, countries, country_names
from nostro.web.present import iban_groups


class FilesForm(forms.Form):
    """Statement files of banks."""

    uploads = forms.FileField(
        label=_("Statement files"),
        allow_empty_file=True,
        help_text=_("As the bank gives them, several at once if you like. You see what they would bring first."),
        widget=ManyFilesInput(attrs={"multiple": True, "class": "dropzone"}),
    )


class ExportForm(forms.Form):
    """A period of an account as a bank file."""

    format = forms.ChoiceField(label=_("Format"), choices=lambda: export_choices(export_formats()))
    date_from = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    date_to = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class OrganizationForm(forms.Form):
    """Step one after sign-up."""

    name = forms.CharField(
        label=_("Name of the organization"),
        max_length=200,
        help_text=_("The company, association or person whose bank accounts you bring together."),
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    country = forms.ChoiceField(label=_("Country"), choices=countries)


class BillingForm(forms.Form):
    """What is needed before a live account is added."""

    legal_name = forms.CharField(
        label=_("Legal name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    street = forms.CharField(
        label=_("Street and number"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "street-address"})
    )
    postal_code = forms.CharField(
        label=_("Postal code"), max_length=20, widget=forms.TextInput(attrs={"autocomplete": "postal-code"})
    )
    city = forms.CharField(
        label=_("Town"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "address-level2"})
    )
    country = forms.ChoiceField(label=_("Country"), choices=countries)
    enterprise_number = forms.CharField(label=_("Enterprise number"), max_length=40, required=False)
    vat_number = forms.CharField(
        label=_("VAT number"), max_length=40, required=False, help_text=_("With the country, for example BE0403019261.")
    )
    email = forms.EmailField(label=_("E-mail for invoices"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class AccountsField(forms.MultipleChoiceField):
    """Check boxes, one for each account; the value is a list of ids."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _("The software will read these accounts and no others."))
        wanted = {"required": _("Choose at least one account.")}
        super().__init__(label=_("Accounts"), required=False, error_messages=wanted, **kwargs)


class IntegrationForm(forms.Form):
    """A name and the accounts that the software may read; without the name, ``required`` tells whether none will do."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("The software that will use it, for example “Books of Acme”.")
    )
    accounts = AccountsField()
    payments = forms.BooleanField(
        label=_("It may also prepare payments"), required=False,
        help_text=_("Nothing is paid before a person of your organization signs at the bank."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, accounts: list[Account], with_name: bool = True, required: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["accounts"]
        assert isinstance(field, AccountsField)
        field.choices = account_choices(accounts)
        field.required = with_name or required
        if not with_name:
            del self.fields["name"], self.fields["payments"]
            field.label = _("It may read")


def account_choices(accounts: list[Account], *, mark_sandbox: bool = False) -> list[tuple[str, str]]:
    """What ``AccountsField`` offers; ``mark_sandbox`` where live and sandbox accounts stand in one list."""
    word = f" · {_('Sandbox')}" if mark_sandbox else ""
    return [(str(account.id), _described(account) + (word if account.is_sandbox else "")) for account in accounts]


def _described(account: Account) -> str:
    """Name, number in groups of four, and currency: accounts of one number differ in nothing else."""
    return f"{account} · {' '.join(iban_groups(account.reference))} · {account.currency}"


class FindBankForm(forms.Form):
    """A plain GET form: the text is a name, a BIC, an IBAN or a bank code."""

    q = forms.CharField(
        label=_("Name of the bank, BIC, IBAN or bank code"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    country = forms.ChoiceField(label=_("Country"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"] = forms.ChoiceField(
            label=_("Country"),
            required=False,
            choices=[("", _("All countries")), *country_names(countries_with_banks())],
        )


class AccountNameForm(forms.Form):
    """What the person calls an account."""

    name = forms.CharField(
        label=_("Your name for this account"), max_length=200, required=False,
        help_text=_("Leave it empty to show the bank's name."),
    )  # fmt: skip


class ReadingsForm(forms.Form):
    """How often an account is read without anybody asking."""

    runs_per_day = forms.TypedChoiceField(
        label=_("Planned readings"), coerce=int,
        choices=((1, _("once a day")), (2, _("twice a day")), (3, _("three times a day")), (4, _("four times a day"))),
        help_text=_("Banks allow four a day without you. With four planned, none is left for software that asks."),
    )  # fmt: skip


_SEARCH_HELP = _("A name, a reference, an IBAN, >100, 2026-11")


class TransactionFilterForm(forms.Form):
    """A plain GET form above the list of transactions. The help stands in the box, and for readers of screens."""

    q = forms.CharField(
        label=_("Search"),
        max_length=200,
        required=False,
        help_text=_SEARCH_HELP,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _SEARCH_HELP}),
    )
    account = forms.ChoiceField(label=_("Account"), required=False)
    date_from = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    date_to = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    amount_from = forms.DecimalField(label=_("Amount from"), required=False, min_value=0, max_digits=24)
    amount_to = forms.DecimalField(label=_("Amount to"), required=False, min_value=0, max_digits=24)
    direction = forms.ChoiceField(
        label=_("Direction"),
        required=False,
        choices=[("", _("In and out")), ("credit", _("Money in")), ("debit", _("Money out"))],
    )

    def __init__(self, *args: Any, accounts: list[Account], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["account"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("All accounts")), *((str(each.id), f"{each} · {each.currency}") for each in accounts)]
