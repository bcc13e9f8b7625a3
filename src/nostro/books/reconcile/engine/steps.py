"""The steps of books.md 16.2 that look for evidence. Each gives its options and says what it refused.

A step that has exactly one option has found it. Several options of one step contradict each other, and a person must
choose; so a step never cuts its answers down to the one it likes best.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.books.reconcile.engine.book import Book
from nostro.books.reconcile.engine.partners import PartnerFinding
from nostro.books.reconcile.engine.reading import FoundKey, LineEvidence, Token, is_strong_number
from nostro.books.reconcile.engine.rules import Rules
from nostro.books.reconcile.engine.values import (
    Allocation,
    Evidence,
    ItemKind,
    LineFacts,
    OpenItem,
    Option,
    Refusal,
    Step,
)
from nostro.core.references import print_reference

#: The mirror line of a transfer between own accounts may be this many days away (books.md 16.2 step 1).
MIRROR_DAYS = 5
#: Open items that are older, seen from the line, are not looked at by default (books.md 16.1).
LOOK_BACK_MONTHS = 18
#: Options shown of one step, and items looked at for one line.
MAX_OPTIONS, MAX_ITEMS = 10, 500


@dataclass(frozen=True, slots=True)
class Case:
    """A line, what it says, what it may pay, and the company's settings."""

    line: LineFacts
    evidence: LineEvidence
    book: Book
    partner: PartnerFinding | None = None
    grace_days: int = 0  # added to discount dates (books.md 16.5)
    rules: Rules = field(default_factory=Rules)
    look_back_months: int = LOOK_BACK_MONTHS


@dataclass(slots=True)
class Found:
    """What a step found."""

    options: list[Option] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def refuse(self, item: OpenItem, why: str) -> None:
        """Remember an item that was looked at."""
        if len(self.refused) < MAX_OPTIONS:
            self.refused.append(Refusal(item.id, item.name, why))


# --- what an item and a line have to do with each other -----------------------------------------------------------


def refusal_of(line: LineFacts, item: OpenItem) -> str:
    """Why an item cannot be paid by a line at all; empty if it can."""
    rest = line.rests.get(item.currency)
    if item.journal_id not in {None, line.journal_id}:
        return "it is expected on another account"
    if rest is None:
        return f"it is in {item.currency}, and no rate is known"
    if not rest or (item.residual > 0) != (rest > 0):
        return "it goes the other way"
    return ""


def _payable(case: Case, items: Iterable[OpenItem], found: Found) -> list[OpenItem]:
    """The items a line can pay; each once, in the given order."""
    result: dict[object, OpenItem] = {}
    for item in items:
        why = refusal_of(case.line, item)
        if not why and _too_old(case, item):
            why = f"it is older than {case.look_back_months} months"
        if why:
            found.refuse(item, why)
        else:
            result.setdefault(item.id, item)
    return list(result.values())[:MAX_ITEMS]


def _too_old(case: Case, item: OpenItem) -> bool:
    """Whether it lies further back than is looked by itself; a person who searches finds it (books.md 16.1)."""
    day = case.line.date
    months = day.year * 12 + day.month - 1 - case.look_back_months
    return (item.date.year * 12 + item.date.month - 1, item.date.day) < (months, day.day)


def _may_be_automatic(line: LineFacts, items: Sequence[OpenItem]) -> bool:
    """Drafts and estimated rates are for people, and so is a payment that spans currencies."""
    currencies = {item.currency for item in items}
    return len(currencies) == 1 and not currencies & line.estimated and not any(item.is_draft for item in items)


def _is_exact(line: LineFacts, items: Sequence[OpenItem]) -> bool:
    currency = items[0].currency
    same = all(item.currency == currency for item in items)
    return same and sum((item.residual for item in items), Decimal(0)) == line.rests[currency]


def _allocate(line: LineFacts, items: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    """Pay items in order, each as far as the line reaches. Items of one currency; the caller has seen to the sign."""
    rest, result = line.rests[items[0].currency], []
    for item in items:
        part = min(abs(item.residual), abs(rest)).copy_sign(rest)
        if not part:
            break
        result.append(Allocation(item, part))
        rest -= part
    return tuple(result)


def _amount_words(line: LineFacts, items: Sequence[OpenItem]) -> str:
    currency = items[0].currency
    open_after = abs(sum((item.residual for item in items), Decimal(0))) - abs(line.rests[currency])
    if not open_after:
        return "amount exact"
    if open_after > 0:
        return f"{open_after} {currency} stay open"
    return f"{-open_after} {currency} of the line stay unexplained"


def _option(
    case: Case, step: Step, items: Sequence[OpenItem], evidence: Sequence[Evidence], why: str, *, auto: bool
) -> Option:
    items = [item for item in items if item.currency == items[0].currency]
    names = ", ".join(item.name for item in items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")
    return Option(
        step=step,
        allocations=_allocate(case.line, items),
        evidence=tuple(evidence),
        exact=_is_exact(case.line, items),
        auto=auto and _may_be_automatic(case.line, items),
        sentence=f"{why} = {names}, {_amount_words(case.line, items)}",
    )


def discounted(case: Case, item: OpenItem) -> Allocation | None:
    """How the line closes an item with early-payment discount, if it is in time and exact (books.md 16.5)."""
    terms = item.early_payment
    if terms is None or case.line.date > terms.until + dt.timedelta(days=case.grace_days):
        return None
    if terms.residual != case.line.rests.get(item.currency):
        return None
    return Allocation(item, terms.residual, item.residual - terms.residual)


def _discount_option(case: Case, step: Step, item: OpenItem, evidence: Sequence[Evidence], why: str) -> Option | None:
    allocation = discounted(case, item)
    if allocation is None or item.early_payment is None:
        return None
    return Option(
        step=step,
        allocations=(allocation,),
        evidence=(*evidence, Evidence("discount", f"{allocation.write_off} {item.currency}", "terms")),
        exact=True,
        auto=False,  # a discount is written off, and nothing is written off without a person or a model
        sentence=f"{why} = {item.name}, less {abs(allocation.write_off)} {item.currency} early-payment discount",
    )


# --- step 1: own transfer -----------------------------------------------------------------------------------------


def own_transfer(case: Case) -> Found:
    """The counterparty is a linked own account, and the other half of the transfer lies there."""
    found, line = Found(), case.line
    if not case.book.partners.is_own_account(line.counterparty_account):
        return found
    for mirror in case.book.mirrors(line.counterparty_account):
        if mirror.currency != line.currency or mirror.residual != line.rest or mirror.id == line.id:
            continue
        if abs((mirror.date - line.date).days) > MIRROR_DAYS:
            found.refuse(mirror, f"it is more than {MIRROR_DAYS} days away")
            continue
        evidence = Evidence("own_account", line.counterparty_account, "counterparty account")
        found.options.append(
            _option(case, Step.OWN_TRANSFER, [mirror], [evidence], "Transfer between own accounts", auto=True)
        )
    return found


# --- step 2: end-to-end id ----------------------------------------------------------------------------------------


def end_to_end(case: Case) -> Found:
    """The id the payer gave equals that of a payment, a batch or a document."""
    found, identifier = Found(), case.evidence.end_to_end_id
    if not identifier:
        return found
    evidence = Evidence("end_to_end_id", identifier, "end-to-end id")
    items = _payable(case, case.book.by_end_to_end_id(identifier), found)
    payments = [item for item in items if item.kind != ItemKind.DOCUMENT]
    for item in payments or items:  # a payment goes before the document that it pays
        exact = item.residual == case.line.rests[item.currency]
        why = f"End-to-end id {identifier}"
        early = _discount_option(case, Step.END_TO_END_ID, item, [evidence], why)
        found.options.append(early or _option(case, Step.END_TO_END_ID, [item], [evidence], why, auto=exact))
    return found


# --- step 3: structured reference ---------------------------------------------------------------------------------


_Hit = tuple[OpenItem, FoundKey]


def reference(case: Case) -> Found:
    """Canonical keys of books.md 15. Characters that lead to two items, or items that the line cannot all pay, are
    for a person; one weak key needs the exact amount."""
    found = Found()
    hits = _sure_before_unsure(
        [(item, key) for key in case.evidence.keys for item in _payable(case, case.book.by_key(key.key), found)]
    )
    pairs = list({item.id: (item, key) for item, key in reversed(hits)}.values())[::-1]
    if _is_ambiguous(hits):
        found.options.extend(_by_reference(case, [pair], auto=False) for pair in pairs[:MAX_OPTIONS])
        return found
    strong = [pair for pair in pairs if not pair[1].weak]
    if len(strong) < len(pairs) and not _is_exact(case.line, [item for item, _ in pairs]):
        for item, key in pairs:
            if key.weak:
                found.refuse(item, f"{key.printed} is too short to be sure of, and the amount differs")
        pairs = strong
    if pairs:
        found.options.append(_reference_option(case, pairs))
    return found


def _overlap(one: FoundKey, other: FoundKey) -> bool:
    return one.span == other.span or (one.span[0] < other.span[1] and other.span[0] < one.span[1])


def _sure_before_unsure(hits: list[_Hit]) -> list[_Hit]:
    """Where a sure and an unsure reading share characters, the unsure one is a piece of the other."""
    sure = [key for _, key in hits if not key.weak]
    return [(item, key) for item, key in hits if not key.weak or not any(_overlap(key, other) for other in sure)]


def _is_ambiguous(hits: list[_Hit]) -> bool:
    """True if the same characters lead to two items."""
    return any(
        item.id != other.id and _overlap(key, other_key)
        for index, (item, key) in enumerate(hits[:MAX_OPTIONS])
        for other, other_key in hits[index + 1 :]
    )


def _reference_option(case: Case, pairs: list[_Hit]) -> Option:
    items = [item for item, _ in pairs]
    if len(items) == 1:
        early = _discount_option(case, Step.REFERENCE, items[0], [_key_evidence(pairs[0][1])], _key_words(pairs))
        return early or _by_reference(case, pairs, auto=True)
    total = abs(sum((item.residual for item in items), Decimal(0)))
    return _by_reference(case, pairs, auto=total <= abs(case.line.rests[items[0].currency]))


def _key_evidence(key: FoundKey) -> Evidence:
    return Evidence("reference", key.printed, key.place)


def _key_words(pairs: Sequence[_Hit]) -> str:
    printed = ", ".join(dict.fromkeys(print_reference(key.key) for _, key in pairs[:5]))
    return f"Reference {printed} in the {pairs[0][1].place}"


def _by_reference(case: Case, pairs: Sequence[_Hit], *, auto: bool) -> Option:
    items = [item for item, _ in pairs]
    return _option(case, Step.REFERENCE, items, [_key_evidence(key) for _, key in pairs], _key_words(pairs), auto=auto)


# --- steps 4 and 5: numbers in the text ---------------------------------------------------------------------------


def payment(case: Case) -> Found:
    """An outstanding payment or batch whose own reference is in the text."""
    found = Found()
    tokens = [token for token in case.evidence.tokens if is_strong_number(token.text)]
    _by_number(case, found, Step.PAYMENT, tokens, {ItemKind.PAYMENT, ItemKind.BATCH})
    return found if found.options else _batch_of_this_total(case, found)


def _batch_of_this_total(case: Case, found: Found) -> Found:
    """The only batch that comes to this amount. An amount alone is never applied without a person (books.md 16.2)."""
    for currency, amount in case.line.rests.items():
        for item in _payable(case, case.book.batches(currency, amount), found):
            evidence = Evidence("amount", f"{amount} {currency}", "amount")
            found.options.append(_option(case, Step.PAYMENT, [item], [evidence], "The total of the batch", auto=False))
    return found


def number(case: Case) -> Found:
    """The number of a document, or a reference printed on it, is in the text."""
    found = Found()
    _by_number(case, found, Step.NUMBER, case.evidence.tokens, {ItemKind.DOCUMENT})
    return found


def _by_number(case: Case, found: Found, step: Step, tokens: Sequence[Token], kinds: set[ItemKind]) -> None:
    hits = []
    for token in tokens:
        items = [item for item in case.book.by_number(token.text) if item.kind in kinds]
        items = _payable(case, items, found)
        if items:
            hits.append((token, items))
    kept = _without_overlaps(hits)
    if any(len(items) > 1 for _, items in kept):
        for item, token in {i.id: (i, t) for t, items in kept for i in items}.values():
            found.options.append(_number_option(case, step, [item], [token], auto=False))
        return
    pairs = {items[0].id: (items[0], token) for token, items in reversed(kept)}
    if not pairs:
        return
    items, used = [item for item, _ in pairs.values()], [token for _, token in pairs.values()]
    early = None
    if len(items) == 1:
        why = f"Number {used[0].text} in the {used[0].place}"
        early = _discount_option(case, step, items[0], [Evidence("number", used[0].text, used[0].place)], why)
    found.options.append(early or _number_option(case, step, items, used, auto=_is_exact(case.line, items)))


def _number_option(case: Case, step: Step, items: Sequence[OpenItem], tokens: Sequence[Token], *, auto: bool) -> Option:
    evidence = [Evidence("number", token.text, token.place) for token in tokens]
    printed = ", ".join(token.text for token in tokens[:5])
    return _option(case, step, items, evidence, f"Number {printed} in the {tokens[0].place}", auto=auto)


def _without_overlaps(hits: list[tuple[Token, list[OpenItem]]]) -> list[tuple[Token, list[OpenItem]]]:
    """Of hits on the same characters the longest stays: "INV/2026/0007" is not also "2026/0007"."""
    kept: list[tuple[Token, list[OpenItem]]] = []
    for token, items in sorted(hits, key=lambda hit: (hit[0].start - hit[0].end, hit[0].start)):
        if all(token.end <= other.start or token.start >= other.end for other, _ in kept):
            kept.append((token, items))
    return sorted(kept, key=lambda hit: hit[0].start)


# --- step 6: partner and amount -----------------------------------------------------------------------------------


def partner_and_amount(case: Case) -> Found:
    """The partner is known, and an amount of theirs fits: all that is open, one item, one with discount, or one whose
    amount is written in the text. Automatic only where a rule says so."""
    found = Found()
    if case.partner is None:
        return found
    items = _payable(case, case.book.by_partner(case.partner.partner_id), found)
    items = [item for item in items if item.kind != ItemKind.BATCH]
    for choose in (_all_open, _one_exact, _one_discounted, _tolerated, _amount_in_text):
        found.options.extend(choose(case, items, case.partner))
        if found.options:
            break
    return found


def _partner_option(
    case: Case, items: Sequence[OpenItem], partner: PartnerFinding, kind: str, step: Step = Step.PARTNER
) -> Option:
    name = case.book.partners.name(partner.partner_id) or items[0].partner_name
    evidence = Evidence("partner", name, partner.why)
    return _option(case, step, items, [evidence], f"{name}, known by {partner.why}: {kind}", auto=False)


def _netted(case: Case, partner: PartnerFinding) -> list[Option]:
    """Everything a partner has open, credit notes beside invoices, where it comes to the line (books.md 16.4)."""
    line = case.line
    items = [
        item
        for item in case.book.by_partner(partner.partner_id)[:MAX_ITEMS]
        if item.currency == line.currency and not item.is_draft and not _too_old(case, item)
    ]
    against = [item for item in items if (item.residual > 0) != (line.rest > 0)]
    total = sum((item.residual for item in items), Decimal(0))
    if not against or len(against) == len(items) or total != line.rest:
        return []
    ordered = [*against, *(item for item in items if item not in against)]
    name = case.book.partners.name(partner.partner_id)
    names = ", ".join(item.name for item in ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")
    return [
        Option(
            step=Step.PARTNER,
            allocations=tuple(Allocation(item, item.residual) for item in ordered),
            evidence=(Evidence("partner", name, partner.why),),
            exact=True,
            auto=False,
            sentence=f"{name}, known by {partner.why}: everything that is open = {names}, amount exact",
        )
    ]


def _all_open(case: Case, items: list[OpenItem], partner: PartnerFinding) -> list[Option]:
    if netted := _netted(case, partner):
        return netted
    if len(items) < 2 or not _is_exact(case.line, items):
        return []
    return [_partner_option(case, items, partner, "everything that is open")]


def _one_exact(case: Case, items: list[OpenItem], partner: PartnerFinding) -> list[Option]:
    exact = [item for item in items if item.residual == case.line.rests[item.currency]]
    return [_partner_option(case, [item], partner, "the open item of this amount") for item in exact[:MAX_OPTIONS]]


def _one_discounted(case: Case, items: list[OpenItem], partner: PartnerFinding) -> list[Option]:
    name = case.book.partners.name(partner.partner_id)
    evidence = [Evidence("partner", name, partner.why)]
    options = (
        _discount_option(case, Step.PARTNER, item, evidence, f"{name}, known by {partner.why}") for item in items
    )
    return [option for option in options if option is not None][:MAX_OPTIONS]


def _tolerated(case: Case, items: list[OpenItem], partner: PartnerFinding) -> list[Option]:
    name = case.book.partners.name(partner.partner_id) or (items[0].partner_name if items else "")
    return case.rules.tolerated(case, items, f"{name}, known by {partner.why}")[:MAX_OPTIONS]


def _amount_in_text(case: Case, items: list[OpenItem], partner: PartnerFinding) -> list[Option]:
    named = [item for item in items if abs(item.residual) in case.evidence.amounts]
    return [_partner_option(case, [item], partner, "its amount is in the text") for item in named[:MAX_OPTIONS]]


# --- step 7: rules ------------------------------------------------------------------------------------------------


def models(case: Case) -> Found:
    """The first rule that hits (books.md 16.8)."""
    return Found(options=case.rules.booked(case))


# --- step 8: the rest ---------------------------------------------------------------------------------------------


def rest(case: Case) -> Found:
    """Oldest first until the sum fits; the same amount without a partner. Only shown, never applied."""
    found = Found()
    if case.partner is not None:
        items = _payable(case, case.book.by_partner(case.partner.partner_id), found)
        same = [item for item in items if item.currency == case.line.currency and item.kind != ItemKind.BATCH]
        if same:
            taken = _oldest(case.line, same)
            why = "the oldest open items first"
            found.options.append(_partner_option(case, taken, case.partner, why, Step.REST))
        return found
    for currency, amount in case.line.rests.items():
        if currency in case.line.estimated:
            continue  # an amount at somebody else's rate speaks for nothing
        for item in _payable(case, case.book.by_amount(currency, amount), Found())[:MAX_OPTIONS]:
            evidence = Evidence("amount", f"{amount} {currency}", "amount")
            option = _option(case, Step.REST, [item], [evidence], "The amount, and nothing else,", auto=False)
            found.options.append(option)
    return found


def _oldest(line: LineFacts, items: list[OpenItem]) -> list[OpenItem]:
    total, taken = Decimal(0), []
    for item in items:
        if abs(total) >= abs(line.rest):
            break
        taken.append(item)
        total += item.residual
    return taken
