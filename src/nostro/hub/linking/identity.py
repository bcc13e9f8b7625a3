"""Is an account that a renewed consent brings a new one, or one known before under another number? (connectors.md 1.10)

Where owner, product and currency equal those of an account that the bank shows no longer, only the person can say.
The question is noted with the renewal and stays open until it is answered; the answer is kept for ever.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from nostro.core.account_keys import account_key
from nostro.core.transactions import Account as BankAccount
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.accounts.services import join_accounts
from nostro.hub.linking import problems
from nostro.hub.linking.models import Authorisation, Connection, IdentityDecision
from nostro.people.models import User

#: ``Account.health_code`` of an account that the renewed consent does not show.
NOT_IN_CONSENT = "accountNotInConsent"


@dataclass(frozen=True, slots=True)
class Question:
    """``account`` is new to Nostro; it may be the same as one of ``candidates``."""

    account: Account
    candidates: tuple[Account, ...]


def known_as(connection: Connection, shown: Sequence[BankAccount]) -> dict[str, Account]:
    """The accounts that people called the same as one of these, by the key that the bank gives now."""
    keys = [account_key(account, str(connection.institution_id)) for account in shown]
    decided = _decisions(connection).filter(account_key__in=keys, account__isnull=False)
    return {row.account_key: row.account for row in decided.select_related("account") if row.account is not None}


def account_keys(connection: Connection, shown: Sequence[BankAccount]) -> set[str]:
    """The keys under which the bank's accounts are stored. Raises ``AccountKeyError`` for one without any number."""
    decided = known_as(connection, shown)
    keys = (account_key(account, str(connection.institution_id)) for account in shown)
    return {decided[key].account_key if key in decided else key for key in keys}


def may_be_known(shown: Sequence[BankAccount], known: Sequence[Account]) -> bool:
    """Whether one of the bank's accounts may be one of the known ones under another number."""
    before = {(account.holder_name, account.product, account.currency) for account in known}
    return any(
        ((account.owner_name or "")[:200], (account.product or "")[:200], account.currency) in before
        for account in shown
    )


def note_questions(connection: Connection, brought: Collection[Account]) -> None:
    """Open a question for each account that a renewal brought for the first time and that may be known. Called within
    the renewal's transaction, when the accounts that are not shown any more are marked."""
    for account in brought:
        if _candidates(account):
            _decisions(connection).get_or_create(
                account_key=account.account_key,
                defaults={"organization_id": connection.organization_id, "is_sandbox": connection.is_sandbox},
            )


def open_questions(connection: Connection) -> list[Question]:
    """What the person is to be asked, in the order of the accounts."""
    asked = set(_decisions(connection).filter(account=None).values_list("account_key", flat=True))
    waiting = [account for account in accounts_of_connection(connection) if account.account_key in asked]
    questions = (Question(account, tuple(_candidates(account))) for account in waiting if not account.is_selected)
    return [question for question in questions if question.candidates]


def decide(
    connection: Connection, answers: Mapping[uuid.UUID, uuid.UUID | None], user: User, now: datetime
) -> dict[uuid.UUID, Account]:
    """Keep the answers: for each account that is asked about, None for a new one, or the account it is the same as.

    Returns the joined accounts by the id of the row they replace, which is gone. Called within a transaction. Raises
    Problem ``identityUndecided`` where an answer is missing or was not offered.
    """
    joined: dict[uuid.UUID, Account] = {}
    for question in open_questions(connection):
        account, answer = question.account, answers.get(question.account.pk, question.account.pk)
        same = next((each for each in question.candidates if each.pk == answer), None)
        if answer is not None and (same is None or same in joined.values()):
            raise problems.identity_undecided()
        if same is not None:
            join_accounts(same, account, now)
            joined[question.account.pk] = same
        _decisions(connection).filter(account_key=account.account_key).update(
            account=same or account, decided_by=user, decided_at=now
        )
    return joined


def _candidates(account: Account) -> list[Account]:
    """Accounts of the same connection that the bank shows no longer, with the same owner, product and currency."""
    missing = Account.objects.filter(
        connection_id=account.connection_id,
        removed_at=None,
        is_selected=True,
        health_code=NOT_IN_CONSENT,
        holder_name=account.holder_name,
        product=account.product,
        currency=account.currency,
    )
    return list(missing.exclude(pk=account.pk).select_related("institution").order_by("linked_at", "id"))


def _decisions(connection: Connection) -> QuerySet[IdentityDecision]:
    return IdentityDecision.objects.filter(organization_id=connection.organization_id, is_sandbox=connection.is_sandbox)


def renewal_questions(authorisation: Authorisation) -> list[Question]:
    """The open questions of a renewal; a first link has none."""
    return open_questions(authorisation.connection) if authorisation.purpose == "renew" else []
