"""Do books and bank agree, and if not, since when and why? (books.md 13.3)"""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from nostro.books.journals.explaining import explain
from nostro.books.pages.journals import access
from nostro.books.pages.shell import show
from nostro.books.pages.states import amount_text, journal_title, proof_state


@login_required
def proof(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """The balance proof as a sum, where it begins to fail, and the lines by which ledger and bank differ."""
    journal = access(request, journal_id)
    found = explain(journal)
    expected, difference = found.proof.expected, found.proof.difference
    return show(
        request,
        "proof.html",
        journal=journal,
        title=journal_title(journal),
        state=proof_state(found.proof.verdict, None if difference is None else -difference, journal.currency),
        proof=found.proof,
        movements=None if expected is None else expected - journal.opening_amount,
        gap=found.gap,
        suspects=found.suspects,
        clues=found.clues,
        since=found.gap.after + dt.timedelta(days=1) if found.gap and found.gap.after else journal.opening_date,
        missing=_("A transaction of %(amount)s that is not in the books would explain it.")
        % {"amount": amount_text(found.gap.difference, journal.currency)}
        if found.gap
        else "",
        effects=found.effects,
        effects_total=found.effects_total,
        unexplained=None if difference is None else -difference,
        apart=None if difference is None else found.effects_total - difference,
        room="dashboard",
    )
