"""Pages of web are tested without those of the two halves."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _alone(settings) -> None:
    settings.ROOT_URLCONF = "nostro.web.shared_urls"
