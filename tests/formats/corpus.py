"""One small, right file of every format that is read, and ways to spoil it: for noise in tests and benchmarks."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

from tests.formats.french_and_spanish import aeb, aeb_movement, aeb_text, cfonb, cfonb_complement, cfonb_movement
from tests.formats.samples import IBAN, outgoing, written

from bench import bank_files
from nostro.formats import Detail, Entry, FormatError, Hints, StatementTail, read, survey

HINTS = Hints(account=IBAN, currency="EUR", date_order="dmy")

_LETTERS_FOR_DIGITS = bytes.maketrans(b"0123456789", b"OIZEASGTBg")


def _rows() -> list[Entry]:
    rows = [
        Entry(
            Decimal(number) / 4, "EUR", booking_date=dt.date(2026, 1, number), creditor_name="Élysée",
            remittance_information_unstructured=("Rechnung & <4711>",), end_to_end_id=f"E{number}12345",
            additional_information="a fee " * number,
        )
        for number in range(1, 5)
    ]  # fmt: skip
    details = tuple(Detail(index, amount=Decimal(1), currency="EUR", end_to_end_id=f"P{index}7777") for index in (1, 2))
    debit = Entry(Decimal("-7.50"), "EUR", booking_date=dt.date(2026, 1, 6), mandate_id="M-77", creditor_id="BE12ZZZ1")
    return [*rows, Entry(Decimal(2), "EUR", booking_date=dt.date(2026, 1, 5), details=details), debit]


def corpus() -> dict[str, bytes]:
    """Format → a file of it."""
    statement = outgoing(_rows())
    files = {form: written(form, statement) for form in ("camt.053", "coda", "csv", "mt940", "ofx", "xlsx")}
    camt = files["camt.053"]
    report = camt.replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b"Stmt>", b"Rpt>")
    notification = camt.replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn").replace(b"Stmt>", b"Ntfctn>")
    entries = b"".join(bank_files.mt940(6)).split(b"\r\n:61:", 1)[1].rsplit(b"\r\n:62F:", 1)[0]
    intraday = b":20:X\r\n:25:BE68539007547034EUR\r\n:28C:1/1\r\n:34F:EUR0,\r\n:13D:2611121200+0100\r\n:61:"
    french = (cfonb_movement(-12345, "PRLV"), cfonb_complement("LIB", "ABONNEMENT"), cfonb_movement(2500, "VIR"))
    spanish = (aeb_movement(-250), aeb_text("COMPRA CAFE"), aeb_movement(12100))
    return {
        **files,
        "camt.052": report,
        "camt.054": notification,
        "mt942": intraday + entries + b"\r\n:90D:4EUR0,16\r\n:90C:2EUR0,05\r\n-\r\n",
        "bai2": b"".join(bank_files.bai2(6)),
        "qif": b"".join(bank_files.qif(6)) + b"D12/11/2026\nT-50.00\nSFood\nEbread\n$-20.00\nSHome\n$-30.00\n^\n",
        "cfonb120": cfonb(*french, closing=90155).encode(),
        "aeb43": aeb(*spanish, movements=[-250, 12100]).encode(),
    }


def mutated(data: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """One of the mutations of formats.md 11; ``other`` is a file to splice in."""
    a, b = sorted(chance.sample(range(len(data)), 2))
    kind = chance.randrange(11)
    if kind == 0:
        return data[:a] + bytes([data[a] ^ (1 << chance.randrange(8))]) + data[a + 1 :]
    if kind == 1:
        return data[:a]
    if kind == 2:
        return data[:b] + data[a:]
    if kind == 3:
        return data[:a] + data[b:]
    if kind == 4:
        lines = data.split(b"\n")
        chance.shuffle(lines)
        return b"\n".join(lines)
    if kind == 5:
        return data[:a] + data[a:b].translate(_LETTERS_FOR_DIGITS) + data[b:]
    if kind == 6:
        return data[:a] + data[a : a + 20] * chance.choice([10, 1_000, 20_000]) + data[a:]
    if kind == 7:
        return data[:a] + chance.randbytes(chance.choice([1, 5, 50])) + data[b:]
    if kind == 8:
        at = chance.randrange(len(other) or 1)
        return data[:a] + other[at:]
    if kind == 9:
        lines = data.split(b"\n")
        del lines[chance.randrange(len(lines))]
        return b"\n".join(lines)
    return data[:a] + data[a:b].replace(b"<", b"").replace(b",", b"", 3) + data[b:]


def attempt(form: str, data: bytes, *, is_named: bool) -> None:
    """Read it whatever it is. Raises for everything that is neither a problem nor a :class:`FormatError`.

    ``is_named`` hands the bytes to the reader of ``form`` even where they are no longer recognised.
    """
    hints = Hints(form if is_named else None, HINTS.account, HINTS.currency, None, HINTS.date_order)
    try:
        for event in read([data], survey([data]), hints):
            if isinstance(event, StatementTail):
                assert event.entries_seen == event.entries_emitted + event.skipped
    except FormatError:
        return
