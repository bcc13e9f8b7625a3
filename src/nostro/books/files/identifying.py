"""Which journal an account of a file belongs to (formats.md 2.8): by number and currency, never by guess."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet

from nostro.books.companies.queries import companies_of
from nostro.books.files.models import JournalFile, JournalFileAccount
from nostro.books.journals.models import Journal
from nostro.core.account_keys import normalise_account_number
from nostro.core.text import clean
from nostro.formats import FileAccount


def identified(file: JournalFile, shown: FileAccount, before: Sequence[JournalFileAccount]) -> JournalFileAccount:
    """The next account of a file, with its journal, what is proposed for it, or why it is not taken. Not stored.

    A file that was handed in on a journal's page is for that journal; what else it tells about is offered, and left
    out unless a person says otherwise. Whose account it is beyond that is only told to who belongs to that company.
    """
    account = JournalFileAccount(
        company_id=file.company_id, file=file, position=len(before) + 1, currency=shown.currency,
        number=normalise_account_number(shown.number)[:70], owner_name=clean(shown.owner_name or "", 140),
        bic=clean(shown.bic or "", 11),
    )  # fmt: skip
    page, found = file.journal, _journals(account).filter(company_id=file.company_id).first()
    if (
        page is not None
        and found in {None, page}
        and is_own(page, account)
        and not any(each.journal == page for each in before)
    ):
        account.journal, account.decision = page, "import"
    elif not account.number:
        account.refusal = "no_number"
    elif found is not None:
        account.journal, account.decision = found, "skip" if page else "import"
    elif (elsewhere := _company_elsewhere(file, account)) is not None:
        account.refusal, account.elsewhere = "other_company", elsewhere
    elif page is not None:
        account.decision = "skip"
    account.reference = account.journal.account_number if account.journal else account.number
    return account


def is_own(journal: Journal, account: JournalFileAccount) -> bool:
    """Whether the account may be this journal's: same currency, and the number where both have one."""
    same = not account.number or not journal.account_number or account.number == journal.account_number
    return same and account.currency == journal.currency


def _journals(account: JournalFileAccount) -> QuerySet[Journal]:
    if not account.number:
        return Journal.objects.none()
    return Journal.objects.select_related("company").filter(
        account_number=account.number, currency=account.currency, active=True
    )


def _company_elsewhere(file: JournalFile, account: JournalFileAccount) -> str | None:
    """The name of another company of the person whose account this is."""
    if file.handed_in_by is None:
        return None
    others = [company for company in companies_of(file.handed_in_by) if company.pk != file.company_id]
    found = _journals(account).filter(company__in=others).first()
    return found.company.name if found is not None else None
