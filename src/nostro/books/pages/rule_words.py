"""A rule in words: which lines it means, and what becomes of them (books.md 16.8)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from nostro.books.companies.models import Company
from nostro.books.journals.queries import journals_of
from nostro.books.ledger.models import LedgerAccount, Partner
from nostro.books.ledger.queries import accounts_of
from nostro.books.pages.rule_form import AMOUNT_TYPES, OPERATORS, WHERE
from nostro.books.pages.states import journal_title
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import AmountType, Counterpart, Direction, Matching, Tolerance

_MATCHING = {
    Matching.NONE: gettext_lazy("sets the partner"),
    Matching.EXACT: gettext_lazy("the partner's open items of exactly this amount"),
    Matching.DISCOUNT: gettext_lazy("the partner's open item less its early-payment discount"),
    Matching.TOLERANCE: gettext_lazy("the partner's open item, a small difference is written off"),
}


class Words:
    """The rules of a company in words, with its accounts, partners and journals by name."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._partners: dict[Any, str] = {}

    @cached_property
    def _accounts(self) -> dict[Any, LedgerAccount]:
        return {account.id: account for account in accounts_of(self.company)}

    @cached_property
    def _journals(self) -> dict[Any, str]:
        return {journal.id: journal_title(journal) for journal in journals_of(self.company)}

    def conditions(self, definition: Definition) -> list[str]:
        """Everything that must hold of a line; nothing for a rule that means every line."""
        said = [f"{WHERE[one.where]} {OPERATORS[one.operator]} “{one.value}”" for one in definition.texts]
        if definition.journal_ids:
            said.append(_("journal %(names)s") % {"names": self._names(self._journals, definition.journal_ids)})
        if definition.direction != Direction.BOTH:
            received = definition.direction == Direction.RECEIVED
            said.append(_("money received") if received else _("money paid"))
        if definition.amount_min is not None:
            said.append(_("at least %(amount)s") % {"amount": _figure(definition.amount_min, 2)})
        if definition.amount_max is not None:
            said.append(_("at most %(amount)s") % {"amount": _figure(definition.amount_max, 2)})
        if definition.partner_set is not None:
            said.append(_("the partner is known") if definition.partner_set else _("the partner is not known"))
        if definition.partner_ids:
            said.append(_("partner %(names)s") % {"names": self._partner_names(definition.partner_ids)})
        if definition.same_currency:
            said.append(_("in the company's currency"))
        return said

    def outcome(self, definition: Definition) -> list[str]:
        """What becomes of the lines."""
        said = [self._booked(one) for one in definition.counterparts if one.account_id in self._accounts]
        said = said or [self._matched(definition)]
        if definition.to_check:
            said.append(_("is marked to check"))
        if definition.next_activity:
            said.append(_("next: %(activity)s") % {"activity": definition.next_activity})
        return said

    def _matched(self, definition: Definition) -> str:
        mapped = [one.partner_id for one in definition.counterparts if one.partner_id is not None]
        if definition.matching == Matching.NONE and mapped:
            return _("sets the partner %(name)s") % {"name": self._partner_names(mapped)}
        if definition.tolerance is not None:
            return self._tolerated(definition.tolerance)
        return str(_MATCHING[definition.matching])

    def _tolerated(self, tolerance: Tolerance) -> str:
        parts = []
        if tolerance.percent:
            parts.append(f"{_figure(tolerance.percent)} %")
        if tolerance.fixed:
            parts.append(f"{_figure(tolerance.fixed, 2)} {tolerance.currency}".strip())
        return _("the partner's open item; a difference up to %(most)s goes to %(account)s") % {
            "most": " / ".join(parts),
            "account": self._accounts.get(tolerance.account_id, ""),
        }

    def _booked(self, one: Counterpart) -> str:
        """The account of a counterpart line, and how much of the line goes there unless it is all that is left."""
        account, kind = str(self._accounts[one.account_id]), AMOUNT_TYPES[one.amount_type]
        if one.amount_type == AmountType.FROM_LABEL:
            return f"{account} ({kind})"
        if one.amount_type == AmountType.PERCENT_OF_BALANCE and one.amount == 100:
            return account
        return f"{account} ({kind}: {_figure(one.amount)})"

    def _partner_names(self, ids: Iterable[Any]) -> str:
        wanted = list(ids)
        unknown = [one for one in wanted if one not in self._partners]
        if unknown:
            found = Partner.objects.filter(company=self.company, pk__in=unknown)
            self._partners.update(found.values_list("id", "name"))
        return self._names(self._partners, wanted)

    @staticmethod
    def _names(known: dict[Any, str], ids: Iterable[Any]) -> str:
        return ", ".join(known[one] for one in ids if one in known)


def _figure(amount: Decimal, decimals: int = 0) -> str:
    """As the reader's language writes it, without zeros that say nothing; a part has at least ``decimals``."""
    if not amount % 1:
        return number_format(amount.quantize(Decimal(1)), use_l10n=True)
    exponent = amount.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return number_format(amount, max(decimals, -exponent), use_l10n=True)
