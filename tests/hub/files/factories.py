"""Files of our own, written by our writers, and the short way from a file to stored rows."""

from __future__ import annotations

import datetime as dt
import io
import re
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.hub.accounts.factories import IBANS, NOW, make_account, make_member, make_organization

from nostro.core.transactions import Balance
from nostro.formats import Entry, FileAccount, FileHead, OutgoingStatement, StatementHead, WriteOptions, write
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.files import services, working
from nostro.hub.files.models import FileImport
from nostro.hub.files.services import Answer
from nostro.people.models import User

__all__ = ["IBANS", "NOW", "make_account", "make_member", "make_organization"]

OPENING = Decimal("1000.00")


class Upload(io.BytesIO):
    """A file as a form brings it."""

    def __init__(self, data: bytes, name: str = "statement.xml") -> None:
        super().__init__(data)
        self.name = name
        self.size = len(data)

    def chunks(self) -> Sequence[bytes]:
        return [self.getvalue()[at : at + 1000] for at in range(0, self.size, 1000)]


def entry(amount: str = "-3.50", day: int = 5, text: str = "Coffee", **fields: Any) -> Entry:
    """A booked row of October 2026."""
    booking_date = dt.date(2026, 10, day)
    return Entry(
        Decimal(amount),
        fields.pop("currency", "EUR"),
        booking_date=booking_date,
        value_date=booking_date,
        remittance_information_unstructured=(text,),
        **fields,
    )


def statement(
    rows: Sequence[Entry],
    *,
    opening: Decimal = OPENING,
    iban: str = IBANS[0],
    currency: str = "EUR",
    number: str = "1",
    first: int | None = None,
    last: int | None = None,
) -> OutgoingStatement:
    """A statement that proves; its days are those of its rows, or ``first`` to ``last``."""
    total = sum((row.amount for row in rows), Decimal(0))
    days = [row.booking_date.day for row in rows if row.booking_date]
    begin, end = dt.date(2026, 10, first or min(days)), dt.date(2026, 10, last or max(days))
    return OutgoingStatement(
        StatementHead(1, FileAccount(currency, iban=iban), statement_id=f"S{number}", sequence=number),
        list(rows),
        Balance("openingBooked", opening, currency, reference_date=begin - dt.timedelta(days=1)),
        Balance("closingBooked", opening + total, currency, reference_date=end),
    )


def camt(*statements: OutgoingStatement, form: str = "camt.053") -> bytes:
    return b"".join(write(form, FileHead(form), statements, WriteOptions("2026-11-01T06:00:00")))


def report(rows: Sequence[Entry], *, number: str = "1", status: str = "BOOK") -> bytes:
    """An intraday report, camt.052: the same words, but nothing in it is final."""
    data = camt(statement(rows, number=f"R{number}")).replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt")
    data = data.replace(b"Stmt>", b"Rpt>").replace(b"camt.053", b"camt.052")
    if status == "BOOK":
        return data
    return re.sub(rb"<Bal>.*?</Bal>", b"", data.replace(b"<Cd>BOOK</Cd>", f"<Cd>{status}</Cd>".encode()))


def notification(rows: Sequence[Entry]) -> bytes:
    """A notification, camt.054, which has no balances."""
    data = camt(statement(rows, number="N1")).replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
    data = data.replace(b"Stmt>", b"Ntfctn>").replace(b"camt.053", b"camt.054")
    return re.sub(rb"<Bal>.*?</Bal>", b"", data)


def chained(pieces: Sequence[Sequence[Entry]], opening: Decimal = OPENING) -> list[OutgoingStatement]:
    """Statements that follow each other."""
    made = []
    for number, rows in enumerate(pieces, start=1):
        made.append(statement(rows, opening=opening, number=str(number)))
        opening += sum((row.amount for row in rows), Decimal(0))
    return made


def read(user: User, data: bytes, account: Account | None = None, *, name: str = "statement.xml") -> FileImport:
    """Hand a file in and have it read."""
    organization = account.organization if account else user.memberships.get().organization
    [file] = services.hand_in(user, organization, [Upload(data, name)], is_sandbox=False, now=NOW, account=account)
    found = working.read_file(file.pk, clock=lambda: NOW)
    assert found is not None
    found.refresh_from_db()
    return found


def confirm(
    user: User, file: FileImport, answers: Mapping[uuid.UUID, Answer] | None = None, **options: Any
) -> FileImport:
    """Confirm a file that waits and have it stored."""
    services.confirm(user, file.pk, answers or {}, NOW, **options)
    found = working.store_file(file.pk, clock=lambda: NOW)
    assert found is not None
    return found


def imported(user: User, data: bytes, account: Account, **options: Any) -> FileImport:
    """A file all the way."""
    return confirm(user, read(user, data, account), **options)


def live(account: Account) -> list[tuple[int, str, str]]:
    """The stored rows as (day, amount, text), sorted."""
    rows = Transaction.objects.filter(account=account, removed_at=None)
    return sorted(
        (row.booking_date.day if row.booking_date else 0, f"{row.amount:.2f}", row.remittance_information)
        for row in rows
    )


def archive(**members: bytes) -> bytes:
    """A ZIP with these files; ``a_xml`` becomes ``a.xml``."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        for name, data in members.items():
            into.writestr(name.replace("_", "."), data)
    return made.getvalue()
