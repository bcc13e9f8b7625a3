"""Where master keys come from."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nostro.keys import EnvironmentKeySource, FileKeySource, KeySourceError, load_keyring

SECRET = base64.b64encode(b"S" * 32).decode()
OTHER = base64.b64encode(b"T" * 32).decode()


def test_the_file_is_made_on_first_use_for_its_owner_only(tmp_path: Path) -> None:
    source = FileKeySource(tmp_path / "new" / "data")
    key_ids = [key.key_id for key in source.load()]
    assert len(key_ids) == 1
    assert stat.S_IMODE(source.path.stat().st_mode) == 0o600
    assert os.listdir(source.path.parent) == ["master-keys"]
    assert [key.key_id for key in source.load()] == key_ids


def test_of_processes_that_start_at_once_one_key_counts(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: FileKeySource(tmp_path).load()[0].key_id, range(24)))
    assert len(ids) == 1
    assert os.listdir(tmp_path) == ["master-keys"]


def test_values_survive_a_restart_and_a_new_key(tmp_path: Path) -> None:
    sealed = load_keyring(tmp_path, {}).seal("secret", context="c")
    new_id = FileKeySource(tmp_path).add_key()
    keys = load_keyring(tmp_path, {})
    assert keys.newest_key_id == new_id
    assert keys.needs_rotation(sealed)
    assert keys.open_text(sealed, context="c") == "secret"
    assert stat.S_IMODE((tmp_path / "master-keys").stat().st_mode) == 0o600


def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    source = FileKeySource(tmp_path)
    source.load()
    source.path.chmod(0o644)
    with pytest.raises(KeySourceError, match="chmod 600"):
        source.load()


def test_the_environment_wins_and_its_first_key_is_the_newest(tmp_path: Path) -> None:
    keys = load_keyring(tmp_path, {"NOSTRO_MASTER_KEYS": f"new:{SECRET},\n old:{OTHER}"})
    assert keys.newest_key_id == "new"
    assert repr(keys) == "Keyring(new, old)"
    assert os.listdir(tmp_path) == []


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(KeySourceError, match="NOSTRO_MASTER_KEYS is not set"):
        EnvironmentKeySource({}).load()


@pytest.mark.parametrize("entry", [SECRET, f"a:{SECRET[:-8]}", "a:***", f"bad id!:{SECRET}", f"ok:{OTHER},{SECRET}"])
def test_malformed_keys_are_refused_without_showing_them(entry: str) -> None:
    with pytest.raises(KeySourceError) as caught:
        EnvironmentKeySource({"NOSTRO_MASTER_KEYS": entry}).load()
    assert "NOSTRO_MASTER_KEYS" in str(caught.value)
    assert SECRET[:8] not in repr(caught.value)
    assert caught.value.__cause__ is None
