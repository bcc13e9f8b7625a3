"""What can go wrong with an outgoing request.

Messages name the host only: paths, queries and bodies may hold secrets.
"""

# The names say what happened to the request; "Error" behind each would add nothing.

from __future__ import annotations


class DoorError(Exception):
    """Base of all errors of the door. ``reason`` is a plain sentence.

    ``request_sent`` is False only where certainly not one byte of the request left: the quota ledger then
    gives the place back (connectors.md 1.12).
    """

    def __init__(self, reason: str, *, request_sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.request_sent = request_sent


class Refused(DoorError):
    """Nostro itself refuses to send this: the address is not allowed or the request is malformed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, request_sent=False)


class Unreachable(DoorError):
    """No connection, no valid certificate, or a connection that broke."""


class TimedOut(DoorError):
    """The other side did not answer within the time limits."""


class TooLarge(DoorError):
    """The answer has more bytes than the limit; reading stopped there."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, request_sent=True)
