"""The one door for outgoing requests."""

from nostro.http.door import Answer, Door, DoorSettings
from nostro.http.errors import DoorError, Refused, TimedOut, TooLarge, Unreachable

__all__ = ["Answer", "Door", "DoorError", "DoorSettings", "Refused", "TimedOut", "TooLarge", "Unreachable"]
