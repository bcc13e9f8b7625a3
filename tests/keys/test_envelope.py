"""Sealing: what comes out goes back in, and nothing else does."""

import os
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.keys import (
    DamagedValueError,
    Keyring,
    LocalMasterKey,
    SealError,
    UnknownKeyError,
    WrongContextError,
    value_context,
)

CONTEXT = value_context("links_connection", "secret_id", "0193a1")


def ring(*ids: str) -> Keyring:
    return Keyring([LocalMasterKey(key_id, key_id.encode().ljust(32, b"-")) for key_id in ids])


@given(st.binary(max_size=5000), st.text(min_size=1, max_size=50))
def test_a_sealed_value_opens_again_in_its_context(plaintext: bytes, context: str) -> None:
    keys = ring("a")
    assert keys.open(keys.seal(plaintext, context=context), context=context) == plaintext


def test_text_is_sealed_as_utf8_and_a_database_memoryview_opens() -> None:
    keys = ring("a")
    sealed = keys.seal("Ünïcode ¥", context=CONTEXT)
    assert keys.open_text(memoryview(sealed), context=CONTEXT) == "Ünïcode ¥"


def test_equal_secrets_look_different_and_do_not_show() -> None:
    keys = ring("a")
    first, second = (keys.seal("the secret", context=CONTEXT) for _ in range(2))
    assert first != second
    assert b"the secret" not in first


def test_another_context_is_told_apart_from_damage() -> None:
    keys = ring("a")
    sealed = keys.seal("s", context=value_context("t", "c", 1))
    for other in (value_context("t", "c", 2), value_context("t", "d", 1), value_context("u", "c", 1)):
        with pytest.raises(WrongContextError, match="another table, column or row"):
            keys.open(sealed, context=other)


def test_contexts_with_the_same_letters_in_other_places_differ() -> None:
    assert value_context("ab", "c", 1) != value_context("a", "bc", 1)


def test_an_unknown_key_is_named() -> None:
    sealed = ring("old").seal("s", context=CONTEXT)
    with pytest.raises(UnknownKeyError, match="needs master key old; known keys: new"):
        ring("new").open(sealed, context=CONTEXT)


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    keys = ring("a")
    sealed = bytearray(keys.seal("s" * 20, context=CONTEXT))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((DamagedValueError, WrongContextError, UnknownKeyError)):
        keys.open(bytes(sealed), context=CONTEXT)


@given(st.integers(0, 90))
def test_any_cut_is_noticed(length: int) -> None:
    keys = ring("a")
    sealed = keys.seal("s" * 20, context=CONTEXT)
    with pytest.raises(DamagedValueError):
        keys.open(sealed[:length], context=CONTEXT)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_damaged_values(value: bytes) -> None:
    with pytest.raises((DamagedValueError, WrongContextError)):
        ring("a").open(value, context=CONTEXT)


def test_a_key_replaced_under_its_id_is_noticed() -> None:
    sealed = ring("a").seal("s", context=CONTEXT)
    with pytest.raises(DamagedValueError, match="replaced under the same id"):
        Keyring([LocalMasterKey("a", bytes(32))]).open(sealed, context=CONTEXT)


def test_rotation_old_values_open_and_move_to_the_newest_key() -> None:
    old, both, new = ring("a"), ring("b", "a"), ring("b")
    sealed = old.seal("s", context=CONTEXT)
    assert not old.needs_rotation(sealed)
    assert both.needs_rotation(sealed)
    rotated = both.rotate(sealed, context=CONTEXT)
    assert not both.needs_rotation(rotated)
    assert both.rotate(rotated, context=CONTEXT) == rotated
    assert new.open(rotated, context=CONTEXT) == b"s"


def test_a_kms_can_hold_the_master_key() -> None:
    class Kms:
        """Stands for a remote service: keeps the data keys and hands out tickets."""

        key_id = "kms-1"

        def __init__(self) -> None:
            self.store: dict[bytes, tuple[bytes, bytes]] = {}

        def wrap(self, data_key: bytes, associated_data: bytes) -> bytes:
            ticket = os.urandom(300)
            self.store[ticket] = (data_key, associated_data)
            return ticket

        def unwrap(self, wrapped: bytes, associated_data: bytes) -> bytes:
            data_key, expected = self.store[wrapped]
            assert associated_data == expected
            return data_key

    keys = Keyring([Kms()])
    assert keys.open(keys.seal("s", context=CONTEXT), context=CONTEXT) == b"s"


@pytest.mark.parametrize("keys", [[], [LocalMasterKey("a", bytes(32))] * 2])
def test_a_keyring_wants_distinct_keys(keys: Sequence[LocalMasterKey]) -> None:
    with pytest.raises(SealError):
        Keyring(keys)


@pytest.mark.parametrize(("key_id", "key"), [("", bytes(32)), ("a:b", bytes(32)), ("a", bytes(16))])
def test_malformed_master_keys_are_refused(key_id: str, key: bytes) -> None:
    with pytest.raises(SealError):
        LocalMasterKey(key_id, key)


def test_a_value_needs_a_context() -> None:
    with pytest.raises(SealError, match="context"):
        ring("a").seal("s", context="")


def test_no_secret_in_repr_or_messages() -> None:
    key = b"K" * 32
    keys = Keyring([LocalMasterKey("a", key)])
    sealed = keys.seal("TOP-SECRET", context=CONTEXT)
    shown = [repr(keys), repr(LocalMasterKey("a", key)), str(vars(keys))]
    for context, value in ((CONTEXT, sealed[:-1]), ("other", sealed), (CONTEXT, b"TOP-SECRET")):
        with pytest.raises(SealError) as caught:
            keys.open(value, context=context)
        shown.append(repr(caught.value))
    assert all("TOP-SECRET" not in text and "KKKK" not in text for text in shown)
