"""What people did again and again becomes the text of a rule (books.md 16.11)."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from nostro.books.reconcile.engine.learning import Answer, PastLine, generalised, learn
from nostro.books.reconcile.engine.patterns import search
from nostro.books.reconcile.engine.rules import Direction, Operator

JOURNAL, FEES, RENT = UUID(int=1), ("account", UUID(int=2)), ("account", UUID(int=3))
FEE = "Account fee October 2026 ref 4711"


def past(label: str, answer: Answer | None = FEES, *, received: bool = False) -> PastLine:
    return PastLine(uuid4(), label, received, answer)


def test_three_of_the_last_ten_lines_with_a_common_part_are_a_lesson() -> None:
    lines = [past(f"Account fee {month} ref {number}") for month, number in (("Oct", 1), ("Sep", 22), ("Aug", 333))]
    (lesson,) = learn(JOURNAL, [past("Something else", None), *lines])
    assert (lesson.part, lesson.answer) == ("account fee", FEES)
    assert lesson.line_ids == tuple(line.line_id for line in lines)
    assert lesson.definition.direction == Direction.PAID and lesson.definition.journal_ids == (JOURNAL,)
    (condition,) = lesson.definition.texts
    assert (condition.operator, condition.value) == (Operator.CONTAINS, "account fee")


def test_two_lines_are_not_enough_and_neither_are_three_of_eleven() -> None:
    assert learn(JOURNAL, [past(FEE), past(FEE)]) == []
    others = [past(FEE, None) for _ in range(8)]
    assert learn(JOURNAL, [*others, past(FEE), past(FEE), past(FEE)]) == []
    assert len(learn(JOURNAL, [*others[:7], past(FEE), past(FEE), past(FEE)])) == 1


@pytest.mark.parametrize("label", ["bank fee", "12-10-2026 09:15:33", "- - - - - - - -"])
def test_a_short_part_or_one_of_numbers_only_teaches_nothing(label: str) -> None:
    assert learn(JOURNAL, [past(label) for _ in range(3)]) == []


def test_digits_are_any_digits_and_the_expression_finds_lines_to_come() -> None:
    (lesson,) = learn(JOURNAL, [past(f"Card {number} monthly costs (A+B)") for number in (17, 4, 2231)])
    assert lesson.part == "card # monthly costs (a+b)"
    (condition,) = lesson.definition.texts
    assert condition.operator == Operator.REGEX
    assert search(condition.value, "CARD 99 monthly  costs (A+B)") is not None
    assert search(condition.value, "card x monthly costs (a+b)") is None
    assert search(condition.value, "card 99 monthly costs (a+b)x") is None


def test_a_valid_structured_reference_stays_as_it_is() -> None:
    assert generalised("Rent +++020/3430/57642+++ 2026") == ("rent", "+++020/3430/57642+++", "\ue000")
    assert generalised("Rent +++020/3430/57643+++")[1] != "+++020/3430/57643+++"


def test_two_accounts_with_the_same_words_teach_neither() -> None:
    assert learn(JOURNAL, [past(FEE, answer) for answer in (FEES, RENT) for _ in range(3)]) == []


def test_both_directions_and_partners() -> None:
    partner = ("partner", UUID(int=9))
    (lesson,) = learn(JOURNAL, [past("Settlement web shop", partner, received=number > 0) for number in range(3)])
    assert lesson.definition.direction == Direction.BOTH and lesson.definition.is_mapping


def test_a_hostile_label_is_compared_in_its_first_words_only() -> None:
    assert learn(JOURNAL, [past("(a+)+ " * 5_000) for _ in range(10)]) == []
    assert generalised("a\ue000b") == ("a", "b")
