"""Noise (formats.md 11): whatever the bytes, only problems and ``FormatError`` come out."""

from __future__ import annotations

import random

import pytest
from tests.formats.corpus import HINTS, attempt, corpus, mutated
from tests.formats.samples import reading

from nostro.formats import survey
from nostro.formats.registry import READERS

FILES = corpus()
SEEDS = 200


def test_every_reader_has_a_file() -> None:
    assert FILES.keys() == READERS.keys()


@pytest.mark.parametrize("form", sorted(READERS))
def test_the_files_are_right(form: str) -> None:
    assert survey([FILES[form]]).format == form
    found = reading(FILES[form], HINTS)
    assert len(found.rows) >= 2 and not found.quarantined


@pytest.mark.parametrize("form", sorted(READERS))
def test_noise_ends_in_problems_and_nothing_else(form: str) -> None:
    others = list(FILES.values())
    for seed in range(SEEDS):
        chance = random.Random(seed)
        data = mutated(FILES[form], chance, chance.choice(others))
        try:
            attempt(form, data, is_named=seed % 2 == 0)
        except Exception as error:
            raise AssertionError(f"seed {seed} of {form}") from error
