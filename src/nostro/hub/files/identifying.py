"""Which account of ours is the account of a file? Number and currency tell (formats.md 2.8).

What is unknown is asked, never decided silently.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.db.models import Q, QuerySet

from nostro.core.account_keys import normalise_account_number
from nostro.core.ids import new_id
from nostro.core.transactions import Account as BankAccount
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.services import select_accounts, upsert_accounts
from nostro.hub.directory.models import Institution
from nostro.hub.directory.queries import search
from nostro.hub.files.models import FileAccount, FileImport
from nostro.hub.organizations.queries import organizations_of
from nostro.web.errors import Problem


def identify(file: FileImport, file_account: FileAccount) -> None:
    """Set the account that this one is here, or why it may not be imported; the caller saves it.

    A file without account numbers belongs to the account on whose page it was handed in.
    """
    own = file.account
    if own is not None:
        told = _normal(file_account.number)
        if file_account.currency == own.currency and (not told or told == _normal(own.reference)):
            file_account.account = own
        else:
            file_account.refusal = "other_account"
        return
    found = _same(Account.objects.filter(organization_id=file.organization_id), file, file_account).filter(
        is_selected=True, removed_at=None
    )
    file_account.account = found.order_by("linked_at").first() if file_account.number else None
    if file_account.account is None and _belongs_to_another(file, file_account):
        file_account.refusal = "other_organization"


def _same(accounts: QuerySet[Account], file: FileImport, file_account: FileAccount) -> QuerySet[Account]:
    number = file_account.number
    return accounts.filter(
        Q(reference=number) | Q(reference=_normal(number)), is_sandbox=file.is_sandbox, currency=file_account.currency
    )


def _belongs_to_another(file: FileImport, file_account: FileAccount) -> bool:
    """Whether another organization of the same person has this account; of strangers nothing is told."""
    if file.handed_in_by is None or not file_account.number:
        return False
    others = [each.pk for each in organizations_of(file.handed_in_by) if each.pk != file.organization_id]
    found = _same(Account.objects.filter(organization__in=others, is_selected=True), file, file_account)
    return found.exists()


def _normal(number: str) -> str:
    return normalise_account_number(number)


def likely_bank(file_account: FileAccount, *, is_sandbox: bool) -> Institution | None:
    """The bank of an account by the BIC of the file, else by its number."""
    banks = Institution.objects.filter(is_sandbox=is_sandbox, deprecated=False)
    if file_account.bic:
        found = banks.filter(bic__startswith=file_account.bic[:8]).order_by("-bic", "id").first()
        if found is not None:
            return found
    if file_account.number_kind != "iban" or is_sandbox:
        return None
    return find_bank(file_account.number, is_sandbox=is_sandbox)


def find_bank(text: str, *, is_sandbox: bool, country: str = "") -> Institution | None:
    """The first bank of the directory that a name, a BIC or an account number means, best one of that country."""
    if not text.strip():
        return None
    try:
        found = search(text, country=country, sandbox=is_sandbox, limit=1)
        found = found or (search(text, sandbox=is_sandbox, limit=1) if country else [])
    except Problem:
        return None
    return found[0] if found else None


def add_account(file: FileImport, file_account: FileAccount, bank: Institution, now: dt.datetime) -> Account:
    """Add the account of a file. One that was seen at the bank and left out, or was removed, is chosen again."""
    same = _same(Account.objects.filter(organization_id=file.organization_id), file, file_account)
    left_out = same.order_by("linked_at").first() if file_account.number else None
    if left_out is None:
        kind = file_account.number_kind or "other"
        told = BankAccount(
            "",
            file_account.currency,
            **{kind: file_account.number or f"file:{uuid.uuid5(file.pk, str(file_account.position))}"},  # type: ignore[arg-type]
            owner_name=file_account.owner_name or None,
            display_name=file_account.display_name or None,
            bic=file_account.bic or None,
        )
        [left_out] = upsert_accounts(file.organization, new_id(), [told], bank, is_sandbox=file.is_sandbox, now=now)
    [added] = select_accounts([left_out], {left_out.pk}, now)
    return added
