"""Errors that a person or a program is told (DESIGN.md section 5).

Rooms raise these; pages and APIs translate them. Every one says what happened, why, and what to do next, and has a
code. The correlation id is added where the answer is made.
"""

from __future__ import annotations


class Problem(Exception):
    """Something a person can understand and usually mend.

    ``what`` and ``what_to_do`` are whole sentences; ``code`` is stable and in camelCase; ``field`` names the input
    that was wrong, if one was. ``status`` is the HTTP status of the answer.
    """

    status = 400

    def __init__(self, what: str, *, why: str = "", what_to_do: str = "", code: str, field: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.what_to_do = what_to_do
        self.code = code
        self.field = field


class NotFound(Problem):
    """The object does not exist, or it belongs to somebody else: the answer is the same for both."""

    status = 404

    def __init__(self, resource: str) -> None:
        super().__init__(
            f"This {resource} does not exist, or you may not see it.",
            what_to_do="Check the address, or ask the owner for access.",
            code="resourceNotFound",
        )
        self.resource = resource


class Forbidden(Problem):
    """The person belongs here but their role does not allow this."""

    status = 403

    def __init__(self, what: str = "Your role does not allow this.") -> None:
        super().__init__(what, what_to_do="Ask an owner or an administrator.", code="forbidden")
