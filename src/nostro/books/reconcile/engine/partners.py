"""Who the other party of a line is (books.md 16.3): tiers in order, and an answer only where it is the only one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from nostro.books.reconcile.engine.reading import LineEvidence
from nostro.books.reconcile.engine.values import LineFacts

#: Maps a line's text to a partner: the mapping models of tier 5. ``None`` where none speaks, two where they disagree.
MappingModels = Callable[[LineFacts], Iterable[UUID]]

_NAME_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class PartnerFinding:
    """A partner and the sentence that says how they were recognised."""

    partner_id: UUID
    why: str


@dataclass(frozen=True, slots=True)
class KnownPartner:
    """A partner as the engine needs them."""

    id: UUID
    name: str
    active: bool = True
    has_entries: bool = True


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """Who was seen with an account number. ``own_company`` is false for partners that companies share."""

    partner_id: UUID
    own_company: bool = True
    active: bool = True


def normalised_name(name: str) -> str:
    """A name for comparison: case and runs of blanks do not matter."""
    return " ".join(name.casefold().split())


class PartnerBook:
    """What is known of a company's partners."""

    def __init__(
        self,
        partners: Iterable[KnownPartner] = (),
        *,
        owners: Mapping[str, list[AccountOwner]] | None = None,
        identifiers: Mapping[str, list[UUID]] | None = None,
        last_by_name: Mapping[str, UUID] | None = None,
        mapping_models: MappingModels | None = None,
        own_accounts: frozenset[str] = frozenset(),
        own_names: frozenset[str] = frozenset(),
    ) -> None:
        """``identifiers`` are mandate, creditor and end-to-end ids; ``last_by_name`` the partner that the last three
        reconciled lines of a counterparty name agree on; names are normalised."""
        self._names: dict[UUID, str] = {}
        self._by_name: defaultdict[str, list[UUID]] = defaultdict(list)
        self._owners = owners or {}
        self._identifiers = identifiers or {}
        self._last_by_name = last_by_name or {}
        self._mapping_models = mapping_models
        self._own_accounts, self._own_names = own_accounts, own_names
        self._words: defaultdict[str, list[tuple[UUID, frozenset[str]]]] = defaultdict(list)
        self._learn(list(partners))

    def _learn(self, partners: list[KnownPartner]) -> None:
        words_of = {
            partner.id: frozenset(word.casefold() for word in _NAME_WORD.findall(partner.name)) for partner in partners
        }
        often: defaultdict[str, int] = defaultdict(int)
        for words in words_of.values():
            for word in words:
                often[word] += 1
        for partner in partners:
            name = normalised_name(partner.name)
            self._names[partner.id] = partner.name
            if name in self._own_names:
                continue
            if partner.active:
                self._by_name[name].append(partner.id)
            words = words_of[partner.id]
            if words and partner.active and partner.has_entries:
                # A name is looked up by its rarest word, so that "GmbH" does not lead to every company.
                self._words[min(words, key=lambda word: (often[word], word))].append((partner.id, words))

    def name(self, partner_id: UUID) -> str:
        """The partner's name, empty if the book does not know them."""
        return self._names.get(partner_id, "")

    def is_own_account(self, account_number: str) -> bool:
        """True for the number of a linked own account."""
        return account_number in self._own_accounts

    def find(self, line: LineFacts, evidence: LineEvidence) -> PartnerFinding | None:
        """The first tier with exactly one answer; own accounts and the own name are never a partner."""
        if line.partner_id is not None:
            return PartnerFinding(line.partner_id, "set by a person")
        if self.is_own_account(line.counterparty_account):
            return None
        for why, answers in self._tiers(line, evidence):
            if len(answers) == 1:
                return PartnerFinding(next(iter(answers)), why)
        return None

    def _tiers(self, line: LineFacts, evidence: LineEvidence) -> Iterator[tuple[str, set[UUID]]]:
        account = line.counterparty_account
        if account:
            yield f"account {account}", self._owner(account)
        for identifier in (line.mandate_id, line.creditor_id, evidence.end_to_end_id):
            if identifier:
                yield f"identifier {identifier}", set(self._identifiers.get(identifier.upper(), ()))
        name = normalised_name(line.counterparty_name)
        if name and name not in self._own_names:
            yield f"name {line.counterparty_name.strip()}", set(self._by_name.get(name, ()))
        if self._mapping_models is not None:
            yield "a partner mapping", set(self._mapping_models(line))
        yield "words of the name in the text", self._named_in(evidence)
        if name in self._last_by_name:
            yield "the last three lines with this name", {self._last_by_name[name]}

    def _owner(self, account: str) -> set[UUID]:
        """Company-specific before shared, active before archived."""
        owners = self._owners.get(account, ())
        for own_company, active in ((True, True), (False, True), (True, False), (False, False)):
            found = {o.partner_id for o in owners if o.own_company is own_company and o.active is active}
            if found:
                return found
        return set()

    def _named_in(self, evidence: LineEvidence) -> set[UUID]:
        return {
            partner_id
            for word in evidence.words
            for partner_id, words in self._words.get(word, ())
            if words <= evidence.words
        }
