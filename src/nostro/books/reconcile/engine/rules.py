"""Rules (books.md 16.8): what a version says, whether it hits a line, and what it makes of it. Pure, like the steps.

``Definition`` is what is stored of a version, as JSON. Amounts are positive; a line's direction gives them their sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from nostro.books.reconcile.engine.patterns import search
from nostro.books.reconcile.engine.values import (
    Allocation,
    Booking,
    Evidence,
    LineFacts,
    OpenItem,
    Option,
    Step,
)
from nostro.core.money import quantize

if TYPE_CHECKING:
    from nostro.books.reconcile.engine.steps import Case

_PERCENT = Decimal(100)


class Where(StrEnum):
    """Where a text condition looks: message and label; description; the other party, its account and references."""

    LABEL = "label"
    NOTES = "notes"
    DETAILS = "details"


class Operator(StrEnum):
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    REGEX = "regex"


class Direction(StrEnum):
    BOTH = "both"
    RECEIVED = "received"
    PAID = "paid"


class AmountType(StrEnum):
    """What the amount of a counterpart line is a part of."""

    FIXED = "fixed"
    PERCENT_OF_LINE = "percent_of_line"
    PERCENT_OF_BALANCE = "percent_of_balance"  # of what the lines before it left
    FROM_LABEL = "from_label"


class Matching(StrEnum):
    """What a rule does with open items of a known partner, instead of booking to accounts."""

    NONE = "none"
    EXACT = "exact"
    DISCOUNT = "discount"
    TOLERANCE = "tolerance"


@dataclass(frozen=True, slots=True)
class TextCondition:
    where: Where
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The difference that is written off (books.md 16.4): a percentage of the open amount, or a fixed amount in
    ``currency``; only of under-payments unless ``overpayment``."""

    account_id: UUID | None = None  # without it the rule cannot be saved
    currency: str = ""
    percent: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)
    overpayment: bool = False


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A line of a rule. With a partner and no account it maps the text to the partner and books nothing.

    ``amount`` is an amount or a percentage; ``pattern`` has one group around an amount in the label. With
    ``tax_percent`` what is booked includes tax of that rate, and the tax goes to its own account.
    """

    account_id: UUID | None = None
    partner_id: UUID | None = None
    amount_type: AmountType = AmountType.PERCENT_OF_BALANCE
    amount: Decimal = _PERCENT
    pattern: str = ""
    decimal_separator: str = ","
    label: str = ""
    tax_percent: Decimal = Decimal(0)
    analytic: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """Conditions, all of which must hold, and what follows."""

    journal_ids: tuple[UUID, ...] = ()
    partner_ids: tuple[UUID, ...] = ()
    partner_set: bool | None = None
    direction: Direction = Direction.BOTH
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    texts: tuple[TextCondition, ...] = ()
    same_currency: bool = False  # the line is in the company's currency, or carries no other amount
    counterparts: tuple[Counterpart, ...] = ()
    matching: Matching = Matching.NONE
    tolerance: Tolerance | None = None
    to_check: bool = False
    next_activity: str = ""

    @property
    def is_mapping(self) -> bool:
        """Whether it only says who the partner is."""
        return bool(self.counterparts) and all(one.account_id is None for one in self.counterparts)

    @property
    def waits_for_a_person(self) -> bool:
        """Whether its lines are marked to check: where that is asked, and where something is to be done afterwards."""
        return self.to_check or bool(self.next_activity)

    @property
    def has_tax(self) -> bool:
        """Whether a line of it includes tax."""
        return any(one.tax_percent for one in self.counterparts)

    @property
    def looks_at_evidence(self) -> bool:
        """Whether more than amounts and places decides: only then may it apply by itself (books.md I-18)."""
        said = any(condition.operator != Operator.NOT_CONTAINS for condition in self.texts)
        return said or bool(self.partner_ids) or self.matching != Matching.NONE


@dataclass(frozen=True, slots=True)
class TaxAccounts:
    """Where the tax of rules goes: of money in, and of money out."""

    payable_id: UUID
    recoverable_id: UUID


@dataclass(frozen=True, slots=True)
class LiveRule:
    """A version that is in force. ``applies`` without a person.

    Without ``tax_accounts`` a rule with tax fits nothing.
    """

    rule_id: UUID
    version_id: UUID
    name: str
    definition: Definition
    applies: bool = False
    tax_accounts: TaxAccounts | None = None


class Rules:
    """The automated rules of a company in their order: the first that hits wins."""

    def __init__(self, rules: Iterable[LiveRule] = ()) -> None:
        self._rules = tuple(rules)
        self._slow: set[UUID] = set()  # rules whose expression took too long; they rest until the next run

    @property
    def digest(self) -> str:
        """The same for the same versions in the same order with the same permissions."""
        said = "".join(f"{rule.version_id}{rule.applies}" for rule in self._rules)
        return hashlib.sha256(said.encode()).hexdigest()[:20]

    def partners(self, line: LineFacts) -> Iterator[UUID]:
        """Partner mappings that hit (books.md 16.3 tier 5)."""
        for rule in self._rules:
            if rule.definition.is_mapping and self.hits(rule, line, None):
                yield from (one.partner_id for one in rule.definition.counterparts if one.partner_id)

    def hits(self, rule: LiveRule, line: LineFacts, partner_id: UUID | None) -> bool:
        """Whether all conditions hold. An expression that takes too long does not hit."""
        if rule.version_id in self._slow:
            return False
        try:
            return _hits(rule.definition, line, partner_id)
        except TimeoutError:
            self._slow.add(rule.version_id)
            return False

    def booked(self, case: Case) -> list[Option]:
        """Step 7: what the first rule that hits books the line to; empty if none does."""
        partner_id = case.partner.partner_id if case.partner else None
        for rule in self._rules:
            definition = rule.definition
            if definition.matching != Matching.NONE or definition.is_mapping:
                continue
            if self.hits(rule, case.line, partner_id) and (option := self._book(rule, case.line, partner_id)):
                return [option]
        return []

    def _book(self, rule: LiveRule, line: LineFacts, partner_id: UUID | None) -> Option | None:
        try:
            return book_by_rule(rule, line, partner_id)
        except TimeoutError:
            self._slow.add(rule.version_id)
            return None

    def allow(self, case: Case, option: Option) -> Option:
        """An option that a rule lets be applied by itself: an exact amount of a known partner, or a discount."""
        wanted = _matching_of(option)
        if option.auto or wanted is None or case.partner is None:
            return option
        for rule in self._rules:
            if rule.definition.matching == wanted and self.hits(rule, case.line, case.partner.partner_id):
                sure = not any(one.item.is_draft for one in option.allocations)
                sure = sure and not any(one.item.currency in case.line.estimated for one in option.allocations)
                return replace(
                    option,
                    auto=rule.applies and sure,
                    rule_version_id=rule.version_id,
                    to_check=rule.definition.waits_for_a_person,
                    evidence=(*option.evidence, Evidence("rule", rule.name, "rules")),
                )
        return option

    def tolerated(self, case: Case, items: Sequence[OpenItem], who: str) -> list[Option]:
        """Items of the partner that the line pays but for a small difference (books.md 16.4)."""
        if case.partner is None:
            return []
        for rule in self._rules:
            if rule.definition.tolerance is None or rule.definition.matching != Matching.TOLERANCE:
                continue
            if not self.hits(rule, case.line, case.partner.partner_id):
                continue
            options = [_within(rule, rule.definition.tolerance, case, item, who) for item in items]
            if found := [option for option in options if option is not None]:
                return found
        return []


def _matching_of(option: Option) -> Matching | None:
    if option.bookings or option.rule_version_id is not None or not option.exact:
        return None
    written_off = any(one.write_off for one in option.allocations)
    if written_off and option.step in {Step.REFERENCE, Step.NUMBER, Step.PARTNER}:
        return Matching.DISCOUNT
    return Matching.EXACT if option.step == Step.PARTNER and not written_off else None


# --- conditions ---------------------------------------------------------------------------------------------------


def _hits(definition: Definition, line: LineFacts, partner_id: UUID | None) -> bool:
    amount = abs(line.whole)
    return (
        (not definition.journal_ids or line.journal_id in definition.journal_ids)
        and (not definition.partner_ids or partner_id in definition.partner_ids)
        and (definition.partner_set is None or definition.partner_set == (partner_id is not None))
        and (definition.direction == Direction.BOTH or (line.whole > 0) == (definition.direction == Direction.RECEIVED))
        and (definition.amount_min is None or amount >= definition.amount_min)
        and (definition.amount_max is None or amount <= definition.amount_max)
        and (not definition.same_currency or len(line.rests) - len(line.estimated) == 1)
        and all(_holds(condition, line) for condition in definition.texts)
    )


def text_of(line: LineFacts, where: Where) -> str:
    """What a condition looks at, one text a line."""
    remittance, description, label = (*line.texts, "", "", "")[:3]
    if where == Where.LABEL:
        return "\n".join(dict.fromkeys((label, remittance)))
    if where == Where.NOTES:
        return description
    named = (line.counterparty_name, line.counterparty_account, line.structured_reference, line.end_to_end_id)
    return "\n".join((*named, line.mandate_id, line.creditor_id, *line.details))


def _holds(condition: TextCondition, line: LineFacts) -> bool:
    text = text_of(line, condition.where)
    if condition.operator == Operator.REGEX:
        return search(condition.value, text) is not None
    contains = condition.value.casefold() in text.casefold()
    return contains == (condition.operator == Operator.CONTAINS)


# --- what follows -------------------------------------------------------------------------------------------------


def book_by_rule(rule: LiveRule, line: LineFacts, partner_id: UUID | None) -> Option | None:
    """What a rule books a line to, whether or not its conditions hold; ``None`` if its amounts do not fit the line.

    Raises ``TimeoutError`` for an expression that takes too long.
    """
    rest, bookings = line.rest, []
    for one in rule.definition.counterparts:
        if one.account_id is None:
            partner_id = one.partner_id or partner_id
            continue
        amount = _amount(one, line, rest)
        if not amount or (amount > 0) != (rest > 0) or abs(amount) > abs(rest):
            return None
        if one.tax_percent and rule.tax_accounts is None:
            return None
        whole = Booking(one.account_id, amount, one.partner_id or partner_id, one.label, one.analytic)
        bookings += _with_tax(rule, one, whole, line)
        rest -= amount
    if not bookings:
        return None
    left = f"{abs(rest)} {line.currency} of the line stay unexplained" if rest else "amount exact"
    return Option(
        step=Step.MODEL,
        allocations=(),
        evidence=(Evidence("rule", rule.name, "rules"),),
        exact=not rest,
        auto=rule.applies and rule.definition.looks_at_evidence,
        sentence=f"Rule “{rule.name}”, {left}",
        bookings=tuple(bookings),
        rule_version_id=rule.version_id,
        to_check=rule.definition.waits_for_a_person,
    )


def _with_tax(rule: LiveRule, one: Counterpart, whole: Booking, line: LineFacts) -> list[Booking]:
    """The net amount and its tax, which add up to what is booked; one that is too small for a tax stays whole."""
    if not one.tax_percent or rule.tax_accounts is None:
        return [whole]
    net = quantize(whole.amount / (1 + one.tax_percent / _PERCENT), line.currency)
    tax = whole.amount - net
    if not net or not tax:
        return [whole]
    accounts = rule.tax_accounts
    account_id = accounts.payable_id if whole.amount > 0 else accounts.recoverable_id
    return [replace(whole, amount=net), replace(whole, account_id=account_id, amount=tax, analytic="")]


def _amount(one: Counterpart, line: LineFacts, rest: Decimal) -> Decimal:
    """Signed like the line; zero where the label has none."""
    match one.amount_type:
        case AmountType.FIXED:
            amount = abs(one.amount).copy_sign(rest)
        case AmountType.PERCENT_OF_LINE:
            amount = line.whole * one.amount / _PERCENT
        case AmountType.PERCENT_OF_BALANCE:
            amount = rest * one.amount / _PERCENT
        case AmountType.FROM_LABEL:
            amount = _from_label(one, line).copy_sign(rest)
    return amount if amount == rest else quantize(amount, line.currency)


def _from_label(one: Counterpart, line: LineFacts) -> Decimal:
    found = search(one.pattern, text_of(line, Where.LABEL))
    written = (found.group(1) or "") if found else ""
    whole, _, fraction = written.partition(one.decimal_separator)
    digits = "".join(filter(str.isdigit, whole)), "".join(filter(str.isdigit, fraction))
    try:
        return Decimal(f"{digits[0] or '0'}.{digits[1] or '0'}")
    except InvalidOperation:
        return Decimal(0)


def _within(rule: LiveRule, tolerance: Tolerance, case: Case, item: OpenItem, who: str) -> Option | None:
    line, paid = case.line, case.line.rests.get(item.currency)
    if tolerance.account_id is None or paid is None or item.currency != line.currency or not item.residual:
        return None
    difference = abs(item.residual) - abs(paid)  # positive: too little was paid
    allowed = abs(item.residual) * tolerance.percent / _PERCENT
    if item.currency == tolerance.currency:
        allowed = max(allowed, tolerance.fixed)
    if not difference or abs(difference) > allowed or (difference < 0 and not tolerance.overpayment):
        return None
    short = difference > 0
    left = Decimal(0) if short else paid - item.residual
    written_off = item.residual - paid if short else Decimal(0)
    return Option(
        step=Step.PARTNER,
        allocations=(
            Allocation(item, paid if short else item.residual, written_off, tolerance.account_id if short else None),
        ),
        evidence=(Evidence("partner", who, "partner"), Evidence("tolerance", rule.name, "rules")),
        exact=True,
        auto=rule.applies and not item.is_draft,
        sentence=f"{who}: {item.name}, {abs(difference)} {item.currency} within the tolerance of “{rule.name}”",
        bookings=(Booking(tolerance.account_id, left, item.partner_id),) if left else (),
        rule_version_id=rule.version_id,
        to_check=rule.definition.waits_for_a_person,
    )
