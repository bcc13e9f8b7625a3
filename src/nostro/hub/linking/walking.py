"""Taking one step of a walk: who may, and what follows from what the bank says (connectors.md 1.3).

The bank is never asked while a transaction is open. Where it cannot be asked, the walk stays open for the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from nostro.connectors.contract import Failed, Finished, PsuInput
from nostro.connectors.errors import ConnectorError, ProtocolError, TokenExpired
from nostro.hub.linking import problems
from nostro.hub.linking.models import Walk
from nostro.hub.linking.outcomes import bank_problem
from nostro.hub.linking.shown import PendingStep, shown_step
from nostro.hub.linking.states import MAX_STEPS, MIN_BETWEEN_POLLS, claim, is_open, put_state

Step = TypeVar("Step")

#: After these the same question may be asked again, so the walk stays open.
_MAY_ASK_AGAIN = ("bank_down", "quota", "retryable", "bug")


def require_open(walk: Walk, now: datetime) -> None:
    """Raises Problem ``stateInUse``, ``stateUsed``, ``stateCancelled``, ``stateExpired`` where no answer is awaited."""
    refusals = {"working": problems.in_use, "cancelled": problems.cancelled, "expired": problems.expired}
    if not is_open(walk, now):
        raise refusals.get(walk.status, problems.used)()


def asked_just_now(walk: Walk, answer: PsuInput, now: datetime) -> PendingStep | None:
    """The step to show again where a page asks faster than any bank wants; None where the bank is to be asked."""
    if answer.kind != "poll" or walk.asked_at is None or walk.asked_at <= now - MIN_BETWEEN_POLLS:
        return None
    return shown_step(walk)


def ask_bank(walk: Walk, now: datetime, ask: Callable[[Mapping[str, Any]], Step]) -> Step | Failed:
    """Take the connector's memory and let ``ask`` go on with it. Raises Problem ``stateInUse`` where somebody else was
    faster, or with the bank's code where the bank could not be asked: then the same answer may be given again."""
    state = claim(walk, now)
    if state is None:
        raise problems.in_use()
    try:
        step = ask(state)
    except ConnectorError as error:
        if error.category in _MAY_ASK_AGAIN and not isinstance(error, TokenExpired):
            put_state(walk, state)
            save_step(walk)
            raise bank_problem(error, "The bank could not be asked whether it agreed.") from error
        return Failed(error, may_retry=True)
    if walk.step_number >= MAX_STEPS and step is not None and not isinstance(step, Finished):
        return Failed(ProtocolError("The bank asks for one step after the other without an end."), may_retry=True)
    return step


def save_step(walk: Walk) -> None:
    """Open the row for the next answer. Raises Problem ``stateCancelled`` where it was ended meanwhile."""
    still_ours = type(walk)._base_manager.filter(pk=walk.pk, status="working", step_number=walk.step_number)
    kept = still_ours.update(
        status="open",
        step=walk.step,
        sealed_state=walk.sealed_state,
        sealed_shown=walk.sealed_shown,
        expires_at=walk.expires_at,
    )
    if not kept:
        raise problems.cancelled()
