"""Lines of Books: the examples of books.md 10 and 11.2, and what must hold for any history."""

import datetime as dt
import itertools
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.identity import Alias, IncomingItem, StoredLine, books_fingerprint, classify

DAY = dt.date(2026, 11, 10)


def item(
    external_id,
    amount="-3.50",
    day=DAY,
    text="COFFEE CORNER",
    *,
    kind="feed",
    epoch=1,
    currency="EUR",
    order=0,
    payer="",
):
    value = Decimal(amount)
    fingerprint = books_fingerprint(
        reference="BE68539007547034", currency=currency, booking_date=day, amount=value, remittance=text,
        counterparty_account=payer,
    )  # fmt: skip
    alias = None if external_id is None else Alias(kind, external_id, epoch)
    return IncomingItem(kind, alias, fingerprint, day, value, currency, order, (payer, text, ""))


@dataclass
class Journal:
    """What a caller of ``classify`` does with the result, in memory."""

    lines: dict[UUID, StoredLine] = field(default_factory=dict)
    held: set[UUID] = field(default_factory=set)
    ids: itertools.count = field(default_factory=lambda: itertools.count(1))

    def add(self, incoming: IncomingItem, occurrence=1) -> UUID:
        line_id = UUID(int=next(self.ids))
        aliases = () if incoming.alias is None else (incoming.alias,)
        self.lines[line_id] = StoredLine(
            line_id,
            incoming.kind,
            aliases,
            incoming.fingerprint,
            occurrence,
            incoming.booking_date,
            incoming.amount,
            incoming.currency,
            texts=incoming.texts,
        )
        return line_id

    def take(self, *incoming, incomplete_days=()):
        result = classify(incoming, list(self.lines.values()), incomplete_days=incomplete_days)
        for outcome in result.outcomes:
            if outcome.kind == "alias":
                line = self.lines[outcome.line.id]
                self.lines[line.id] = line._replace(aliases=(*line.aliases, outcome.item.alias))
            elif outcome.kind in ("new", "possible_duplicate"):
                line_id = self.add(outcome.item, outcome.occurrence)
                if outcome.kind == "possible_duplicate":
                    self.held.add(line_id)
        return result


def kinds(result):
    return Counter(outcome.kind for outcome in result.outcomes)


def test_the_coffee_example():
    journal = Journal()
    first = journal.take(item("a", order=1), item("b", order=2))
    assert [(outcome.kind, outcome.occurrence) for outcome in first.outcomes] == [("new", 1), ("new", 2)]
    a, b = journal.lines
    renewed = journal.take(*(item(name, epoch=2, order=n) for n, name in enumerate("cde")))
    assert [outcome.kind for outcome in renewed.outcomes] == ["alias", "alias", "new"]
    assert [outcome.line and outcome.line.id for outcome in renewed.outcomes] == [a, b, None]
    assert len(journal.lines) == 3
    again = journal.take(*(item(name, epoch=2, order=n) for n, name in enumerate("cde")))
    assert kinds(again) == {"known": 3}


def test_a_new_item_of_the_same_epoch_beside_equal_ones_is_new():
    journal = Journal()
    journal.take(item("a"), item("b"))
    result = journal.take(item("a"), item("b"), item("e"))
    assert kinds(result) == {"known": 2, "new": 1}
    assert result.of("new")[0].occurrence == 3


def test_the_parking_example_is_held_as_possible_duplicate():
    journal = Journal()
    typed = journal.add(item(None, "-8.00", text="PARKING", kind="manual"))
    result = journal.take(item("p", "-8.00", text="PARKING"))
    assert kinds(result) == {"possible_duplicate": 1}
    assert result.outcomes[0].line.id == typed


def test_the_parking_example_with_another_text_is_held_by_resemblance():
    journal = Journal()
    typed = journal.add(item(None, "-8.00", text="parking fee", kind="manual"))
    for days, kind in ((3, "possible_duplicate"), (4, "new")):
        result = classify([item("p", "-8.00", DAY + dt.timedelta(days=days))], list(journal.lines.values()))
        assert result.outcomes[0].kind == kind
    assert classify([item("p", "-8.00")], [*journal.lines.values()]).outcomes[0].line.id == typed


def test_keep_both_and_merge_settle_the_matter():
    kept, merged = Journal(), Journal()
    for journal in (kept, merged):
        journal.add(item(None, "-8.00", kind="manual"))
    kept.take(item("p", "-8.00"))
    assert kinds(kept.take(item("p", "-8.00"))) == {"known": 1}
    (line_id, line), *_ = merged.lines.items()
    merged.lines[line_id] = line._replace(aliases=(Alias("feed", "p"),))
    assert kinds(merged.take(item("p", "-8.00"), item("q", "-8.00"))) == {"known": 1, "new": 1}


def test_each_typed_line_is_a_possible_duplicate_of_one_item_only():
    journal = Journal()
    journal.add(item(None, "-8.00", text="typed", kind="manual"))
    assert kinds(journal.take(item("p", "-8.00"), item("q", "-8.00"))) == {"possible_duplicate": 1, "new": 1}


@pytest.mark.parametrize("text", ["typed", "COFFEE CORNER"])
def test_a_removed_typed_line_holds_nothing(text):
    journal = Journal()
    typed = journal.add(item(None, "-8.00", text=text, kind="manual"))
    journal.lines[typed] = journal.lines[typed]._replace(removed=True)
    assert kinds(journal.take(item("p", "-8.00"))) == {"new": 1}


def test_a_file_line_near_a_feed_line_is_held_unless_both_come_from_files():
    journal = Journal()
    journal.take(item("a", text="feed"))
    result = journal.take(item(None, text="file", kind="file"))
    assert kinds(result) == {"possible_duplicate": 1}
    assert result.outcomes[0].line.kind == "feed"
    files = Journal()
    files.take(item(None, text="file", kind="file"))
    assert kinds(files.take(item(None, text="another", kind="file"))) == {"new": 1}


def test_ten_thousand_like_lines_take_no_quadratic_time():
    journal = Journal()
    journal.take(*(item(f"a{n}", order=n) for n in range(10_000)))
    result = classify([item(f"b{n}", order=n) for n in range(10_000)], list(journal.lines.values()))
    assert kinds(result) == {"new": 10_000}


def test_a_removed_line_never_returns_not_even_in_a_new_epoch():
    journal = Journal()
    journal.take(item("a"))
    (line_id,) = journal.lines
    journal.lines[line_id] = journal.lines[line_id]._replace(removed=True)
    assert kinds(journal.take(item("a"))) == {"known": 1}
    assert kinds(journal.take(item("b", epoch=2))) == {"alias": 1}
    assert len(journal.lines) == 1


PAYER = "BE68 5390 0754 7034"


def test_more_told_under_a_new_id_is_the_same_line():
    journal = Journal()
    journal.take(item("a"), item("b", order=1))
    result = journal.take(item("c", epoch=2), item("d", epoch=2, order=1, payer=PAYER))
    assert kinds(result) == {"alias": 2}
    assert len({outcome.line.id for outcome in result.outcomes}) == 2


def test_a_third_one_beside_two_of_which_more_is_told_is_new():
    journal = Journal()
    journal.take(item("a"), item("b", order=1))
    renewed = [item(name, epoch=2, order=n, payer=PAYER) for n, name in enumerate("cde")]
    assert [outcome.kind for outcome in journal.take(*renewed).outcomes] == ["alias", "alias", "new"]


def test_lines_that_say_nothing_are_told_by_their_number_alone():
    journal = Journal()
    journal.take(item("a", text=""), item("b", text="", order=1))
    renewed = [item(name, epoch=2, order=n, payer=PAYER) for n, name in enumerate("cde")]
    assert kinds(journal.take(*renewed)) == {"possible_duplicate": 2, "new": 1}
    other = Journal()
    other.take(item("a", text=""), item("b", text="", order=1))
    assert kinds(other.take(*renewed[:2])) == {"alias": 2}


@pytest.mark.parametrize(("day", "kind"), [(DAY, "possible_duplicate"), (DAY + dt.timedelta(days=1), "new")])
def test_another_text_under_a_new_id_is_held_on_the_same_day_only(day, kind):
    journal = Journal()
    journal.take(item("a"))
    assert kinds(journal.take(item("b", day=day, text="CARD PAYMENT", epoch=2))) == {kind: 1}


def test_less_told_under_a_new_id_is_held():
    journal = Journal()
    journal.take(item("a", payer=PAYER))
    assert kinds(journal.take(item("b", epoch=2))) == {"possible_duplicate": 1}


def test_a_line_that_this_epoch_named_resembles_no_item_of_the_feed():
    journal = Journal()
    journal.take(item("a", text=""), item("b", text="TEA"))
    assert kinds(journal.take(item("c", text="", payer=PAYER), item("d", text="OTHER"))) == {"new": 2}


def test_a_removed_line_is_known_when_more_is_told_under_a_new_id():
    journal = Journal()
    journal.take(item("a"))
    (line_id,) = journal.lines
    journal.lines[line_id] = journal.lines[line_id]._replace(removed=True)
    assert kinds(journal.take(item("b", epoch=2, payer=PAYER))) == {"alias": 1}


def test_run_two_and_three_of_the_fetching_example():
    def day(text):
        return dt.date.fromisoformat(f"2026-{text}")

    t1, t2, t3 = item("t1", "100", day("10-28")), item("t2", "-20", day("11-05")), item("t3", "-3.50", day("11-11"))
    t4, t5 = item("t4", "40", day("11-12")), item("t5", "-8", day("11-10"))
    journal = Journal()
    assert kinds(journal.take(t3, t2, t1)) == {"new": 3}
    journal.take(t5)  # the process is killed after this one
    assert kinds(journal.take(t5, t4, t3, t2, t1)) == {"known": 4, "new": 1}
    assert kinds(journal.take(t5, t4, t3, t2, t1)) == {"known": 5}
    assert len(journal.lines) == 5


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_a_changed_amount_or_date_is_reported_and_alters_nothing(currency):
    journal = Journal()
    journal.take(item("a", "5", currency=currency))
    result = journal.take(item("a", "6", DAY + dt.timedelta(days=1), currency=currency))
    assert result.outcomes[0].kind == "changed"
    assert result.outcomes[0].fields == ("amount", "booking_date")
    assert [line.amount for line in journal.lines.values()] == [5]


def test_equal_figures_in_three_currencies_are_three_lines():
    result = Journal().take(*(item(currency, "5", currency=currency) for currency in ("EUR", "JPY", "KWD")))
    assert kinds(result) == {"new": 3}


def test_the_same_file_twice_is_a_no_op_with_and_without_bank_ids():
    for names in (("x", "y"), (None, None)):
        journal = Journal()
        file = [item(name, kind="file", order=n) for n, name in enumerate(names)]
        assert kinds(journal.take(*file)) == {"new": 2}
        assert kinds(journal.take(*file)) == {"known": 2}


def test_a_file_over_the_feed_and_the_feed_over_a_file_add_nothing():
    journal = Journal()
    journal.take(item("a"), item("b"))
    assert kinds(journal.take(item("x", kind="file"), item("y", kind="file"))) == {"alias": 2}
    assert kinds(journal.take(item(None, kind="file"), item(None, kind="file"))) == {"known": 2}
    other = Journal()
    other.take(item(None, kind="file"))
    assert kinds(other.take(item("a"), item("b"))) == {"alias": 1, "new": 1}


def test_without_ids_an_incompletely_read_day_is_left_to_a_person():
    journal = Journal()
    journal.take(item("a"))
    assert kinds(journal.take(item(None, kind="file"), incomplete_days={DAY})) == {"possible_duplicate": 1}


def test_an_item_that_the_walk_shows_twice_is_one():
    assert kinds(Journal().take(item("a"), item("a"))) == {"new": 1}


def test_lines_of_the_source_that_no_item_carried_are_unseen():
    journal = Journal()
    journal.take(item("a"), item("b", "7"))
    journal.add(item(None, "9", kind="manual"))
    result = journal.take(item("a"))
    assert [line.aliases[0].external_id for line in result.unseen] == ["b"]


@given(
    st.lists(st.sampled_from(["COFFEE", "TEA"]), max_size=6),
    st.sets(st.integers(0, 5)),
    st.randoms(use_true_random=False),
)
def test_n_stay_n_after_a_change_of_epoch_also_where_more_is_told_of_some(texts, told, rng):
    journal = Journal()
    journal.take(*(item(f"a{n}", text=text, order=n) for n, text in enumerate(texts)))
    renewed = [
        item(f"b{n}", text=text, epoch=2, order=n, payer=PAYER if n in told else "") for n, text in enumerate(texts)
    ]
    result = journal.take(*rng.sample(renewed, len(renewed)))
    assert kinds(result)["alias"] == len(texts) == len(journal.lines)
    assert len({outcome.line.id for outcome in result.outcomes}) == len(texts)


# Few values, so that equal rows are the rule.
walks = st.lists(
    st.tuples(st.sampled_from(["-3.50", "7"]), st.integers(0, 2), st.sampled_from(["COFFEE", "TEA"])), max_size=10
)


def walk_items(walk, prefix, epoch):
    return [
        item(f"{prefix}{n}", amount, DAY + dt.timedelta(days=day), text, epoch=epoch, order=n)
        for n, (amount, day, text) in enumerate(walk)
    ]


@given(walks, st.randoms(use_true_random=False), st.integers(0, 10))
def test_any_order_and_page_split_gives_the_same_lines(walk, rng, cut):
    items = walk_items(walk, "t", 1)
    whole, split = Journal(), Journal()
    whole.take(*items)
    shuffled = rng.sample(items, len(items))
    split.take(*shuffled[:cut])
    split.take(*shuffled[cut:])
    assert Counter(line.fingerprint for line in whole.lines.values()) == Counter(
        line.fingerprint for line in split.lines.values()
    )
    assert len({(line.fingerprint, line.occurrence) for line in split.lines.values()}) == len(items)


@given(walks, st.randoms(use_true_random=False))
def test_n_identical_items_stay_n_also_after_a_change_of_epoch_and_replays_change_nothing(walk, rng):
    journal = Journal()
    journal.take(*walk_items(walk, "a", 1))
    renewed = walk_items(walk, "b", 2)
    result = journal.take(*rng.sample(renewed, len(renewed)))
    assert kinds(result)["alias"] == len(walk) == len(journal.lines)
    before = dict(journal.lines)
    assert kinds(journal.take(*renewed))["known"] == len(walk)
    assert journal.lines == before
    used = [outcome.line.id for outcome in result.outcomes]
    assert len(used) == len(set(used))


@given(walks, st.randoms(use_true_random=False))
def test_classification_does_not_depend_on_order(walk, rng):
    journal = Journal()
    journal.take(*walk_items(walk[::2], "a", 1))
    journal.add(item(None, "-3.50", kind="manual", text="typed"))
    stored = list(journal.lines.values())
    items = walk_items(walk, "b", 2)
    one = classify(items, stored)
    other = classify(rng.sample(items, len(items)), rng.sample(stored, len(stored)))
    assert set(one.outcomes) == set(other.outcomes)
    assert set(one.unseen) == set(other.unseen)
