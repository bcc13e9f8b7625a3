"""What people do to their own sign-in goes into their trail. Connected by the app when it is ready."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.dispatch import Signal
from django.http import HttpRequest

from nostro.people import audit
from nostro.people.models import User

#: Stable word and sentence per signal of allauth.
SENTENCES: list[tuple[Signal, str, str]] = [
    (account.user_signed_up, "person.signed_up", "Signed up."),
    (account.user_logged_in, "person.signed_in", "Signed in."),
    (account.email_confirmed, "person.email_confirmed", "Confirmed an e-mail address."),
    (account.password_changed, "person.password_changed", "Changed the password."),
    (account.password_set, "person.password_set", "Set a password."),
    (account.password_reset, "person.password_reset", "Set a new password with a link sent by mail."),
    (account.email_added, "person.email_added", "Added an e-mail address."),
    (account.email_removed, "person.email_removed", "Removed an e-mail address."),
    (mfa.authenticator_added, "person.second_step_added", "Added a second step to the sign-in."),
    (mfa.authenticator_removed, "person.second_step_removed", "Removed a second step from the sign-in."),
    (mfa.authenticator_reset, "person.recovery_codes_made", "Made new recovery codes."),
]


def connect() -> None:
    """Subscribe to every signal of the table, once."""
    for signal, action, sentence in SENTENCES:
        signal.connect(_recorder(action, sentence), weak=False, dispatch_uid=action)


def _recorder(action: str, sentence: str) -> Any:
    def receive(request: HttpRequest | None = None, user: User | None = None, **given: Any) -> None:
        person = user or getattr(given.get("email_address"), "user", None)
        audit.record(tenant_id=None, actor=person, action=action, obj=person, sentence=sentence)

    return receive
