"""The form of an entry made by hand: a head and its sides, each with an account and a debit or a credit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.formsets import BaseFormSet, formset_factory
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from nostro.books.ledger.misc import MAX_SIDES, MiscFacts, MiscSide
from nostro.books.ledger.models import LedgerAccount
from nostro.books.pages.fields import AmountField, DateField, LedgerAccountField
from nostro.books.pages.forms import CurrencyField

#: Sides that an empty form has, and that it gets when more are asked for.
SIDES, MORE_SIDES = 4, 4


class MiscForm(forms.Form):
    """The head of an entry."""

    date = DateField(label=_("Date"))
    label = forms.CharField(label=_("Label"), max_length=200, help_text=_("What happened, in a few words."))
    currency = CurrencyField()


class SideForm(forms.Form):
    """One side; an empty one is left out."""

    account = LedgerAccountField(label=_("Account"), required=False)
    debit = AmountField(label=_("Debit"), required=False)
    credit = AmountField(label=_("Credit"), required=False)
    partner_name = forms.CharField(
        label=_("Customer or supplier"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"list": "partners", "autocomplete": "off"}),
    )  # fmt: skip
    due_date = DateField(label=_("Due date"), required=False)
    label = forms.CharField(label=_("Label"), max_length=200, required=False)
    reference = forms.CharField(label=_("Structured reference"), max_length=60, required=False)
    analytic = forms.CharField(label=_("Analytic label"), max_length=60, required=False)

    def __init__(self, *args: Any, accounts: Sequence[LedgerAccount], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["account"]
        assert isinstance(field, LedgerAccountField)
        field.accounts = accounts

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """What every side has."""
        return [self[name] for name in ("account", "debit", "credit")]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """What an open item has besides."""
        return [self[name] for name in ("partner_name", "due_date", "label", "reference", "analytic")]

    @property
    def has_more(self) -> bool:
        """Whether the folded part holds something that must be seen."""
        return any(field.errors or field.value() for field in self.more_fields)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if self.errors or not any(data.values()):
            return data
        if data.get("account") is None:
            self.add_error("account", gettext("Choose the account of this side."))
        if (data.get("debit") is None) == (data.get("credit") is None):
            self.add_error("debit", gettext("Type either a debit or a credit."))
        return data

    @property
    def side(self) -> MiscSide | None:
        """What a valid form says."""
        data = self.cleaned_data
        if not data.get("account"):
            return None
        amount = data["debit"] if data["debit"] is not None else -data["credit"]
        return MiscSide(
            data["account"].id, amount, data["partner_name"], data["label"], data["due_date"], data["reference"],
            data["analytic"],
        )  # fmt: skip


def side_forms(
    data: Any = None, *, accounts: Sequence[LedgerAccount], initial: Sequence[dict[str, Any]] = (), more: bool = False
) -> BaseFormSet[SideForm]:
    """Forms of the sides: those that were sent or that a draft has, and some empty ones."""
    made = formset_factory(SideForm, extra=max(SIDES - len(initial), 1), max_num=MAX_SIDES, absolute_max=MAX_SIDES)
    if more:
        sent = int(data.get("sides-TOTAL_FORMS", SIDES)) if str(data.get("sides-TOTAL_FORMS", "")).isdigit() else SIDES
        data = data.copy()
        data["sides-TOTAL_FORMS"] = str(min(sent + MORE_SIDES, MAX_SIDES))
    return made(data, initial=list(initial), prefix="sides", form_kwargs={"accounts": accounts})


def said_by(form: MiscForm, sides: BaseFormSet[SideForm]) -> MiscFacts:
    """What valid forms say."""
    data = form.cleaned_data
    found = tuple(side for each in sides.forms if (side := each.side) is not None)
    return MiscFacts(data["date"], data["label"], found, data["currency"])


def shown_of(facts: MiscFacts, accounts: Sequence[LedgerAccount]) -> list[dict[str, Any]]:
    """Sides of a draft as a form shows them."""
    names = {account.id: str(account) for account in accounts}
    return [
        {
            "account": names.get(side.account_id, ""), "debit": side.amount if side.amount > 0 else None,
            "credit": -side.amount if side.amount <= Decimal(0) else None, "partner_name": side.partner_name,
            "due_date": side.due_date, "label": side.label, "reference": side.reference,
            "analytic": side.analytic,
        }
        for side in facts.sides
    ]  # fmt: skip
