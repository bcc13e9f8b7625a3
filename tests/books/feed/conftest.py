"""A Hub that is reachable in process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.books.feed.hub import FeedHub, reachable


@pytest.fixture
def feed_hub() -> Iterator[FeedHub]:
    with reachable(FeedHub()) as hub:
        yield hub
