"""Pairing of two multisets of rows, shared by both halves.

Banks list the same payment twice because it was made twice. So rows are never compared with a set, which
would lose the second one, but paired: equal rows are counted and each row is used once. A caller runs several
passes, the surest evidence first; what a pass paired is gone for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

Incoming = TypeVar("Incoming")
Stored = TypeVar("Stored")


class Pairing(Generic[Incoming, Stored]):
    """Which incoming row is which stored row. Linear in the number of rows, whatever the order they come in.

    ``incoming_order`` and ``stored_order`` decide who pairs with whom among rows with one key, k-th with
    k-th; they must not depend on the position of a row, or another page split would give another result.
    """

    def __init__(
        self,
        incoming: Sequence[Incoming],
        stored: Sequence[Stored],
        *,
        incoming_order: Callable[[Incoming], Any],
        stored_order: Callable[[Stored], Any],
    ) -> None:
        self.incoming = incoming
        self.stored = stored
        self.partners: list[int | None] = [None] * len(incoming)
        self._incoming_order = incoming_order
        self._stored_order = stored_order
        self._free_incoming = list(range(len(incoming)))
        self._free_stored = list(range(len(stored)))
        self._used_stored = bytearray(len(stored))

    @property
    def unpaired_incoming(self) -> list[Incoming]:
        return [self.incoming[index] for index in self._free_incoming]

    @property
    def unpaired_stored(self) -> list[Stored]:
        return [self.stored[index] for index in self._free_stored]

    def pair(
        self,
        incoming_key: Callable[[Incoming], Hashable | None],
        stored_key: Callable[[Stored], Hashable | None],
        only_if: Callable[[list[Incoming], list[Stored]], bool] | None = None,
    ) -> None:
        """One pass: pair rows with equal keys; rows whose key is ``None`` take no part.

        ``only_if`` sees all rows of one key on both sides and may refuse to pair them.
        """
        if not self._free_incoming or not self._free_stored:
            return
        incoming_groups = _group(self.incoming, self._free_incoming, incoming_key)
        stored_groups = _group(self.stored, self._free_stored, stored_key)
        for key, incoming_group in incoming_groups.items():
            stored_group = stored_groups.get(key)
            if stored_group is None:
                continue
            if only_if is None or only_if(
                [self.incoming[index] for index in incoming_group],
                [self.stored[index] for index in stored_group],
            ):
                self._pair_groups(incoming_group, stored_group)
        self._free_incoming = [index for index in self._free_incoming if self.partners[index] is None]
        self._free_stored = [index for index in self._free_stored if not self._used_stored[index]]

    def _pair_groups(self, incoming_group: list[int], stored_group: list[int]) -> None:
        if len(incoming_group) > 1:
            incoming_group.sort(key=lambda index: self._incoming_order(self.incoming[index]))
        if len(stored_group) > 1:
            stored_group.sort(key=lambda index: self._stored_order(self.stored[index]))
        for incoming_index, stored_index in zip(incoming_group, stored_group, strict=False):
            self.partners[incoming_index] = stored_index
            self._used_stored[stored_index] = 1


def _group(
    rows: Sequence[Any], indexes: list[int], key_of: Callable[[Any], Hashable | None]
) -> dict[Hashable, list[int]]:
    groups: dict[Hashable, list[int]] = {}
    for index in indexes:
        key = key_of(rows[index])
        if key is None:
            continue
        if key in groups:
            groups[key].append(index)
        else:
            groups[key] = [index]
    return groups
