"""One attempt of one delivery (hub-api.md section 10): taken, sent outside any transaction, noted.

At least once: a worker that dies between sending and noting leaves the delivery taken for two minutes, then another
worker sends it again; receivers know it by ``data.id``.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction

from nostro.http.door import Answer, Door, DoorSettings
from nostro.http.errors import DoorError
from nostro.hub.webhooks.models import Attempt, Delivery, Endpoint
from nostro.hub.webhooks.signing import sign, signing_key

#: Waiting before each attempt, in seconds: ten attempts, about 75 hours, each with up to 20 % more.
WAITS_S = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.2
TIMEOUT_S = 15.0
MAX_ANSWER_BYTES = 256 * 1024
KEPT_CHARACTERS = 2_000
#: How long a delivery belongs to the worker that took it.
TAKEN_FOR = timedelta(minutes=2)
SILENT_AFTER = timedelta(days=5)
#: A receiver may ask for more patience than the schedule has, but not for ever.
MAX_RETRY_AFTER_S = 86_400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back: a status, or none and the reason."""

    status: int | None
    response: str = ""
    error: str = ""
    retry_after_s: int = 0

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def attempt(
    delivery_id: uuid.UUID,
    *,
    clock: Callable[[], datetime],
    randomness: random.Random,
    door: Door | None = None,
) -> Delivery | None:
    """Make the next attempt if it is due; None when there is nothing to do. Queues the attempt after it."""
    delivery = _take(delivery_id, clock())
    if delivery is None:
        return None
    body, now = bytes(delivery.body), clock()
    signature = sign(
        body,
        key=signing_key(now),
        audience=delivery.endpoint.integration.client_id,
        issuer=settings.PUBLIC_URL,
        now=now,
    )
    begin = time.monotonic()
    outcome = _send(door or _process_door(), delivery.endpoint.url, body, signature, str(delivery.id))
    duration_ms = round((time.monotonic() - begin) * 1000)
    with transaction.atomic():
        Attempt.objects.create(
            delivery=delivery, number=delivery.attempt_count, at=now, url=delivery.endpoint.url,
            signature=signature, status=outcome.status, response=outcome.response, error=outcome.error,
            duration_ms=duration_ms,
        )  # fmt: skip
        _note(delivery, outcome, clock(), randomness)
    return delivery


def _take(delivery_id: uuid.UUID, now: datetime) -> Delivery | None:
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("endpoint__integration")
            .filter(id=delivery_id, status="pending", next_attempt_at__lte=now)
            .first()
        )
        if delivery is None:
            return None
        if not delivery.endpoint.is_active:
            delivery.status, delivery.next_attempt_at, delivery.finished_at = "dropped", None, now
            delivery.save(update_fields=["status", "next_attempt_at", "finished_at"])
            return None
        delivery.attempt_count += 1
        delivery.next_attempt_at = now + TAKEN_FOR
        delivery.save(update_fields=["attempt_count", "next_attempt_at"])
        return delivery


def _send(door: Door, url: str, body: bytes, signature: str, request_id: str) -> Outcome:
    headers = {"Content-Type": "application/json", "Signature": signature}
    try:
        answer = door.request("POST", url, request_id=request_id, headers=headers, content=body)
    except DoorError as error:
        return Outcome(None, error=error.reason)
    return Outcome(answer.status, _excerpt(answer), retry_after_s=_retry_after(answer))


def _excerpt(answer: Answer) -> str:
    # NUL is the one character that PostgreSQL's text cannot hold.
    return answer.body[: KEPT_CHARACTERS * 4].decode("utf-8", "replace").replace("\x00", "\ufffd")[:KEPT_CHARACTERS]


def _retry_after(answer: Answer) -> int:
    text = answer.headers.get("retry-after", "").strip()
    if answer.status not in {429, 503} or not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:9]), MAX_RETRY_AFTER_S)


def _note(delivery: Delivery, outcome: Outcome, now: datetime, randomness: random.Random) -> None:
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(id=delivery.endpoint_id)
    delivery.next_attempt_at = None
    if outcome.succeeded:
        delivery.status, delivery.finished_at = "delivered", now
        endpoint.last_success_at, endpoint.failing_since = now, None
    else:
        endpoint.failing_since = endpoint.failing_since or now
        _pause_where_due(endpoint, outcome, now)
        if delivery.attempt_count < len(WAITS_S) and endpoint.is_active:
            delivery.next_attempt_at = now + next_wait(delivery.attempt_count, outcome.retry_after_s, randomness)
        else:
            delivery.status, delivery.finished_at = ("failed" if endpoint.is_active else "dropped"), now
    delivery.save(update_fields=["status", "next_attempt_at", "finished_at"])
    endpoint.save(update_fields=["last_success_at", "failing_since", "is_active", "paused_because"])
    if delivery.next_attempt_at is not None:
        _queue(delivery)


def next_wait(attempts_made: int, retry_after_s: int, randomness: random.Random) -> timedelta:
    """Time until the next attempt: the schedule's with jitter, but at least what the receiver asked for."""
    planned = WAITS_S[attempts_made] * (1 + randomness.random() * JITTER)
    return timedelta(seconds=max(planned, retry_after_s))


def _pause_where_due(endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
    silent_since = endpoint.last_success_at or endpoint.failing_since or now
    if outcome.status == 410:
        endpoint.is_active, endpoint.paused_because = False, "gone"
    elif endpoint.is_active and endpoint.failing_since and now - max(silent_since, endpoint.created_at) > SILENT_AFTER:
        endpoint.is_active, endpoint.paused_because = False, "silent"
    if not endpoint.is_active and endpoint.paused_because:
        from nostro.hub.webhooks.tasks import tell_owners

        tell_owners.defer(endpoint_id=str(endpoint.id))


def _queue(delivery: Delivery) -> None:
    from nostro.hub.webhooks.tasks import deliver

    assert delivery.next_attempt_at is not None
    deliver.configure(schedule_at=delivery.next_attempt_at).defer(delivery_id=str(delivery.id))


def _process_door() -> Door:
    return _door(settings.OUTGOING_ALLOW_PRIVATE, settings.OUTGOING_ALLOW_LOOPBACK)


@lru_cache(maxsize=4)
def _door(allow_private: bool, allow_loopback: bool) -> Door:
    # Addresses are checked when the connection is made, so a name that changes its address gains nothing.
    return Door(
        DoorSettings(
            allow_private=allow_private,
            allow_loopback_http=allow_loopback,
            read_timeout_s=TIMEOUT_S,
            total_timeout_s=TIMEOUT_S,
            max_body_bytes=MAX_ANSWER_BYTES,
            user_agent="Nostro-Webhooks",
        )
    )
