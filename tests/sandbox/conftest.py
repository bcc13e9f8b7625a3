"""A sandbox bank with a virtual clock for each test. The histories are written once and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.sandbox.customer import Customer

from nostro.sandbox.server import create_application


@pytest.fixture(scope="session")
def furnished_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of seed 42 on the first day of the virtual clock, closed again."""
    directory = tmp_path_factory.mktemp("bank")
    create_application(directory, 42, "virtual").close()
    return directory


@pytest.fixture
def customer(furnished_directory: Path, tmp_path: Path) -> Customer:
    """Someone who reads from a bank of their own."""
    directory = tmp_path / "bank"
    shutil.copytree(furnished_directory, directory)
    return Customer(create_application(directory, 42, "virtual", control_token="control"))
