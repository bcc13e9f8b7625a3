"""The rules that are in force, as the engine reads them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from nostro.books.companies.models import Company
from nostro.books.ledger.models import LedgerAccount, Purpose
from nostro.books.reconcile.engine import Definition, LiveRule, Rules
from nostro.books.reconcile.engine.rules import TaxAccounts
from nostro.books.reconcile.models import Rule, RuleKind, RuleVersion


def definition_of(stored: dict[str, Any]) -> Definition:
    """A definition from its JSON form. Raises ``msgspec.ValidationError``, a ``ValueError``, if it is none."""
    return msgspec.convert(stored, Definition)


def stored_form(definition: Definition) -> dict[str, Any]:
    """The JSON form of a definition."""
    built: dict[str, Any] = msgspec.to_builtins(definition)
    return built


def live_rule(rule: Rule, version: RuleVersion) -> LiveRule:
    """A version as the engine reads it. It applies only if it was simulated (books.md 16.8)."""
    applies, definition = rule.applies and version.simulations.exists(), definition_of(version.definition)
    taxes = tax_accounts_of(rule.company_id) if definition.has_tax else None
    return LiveRule(rule.id, version.id, version.name, definition, applies, taxes)


def tax_accounts_of(company_id: UUID) -> TaxAccounts | None:
    """Where tax goes, if the company has accounts for it."""
    found = LedgerAccount.objects.filter(
        company_id=company_id, purpose__in=[Purpose.VAT_PAYABLE, Purpose.VAT_RECOVERABLE]
    )
    by_purpose = dict(found.values_list("purpose", "id"))
    if len(by_purpose) != 2:
        return None
    return TaxAccounts(by_purpose[Purpose.VAT_PAYABLE], by_purpose[Purpose.VAT_RECOVERABLE])


def load_rules(company: Company) -> Rules:
    """The automated rules in force, in their order."""
    rules = Rule.objects.filter(company=company, kind=RuleKind.AUTOMATED, active=True, archived_at=None)
    found = rules.select_related("version").order_by("sequence", "id")
    return Rules(live_rule(rule, rule.version) for rule in found if rule.version is not None)
