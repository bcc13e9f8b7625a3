"""``event_recorded``: sent with ``event``, in the transaction that recorded it. The room webhooks listens."""

from django.dispatch import Signal

event_recorded = Signal()
