"""Whether a definition can be saved: expressions that work, amounts that make sense, and nothing of another company."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.ledger.models import LedgerAccount, Partner
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.patterns import PatternError, check_pattern
from nostro.books.reconcile.engine.rules import AmountType, Counterpart, Matching, Operator, Tolerance
from nostro.books.reconcile.models import RuleKind
from nostro.books.reconcile.rules.loading import definition_of, tax_accounts_of
from nostro.core.money import MoneyError, parse_currency
from nostro.web.errors import NotFound, Problem

MAX_CONDITIONS, MAX_COUNTERPARTS, MAX_NAMED, MAX_VALUE = 20, 20, 200, 200


def check_definition(company: Company, kind: str, given: dict[str, Any] | Definition) -> Definition:
    """The definition, if it can be saved. Raises :class:`Problem` ``ruleInvalid`` or :class:`NotFound`."""
    if isinstance(given, Definition):
        definition = given
    else:
        try:
            definition = definition_of(given)
        except msgspec.ValidationError as error:
            raise _invalid(f"It cannot be read: {error}.") from None
    _check_conditions(definition)
    _check_outcome(kind, definition)
    _check_owners(company, definition)
    return definition


def _invalid(why: str, field: str = "") -> Problem:
    return Problem("This rule cannot be saved.", why=why, what_to_do="Correct it.", code="ruleInvalid", field=field)


def _check_conditions(definition: Definition) -> None:
    if len(definition.texts) > MAX_CONDITIONS or len(definition.counterparts) > MAX_COUNTERPARTS:
        raise _invalid(f"It has more than {MAX_CONDITIONS} conditions or {MAX_COUNTERPARTS} lines.")
    if len(definition.journal_ids) > MAX_NAMED or len(definition.partner_ids) > MAX_NAMED:
        raise _invalid(f"It names more than {MAX_NAMED} journals or partners.")
    bounds = [bound for bound in (definition.amount_min, definition.amount_max) if bound is not None]
    if any(not bound.is_finite() or bound < 0 for bound in bounds) or bounds != sorted(bounds):
        raise _invalid("The amounts must be positive, the smaller one first.", "amount_min")
    for condition in definition.texts:
        if not 0 < len(condition.value.strip()) <= MAX_VALUE:
            raise _invalid(f"A text condition needs 1 to {MAX_VALUE} characters.", "texts")
        if condition.operator == Operator.REGEX:
            _check_pattern(condition.value, None)


def _check_pattern(pattern: str, groups: int | None) -> None:
    try:
        check_pattern(pattern, groups=groups)
    except PatternError as error:
        raise _invalid(f"The expression {pattern[:50]} does not work: {error}.", "texts") from None


def _check_outcome(kind: str, definition: Definition) -> None:
    if definition.matching == Matching.NONE and not definition.counterparts:
        raise _invalid("It does nothing: it has no lines and matches no open items.", "counterparts")
    if definition.matching != Matching.NONE and (definition.counterparts or kind == RuleKind.MANUAL):
        raise _invalid("A rule that matches open items is automated and has no lines of its own.", "matching")
    if (definition.matching == Matching.TOLERANCE) != (definition.tolerance is not None):
        raise _invalid("A tolerance belongs to a rule that matches with tolerance, and only there.", "tolerance")
    if definition.tolerance is not None:
        _check_tolerance(definition.tolerance)
    if definition.is_mapping and (kind == RuleKind.MANUAL or not definition.texts):
        raise _invalid("A line with a partner and no account maps a text to the partner: name the text.", "texts")
    for counterpart in definition.counterparts:
        _check_counterpart(counterpart)


def _check_tolerance(tolerance: Tolerance) -> None:
    if tolerance.account_id is None:
        raise _invalid("A tolerance needs an account for the difference.", "tolerance")
    if not (0 <= tolerance.percent <= 100) or not tolerance.fixed.is_finite() or tolerance.fixed < 0:
        raise _invalid("A tolerance is 0 to 100 percent, or a positive amount.", "tolerance")
    if tolerance.percent != round(tolerance.percent, 4):
        raise _invalid("A percentage has at most four decimals.", "tolerance")
    if not (tolerance.percent or tolerance.fixed):
        raise _invalid("The tolerance is zero.", "tolerance")
    if tolerance.fixed:
        try:
            parse_currency(tolerance.currency)
        except MoneyError:
            raise _invalid("A fixed tolerance needs a currency.", "tolerance") from None


def _check_counterpart(one: Counterpart) -> None:
    if one.account_id is None and one.partner_id is None:
        raise _invalid("A line needs an account, or a partner.", "counterparts")
    if len(one.analytic) > 60 or (one.analytic and one.account_id is None):
        raise _invalid("An analytic label has at most 60 characters, on a line with an account.", "counterparts")
    taxed = one.tax_percent
    if not taxed.is_finite() or not 0 <= taxed < 100 or (taxed and one.account_id is None):
        raise _invalid("A tax rate is from 0 to 99.99 percent, on a line with an account.", "counterparts")
    if one.amount_type == AmountType.FROM_LABEL:
        _check_pattern(one.pattern, 1)
        if one.decimal_separator not in {",", "."}:
            raise _invalid("The decimal separator is a comma or a point.", "counterparts")
    elif not one.amount.is_finite() or one.amount <= 0:
        raise _invalid("An amount or percentage is positive.", "counterparts")
    elif one.amount_type != AmountType.FIXED and one.amount > Decimal(100):
        raise _invalid("A percentage is at most 100.", "counterparts")


def _check_owners(company: Company, definition: Definition) -> None:
    if definition.has_tax and tax_accounts_of(company.id) is None:
        raise _invalid("The company has no accounts for VAT payable and recoverable.", "counterparts")
    accounts = {one.account_id for one in definition.counterparts if one.account_id}
    if definition.tolerance is not None and definition.tolerance.account_id is not None:
        accounts.add(definition.tolerance.account_id)
    partners = {*definition.partner_ids, *(one.partner_id for one in definition.counterparts if one.partner_id)}
    if LedgerAccount.objects.filter(company=company, pk__in=accounts, active=True).count() != len(accounts):
        raise NotFound("account")
    if Partner.objects.filter(company=company, pk__in=partners).count() != len(partners):
        raise NotFound("partner")
    journals = set(definition.journal_ids)
    if Journal.objects.filter(company=company, pk__in=journals).count() != len(journals):
        raise NotFound("journal")
