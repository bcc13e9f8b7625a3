"""The form of an invoice or bill: its total, the taxes in it, and what an early payment may leave out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Company
from nostro.books.ledger.models import DocumentKind, TaxOption
from nostro.books.ledger.services import DocumentFacts
from nostro.books.ledger.terms import EarlyTerms, Taxed, taken_apart
from nostro.books.pages.fields import AmountField, DateField
from nostro.books.pages.forms import CurrencyField
from nostro.web.errors import Problem
from nostro.web.forms import add_problem

#: Rows for rates of tax.
TAX_ROWS = (1, 2, 3)


class DocumentForm(forms.Form):
    """An invoice or bill; ``facts`` is what it says once the form is valid.

    With one rate the net amount may stay empty: it is taken out of the total. With several each needs its own.
    """

    kind = forms.ChoiceField(label=_("Kind"), choices=DocumentKind.choices)
    partner_name = forms.CharField(
        label=_("Customer or supplier"), max_length=200,
        widget=forms.TextInput(attrs={"list": "partners", "autocomplete": "off"}),
    )  # fmt: skip
    number = forms.CharField(
        label=_("Number"), max_length=60, required=False,
        help_text=_("Empty: the next number of its series when it is posted."),
    )  # fmt: skip
    date = DateField(label=_("Date"))
    due_date = DateField(label=_("Due date"), required=False)
    amount = AmountField(label=_("Amount"), help_text=_("Positive, taxes included."))
    currency = CurrencyField()
    structured_reference = forms.CharField(
        label=_("Structured reference"), max_length=60, required=False,
        help_text=_(
            "For example +++020/3430/57642+++ or RF18 1234 5678 9. Payments that carry it are found by it. "
            "Own invoices of the series get one by themselves."
        ),
    )  # fmt: skip
    partner_reference = forms.CharField(
        label=_("Their reference"), max_length=60, required=False,
        help_text=_("The number that the customer or supplier has for it. Payments are found by it too."),
    )  # fmt: skip
    end_to_end_id = forms.CharField(
        label=_("End-to-end id"), max_length=35, required=False,
        help_text=_("Of the payment order that pays it, if there is one."),
    )  # fmt: skip
    analytic = forms.CharField(
        label=_("Analytic label"), max_length=60, required=False,
        help_text=_("What it is for, such as a project or a department. It stands with the net amount."),
    )  # fmt: skip
    discount_percent = AmountField(label=_("Discount for early payment, %"), required=False)
    discount_until = DateField(label=_("Until and including"), required=False)
    discount_option = forms.ChoiceField(
        label=_("Tax and this discount"), choices=TaxOption.choices, required=False, initial=TaxOption.ON_EARLY_PAYMENT
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company = company
        self.facts: DocumentFacts | None = None
        for row in TAX_ROWS:
            self.fields[f"percent_{row}"] = AmountField(label=_("Tax rate, %"), required=False)
            self.fields[f"net_{row}"] = AmountField(label=_("Net amount"), required=False)

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """What every document has."""
        names = ("kind", "partner_name", "number", "date", "due_date", "amount", "currency", "structured_reference")
        return [self[name] for name in names]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """What helps to find its payment, and what it is for."""
        return [self["partner_reference"], self["end_to_end_id"], self["analytic"]]

    @property
    def tax_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Rate and net amount, row by row."""
        return [(self[f"percent_{row}"], self[f"net_{row}"]) for row in TAX_ROWS]

    @property
    def discount_fields(self) -> list[forms.BoundField]:
        """The early-payment discount."""
        return [self[name] for name in ("discount_percent", "discount_until", "discount_option")]

    @property
    def has_more(self) -> bool:
        """Whether the folded parts hold something that must be seen."""
        folded = [*self.more_fields, *self.discount_fields[:2], *(field for row in self.tax_fields for field in row)]
        return any(field.errors or (field.name in self.data and self.data[field.name]) for field in folded)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if self.errors:
            return data
        try:
            early = self._early(data)
            plain = ("kind", "partner_name", "number", "date", "due_date", "amount", "currency")
            self.facts = DocumentFacts(
                **{name: data[name] for name in plain},
                structured_reference=data["structured_reference"],
                partner_reference=data["partner_reference"],
                end_to_end_id=data["end_to_end_id"],
                analytic=data["analytic"],
                taxes=self._taxes(data, early),
                early=early,
            )
        except Problem as problem:
            add_problem(self, problem)
        return data

    def _early(self, data: dict[str, Any]) -> EarlyTerms | None:
        percent, until = data.get("discount_percent"), data.get("discount_until")
        if percent is None and until is None:
            return None
        if percent is None:
            self.add_error("discount_percent", gettext("Type the percentage, or empty the date."))
        elif until is None:
            self.add_error("discount_until", gettext("Type the last day, or empty the percentage."))
        else:
            return EarlyTerms(percent, until, TaxOption(data.get("discount_option") or TaxOption.ON_EARLY_PAYMENT))
        return None

    def _taxes(self, data: dict[str, Any], early: EarlyTerms | None) -> tuple[Taxed, ...]:
        rows = [(row, data.get(f"percent_{row}"), data.get(f"net_{row}")) for row in TAX_ROWS]
        rows = [(row, percent, net) for row, percent, net in rows if percent is not None or net is not None]
        if len(rows) == 1 and rows[0][2] is None:
            return (taken_apart(data["amount"], rows[0][1] or Decimal(0), data["currency"].upper(), early),)
        for row, percent, net in rows:
            if percent is None:
                self.add_error(f"percent_{row}", gettext("Type the rate of this net amount; 0 without tax."))
            elif net is None:
                self.add_error(f"net_{row}", gettext("With several rates each needs its net amount."))
        return tuple(Taxed(percent, net) for _, percent, net in rows if percent is not None and net is not None)


def shown_of(facts: DocumentFacts, company: Company) -> dict[str, Any]:
    """A draft as the form shows it. A single tax that was taken out of the total is taken out again."""
    plain = ("kind", "partner_name", "number", "date", "due_date", "amount", "structured_reference",
             "partner_reference", "end_to_end_id", "analytic")  # fmt: skip
    shown: dict[str, Any] = {name: getattr(facts, name) for name in plain}
    shown["currency"] = facts.currency or company.currency
    for row, one in zip(TAX_ROWS, facts.taxes, strict=False):
        shown[f"percent_{row}"] = one.percent
        shown[f"net_{row}"] = None if len(facts.taxes) == 1 and one.tax is not None else one.net
    if facts.early is not None:
        shown |= {"discount_percent": facts.early.percent, "discount_until": facts.early.until,
                  "discount_option": facts.early.option}  # fmt: skip
    return shown
