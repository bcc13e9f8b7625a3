"""Jobs of webhooks. The truth about a delivery is its row; a job is only the wish that somebody looks at it."""

from __future__ import annotations

import datetime as dt
import random
import uuid

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import members_of
from nostro.hub.webhooks import delivering, signing
from nostro.hub.webhooks.models import Delivery, Endpoint

#: The delivery log is kept this long.
KEPT = dt.timedelta(days=30)
_AT_ONCE = 1_000


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@app.task(name="webhooks.deliver", queue="webhooks")
def deliver(delivery_id: str) -> None:
    """Make one attempt. One that is not due, finished, or taken by another worker is left alone."""
    delivering.attempt(uuid.UUID(delivery_id), clock=_utc_now, randomness=random.SystemRandom())


@app.task(name="webhooks.tell_owners", queue="webhooks")
def tell_owners(endpoint_id: str) -> None:
    """Write to the owners of an organization that Nostro paused an endpoint."""
    endpoint = Endpoint.objects.select_related("organization", "integration").filter(id=endpoint_id).first()
    if endpoint is None or endpoint.is_active:
        return
    reason = {
        "gone": _("It answered 410 Gone."),
        "silent": _("It accepted nothing for five days."),
    }.get(endpoint.paused_because, "")
    owners = [m.user.email for m in members_of(endpoint.organization) if m.role == Role.OWNER and m.user.is_active]
    text = _(
        "Nostro no longer sends events to the software behind the integration “%(name)s”.\n\n%(reason)s "
        "Your accounts are synchronized as before. Once the software is mended, turn the webhook on again:\n%(link)s\n"
    ) % {
        "name": endpoint.integration.name,
        "reason": reason,
        "link": f"{settings.PUBLIC_URL}/hub/integrations/{endpoint.integration_id}/webhook/",
    }
    for owner in owners:
        send_mail(_("A webhook is paused"), text, None, [owner])


@app.periodic(cron="*/5 * * * *")
@app.task(name="webhooks.take_over", queueing_lock="webhooks.take_over")
def take_over_lost(timestamp: int) -> None:
    """Queue again what a killed worker left behind."""
    requeue_lost(_utc_now())


def requeue_lost(now: dt.datetime) -> int:
    """Queue deliveries that should have been attempted two minutes ago. Returns how many."""
    lost = Delivery.objects.filter(status="pending", next_attempt_at__lt=now - delivering.TAKEN_FOR)
    ids = list(lost.order_by("next_attempt_at").values_list("id", flat=True)[:_AT_ONCE])
    with transaction.atomic():
        for delivery_id in ids:
            deliver.defer(delivery_id=str(delivery_id))
    return len(ids)


@app.periodic(cron="11 3 * * *")
@app.task(name="webhooks.keep_house", queueing_lock="webhooks.keep_house")
def keep_house(timestamp: int) -> None:
    """Rotate keys and forget old deliveries."""
    now = _utc_now()
    signing.rotate(now)
    forget_old(now)


def forget_old(now: dt.datetime) -> int:
    """Delete finished deliveries, with their attempts, after 30 days. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=now - KEPT).exclude(status="pending").order_by("created_at")
    ids = list(old.values_list("id", flat=True)[: _AT_ONCE * 50])
    Delivery.objects.filter(id__in=ids).delete()
    return len(ids)
