"""The form of a rule (books.md 16.8): conditions, what follows, and how they become a definition and come back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.ledger.models import LedgerAccount, Partner
from nostro.books.pages.fields import AmountField, LedgerAccountField
from nostro.books.pages.states import journal_title
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import (
    AmountType,
    Counterpart,
    Direction,
    Matching,
    Operator,
    TextCondition,
    Tolerance,
    Where,
)
from nostro.books.reconcile.models import RuleKind
from nostro.books.reconcile.rules.checking import MAX_CONDITIONS, MAX_COUNTERPARTS

MAX_PARTNERS = 50
WHERE = {
    Where.LABEL: gettext_lazy("The label"),
    Where.NOTES: gettext_lazy("The description"),
    Where.DETAILS: gettext_lazy("Other party, account or references"),
}
OPERATORS = {
    Operator.CONTAINS: gettext_lazy("contains"),
    Operator.NOT_CONTAINS: gettext_lazy("does not contain"),
    Operator.REGEX: gettext_lazy("fits the regular expression"),
}
AMOUNT_TYPES = {
    AmountType.PERCENT_OF_BALANCE: gettext_lazy("Percent of what is left"),
    AmountType.PERCENT_OF_LINE: gettext_lazy("Percent of the line"),
    AmountType.FIXED: gettext_lazy("Fixed amount"),
    AmountType.FROM_LABEL: gettext_lazy("Amount in the label"),
}
OUTCOMES = {
    Matching.NONE: gettext_lazy("It is booked to the accounts below"),
    Matching.EXACT: gettext_lazy("It pays the partner's open items of exactly its amount"),
    Matching.DISCOUNT: gettext_lazy("It pays the partner's open item less its early-payment discount"),
    Matching.TOLERANCE: gettext_lazy("It pays the partner's open item; a small difference is written off"),
}
_KNOWN = {None: "", True: "known", False: "unknown"}


class _WithAccounts(forms.Form):
    """A form with fields for accounts of the chart, and partners by name."""

    def __init__(self, *args: Any, accounts: Sequence[LedgerAccount], company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company = company
        for field in self.fields.values():
            if isinstance(field, LedgerAccountField):
                field.accounts = accounts

    def partner_named(self, name: str) -> Partner:
        """The partner of the company with this name, whatever its case. Raises ``ValidationError``."""
        found = Partner.objects.filter(company=self.company, active=True, name__iexact=" ".join(name.split()))[:2]
        if len(found) != 1:
            said = _("Several partners are called “%(name)s”.") if found else _("No partner is called “%(name)s”.")
            raise forms.ValidationError(said, params={"name": name[:80]}, code="unknown")
        return found[0]


class RuleForm(_WithAccounts):
    """Everything of a rule but its text conditions and its lines, which are forms of their own."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=RuleKind.choices)
    journals = forms.MultipleChoiceField(
        label=gettext_lazy("Journals"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None marked: all of them."),
    )  # fmt: skip
    direction = forms.ChoiceField(
        label=gettext_lazy("Direction"),
        choices=[
            (Direction.BOTH, gettext_lazy("Both")),
            (Direction.RECEIVED, gettext_lazy("Received")),
            (Direction.PAID, gettext_lazy("Paid")),
        ],
    )
    amount_min = AmountField(label=gettext_lazy("Amount from"), required=False)
    amount_max = AmountField(label=gettext_lazy("Amount until"), required=False)
    partner_set = forms.ChoiceField(
        label=gettext_lazy("Partner"), required=False,
        choices=[("", gettext_lazy("Does not matter")), ("known", gettext_lazy("Known")),
                 ("unknown", gettext_lazy("Not known"))],
    )  # fmt: skip
    partners = forms.CharField(
        label=gettext_lazy("Only these partners"), required=False, max_length=5_000,
        widget=forms.Textarea({"rows": 2}), help_text=gettext_lazy("One name a line."),
    )  # fmt: skip
    same_currency = forms.BooleanField(label=gettext_lazy("Only in the company's currency"), required=False)
    matching = forms.ChoiceField(label=gettext_lazy("What follows"), choices=list(OUTCOMES.items()))
    tolerance_percent = forms.DecimalField(
        label=gettext_lazy("Difference in percent"), required=False, min_value=0, max_value=100, decimal_places=4
    )
    tolerance_fixed = AmountField(label=gettext_lazy("Or a fixed difference"), required=False)
    tolerance_currency = forms.CharField(
        label=gettext_lazy("Currency of the fixed difference"), required=False, max_length=3
    )
    tolerance_account = LedgerAccountField(label=gettext_lazy("Account of the difference"), required=False)
    tolerance_overpayment = forms.BooleanField(label=gettext_lazy("Also when too much was paid"), required=False)
    to_check = forms.BooleanField(label=gettext_lazy("Mark to check"), required=False)
    next_activity = forms.CharField(
        label=gettext_lazy("Next activity"), required=False, max_length=200,
        help_text=gettext_lazy("What a person should do afterwards."),
    )  # fmt: skip

    def __init__(self, *args: Any, journals: Sequence[Journal], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["journals"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(str(journal.id), journal_title(journal)) for journal in journals]

    @property
    def has_more_conditions(self) -> bool:
        """Whether one of the seldom conditions is filled in, so that they stand open."""
        return any(self[name].value() for name in ("journals", "partner_set", "partners", "same_currency"))

    @property
    def has_tolerance(self) -> bool:
        """Whether something about a tolerance is filled in."""
        return any(self[name].value() for name in self.fields if name.startswith("tolerance_"))

    def clean_partners(self) -> list[Partner]:
        names = [name.strip() for name in self.cleaned_data["partners"].splitlines() if name.strip()]
        if len(names) > MAX_PARTNERS:
            raise forms.ValidationError(_("At most %(n)s partners."), params={"n": MAX_PARTNERS}, code="tooMany")
        return [self.partner_named(name) for name in names]


class TextForm(forms.Form):
    """One text condition; without a text it is none."""

    where = forms.ChoiceField(label=gettext_lazy("Where"), choices=list(WHERE.items()))
    operator = forms.ChoiceField(label=gettext_lazy("How"), choices=list(OPERATORS.items()))
    value = forms.CharField(label=gettext_lazy("Text"), max_length=200, required=False)


class CounterpartForm(_WithAccounts):
    """One line of a rule; without account and partner it is none."""

    account = LedgerAccountField(label=gettext_lazy("Account"), required=False)
    partner_name = forms.CharField(
        label=gettext_lazy("Partner"), required=False, max_length=200,
        widget=forms.TextInput({"list": "partners", "autocomplete": "off"}),
        help_text=gettext_lazy("Without an account: the text says who the partner is, and nothing is booked."),
    )  # fmt: skip
    amount_type = forms.ChoiceField(label=gettext_lazy("Amount type"), choices=list(AMOUNT_TYPES.items()))
    amount = AmountField(label=gettext_lazy("Amount or percent"), required=False)
    pattern = forms.CharField(
        label=gettext_lazy("Expression around the amount"), required=False, max_length=200,
        help_text=gettext_lazy("With one group in brackets, for example FEE\\s+(\\d+,\\d{2})"),
    )  # fmt: skip
    decimal_separator = forms.ChoiceField(
        label=gettext_lazy("Decimal separator"), choices=[(",", gettext_lazy("Comma")), (".", gettext_lazy("Point"))]
    )
    label = forms.CharField(label=gettext_lazy("Label"), max_length=200, required=False)
    analytic = forms.CharField(label=gettext_lazy("Analytic label"), max_length=60, required=False)
    tax_percent = forms.DecimalField(
        label=gettext_lazy("Tax included, %"), required=False, min_value=0, max_value=Decimal("99.99"),
        decimal_places=2, widget=forms.TextInput({"inputmode": "decimal"}),
        help_text=gettext_lazy("The amount includes this tax, which goes to the account for VAT."),
    )  # fmt: skip

    @property
    def is_special(self) -> bool:
        """Whether one of the seldom fields is filled in."""
        return any(self[name].value() for name in ("partner_name", "pattern", "tax_percent", "analytic"))

    def clean_partner_name(self) -> Partner | None:
        name = self.cleaned_data["partner_name"].strip()
        return self.partner_named(name) if name else None


class RuleForms:
    """The three parts of the form together. ``data`` is what was posted; ``definition`` fills in a rule that exists.

    Without scripts, more conditions or lines are asked for by a button (``more``) that posts the form.
    """

    def __init__(
        self,
        company: Company,
        *,
        accounts: Sequence[LedgerAccount],
        journals: Sequence[Journal],
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        definition: Definition | None = None,
    ) -> None:
        filled = _Filled(company, accounts, definition) if definition else None
        shared = {"accounts": accounts, "company": company}
        self.rule = RuleForm(
            data, initial={**(filled.rule if filled else {}), **(initial or {})}, journals=journals, **shared
        )
        more = str(data.get("more", "")) if data else ""
        posted = _with_one_more(data, more) if data and more in {"texts", "lines"} else data
        first = initial or {}
        self.texts = _parts(TextForm, "texts", posted, filled.texts if filled else first.get("texts", []))
        self.lines = _parts(
            CounterpartForm, "lines", posted, filled.lines if filled else first.get("lines", []), **shared
        )
        self.wants_more = bool(more)

    def is_valid(self) -> bool:
        """Whether everything that was posted can be read."""
        return all([self.rule.is_valid(), self.texts.is_valid(), self.lines.is_valid()])

    def definition(self) -> Definition:
        """What was posted. Call after :meth:`is_valid`."""
        data = self.rule.cleaned_data
        matching = Matching(data["matching"])
        return Definition(
            journal_ids=tuple(uuid.UUID(journal) for journal in data["journals"]),
            partner_ids=tuple(partner.id for partner in data["partners"]),
            partner_set={"known": True, "unknown": False}.get(data["partner_set"]),
            direction=Direction(data["direction"]),
            amount_min=data["amount_min"],
            amount_max=data["amount_max"],
            texts=tuple(
                TextCondition(Where(one["where"]), Operator(one["operator"]), one["value"])
                for one in (form.cleaned_data for form in self.texts)
                if one.get("value")
            ),
            same_currency=data["same_currency"],
            counterparts=tuple(filter(None, (_counterpart(form.cleaned_data) for form in self.lines))),
            matching=matching,
            tolerance=_tolerance(data) if matching == Matching.TOLERANCE else None,
            to_check=data["to_check"],
            next_activity=data["next_activity"],
        )


def _parts(form: type[forms.Form], prefix: str, data: Mapping[str, Any] | None, initial: Any, **shared: Any) -> Any:
    """The forms of what there is, or an empty one."""
    most = MAX_CONDITIONS if prefix == "texts" else MAX_COUNTERPARTS
    made = forms.formset_factory(form, extra=0 if initial else 1, max_num=most, absolute_max=most)
    return made(data, prefix=prefix, initial=initial, form_kwargs=shared)


def _with_one_more(data: Mapping[str, Any], prefix: str) -> Mapping[str, Any]:
    total = str(data.get(f"{prefix}-TOTAL_FORMS", "1"))
    copy = data.copy()  # type: ignore[attr-defined]  # a QueryDict
    copy[f"{prefix}-TOTAL_FORMS"] = str(min(int(total) + 1, MAX_CONDITIONS)) if total.isdecimal() else "1"
    return copy  # type: ignore[no-any-return]


def _counterpart(data: Mapping[str, Any]) -> Counterpart | None:
    account, partner = data.get("account"), data.get("partner_name")
    if account is None and partner is None:
        return None
    amount = data.get("amount")
    return Counterpart(
        account_id=account.id if account else None,
        partner_id=partner.id if partner else None,
        amount_type=AmountType(data["amount_type"]),
        amount=Decimal(100) if amount is None else amount,
        pattern=data["pattern"],
        decimal_separator=data["decimal_separator"],
        label=data["label"],
        tax_percent=data.get("tax_percent") or Decimal(0),
        analytic=data["analytic"],
    )


def _tolerance(data: Mapping[str, Any]) -> Tolerance:
    account = data["tolerance_account"]
    return Tolerance(
        account_id=account.id if account else None,
        currency=data["tolerance_currency"].strip().upper(),
        percent=data["tolerance_percent"] or Decimal(0),
        fixed=data["tolerance_fixed"] or Decimal(0),
        overpayment=data["tolerance_overpayment"],
    )


class _Filled:
    """A definition as the initial values of the forms."""

    def __init__(self, company: Company, accounts: Sequence[LedgerAccount], definition: Definition) -> None:
        self._accounts = {account.id: str(account) for account in accounts}
        ids = {*definition.partner_ids, *(one.partner_id for one in definition.counterparts if one.partner_id)}
        self._partners = dict(Partner.objects.filter(company=company, pk__in=ids).values_list("id", "name"))
        self.rule = {**self._conditions(definition), **self._tolerance(definition.tolerance)}
        self.texts = [
            {"where": one.where, "operator": one.operator, "value": one.value} for one in definition.texts
        ]  # fmt: skip
        self.lines = [self._line(one) for one in definition.counterparts]

    def _conditions(self, definition: Definition) -> dict[str, Any]:
        return {
            "journals": [str(journal_id) for journal_id in definition.journal_ids],
            "direction": definition.direction,
            "amount_min": definition.amount_min,
            "amount_max": definition.amount_max,
            "partner_set": _KNOWN[definition.partner_set],
            "partners": "\n".join(self._partners.get(one, "") for one in definition.partner_ids),
            "same_currency": definition.same_currency,
            "matching": definition.matching,
            "to_check": definition.to_check,
            "next_activity": definition.next_activity,
        }

    def _tolerance(self, tolerance: Tolerance | None) -> dict[str, Any]:
        if tolerance is None:
            return {}
        return {
            "tolerance_percent": tolerance.percent or None,
            "tolerance_fixed": tolerance.fixed or None,
            "tolerance_currency": tolerance.currency,
            "tolerance_account": self._accounts.get(tolerance.account_id) if tolerance.account_id else None,
            "tolerance_overpayment": tolerance.overpayment,
        }

    def _line(self, one: Counterpart) -> dict[str, Any]:
        return {
            "account": self._accounts.get(one.account_id) if one.account_id else None,
            "partner_name": self._partners.get(one.partner_id) if one.partner_id else None,
            "amount_type": one.amount_type,
            "amount": one.amount,
            "pattern": one.pattern,
            "decimal_separator": one.decimal_separator,
            "label": one.label,
            "tax_percent": one.tax_percent or None,
            "analytic": one.analytic,
        }
