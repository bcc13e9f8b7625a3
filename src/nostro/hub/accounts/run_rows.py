"""What one run did, row by row: for the page that answers "what was new, changed, gone, and what was left out?"."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from nostro.hub.accounts.models import PendingTransaction, RawAnswer, Transaction, TransactionChange
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import require_role
from nostro.people.models import User
from nostro.web.errors import NotFound

#: Rows of one kind that are listed; a first import has too many to read.
MAX_ROWS = 200


def created_by(run_id: uuid.UUID) -> list[Transaction]:
    """The booked rows that a run added, newest first; at most 200."""
    found = Transaction.objects.filter(created_by_synchronization=run_id)
    return list(found.order_by("-sequence")[:MAX_ROWS])


def pending_created_by(account_id: uuid.UUID, run_id: uuid.UUID) -> list[PendingTransaction]:
    """The pending rows that a run added and that are still kept, newest first; at most 200."""
    found = PendingTransaction.objects.filter(account_id=account_id, created_by_synchronization=run_id)
    return list(found.order_by("-sequence")[:MAX_ROWS])


def changes_by(run_id: uuid.UUID) -> list[TransactionChange]:
    """What a run changed, removed and brought back, each with its transaction, in order; at most 200."""
    found = TransactionChange.objects.select_related("transaction").filter(synchronization_id=run_id)
    return list(found.order_by("id")[:MAX_ROWS])


def answers_of(run_id: uuid.UUID) -> Sequence[RawAnswer]:
    """The bank's answers that a run stored and that are still kept, without their bodies; at most 200."""
    found = RawAnswer.objects.filter(synchronization_id=run_id).defer("sealed_body")
    return list(found.order_by("kind", "page_number")[:MAX_ROWS])


def access_raw_answer(user: User, answer_id: uuid.UUID) -> RawAnswer:
    """One answer of a bank as it came, for administrators of its organization. Raises NotFound for strangers."""
    found = RawAnswer.objects.select_related("account__organization", "organization").filter(pk=answer_id).first()
    if found is None:
        raise NotFound("answer")
    require_role(user, found.organization_id, Role.ADMIN, "answer")
    return found


def raw_answer_id(transaction: Transaction) -> uuid.UUID | None:
    """The id of the answer that a transaction was read from, if it is still kept."""
    if transaction.raw_answer_id is None:
        return None
    return RawAnswer.objects.filter(id=transaction.raw_answer_id).values_list("id", flat=True).first()
