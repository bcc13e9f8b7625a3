"""The request log writes COPY's text format itself: whatever a program sends comes back as it was sent."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import factories

from nostro.hub.integrations.models import LoggedRequest
from nostro.hub.integrations.request_log import Entry, write

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
TRICKY = st.sampled_from(["\\N", "\\.", "\\.\n", "a\tb", "a\r\nb", "\\t", "\\\\", "", "\u2028", "é"])


@given(target=TEXTS | TRICKY, sent=TEXTS | TRICKY, received=TEXTS | TRICKY)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.django_db
def test_any_text_comes_back(target: str, sent: str, received: str) -> None:
    request_id = str(uuid.uuid4())
    given_ids = (uuid.uuid4(), uuid.uuid4())
    entry = Entry(*given_ids, factories.NOW, "GET", target, 200, request_id, 1_234, sent, received)
    write([entry, entry])
    rows = list(LoggedRequest.objects.filter(request_id=request_id))
    assert len(rows) == 2
    for row in rows:
        assert (row.target, row.request_body, row.response_body) == (target, sent, received)
        assert (row.organization_id, row.integration_id, row.at, row.duration_us) == (*given_ids, factories.NOW, 1_234)


@pytest.mark.django_db
def test_nothing_is_written_for_nothing() -> None:
    write([])
    assert not LoggedRequest.objects.exists()
