"""Statements of our own for the tests of bank files: texts, and what they are read into."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.core.transactions import Balance
from nostro.formats import (
    Entry,
    Event,
    FileAccount,
    FileHead,
    Hints,
    OutgoingStatement,
    Problem,
    StatementHead,
    StatementTail,
    WriteOptions,
    read,
    survey,
    write,
)

IBAN = "BE68539007547034"
DAY = dt.date(2026, 11, 12)
OPTIONS = WriteOptions(created="2026-11-13T06:00:00", message_id="M1")


@dataclass
class Reading:
    """The events of a file, by kind."""

    events: list[Event] = field(default_factory=list)

    @property
    def rows(self) -> list[Entry]:
        return [event for event in self.events if isinstance(event, Entry)]

    @property
    def heads(self) -> list[StatementHead]:
        return [event for event in self.events if isinstance(event, StatementHead)]

    @property
    def tails(self) -> list[StatementTail]:
        return [event for event in self.events if isinstance(event, StatementTail)]

    @property
    def problems(self) -> list[Problem]:
        return [event for event in self.events if isinstance(event, Problem)]

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]

    @property
    def quarantined(self) -> bool:
        return any(problem.severity == "quarantine" for problem in self.problems)

    @property
    def states(self) -> list[str]:
        return [tail.proof.state for tail in self.tails if tail.proof]


def reading(data: bytes | str, hints: Hints | None = None, sizes: Sequence[int] = ()) -> Reading:
    """Survey and read ``data``, in chunks of the given sizes (the rest in one). Raises ``FormatError``."""
    data = data.encode() if isinstance(data, str) else data
    result = Reading()
    for event in read(cut(data, sizes), survey(cut(data, sizes)), hints or Hints()):
        result.events.append(event)
    return result


def cut(data: bytes, sizes: Sequence[int]) -> Iterable[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


# --- CAMT ------------------------------------------------------------------------------------------------------


def camt_balance(code: str, amount: str, mark: str = "CRDT", currency: str = "EUR") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
        f"<CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>2026-11-12</Dt></Dt></Bal>"
    )


def camt_entry(
    amount: str, mark: str = "CRDT", *, more: str = "", details: str = "", status: str = "<Sts><Cd>BOOK</Cd></Sts>"
) -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>2026-11-12</Dt></BookgDt>{more}<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def camt(entries: str, opening: str = "100.00", closing: str = "150.00", *, version: str = "08", head: str = "") -> str:
    """A camt.053 with one statement of :data:`IBAN`."""
    account = f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S1</Id>{head}{account}"
        f"{camt_balance('OPBD', opening)}{camt_balance('CLBD', closing)}\n{entries}</Stmt></BkToCstmrStmt></Document>"
    )


# --- MT940 -----------------------------------------------------------------------------------------------------


def mt940(entries: str, opening: str = "100,00", closing: str = "73,91", *, number: str = "1/1") -> str:
    """An MT940 with one statement of :data:`IBAN`."""
    return (
        f":20:STMT\r\n:25:{IBAN}EUR\r\n:28C:{number}\r\n:60F:C261101EUR{opening}\r\n"
        f"{entries}:62F:C261105EUR{closing}\r\n-\r\n"
    )


# --- written by our writers ------------------------------------------------------------------------------------


def outgoing(
    rows: Sequence[Entry], *, opening: Decimal = Decimal("100.00"), currency: str = "EUR", iban: str = IBAN
) -> OutgoingStatement:
    """A statement that proves."""
    total = sum((row.amount for row in rows if row.booking_status == "booked"), Decimal(0))
    return OutgoingStatement(
        StatementHead(1, FileAccount(currency, iban=iban), statement_id="S1", sequence="7"),
        rows,
        Balance("openingBooked", opening, currency, reference_date=DAY),
        Balance("closingBooked", opening + total, currency, reference_date=DAY),
    )


def written(form: str, *statements: OutgoingStatement) -> bytes:
    return b"".join(write(form, FileHead(form), statements, OPTIONS))
