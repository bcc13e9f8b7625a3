"""Form fields that the Books' forms share: amounts as people type them, accounts of the chart by code or name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from nostro.books.ledger.models import LedgerAccount
from nostro.core.money import MoneyError, parse_amount

_BLANKS = re.compile(r"[\s' ’]")


def typed_amount(text: str) -> Decimal:
    """An amount as a person types it: ``1 234,56``, ``1.234,56``, ``1,234.56``, ``-3.5``, ``−3,5``.

    Where both marks occur the last one is the decimal mark; a single one is always the decimal mark, so that nothing
    is ever read a thousand times too large. Raises :class:`MoneyError`.
    """
    plain = _BLANKS.sub("", text).replace("−", "-").removeprefix("+")
    point, comma = plain.rfind("."), plain.rfind(",")
    if comma > point:
        plain = plain.replace(".", "").replace(",", ".")
    elif comma >= 0:
        plain = plain.replace(",", "")
    if not re.fullmatch(r"-?[0-9.]+", plain):
        raise MoneyError("an amount has digits, a decimal mark and perhaps a minus")
    return parse_amount(plain)


class AmountField(forms.CharField):
    """An amount; the value is a ``Decimal``, never a float. What was typed stays in the form as it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "decimal", "class": "amount", "autocomplete": "off"}
        super().__init__(max_length=40, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return typed_amount(text)
        except MoneyError:
            raise forms.ValidationError(_("Type an amount, for example 1 234.56."), code="invalid") from None


class LedgerAccountField(forms.CharField):
    """An account of the chart, typed by code or name with suggestions; the value is a :class:`LedgerAccount`.

    The list of suggestions is a ``<datalist>`` with the id ``accounts``, see ``books/account_list.html``.
    """

    accounts: Sequence[LedgerAccount] = ()

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"list": "accounts", "autocomplete": "off"}
        super().__init__(max_length=220, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> LedgerAccount | None:
        text = super().clean(value)
        return find_account(self.accounts, text) if text else None


def find_account(accounts: Sequence[LedgerAccount], text: str) -> LedgerAccount:
    """The one account meant by ``text``: its code or name, or what only its code begins with or only its name holds."""
    text = " ".join(text.split())
    for account in accounts:
        if text in (account.code, str(account), account.name):
            return account
    part = text.casefold()
    found = [one for one in accounts if part and (part in one.name.casefold() or one.code.startswith(text))]
    if len(found) == 1:
        return found[0]
    if not found:
        raise forms.ValidationError(_("No account has this code or name."), code="unknown")
    names = ", ".join(str(account) for account in found[:5])
    raise forms.ValidationError(
        _("Several accounts fit: %(names)s. Type the code."), code="ambiguous", params={"names": names}
    )


class DateField(forms.DateField):
    """A date with the browser's calendar."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)
