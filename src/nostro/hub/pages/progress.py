"""What a run is doing, in words and real numbers, for the live parts of pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from nostro.hub.accounts.models import Account
from nostro.hub.sync.models import Synchronization
from nostro.hub.sync.queries import latest_synchronizations
from nostro.web.present import number_text


@dataclass(frozen=True)
class AccountProgress:
    """One account and its newest run. ``tone`` is one of the tones of the building blocks."""

    account: Account
    synchronization: Synchronization | None

    @property
    def is_running(self) -> bool:
        return self.synchronization is not None and self.synchronization.status in {"pending", "running"}

    @property
    def rows_read(self) -> int | None:
        """How many rows the run has read so far; None while it has not begun."""
        run = self.synchronization
        return run.rows_read if run is not None and run.status != "pending" else None

    @property
    def tone(self) -> str:
        if self.synchronization is None:
            return "quiet"
        return {"success": "good", "error": "bad"}.get(self.synchronization.status, "act")

    @property
    def word(self) -> str:
        if self.synchronization is None:
            return _("Not read yet")
        words = {"success": _("Complete"), "error": _("Not complete"), "pending": _("Waiting")}
        return words.get(self.synchronization.status, _("Reading"))

    @property
    def sentence(self) -> str:
        run = self.synchronization
        if run is None:
            return ""
        if run.status == "pending":
            return _("Waiting for its turn")
        if run.status == "running":
            return _("Transactions read so far")
        if run.status == "error":
            return " ".join(str(error.get("detail", "")) for error in run.errors[:2])
        return outcome_sentence(run)


def outcome_sentence(run: Synchronization) -> str:
    """What a finished run brought: never “nothing” without saying that it looked."""
    if not (run.created_count or run.updated_count or run.removed_count):
        return _("Nothing new; %(known)s known.") % {"known": _number(run.known_count)}
    new = ngettext("%(n)s new transaction", "%(n)s new transactions", run.created_count)
    parts = [
        *([new % {"n": _number(run.created_count)}] if run.created_count else []),
        *([_("%(n)s changed") % {"n": _number(run.updated_count)}] if run.updated_count else []),
        *([_("%(n)s withdrawn by the bank") % {"n": _number(run.removed_count)}] if run.removed_count else []),
    ]
    return ", ".join(parts) + "."


def _number(count: int) -> str:
    return number_text(count, get_language() or "en")


def progress_of(accounts: Sequence[Account]) -> list[AccountProgress]:
    """Each account with its newest run, in the order given."""
    latest = latest_synchronizations(accounts)
    return [AccountProgress(account, latest.get(account.id)) for account in accounts]
