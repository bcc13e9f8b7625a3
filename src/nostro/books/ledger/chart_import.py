"""A chart of accounts from a CSV or XLSX file: all errors of all rows together, and a second import changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company
from nostro.books.ledger.imports import MAX_ERRORS, ImportErrors, RowError
from nostro.books.ledger.models import AccountKind, EntryItem, LedgerAccount, Purpose
from nostro.books.ledger.tables import read_table
from nostro.core.money import MoneyError, parse_currency
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

#: Accounts of one file.
MAX_ACCOUNTS = 3_000
#: Columns; ``code`` and ``name`` are needed, ``kind`` for accounts that are new.
COLUMNS = ("code", "name", "kind", "currency", "purpose", "reconcilable")
_CODE = re.compile(r"[A-Za-z0-9.\-]{1,12}")
_OPEN_KINDS = {AccountKind.RECEIVABLE, AccountKind.PAYABLE}
_YES, _NO = {"yes", "true", "1", "x"}, {"no", "false", "0"}


@dataclass(frozen=True, slots=True)
class ChartOutcome:
    """How many accounts were made and changed, and how many were like that already."""

    created: int
    changed: int
    known: int


class _RowProblem(Exception):
    """What is wrong with one row: the column and the sentence."""


def import_chart(user: User, company_id: UUID, file: bytes) -> ChartOutcome:
    """Make and change accounts, each by its code, or none of them. An account that is not in the file stays.

    Kinds and purposes are written as :class:`AccountKind` and :class:`Purpose` name them (``expense``) or as pages do
    (*Expense*). A purpose that another account has moves. Raises :class:`ImportErrors`.
    """
    company = access_company(user, company_id, role=Role.ACCOUNTANT)
    rows = _read(file)
    with transaction.atomic():
        known = {one.code: one for one in LedgerAccount.objects.select_for_update().filter(company=company)}
        used = set(EntryItem.objects.filter(company=company).values_list("account_id", flat=True).distinct())
        wanted, errors = _wanted(company, rows, known, used)
        if errors:
            raise ImportErrors(errors)
        outcome = _store(company, wanted, known)
        if outcome.created or outcome.changed:
            record(
                tenant_id=company.id, actor=user, action="chart.imported", obj=company,
                sentence=f"Accounts were imported: {outcome.created} new, {outcome.changed} changed.",
                after={"codes": [account.code for account in wanted][:500]},
            )  # fmt: skip
    return outcome


def _read(file: bytes) -> list[tuple[int, dict[str, str]]]:
    table = read_table(file)
    missing = [name for name in ("code", "name") if name not in table.columns]
    if missing:
        raise Problem(
            f"The file has no column {', '.join(missing)}.",
            why=f"Its columns are: {', '.join(filter(None, table.columns))[:300]}." if any(table.columns) else "",
            what_to_do=f"Name the columns in the first row: {', '.join(COLUMNS)}.",
            code="columnsMissing",
            field="file",
        )
    if not 0 < len(table.rows) <= MAX_ACCOUNTS:
        raise Problem(
            f"The file has {len(table.rows)} accounts.",
            what_to_do=f"Import 1 to {MAX_ACCOUNTS} at once.",
            code="fileTooLarge",
            field="file",
        )
    return table.rows


def _wanted(
    company: Company, rows: list[tuple[int, dict[str, str]]], known: Mapping[str, LedgerAccount], used: set[UUID]
) -> tuple[list[LedgerAccount], list[RowError]]:
    wanted: dict[str, LedgerAccount] = {}
    purposes: dict[str, str] = {}
    errors: list[RowError] = []
    for number, row in rows:
        try:
            account = _account(company, row, known, used)
            if account.code in wanted:
                raise _RowProblem("code", f"The code {account.code} is in the file twice.")
            if row.get("purpose") and purposes.setdefault(account.purpose, account.code) != account.code:
                raise _RowProblem("purpose", f"The purpose {account.purpose} is in the file twice.")
            wanted[account.code] = account
        except _RowProblem as problem:
            column, sentence = problem.args
            errors.append(RowError(number, column, sentence))
            if len(errors) >= MAX_ERRORS:
                break
    for account in wanted.values():
        if purposes.get(account.purpose, account.code) != account.code:
            account.purpose = ""  # another row takes it
    return list(wanted.values()), errors


def _account(
    company: Company, row: Mapping[str, str], known: Mapping[str, LedgerAccount], used: set[UUID]
) -> LedgerAccount:  # fmt: skip
    """The account as the row wants it, not stored; one that is known keeps what the row does not say."""
    code = row.get("code", "")
    if not _CODE.fullmatch(code):
        raise _RowProblem("code", f"{code[:20] or 'Nothing'} is no code: 1 to 12 letters, digits, points and hyphens.")
    before = known.get(code)
    account = LedgerAccount(company=company, code=code) if before is None else _copy(before)
    account.name = clean(row.get("name", ""), 200)
    if not account.name:
        raise _RowProblem("name", "The account has no name.")
    account.kind = _choice(AccountKind, row.get("kind", ""), "kind", before.kind if before else "")
    if not account.kind:
        raise _RowProblem("kind", "The kind is missing.")
    if row.get("currency"):
        account.currency = _currency(row["currency"])
    account.purpose = _choice(Purpose, row.get("purpose", ""), "purpose", account.purpose)
    account.reconcilable = _flag(row.get("reconcilable", ""), account, before)
    if before is not None and before.id in used:
        _check_used(before, account)
    return account


def _copy(account: LedgerAccount) -> LedgerAccount:
    return LedgerAccount(**{field.attname: getattr(account, field.attname) for field in account._meta.concrete_fields})


def _choice(choices: type[AccountKind] | type[Purpose], text: str, column: str, otherwise: str) -> str:
    if not text:
        return otherwise
    wanted = text.strip().casefold()
    for choice in choices:
        if wanted in {choice.value, str(choice.label).casefold()}:
            return str(choice.value)
    raise _RowProblem(column, f"{text[:30]} is none of: {', '.join(choices.values)}.")


def _currency(text: str) -> str:
    try:
        return parse_currency(text)
    except MoneyError:
        raise _RowProblem("currency", f"{text[:10]} is no currency.") from None


def _flag(text: str, account: LedgerAccount, before: LedgerAccount | None) -> bool:
    if text.casefold() in _YES:
        return True
    if text.casefold() in _NO:
        return False
    if text:
        raise _RowProblem("reconcilable", "Write yes or no.")
    return before.reconcilable if before else account.kind in _OPEN_KINDS


def _check_used(before: LedgerAccount, account: LedgerAccount) -> None:
    """What was booked keeps its meaning."""
    for column in ("kind", "currency", "reconcilable"):
        if getattr(before, column) != getattr(account, column):
            raise _RowProblem(column, f"{before.code} has bookings, so its {column} stays {getattr(before, column)}.")


def _store(company: Company, wanted: list[LedgerAccount], known: Mapping[str, LedgerAccount]) -> ChartOutcome:
    columns = ("name", "kind", "currency", "purpose", "reconcilable")
    new = [account for account in wanted if account.code not in known]
    changed = [
        account
        for account in wanted
        if account.code in known and any(getattr(account, c) != getattr(known[account.code], c) for c in columns)
    ]
    moving = {account.purpose for account in (*new, *changed) if account.purpose}
    LedgerAccount.objects.filter(company=company, purpose__in=moving).update(purpose="")
    LedgerAccount.objects.bulk_create(new)
    LedgerAccount.objects.bulk_update(changed, columns)
    return ChartOutcome(len(new), len(changed), len(wanted) - len(new) - len(changed))
