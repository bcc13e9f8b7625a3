"""The outbox (hub-api.md section 10)."""

from __future__ import annotations

import pytest
from django.db import transaction
from tests.hub.accounts.factories import NOW, make_organization

from nostro.hub.events.models import Event
from nostro.hub.events.services import EVENT_TYPES, record_event

pytestmark = pytest.mark.django_db


def test_there_are_the_documented_15_types_and_no_other():
    assert len(EVENT_TYPES) == 15
    with pytest.raises(ValueError, match=r"synchronization\.succeeded"):
        record_event(make_organization().pk, "synchronization.succeeded", now=NOW)


def test_an_event_disappears_with_the_change_it_tells_about():
    organization = make_organization()
    with transaction.atomic():
        record_event(organization.pk, "account.transactionsCreated", attributes={"count": 3}, now=NOW)
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    record_event(organization.pk, "account.transactionsCreated", attributes={"count": 3}, now=NOW)
    assert Event.objects.get().attributes == {"count": 3}
