"""Bank files for benchmarks: one model of a busy account, written in several formats, the same bytes every time."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal

_OPENING = Decimal("100000.00")
_NAMES = ("Bakkerij Peeters", "Atelier Nord", "Muller & Sohne GmbH", "Vandenberghe NV", "Aqua Services", "De Hoek")
_FIRST_DAY = dt.date(2026, 1, 1)


def row(number: int, rows: int) -> tuple[dt.date, Decimal, str]:
    """(booking date, signed amount, counterparty) of a row."""
    day = _FIRST_DAY + dt.timedelta(days=number * 330 // rows)
    amount = Decimal(number % 9973 + 1) / 100
    return day, amount if number % 3 == 0 else -amount, f"{_NAMES[number % len(_NAMES)]} {number % 500}"


def closing(rows: int) -> Decimal:
    """The closing balance after all rows."""
    return _OPENING + sum((row(number, rows)[1] for number in range(rows)), Decimal(0))


_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
  <BkToCstmrStmt>
    <GrpHdr>
      <MsgId>STATEMENT-2026</MsgId>
      <CreDtTm>2026-12-01T06:00:00</CreDtTm>
    </GrpHdr>
    <Stmt>
      <Id>BE68539007547034-2026</Id>
      <ElctrncSeqNb>21</ElctrncSeqNb>
      <CreDtTm>2026-12-01T06:00:00</CreDtTm>
      <Acct>
        <Id>
          <IBAN>BE68539007547034</IBAN>
        </Id>
        <Ccy>EUR</Ccy>
      </Acct>
"""
_BALANCE = """      <Bal>
        <Tp>
          <CdOrPrtry>
            <Cd>{code}</Cd>
          </CdOrPrtry>
        </Tp>
        <Amt Ccy="EUR">{amount}</Amt>
        <CdtDbtInd>{mark}</CdtDbtInd>
        <Dt>
          <Dt>{day}</Dt>
        </Dt>
      </Bal>
"""
_ENTRY = """      <Ntry>
        <NtryRef>{number}</NtryRef>
        <Amt Ccy="EUR">{amount}</Amt>
        <CdtDbtInd>{mark}</CdtDbtInd>
        <RvslInd>false</RvslInd>
        <Sts>
          <Cd>BOOK</Cd>
        </Sts>
        <BookgDt>
          <Dt>{day}</Dt>
        </BookgDt>
        <ValDt>
          <Dt>{day}</Dt>
        </ValDt>
        <AcctSvcrRef>REF2026{number:010d}</AcctSvcrRef>
        <BkTxCd>
          <Domn>
            <Cd>PMNT</Cd>
            <Fmly>
              <Cd>{family}</Cd>
              <SubFmlyCd>ESCT</SubFmlyCd>
            </Fmly>
          </Domn>
          <Prtry>
            <Cd>0150000</Cd>
            <Issr>BBA</Issr>
          </Prtry>
        </BkTxCd>
        <NtryDtls>
          <TxDtls>
            <Refs>
              <AcctSvcrRef>REF2026{number:010d}</AcctSvcrRef>
              <InstrId>INSTR-{number:08d}</InstrId>
              <EndToEndId>E2E-{number:08d}</EndToEndId>
            </Refs>
            <Amt Ccy="EUR">{amount}</Amt>
            <CdtDbtInd>{mark}</CdtDbtInd>
            <AmtDtls>
              <TxAmt>
                <Amt Ccy="EUR">{amount}</Amt>
              </TxAmt>
            </AmtDtls>
            <RltdPties>
              <Dbtr>
                <Pty>
                  <Nm>{debtor}</Nm>
                </Pty>
              </Dbtr>
              <DbtrAcct>
                <Id>
                  <IBAN>{debtor_account}</IBAN>
                </Id>
              </DbtrAcct>
              <Cdtr>
                <Pty>
                  <Nm>{creditor}</Nm>
                </Pty>
              </Cdtr>
              <CdtrAcct>
                <Id>
                  <IBAN>{creditor_account}</IBAN>
                </Id>
              </CdtrAcct>
            </RltdPties>
            <RltdAgts>
              <{agent}>
                <FinInstnId>
                  <BICFI>KREDBEBB</BICFI>
                </FinInstnId>
              </{agent}>
            </RltdAgts>
            <Purp>
              <Cd>SUPP</Cd>
            </Purp>
            <RmtInf>
              <Ustrd>Invoice {number}, thank you for your order at {name}</Ustrd>
            </RmtInf>
            <RltdDts>
              <AccptncDtTm>{day}T09:00:00</AccptncDtTm>
            </RltdDts>
          </TxDtls>
        </NtryDtls>
      </Ntry>
"""
_OWN = ("Nostro Example BV", "BE68539007547034")


def camt(rows: int) -> Iterator[bytes]:
    """A CAMT.053 as banks print it: indented, both parties, about 75 elements per entry."""
    yield _HEAD.encode()
    yield _balance("OPBD", _OPENING, _FIRST_DAY)
    for number in range(rows):
        day, amount, name = row(number, rows)
        name = name.replace("&", "&amp;")
        other = (name, f"BE{number % 97:02d}{number % 10**12:012d}")
        debtor, creditor = (other, _OWN) if amount > 0 else (_OWN, other)
        yield _ENTRY.format(
            number=number + 1, amount=abs(amount), mark=_mark(amount), day=day, name=name,
            family="RCDT" if amount > 0 else "ICDT", agent="DbtrAgt" if amount > 0 else "CdtrAgt",
            debtor=debtor[0], debtor_account=debtor[1], creditor=creditor[0], creditor_account=creditor[1],
        ).encode()  # fmt: skip
    yield _balance("CLBD", closing(rows), row(rows - 1, rows)[0])
    yield b"    </Stmt>\n  </BkToCstmrStmt>\n</Document>\n"


def _balance(code: str, amount: Decimal, day: dt.date) -> bytes:
    return _BALANCE.format(code=code, amount=abs(amount), mark=_mark(amount), day=day).encode()


def _mark(amount: Decimal) -> str:
    return "DBIT" if amount < 0 else "CRDT"


def mt940(rows: int) -> Iterator[bytes]:
    """An MT940 of German structure: one ``:61:`` and one ``:86:`` of five lines per entry."""
    yield b":20:STATEMENT2026\r\n:25:BE68539007547034EUR\r\n:28C:21/1\r\n"
    yield f":60F:C{_FIRST_DAY:%y%m%d}EUR{_comma(_OPENING)}\r\n".encode()
    for number in range(rows):
        day, amount, name = row(number, rows)
        mark = "D" if amount < 0 else "C"
        name = name.replace("&", "+")
        yield (
            f":61:{day:%y%m%d}{day:%m%d}{mark}{_comma(abs(amount))}NTRFNONREF//REF2026{number:09d}\r\n"
            f":86:166?00SEPA CREDIT?10931?20EREF+E2E-{number:08d}?21SVWZ+Invoice {number}, thank yo\r\n"
            f"?22u for your order at {name[:20]}?30KREDBEBB?31BE{number % 97:02d}{number % 10**12:012d}\r\n"
            f"?32{name}?34992\r\n"
        ).encode()
    end = closing(rows)
    sign = "D" if end < 0 else "C"
    yield f":62F:{sign}{row(rows - 1, rows)[0]:%y%m%d}EUR{_comma(abs(end))}\r\n-\r\n".encode()


_OFX1_HEAD = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

"""
_OFX2_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
"""


def ofx1(rows: int) -> Iterator[bytes]:
    """An OFX 1 as banks write it: leaves without end tags, a line each."""
    yield _OFX1_HEAD.encode()
    yield from _ofx(rows, lambda name, text: f"<{name}>{text}\n")


def ofx2(rows: int) -> Iterator[bytes]:
    """An OFX 2: the same as XML."""
    yield _OFX2_HEAD.encode()
    yield from _ofx(rows, lambda name, text: f"<{name}>{text}</{name}>\n")


def _ofx(rows: int, leaf: Callable[[str, str], str]) -> Iterator[bytes]:
    yield (
        f"<OFX>\n<SIGNONMSGSRSV1>\n<SONRS>\n<STATUS>\n{leaf('CODE', '0')}{leaf('SEVERITY', 'INFO')}</STATUS>\n"
        f"{leaf('DTSERVER', '20261201060000')}{leaf('LANGUAGE', 'ENG')}</SONRS>\n</SIGNONMSGSRSV1>\n"
        f"<BANKMSGSRSV1>\n<STMTTRNRS>\n{leaf('TRNUID', '0')}<STATUS>\n{leaf('CODE', '0')}{leaf('SEVERITY', 'INFO')}"
        f"</STATUS>\n<STMTRS>\n{leaf('CURDEF', 'EUR')}<BANKACCTFROM>\n{leaf('BANKID', '539')}"
        f"{leaf('ACCTID', 'BE68539007547034')}{leaf('ACCTTYPE', 'CHECKING')}</BANKACCTFROM>\n<BANKTRANLIST>\n"
        f"{leaf('DTSTART', f'{_FIRST_DAY:%Y%m%d}')}{leaf('DTEND', '20261130')}"
    ).encode()
    for number in range(rows):
        day, amount, name = row(number, rows)
        name, kind = name.replace("&", "&amp;"), "DEBIT" if amount < 0 else "CREDIT"
        yield (
            f"<STMTTRN>\n{leaf('TRNTYPE', kind)}{leaf('DTPOSTED', f'{day:%Y%m%d}120000')}"
            f"{leaf('TRNAMT', str(amount))}{leaf('FITID', f'REF2026{number:09d}')}{leaf('NAME', name)}"
            f"{leaf('MEMO', f'Invoice {number}, thank you for your order at {name}')}</STMTTRN>\n"
        ).encode()
    yield (
        f"</BANKTRANLIST>\n<LEDGERBAL>\n{leaf('BALAMT', str(closing(rows)))}{leaf('DTASOF', '20261130')}</LEDGERBAL>\n"
        "</STMTRS>\n</STMTTRNRS>\n</BANKMSGSRSV1>\n</OFX>\n"
    ).encode()


_CODA_MOVEMENTS = 9_999


def coda(rows: int) -> Iterator[bytes]:
    """A CODA of statements with 9,999 movements: records 2.1, 2.2, 2.3 per entry, for every tenth 3.1 as well."""
    balance = _OPENING
    for start in range(0, rows, _CODA_MOVEMENTS):
        yield from _coda_statement(range(start, min(start + _CODA_MOVEMENTS, rows)), rows, balance)
        balance += sum(
            (row(number, rows)[1] for number in range(start, min(start + _CODA_MOVEMENTS, rows))), Decimal(0)
        )


def _coda_statement(numbers: range, rows: int, opening: Decimal) -> Iterator[bytes]:
    sums = {True: Decimal(0), False: Decimal(0)}
    records = 2
    part = numbers.start // _CODA_MOVEMENTS + 1
    yield f"{'00000011226' + '539' + '05':<127}2\r\n".encode()
    account = f"{'BE68539007547034':<34}EUR"
    yield f"12{part:03d}{account}{_coda_money(opening)}010126{'NOSTRO EXAMPLE BV':<61}{part:03d}\r\n".encode()
    for sequence, number in enumerate(numbers, 1):
        day, amount, name = row(number, rows)
        sums[amount < 0] += abs(amount)
        start, code = f"{sequence:04d}0000", "00101000" if amount < 0 else "00150000"
        has_information = number % 10 == 0
        records += 3 + has_information
        text = f"Invoice {number}, thank you for your order at {name}"
        yield (
            f"21{start}{f'REF2026{number:09d}':<21}{_coda_money(amount)}{day:%d%m%y}{code}0{text[:53]:<53}{day:%d%m%y}"
            f"{part:03d}01 0\r\n22{start}{text[53:]:<53}{f'E2E-{number:08d}':<35}{'KREDBEBB':<23}SUPP1 0\r\n"
            f"23{start}{f'BE{number % 97:02d}{number % 10**12:012d}':<34}EUR{name:<35}{'':<43}0 {has_information:d}\r\n"
        ).encode()
        if has_information:
            yield f"31{start}{f'REF2026{number:09d}':<21}{code}0{'processed at the counter':<85}0 0\r\n".encode()
    closing_ = opening + sums[False] - sums[True]
    day = row(numbers[-1], rows)[0]
    yield f"8{part:03d}{account}{_coda_money(closing_)}{day:%d%m%y}{'':<64}0\r\n".encode()
    totals = _coda_money(sums[True])[1:] + _coda_money(sums[False])[1:]
    last = 2 if numbers.stop == rows else 1
    yield f"{'9':<16}{records:06d}{totals:<105}{last}\r\n".encode()


def _coda_money(amount: Decimal) -> str:
    return f"{int(amount < 0)}{int(abs(amount) * 1000):015d}"


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def bai2(rows: int) -> Iterator[bytes]:
    """A BAI2 of one group and account per day, one record 16 and one 88 per entry."""
    yield b"01,539,NOSTRO,261201,0600,F1,,,2/\n"
    balance, total, records, groups, start = _OPENING, 0, 2, 0, 0
    while start < rows:
        day = row(start, rows)[0]
        stop = start
        while stop < rows and row(stop, rows)[0] == day:
            stop += 1
        text, balance, control = _bai2_group(range(start, stop), rows, balance)
        yield text.encode()
        lines = 2 * (stop - start) + 4
        total, records, groups, start = total + control, records + lines, groups + 1, stop
    yield f"99,{total},{groups},{records}/\n".encode()


def _bai2_group(numbers: range, rows: int, opening: Decimal) -> tuple[str, Decimal, int]:
    amounts = [row(number, rows)[1] for number in numbers]
    closing_ = opening + sum(amounts, Decimal(0))
    control = _cents(opening) + _cents(closing_) + sum(_cents(abs(amount)) for amount in amounts)
    day = row(numbers[0], rows)[0]
    lines = [
        f"02,NOSTRO,539,1,{day:%y%m%d},0600,EUR,2/\n03,BE68539007547034,,010,{_cents(opening)},,,015,{_cents(closing_)},,/"
    ]
    for number, amount in zip(numbers, amounts, strict=True):
        lines.append(
            f"16,{165 if amount > 0 else 475},{_cents(abs(amount))},V,{day:%y%m%d},,REF2026{number:09d},"
            f"E2E-{number:08d},Invoice {number}, thank you for your order\n88,at {row(number, rows)[2]}/"
        )
    count = 2 * len(numbers) + 2
    lines.append(f"49,{control},{count}/\n98,{control},1,{count + 2}/\n")
    return "\n".join(lines), closing_, control


def _cents(amount: Decimal) -> int:
    return int(amount * 100)


def qif(rows: int) -> Iterator[bytes]:
    """A QIF of a bank account."""
    yield b"!Type:Bank\n"
    for number in range(rows):
        day, amount, name = row(number, rows)
        yield f"D{day:%d/%m/%Y}\nT{amount}\nP{name}\nMInvoice {number}, thank you\nN{number}\n^\n".encode()


#: The columns of the table, which is no bank's, and what they mean.
_COLUMNS = {
    "Rekening": "account", "Datum": "booking_date", "Valuta": "value_date", "Bedrag": "amount", "Munt": "currency",
    "Saldo": "balance", "Tegenpartij": "counterparty_name", "Tegenrekening": "counterparty_account",
    "Mededeling": "description", "Referentie": "id",
}  # fmt: skip
#: What a person would answer about it (formats.md 6.9). Without the order of the dates up to 50,000 rows wait for it.
MAPPING = {"columns": _COLUMNS, "dates": ["dmy"]}


def csv(rows: int) -> Iterator[bytes]:
    """A table of ten columns with a running balance, as banks in Belgium write it."""
    yield (";".join(_COLUMNS) + "\r\n").encode()
    for cells in _cells(rows):
        day, amount, balance, *texts = cells
        dated, figures = f"{day:%d/%m/%Y}", (_comma(amount), _comma(balance))
        name, account, message, reference = texts
        cells_ = ("BE68539007547034", dated, dated, figures[0], "EUR", figures[1], name, account, message, reference)
        yield (";".join(map(str, cells_)) + "\r\n").encode()


def _cells(rows: int) -> Iterator[tuple[dt.date, Decimal, Decimal, str, str, str, str]]:
    balance = _OPENING
    for number in range(rows):
        day, amount, name = row(number, rows)
        balance += amount
        account = f"BE{number % 97:02d}{number % 10**12:012d}"
        message = f"Invoice {number}, thank you for your order at {name}"
        yield day, amount, balance, name, account, message, f"REF2026{number:09d}"


def xlsx(rows: int) -> Iterator[bytes]:
    """The same table as a workbook: dates as dates, amounts as numbers."""
    import xlsxwriter  # type: ignore[import-untyped]

    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        book = xlsxwriter.Workbook(
            file.name, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        sheet, dates = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, list(_COLUMNS))
        for number, (day, amount, balance, *texts) in enumerate(_cells(rows), start=1):
            sheet.write_string(number, 0, "BE68539007547034")
            sheet.write_datetime(number, 1, day, dates)
            sheet.write_datetime(number, 2, day, dates)
            sheet.write_number(number, 3, float(amount))
            sheet.write_string(number, 4, "EUR")
            sheet.write_number(number, 5, float(balance))
            for column, text in enumerate(texts, start=6):
                sheet.write_string(number, column, text)
        book.close()
        file.seek(0)
        yield file.read()
