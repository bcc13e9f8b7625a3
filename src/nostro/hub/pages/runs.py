"""Runs of an account in words: what caused them, what they brought, and what went wrong with code and reference."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from nostro.core.quota import Allowed, Refused
from nostro.hub.pages.progress import outcome_sentence
from nostro.hub.sync.models import LATE_ROWS, Synchronization
from nostro.hub.sync.plans import AccountPlan

MAX_ERRORS = 5


@dataclass(frozen=True)
class RunError:
    """One error of a run. ``reference`` is the id that the bank's support and the log know."""

    what: str
    detail: str
    code: str
    reference: str


@dataclass(frozen=True)
class Plan:
    """When the account is read next by itself, and how many such readings the bank still allows."""

    next_run: dt.datetime | None
    is_due: bool
    paused: bool
    used: str
    next_place: str
    wide_next: bool
    runs_per_day: int


def activity_of(run: Synchronization) -> dict[str, object]:
    """A run as an item of the activity list, with the way to its page."""
    when: dt.datetime = run.finished_at or run.created_at
    address = reverse("hub:run", kwargs={"run_id": run.id})
    return {"when": when, "sentence": f"{trigger_of(run)}: {told_of(run)}", "tone": tone_of(run), "url": address}


def told_of(run: Synchronization) -> str:
    """The outcome of a run in one sentence."""
    if run.status == "error":
        return "; ".join(f"{error.what} ({error.code})" for error in errors_of(run)[:2]) or _("It did not succeed.")
    return outcome_sentence(run) if run.status == "success" else _("Under way.")


def tone_of(run: Synchronization) -> str:
    """Good, bad, or on its way; a run that left something out is not simply good."""
    if run.status == "success" and left_out(run):
        return "warn"
    return {"success": "good", "error": "bad"}.get(run.status, "act")


def left_out(run: Synchronization) -> list[str]:
    """What the run did not store, and why."""
    return [warning for warning in run.warnings if warning != LATE_ROWS]


def came_late(run: Synchronization) -> bool:
    """Whether the proof of this run accepted rows that an earlier balance counted before the bank listed them."""
    return run.status == "success" and LATE_ROWS in run.warnings


def late_sentence() -> str:
    """What late rows are, to a person who sees that the account adds up with them."""
    return _(
        "Some transactions came late: the bank counted them in an earlier balance before it listed them, and with them "
        "everything adds up."
    )


def errors_of(run: Synchronization | None) -> list[RunError]:
    """The errors of a run that failed; the newest run of an account shows them in full."""
    if run is None or run.status != "error":
        return []
    found: dict[tuple[str, str], RunError] = {}
    for item in run.errors[:MAX_ERRORS]:
        code, detail = str(item.get("code", "")), str(item.get("detail", ""))
        answer = item.get("meta", {}).get("financialInstitutionResponse", {})
        # Balances and transactions often fail for the same reason: it is told once.
        found.setdefault((code, detail), RunError(_what(code), detail, code, str(answer.get("requestId") or run.id)))
    return list(found.values())


def plan_of(plan: AccountPlan, now: dt.datetime) -> Plan:
    """What happens without anybody asking (connectors.md 1.11, 1.12)."""
    planned = plan.next_run_at
    return Plan(
        planned,
        planned is not None and planned <= now,
        plan.paused,
        *_quota_words(plan.places, now),
        plan.wide_next,
        plan.runs_per_day,
    )


def _quota_words(decision: Allowed | Refused | None, now: dt.datetime) -> tuple[str, str]:
    """``3 of 4 used`` and ``next place 14:05`` or ``tomorrow 14:05``; without a rule, that there is none."""
    if decision is None:
        return _("no limit"), ""
    used = _("%(used)s of %(limit)s used") % {"used": decision.used, "limit": decision.limit}
    if decision.next_place_at is None:
        return used, ""
    local = timezone.localtime(decision.next_place_at)
    if decision.next_place_at - now > dt.timedelta(hours=24):
        return used, _("next place %(when)s") % {"when": date_format(local, "j M, H:i")}
    when = {"when": date_format(local, "H:i")}
    if local.date() == timezone.localtime(now).date():
        return used, _("next place %(when)s") % when
    return used, _("next place tomorrow %(when)s") % when


def trigger_of(run: Synchronization) -> str:
    """Why a run was made."""
    words = {
        "link": _("First import"),
        "renewal": _("After renewal"),
        "person": _("Asked for here"),
        "integration": _("Asked for by an integration"),
        "schedule": _("By schedule"),
        "file": _("From a bank file"),
        "undo": _("Import of a bank file undone"),
    }
    return words.get(run.trigger, run.trigger)


def _what(code: str) -> str:
    """The codes of hub-api.md 6 in words."""
    words = {
        "authorizationExpired": _("The consent has ended"),
        "authorizationInvalid": _("The bank does not accept the consent any more"),
        "financialInstitutionUnavailable": _("The bank does not answer for now"),
        "financialInstitutionError": _("The bank answered with an error"),
        "accountUnavailable": _("The bank does not give this account"),
        "internalError": _("This Hub made a mistake"),
    }
    return words.get(code, _("It did not succeed"))
