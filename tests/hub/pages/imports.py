"""A bank file on its way, for the tests of pages."""

from __future__ import annotations

import datetime as dt

from tests.hub.files.factories import Upload, camt, entry, statement

from nostro.hub.accounts.models import Account
from nostro.hub.files import services, working
from nostro.hub.files.models import FileImport
from nostro.people.models import User

ROWS = [entry("-3.50", 10, "Coffee"), entry("-20.00", 11, "Bread")]


def make_import(user: User, account: Account, *, data: bytes | None = None, imported: bool = False) -> FileImport:
    """A file of this account that waits for its person, or one that was imported."""
    now = dt.datetime.now(dt.UTC)
    data = data if data is not None else camt(statement(ROWS, iban=account.reference, currency=account.currency))
    [file] = services.hand_in(
        user, account.organization, [Upload(data)], is_sandbox=account.is_sandbox, now=now, account=account
    )
    working.read_file(file.pk, clock=lambda: now)
    if imported:
        services.confirm(user, file.pk, {}, now)
        working.store_file(file.pk, clock=lambda: now)
    file.refresh_from_db()
    return file
