"""Statements of our own in CFONB 120 and AEB43 for tests; records are put together field by field."""

from __future__ import annotations

from collections.abc import Sequence

BANK, BRANCH, ACCOUNT = "30004", "00828", "00010467554"


def overpunched(units: int) -> str:
    """An amount in the smallest unit: its last digit bears the sign."""
    text = f"{abs(units):014d}"
    letters = "}JKLMNOPQR" if units < 0 else "{ABCDEFGHI"
    return text[:13] + letters[int(text[13])]


def cfonb_balance(kind: str, units: int, day: str = "121126", *, currency: str = "EUR", decimals: str = "2") -> str:
    head = f"{kind}{BANK}{'':4}{BRANCH}{currency:3}{decimals:1} {ACCOUNT}  {day}"
    return f"{head:<90}{overpunched(units)}".ljust(120)


def cfonb_movement(
    units: int, label: str = "VIREMENT", *, day: str = "121126", number: str = "0000000", reference: str = ""
) -> str:
    head = f"04{BANK}{'0000':4}{BRANCH}EUR2 {ACCOUNT}05{day}  {day}{label:<31}  {number:<7}"
    return f"{head:<90}{overpunched(units)}{reference:<16}"


def cfonb_complement(qualifier: str, text: str) -> str:
    head = f"05{BANK}{'0000':4}{BRANCH}EUR2 {ACCOUNT}05121126     "
    return f"{head:<45}{qualifier:<3}{text:<70}".ljust(120)


def cfonb(*movements: str, opening: int = 100000, closing: int | None = None, ends: str = "\r\n") -> str:
    """One block; the closing balance is right unless given. ``movements`` are records 04 and 05."""
    total = opening if closing is None else closing
    return "".join(
        record + ends for record in (cfonb_balance("01", opening), *movements, cfonb_balance("07", total))
    )  # fmt: skip


def aeb_head(units: int = 100000, *, days: str = "261101261130", currency: str = "978") -> str:
    sign = 1 if units < 0 else 2
    return f"11210004180200051332{days}{sign}{abs(units):014d}{currency}3{'PANADERIA SL':<26}".ljust(80)


def aeb_movement(units: int, *, sign: str | None = None, document: str = "0000000000", concept: str = "02017") -> str:
    mark = sign if sign is not None else "1" if units < 0 else "2"
    return f"22    0418261112261112{concept}{mark}{abs(units):014d}{document:<10}{'':12}{'':16}".ljust(80)


def aeb_text(text: str, number: int = 1) -> str:
    return f"23{number:02d}{text:<76}"


def aeb_end(closing: int, movements: Sequence[int], *, account: str = "210004180200051332") -> str:
    debits, credits = [-m for m in movements if m < 0], [m for m in movements if m >= 0]
    return (
        f"33{account}{len(debits):05d}{sum(debits):014d}{len(credits):05d}{sum(credits):014d}"
        f"{1 if closing < 0 else 2}{abs(closing):014d}978"
    ).ljust(80)


def aeb(*records: str, movements: Sequence[int], opening: int = 100000, closing: int | None = None) -> str:
    """One statement; the closing balance is right unless given. ``records`` are 22, 23 and 24."""
    total = opening + sum(movements) if closing is None else closing
    lines = [aeb_head(opening), *records, aeb_end(total, movements)]
    return "".join(f"{line}\r\n" for line in [*lines, f"88{'9' * 18}{len(lines):06d}".ljust(80)])
