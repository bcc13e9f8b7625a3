"""The form of what open items and a line leave over (books.md 16.4)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from nostro.books.ledger.models import LedgerAccount
from nostro.books.pages.fields import AmountField, LedgerAccountField
from nostro.books.reconcile.closing import RestLine

#: Further accounts that may take a part.
FURTHER = (2, 3)


def _tax_field() -> forms.DecimalField:
    return forms.DecimalField(
        label=_("Tax included, %"), required=False, min_value=0, max_value=Decimal("99.99"), decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip


class RestForm(forms.Form):
    """What becomes of what is left: it stays open, unless an account is named; other accounts may take parts of it."""

    rest_account = LedgerAccountField(
        label=_("Account for what is left"), required=False,
        help_text=_("Empty: it stays open. With an account, the documents are marked as fully paid."),
    )  # fmt: skip
    rest_tax = _tax_field()
    rest_label = forms.CharField(label=_("Label"), max_length=200, required=False)
    rest_analytic = forms.CharField(label=_("Analytic label"), max_length=60, required=False)
    rest_to_check = forms.BooleanField(label=_("Mark to check"), required=False)

    def __init__(self, *args: Any, accounts: Sequence[LedgerAccount], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for n in FURTHER:
            self.fields[f"rest_account_{n}"] = LedgerAccountField(label=_("A part to another account"), required=False)
            self.fields[f"rest_amount_{n}"] = AmountField(label=_("How much"), required=False)
            self.fields[f"rest_tax_{n}"] = _tax_field()
        for field in self.fields.values():
            if isinstance(field, LedgerAccountField):
                field.accounts = accounts

    @property
    def other_fields(self) -> list[forms.BoundField]:
        """Those of further accounts."""
        return [self[name] for name in self.fields if name[-1].isdigit()]

    @property
    def is_used(self) -> bool:
        """Whether something is filled in, so that the form stands open."""
        return any(field.value() for field in self)

    @property
    def uses_others(self) -> bool:
        """The same of further accounts."""
        return any(field.value() for field in self.other_fields)

    @property
    def rests(self) -> list[RestLine]:
        """Accounts that take a part, and the one that takes what they leave; of a valid form with that one."""
        data = self.cleaned_data
        label, analytic, none = data["rest_label"], data["rest_analytic"], Decimal(0)
        parts = [
            RestLine(
                data[f"rest_account_{n}"].id, data[f"rest_amount_{n}"], data[f"rest_tax_{n}"] or none, label, analytic
            )
            for n in FURTHER
            if data[f"rest_account_{n}"]
        ]
        return [*parts, RestLine(data["rest_account"].id, None, data["rest_tax"] or none, label, analytic)]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        for n in FURTHER:
            if not data.get(f"rest_account_{n}"):
                continue
            if not data.get(f"rest_amount_{n}"):
                self.add_error(f"rest_amount_{n}", _("Type how much goes to this account."))
            if not data.get("rest_account"):
                self.add_error("rest_account", _("Choose the account that takes what the others leave."))
        return data
