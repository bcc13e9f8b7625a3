"""What the page of an authorisation shows: the bank's address, or what the bank says while it has not decided.

It is kept, sealed, in the shared cache for as long as the step may be taken, because only the connector's own memory
is stored with the authorisation (connectors.md 1.3).
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass

from django.core.cache import cache
from django.utils.translation import gettext as _

from nostro.connectors.contract import AuthorisationStep, Decoupled, Failed, Finished, Redirect
from nostro.hub.linking.models import Authorisation
from nostro.web.errors import Problem
from nostro.web.secrets import open_sealed, seal

LIFETIME_S = 1800
#: Each poll is a step of the authorisation, and linking ends one after 30 steps: five minutes have room for 20 polls.
MIN_POLL_S = 15
MAX_POLL_S = 120


@dataclass(frozen=True)
class ShownStep:
    """``url`` leads to the bank; without it ``message`` says what the bank waits for, asked again every ``poll_s``."""

    url: str = ""
    message: str = ""
    poll_s: int = MIN_POLL_S


def keep_step(authorisation: Authorisation, step: AuthorisationStep) -> None:
    """Keep what the next page shows. Raises Problem ``stepNotSupported`` for a step without a page."""
    if isinstance(step, Finished | Failed):
        return
    if isinstance(step, Redirect):
        shown = ShownStep(url=step.url)
    elif isinstance(step, Decoupled):
        shown = ShownStep(message=step.psu_message, poll_s=min(max(int(step.poll_after_s), MIN_POLL_S), MAX_POLL_S))
    else:
        raise Problem(
            _("This bank asks for a step that these pages do not know yet."),
            why=_("It does not send you to its own site, but wants a code or a choice."),
            what_to_do=_("Nothing was linked. Choose another bank, or ask the operator of this Hub."),
            code="stepNotSupported",
        )
    name = _name(authorisation)
    cache.set(name, seal(json.dumps(asdict(shown)), context=name), LIFETIME_S)


def kept_step(authorisation: Authorisation, now: dt.datetime) -> ShownStep | None:
    """What is to be done at the bank now; None when nothing is, or when the time for it has run out."""
    if authorisation.status not in {"open", "working"} or authorisation.expires_at <= now:
        return None
    shown = _kept(authorisation)
    if authorisation.status == "open" and authorisation.step != "Decoupled":
        return shown if shown and shown.url else None
    return shown if shown and not shown.url else ShownStep(message=_("The bank is being asked."))


def _kept(authorisation: Authorisation) -> ShownStep | None:
    name = _name(authorisation)
    sealed = cache.get(name)
    return ShownStep(**json.loads(open_sealed(sealed, context=name))) if sealed else None


def _name(authorisation: Authorisation) -> str:
    return f"bank-step:{authorisation.id}"
