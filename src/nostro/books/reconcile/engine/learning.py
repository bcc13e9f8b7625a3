"""What people did again and again, as the text of a rule (books.md 16.11). Pure: decides nothing and stores nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

import regex

from nostro.books.reconcile.engine.patterns import MAX_PATTERN
from nostro.books.reconcile.engine.rules import Counterpart, Definition, Direction, Operator, TextCondition, Where
from nostro.core.references import find_references

#: So many of the newest lines with a common part must have been booked alike, and the part must be so long.
ENOUGH, OF_LAST, SHORTEST_PART = 3, 10, 10
#: Letters and digits of a part that are the same in every line, so that blanks and dates alone teach nothing.
SHORTEST_CONTENT = 5
#: Words of one label that are compared; a longer one is no label.
MAX_WORDS = 40
_DIGITS = re.compile(r"\d+")
#: Stands for a run of digits in a part. No bank may send it: it is a private character of Unicode.
_ANY_NUMBER = "\ue000"

Words = tuple[str, ...]
#: An account, or a partner where the line has no account number by which they would be known.
Answer = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class PastLine:
    """A line of a journal, and what a person booked it to, if one did."""

    line_id: UUID
    label: str
    received: bool
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Lesson:
    """Lines with these words went to this account or partner. ``part`` shows a run of digits as ``#``."""

    part: str
    answer: Answer
    line_ids: tuple[UUID, ...]
    definition: Definition


def learn(journal_id: UUID, lines: Sequence[PastLine]) -> list[Lesson]:
    """What the lines of one journal, newest first, teach: one lesson for each account or partner at most.

    The common part is the longest run of words; where two answers share it, neither is learned.
    """
    words = {line.line_id: generalised(line.label) for line in lines}
    taught: defaultdict[Answer, list[PastLine]] = defaultdict(list)
    for line in lines:
        if line.answer is not None and len(taught[line.answer]) < OF_LAST:
            taught[line.answer].append(line)
    found = {}
    for answer, its_lines in taught.items():
        for run in _common_runs([words[line.line_id] for line in its_lines]):
            agreeing = _agreeing(run, answer, lines, words)
            if len(agreeing) >= ENOUGH:
                found[answer] = (run, agreeing)
                break
    runs = [run for run, _lines in found.values()]
    return [
        _lesson(journal_id, run, answer, agreeing)
        for answer, (run, agreeing) in found.items()
        if runs.count(run) == 1 and len(_pattern(run)) <= MAX_PATTERN
    ]


def generalised(label: str) -> Words:
    """The words of a label, case folded, each run of digits made one sign except in valid structured references."""
    label = label.replace(_ANY_NUMBER, " ")
    kept = [(found.start, found.end) for found in find_references(label) if not found.weak]
    words = []
    for word in re.finditer(r"\S+", label):
        stays = any(begin < word.end() and word.start() < end for begin, end in kept)
        words.append(word.group().casefold() if stays else _DIGITS.sub(_ANY_NUMBER, word.group().casefold()))
    return tuple(words[:MAX_WORDS])


def _common_runs(labels: Sequence[Words]) -> Iterator[Words]:
    """Runs of words that two of the labels share, the longest first, without their shorter ends."""
    found = {run for one, other in combinations(dict.fromkeys(labels), 2) for run in _shared(one, other)}
    found |= {label for label in labels if labels.count(label) > 1}
    yield from sorted(filter(_says_something, found), key=lambda run: (-len(" ".join(run)), run))


def _shared(one: Words, other: Words) -> Iterator[Words]:
    for first in range(len(one)):
        for second in range(len(other)):
            if first and second and one[first - 1] == other[second - 1]:
                continue  # a piece of the run that began before
            length = 0
            while first + length < len(one) and second + length < len(other):
                if one[first + length] != other[second + length]:
                    break
                length += 1
            if length:
                yield one[first : first + length]


def _says_something(run: Words) -> bool:
    content = sum(character.isalnum() for word in run for character in word)
    return len(" ".join(run)) >= SHORTEST_PART and content >= SHORTEST_CONTENT


def _agreeing(
    run: Words, answer: Answer, lines: Sequence[PastLine], words: dict[UUID, Words]
) -> list[PastLine]:  # fmt: skip
    """Of the last ten lines with these words, those that people gave this answer."""
    having = (line for line in lines if _holds(run, words[line.line_id]))
    return [line for line, _place in zip(having, range(OF_LAST), strict=False) if line.answer == answer]


def _holds(run: Words, words: Words) -> bool:
    return any(words[place : place + len(run)] == run for place in range(len(words) - len(run) + 1))


def _pattern(run: Words) -> str:
    words = (r"\d+".join(regex.escape(piece) for piece in word.split(_ANY_NUMBER)) for word in run)
    return r"(?<!\S)" + r"\s+".join(words) + r"(?!\S)"


def _lesson(journal_id: UUID, run: Words, answer: Answer, lines: Sequence[PastLine]) -> Lesson:
    part = " ".join(run)
    kind, answer_id = answer
    if all(part in line.label.casefold() for line in lines):
        condition = TextCondition(Where.LABEL, Operator.CONTAINS, part)
    else:
        condition = TextCondition(Where.LABEL, Operator.REGEX, _pattern(run))
    directions = {Direction.RECEIVED if line.received else Direction.PAID for line in lines}
    direction = directions.pop() if len(directions) == 1 else Direction.BOTH
    booked = Counterpart(account_id=answer_id) if kind == "account" else Counterpart(partner_id=answer_id)
    definition = Definition(journal_ids=(journal_id,), direction=direction, texts=(condition,), counterparts=(booked,))
    return Lesson(part.replace(_ANY_NUMBER, "#"), answer, tuple(line.line_id for line in lines), definition)
