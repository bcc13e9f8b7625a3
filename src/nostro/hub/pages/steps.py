"""The steps of an authorisation as pages: what each shows, and what the person's answer to it is."""

from __future__ import annotations

import base64
import datetime as dt
import html
import re
from collections.abc import Mapping

from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from nostro.connectors.contract import Challenge, Decoupled, NeedCredentials, PasteToken, PsuInput, SelectScaMethod
from nostro.hub.linking.models import Walk
from nostro.hub.linking.shown import PendingStep, shown_step
from nostro.hub.linking.states import is_open
from nostro.web.errors import Problem

#: How often a page that waits asks by itself (connectors.md 4.1: every 3 seconds).
MIN_POLL_S = 3
MAX_POLL_S = 120
MAX_ANSWER_LENGTH = 2_000

TEMPLATES = {
    "Redirect": "at_the_bank.html",
    "Decoupled": "waiting.html",
    "SelectScaMethod": "choose_method.html",
    "Challenge": "challenge.html",
    "NeedCredentials": "credentials.html",
    "PasteToken": "paste_token.html",
}


def present_step(walk: Walk, now: dt.datetime) -> PendingStep | None:
    """What is to be done now; None when nothing is, or when the time for it has run out."""
    if walk.status not in {"open", "working"} or walk.expires_at <= now:
        return None
    if not is_open(walk, now):
        return Decoupled(_("The bank is being asked."), MIN_POLL_S, walk.expires_at, {})
    return shown_step(walk)


def template_of(step: PendingStep | None) -> str:
    """The page of a step; without one, the page that says why nothing was linked."""
    return TEMPLATES[type(step).__name__] if step is not None else "not_linked.html"


def context_of(step: PendingStep | None) -> dict[str, object]:
    """What the page of this step needs besides the step itself."""
    if isinstance(step, Decoupled):
        return {"poll_s": min(max(int(step.poll_after_s), MIN_POLL_S), MAX_POLL_S)}
    if isinstance(step, Challenge):
        picture = base64.b64encode(step.image_png).decode() if step.image_png else ""
        # A bank's markup is hostile input: its words are kept, its tags are not.
        return {"picture": picture, "words": html.unescape(strip_tags(step.html)) if step.html else ""}
    return {}


def answer_of(step: PendingStep, given: Mapping[str, str]) -> PsuInput:
    """What the person typed or chose. Raises Problem ``answerMissing`` or ``answerInvalid`` with the field's name."""
    if isinstance(step, SelectScaMethod):
        chosen = _typed(given, "scaMethodId", _("Choose how you confirm."))
        if chosen not in {method.id for method in step.methods}:
            raise _invalid("scaMethodId", _("Choose one of the ways that the bank offers."))
        return PsuInput("scaMethodId", {"scaMethodId": chosen})
    if isinstance(step, Challenge):
        return PsuInput("scaAuthenticationData", {"scaAuthenticationData": _code(step, given)})
    if isinstance(step, NeedCredentials):
        values = {field.name: _typed(given, field.name, _("Fill in every field.")) for field in step.fields}
        for field in step.fields:
            _check_pattern(field.name, values[field.name], field.pattern)
        return PsuInput("credentials", values)
    if isinstance(step, PasteToken):
        token = _typed(given, "token", _("Paste the token.")).strip()
        _check_pattern("token", token, step.pattern)
        return PsuInput("token", {"token": token})
    return PsuInput("poll")


def _code(step: Challenge, given: Mapping[str, str]) -> str:
    code = re.sub(r"\s", "", _typed(given, "code", _("Type the code of your bank.")))
    if step.otp_format == "integer" and not (code.isascii() and code.isdigit()):
        raise _invalid("code", _("This bank's codes have digits only."))
    if step.otp_max_length and len(code) > step.otp_max_length:
        raise _invalid(
            "code", _("This bank's codes have at most %(count)s characters.") % {"count": step.otp_max_length}
        )
    return code


def _typed(given: Mapping[str, str], name: str, missing: str) -> str:
    value = given.get(name, "")
    if not value.strip():
        raise Problem(missing, code="answerMissing", field=name)
    if len(value) > MAX_ANSWER_LENGTH:
        raise _invalid(name, _("This is longer than anything the bank can have meant."))
    return value


def _check_pattern(name: str, value: str, pattern: str | None) -> None:
    if pattern and re.fullmatch(pattern, value) is None:
        raise _invalid(name, _("This does not look as the bank expects it."))


def _invalid(name: str, what: str) -> Problem:
    return Problem(
        what, why=_("Nothing was sent to the bank."), what_to_do=_("Correct it and send it again."),
        code="answerInvalid", field=name,
    )  # fmt: skip
