"""The trail cannot be changed, and its chain of hashes says so when it was (books.md 14.6, I-23)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nostro.people.audit import record
from nostro.people.audit_chain import GENESIS, hash_of, seal_records, verify_chain
from nostro.people.models import AuditRecord, User

pytestmark = pytest.mark.django_db


def done(number: int, **values: object) -> AuditRecord:
    return record(
        tenant_id=uuid.UUID(int=number), actor=None, action="test.done", obj=None, sentence=f"Did {number}.",
        **values,  # type: ignore[arg-type]
    )  # fmt: skip


@contextmanager
def without_trigger() -> Iterator[None]:
    """What somebody with all rights in the database can do."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_records_are_sealed_in_order_and_verify() -> None:
    for number in range(5):
        done(number)
    assert verify_chain().unsealed == 5
    assert seal_records() == 5
    assert seal_records() == 0
    done(6)
    seal_records()

    rows = list(AuditRecord.objects.order_by("sequence"))
    assert [row.sequence for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0].previous_hash == GENESIS
    assert all(later.previous_hash == earlier.hash for earlier, later in pairwise(rows))
    verdict = verify_chain()
    assert (verdict.holds, verdict.checked, verdict.unsealed, verdict.head) == (True, 6, 0, rows[-1].hash)
    assert verify_chain(newest=2).checked == 2


@pytest.mark.parametrize(
    "change",
    [{"sentence": "Nothing."}, {"actor_name": "Somebody"}, {"before": {"a": 1}}, {"tenant_id": None},
     {"hash": "f" * 64}, {"sequence": 9}, {"previous_hash": "f" * 64}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_the_database_refuses_a_change(change: dict[str, object]) -> None:
    done(1)
    seal_records()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditRecord.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditRecord.objects.all().delete()


def test_a_record_that_is_not_sealed_yet_cannot_be_changed_either() -> None:
    done(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditRecord.objects.update(sentence="Nothing.")


def test_a_person_can_be_removed_and_the_chain_holds() -> None:
    person = User.objects.create_user("gone@example.test", "a long password")
    record(tenant_id=None, actor=person, action="test.done", obj=person, sentence="Was here.")
    seal_records()
    person.delete()

    left = AuditRecord.objects.get(action="test.done")
    assert (left.actor, left.actor_name) == (None, "gone@example.test")
    assert verify_chain().holds


@pytest.mark.parametrize(
    ("sql", "broken_at", "reason"),
    [
        ("UPDATE people_auditrecord SET sentence = 'Nothing.' WHERE sequence = 2", 2, "the record was changed"),
        ("DELETE FROM people_auditrecord WHERE sequence = 2", 2, "a record is missing"),
        ("UPDATE people_auditrecord SET after = '{}' WHERE sequence = 3", 3, "the record was changed"),
        ("UPDATE people_auditrecord SET created_at = now() WHERE sequence = 1", 1, "the record was changed"),
    ],
    ids=["changed", "deleted", "after", "time"],
)
def test_who_gets_round_the_trigger_breaks_the_chain(sql: str, broken_at: int, reason: str) -> None:
    for number in range(4):
        done(number, after={"amount": "1.00"})
    seal_records()
    with without_trigger(), connection.cursor() as cursor:
        cursor.execute(sql)

    verdict = verify_chain()
    assert (verdict.holds, verdict.broken_at, verdict.reason) == (False, broken_at, reason)


def test_a_forged_record_with_a_right_hash_of_its_own_breaks_the_next() -> None:
    for number in range(3):
        done(number)
    seal_records()
    forged = AuditRecord.objects.get(sequence=2)
    forged.sentence = "Nothing."
    with without_trigger(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_auditrecord SET sentence = %s, hash = %s WHERE sequence = 2",
            [forged.sentence, hash_of(forged, forged.previous_hash)],
        )

    assert verify_chain().broken_at == 3


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcé", max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=JSON, after=JSON)
def test_whatever_was_recorded_verifies_after_the_database_stored_it(before: object, after: object) -> None:
    done(1, before={"value": before}, after={"value": after})
    seal_records()
    assert verify_chain().holds


@pytest.mark.django_db(transaction=True)
def test_many_writers_and_sealers_make_one_chain() -> None:
    def work(number: int) -> None:
        try:
            for step in range(5):
                done(number * 10 + step)
                seal_records()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    seal_records()

    verdict = verify_chain()
    assert (verdict.holds, verdict.checked, verdict.unsealed) == (True, 20, 0)


@pytest.mark.django_db(transaction=True)
def test_a_record_that_was_rolled_back_leaves_no_gap() -> None:
    done(1)
    with pytest.raises(RuntimeError), transaction.atomic():
        done(2)
        raise RuntimeError
    done(3)
    seal_records()

    assert verify_chain().checked == 2
