"""Secrets in the database: sealed with this installation's keyring, for one place."""

from __future__ import annotations

import pytest

from nostro.keys.envelope import WrongContextError, value_context
from nostro.web.secrets import keyring, open_sealed, seal


@pytest.fixture(autouse=True)
def _own_keys(settings, tmp_path):
    settings.DATA_DIRECTORY = tmp_path
    keyring.cache_clear()
    yield
    keyring.cache_clear()


def test_a_secret_opens_in_its_place_only():
    place = value_context("connection", "secret_id", "1")
    sealed = seal("nsk_secret", context=place)
    assert b"nsk_secret" not in sealed
    assert open_sealed(memoryview(sealed), context=place) == b"nsk_secret"
    with pytest.raises(WrongContextError):
        open_sealed(sealed, context=value_context("connection", "secret_id", "2"))


def test_the_key_outlives_the_process_and_is_for_its_owner_only(tmp_path):
    sealed = seal(b"raw", context="a")
    keyring.cache_clear()
    assert open_sealed(sealed, context="a") == b"raw"
    assert ((tmp_path / "master-keys").stat().st_mode & 0o777) == 0o600
