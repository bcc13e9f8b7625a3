"""Which account holds what is not explained yet (books.md 14.1): new journals take the one chosen here."""

from __future__ import annotations

from django.db import connection, transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.ledger.models import AccountKind, LedgerAccount, Purpose
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


def suspense_of(company: Company) -> LedgerAccount | None:
    """The company's suspense account, if one is chosen."""
    return LedgerAccount.objects.filter(company=company, purpose=Purpose.SUSPENSE).first()


def suspense_candidates(company: Company) -> list[LedgerAccount]:
    """Accounts that may become it: active ones of the balance sheet with no other purpose, in any currency."""
    accounts = LedgerAccount.objects.filter(company=company, active=True, currency="", reconcilable=False)
    allowed = [AccountKind.CURRENT_ASSET, AccountKind.CURRENT_LIABILITY]
    return list(accounts.filter(purpose__in=["", Purpose.SUSPENSE], kind__in=allowed).order_by("code"))


def is_of_a_journal(account: LedgerAccount) -> bool:
    """Whether bank lines are booked to it, as their bank account or to wait: then nothing else is (books.md I-3).

    Journals lie above the ledger, so their table is asked and not their model.
    """
    if account.purpose == Purpose.SUSPENSE:
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM journals_journal WHERE %s IN (bank_account_id, suspense_account_id))",
            [account.id],
        )
        return bool(cursor.fetchone()[0])


@transaction.atomic
def choose_suspense(user: User, company: Company, account: LedgerAccount) -> LedgerAccount:
    """New journals use ``account``; journals that exist keep theirs. Raises :class:`Problem` for an unfit account."""
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    if account not in suspense_candidates(company):
        raise Problem(
            "This account cannot hold unexplained bank lines.",
            why="It needs to be an active balance sheet account in any currency, without another purpose.",
            what_to_do="Choose another account.",
            code="accountUnfit",
            field="account",
        )
    if account.purpose == Purpose.SUSPENSE:
        return account
    LedgerAccount.objects.filter(company=company, purpose=Purpose.SUSPENSE).update(purpose="")
    account.purpose = Purpose.SUSPENSE
    account.save(update_fields=["purpose"])
    record(
        tenant_id=company.id,
        actor=user,
        action="account.suspense",
        obj=account,
        sentence=f"{account.code} {account.name} is the suspense account of new journals.",
    )
    return account
