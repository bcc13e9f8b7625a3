"""Reads of imports. A person reaches one only through :func:`access_import`."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nostro.core.coverage import merge_windows
from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.files.limits import MAX_SHOWN_ROWS
from nostro.hub.files.models import FileAccount, FileImport, FileStatement, Sighting, StagedRow
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import require_role
from nostro.people.models import User
from nostro.web.errors import NotFound

#: Imports and statements on one page.
MAX_IMPORTS = 100
MAX_STATEMENTS = 200


def access_import(user: User, file_id: uuid.UUID, *, role: Role | None = None) -> FileImport:
    """The import, if ``user`` belongs to its organization with at least ``role``.

    Raises NotFound for unknown and foreign ones, Forbidden when the role is too low.
    """
    file = FileImport.objects.select_related("organization", "account", "handed_in_by").filter(pk=file_id).first()
    if file is None:
        raise NotFound("file")
    require_role(user, file.organization_id, role, "file")
    return file


def imports_of(organization: Organization, is_sandbox: bool) -> list[FileImport]:
    """The files that were handed in, newest first; at most 100."""
    found = FileImport.objects.select_related("account", "handed_in_by").filter(
        organization=organization, is_sandbox=is_sandbox
    )
    return list(found.order_by("-created_at", "-id")[:MAX_IMPORTS])


def imports_of_account(account: Account) -> list[FileImport]:
    """The files that brought rows to an account and count, newest first; at most 100."""
    found = FileImport.objects.filter(accounts__account=account, status="imported").distinct()
    return list(found.order_by("-imported_at", "-id")[:MAX_IMPORTS])


def members_of(file: FileImport) -> list[FileImport]:
    """The files of an archive, in its order; at most 200."""
    return list(FileImport.objects.select_related("account", "handed_in_by").filter(archive=file).order_by("id")[:200])


def accounts_in(file: FileImport) -> list[FileAccount]:
    """The accounts that a file tells about, in its order."""
    found = FileAccount.objects.select_related("account__institution").filter(file=file)
    return list(found.order_by("position"))


def statements_in(file: FileImport) -> list[FileStatement]:
    """The statements of a file: those that do not prove first, then in its order; at most 200."""
    found = FileStatement.objects.select_related("file_account").filter(file=file)
    failed = list(found.filter(proof="failed").order_by("index")[:MAX_STATEMENTS])
    return (failed + list(found.exclude(proof="failed").order_by("index")[:MAX_STATEMENTS]))[:MAX_STATEMENTS]


def earlier_import(file: FileImport) -> FileImport | None:
    """An import of the same bytes that counts (F-SEEN)."""
    same = FileImport.objects.filter(
        organization_id=file.organization_id, is_sandbox=file.is_sandbox, sha256=file.sha256, status="imported"
    )
    return same.exclude(pk=file.pk).order_by("imported_at").first()


@dataclass(frozen=True, slots=True)
class Held:
    """A row of a file that is not stored by itself, and the transaction that it resembles."""

    row: StagedRow
    like: Transaction | None


def held_rows(file: FileImport) -> list[Held]:
    """The held rows in the order of the file; at most 100."""
    rows = list(
        StagedRow.objects.select_related("statement__file_account")
        .filter(file=file)
        .exclude(held="")
        .order_by("number")[:MAX_SHOWN_ROWS]
    )
    stored = Transaction.objects.in_bulk({row.like for row in rows if row.like})
    return [Held(row, stored.get(row.like) if row.like else None) for row in rows]


def first_rows(file: FileImport) -> list[StagedRow]:
    """Rows that wait, in the order of the file; at most 100."""
    found = StagedRow.objects.select_related("statement__file_account").filter(file=file, held="")
    return list(found.order_by("number")[:MAX_SHOWN_ROWS])


def file_days(account: Account) -> tuple[Window, ...]:
    """The days that imported statements list completely, in as few windows as possible, oldest first.

    Where a statement opens with the balance that the one before closed with, nothing was booked on the days between.
    """
    found = FileStatement.objects.filter(account=account, file__undone_at=None, complete_from__isnull=False)
    rows = found.order_by("complete_from", "complete_to", "index")
    windows: list[Window] = []
    balance: Decimal | None = None
    for first, last, opening, closing in rows.values_list("complete_from", "complete_to", "opening", "closing")[
        :20_000
    ]:
        if first is None or last is None:
            continue
        if windows and balance is not None and opening == balance and first > windows[-1].date_to:
            windows[-1] = Window(windows[-1].date_from, last)
        else:
            windows.append(Window(first, last))
        balance = closing
    return merge_windows(windows)


def files_that_showed(transaction: Transaction) -> Sequence[FileImport]:
    """The imported files that show a transaction, oldest first; at most 10."""
    ids = Sighting.objects.filter(transaction=transaction).values("statement__file")
    return list(FileImport.objects.filter(pk__in=ids, status="imported").order_by("imported_at")[:10])


def undone_at(account: Account) -> set[dt.datetime]:
    """When imports of an account were undone: what was taken out then was not withdrawn by the bank."""
    found = FileImport.objects.filter(accounts__account=account, undone_at__isnull=False)
    return set(found.values_list("undone_at", flat=True))  # type: ignore[arg-type]
