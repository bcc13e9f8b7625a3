"""OFX: the rules and the example of formats.md 6.4, and the writer of 7."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from tests.formats.samples import DAY, IBAN, OPTIONS, outgoing, reading, written

from nostro.formats import (
    Entry,
    FileAccount,
    FileHead,
    FormatError,
    Hints,
    StatementHead,
    WriteError,
    lossy_fields,
    write,
)
from nostro.formats.values import NOWHERE

HEADER = "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\r\n"
ACCOUNT = "<BANKACCTFROM><BANKID>539<ACCTID>BE68539007547034<ACCTTYPE>CHECKING</BANKACCTFROM>"
LEDGER = "<LEDGERBAL><BALAMT>87.50<DTASOF>20261130</LEDGERBAL>"
ROW = (
    "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20261112<TRNAMT>-12.50<FITID>F-77001<NAME>Cafe De Hoek<MEMO>two coffees</STMTTRN>"
)


def statement(rows: str = ROW, *, account: str = ACCOUNT, balances: str = LEDGER, currency: str = "EUR") -> str:
    return (
        f"<STMTTRNRS><STMTRS><CURDEF>{currency}{account}<BANKTRANLIST><DTSTART>20261101<DTEND>20261130{rows}"
        f"</BANKTRANLIST>{balances}</STMTRS></STMTTRNRS>"
    )


def ofx(*statements: str, header: str = HEADER) -> str:
    signon = (
        "<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0</STATUS><DTSERVER>20261201<FI><ORG>BANK</FI></SONRS></SIGNONMSGSRSV1>"
    )
    return f"{header}<OFX>{signon}<BANKMSGSRSV1>{''.join(statements or [statement()])}</BANKMSGSRSV1></OFX>"


def row(text: str) -> Entry:
    return reading(ofx(statement(f"<STMTTRN>{text}</STMTTRN>"))).rows[0]


def test_the_example_of_the_specification() -> None:
    read = row("<DTPOSTED>20261112233000[-5:EST]<TRNAMT>-12,50<FITID>00000<NAME>A & B")
    assert (read.booking_date, read.amount, read.transaction_id, read.creditor_name) == (
        DAY,
        Decimal("-12.50"),
        None,
        "A & B",
    )
    assert read.raw == {"FITID": "00000"}


def test_head_account_period_and_balances() -> None:
    found = reading(ofx(statement(balances=LEDGER + "<AVAILBAL><BALAMT>80,00<DTASOF>20261130</AVAILBAL>")))
    head = found.events[0]
    assert isinstance(head, FileHead)
    assert (head.version, head.dialect, head.created, head.sender) == ("OFX 102", "sgml", "20261201", "BANK")
    one = found.heads[0]
    assert (one.account, one.kind) == (FileAccount("EUR", iban=IBAN), "list")
    assert (one.from_date, one.to_date) == (dt.date(2026, 11, 1), dt.date(2026, 11, 30))
    assert [(b.balance_type, b.amount, b.reference_date) for b in found.tails[0].balances] == [
        ("interimBooked", Decimal("87.50"), dt.date(2026, 11, 30)),
        ("interimAvailable", Decimal("80.00"), dt.date(2026, 11, 30)),
    ]
    assert (found.states, found.codes) == (["unproved"], [])


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("<BANKACCTFROM><BANKID>12100024<ACCTID>12 345</BANKACCTFROM>", FileAccount("EUR", bban="12100024/12345")),
        ("<BANKACCTFROM><BANKID>000<ACCTID>12345</BANKACCTFROM>", FileAccount("EUR", other="12345")),
        ("<CCACCTFROM><ACCTID>5254123412343241</CCACCTFROM>", FileAccount("EUR", masked_pan="xxxxxxxxxxxx3241")),
    ],
    ids=["bank and number", "no bank", "card"],
)
def test_accounts(account: str, expected: FileAccount) -> None:
    assert reading(ofx(statement(account=account))).heads[0].account == expected


def test_all_fields_of_a_transaction() -> None:
    read = row(
        "<TRNTYPE>CHECK<DTPOSTED>20261112<DTAVAIL>20261113<DTUSER>20261110<TRNAMT>-1.234,56<FITID>F-1<CHECKNUM>12"
        "<REFNUM>R-900<SIC>5812<PAYEE><NAME>Payee Inc<ADDR1>Street 1</PAYEE>"
        "<BANKACCTTO><BANKID>1<ACCTID>BE71096123456769</BANKACCTTO><MEMO>one<EXTDNAME>two<ORIGCURRENCY><CURRATE>1.08<CURSYM>USD</ORIGCURRENCY>"
    )
    assert (read.amount, read.currency, read.value_date) == (Decimal("-1234.56"), "EUR", dt.date(2026, 11, 13))
    assert (read.transaction_date, read.check_id, read.merchant_category_code) == (dt.date(2026, 11, 10), "12", "5812")
    assert (read.creditor_name, read.creditor_account) == ("Payee Inc", "BE71096123456769")
    assert read.references == (("fitId", "F-1"), ("prtry:REFNUM", "R-900"))
    assert read.remittance_information_unstructured == ("one", "two")
    assert read.currency_exchange == ({"source": "USD", "rate": "1.08", "target": "EUR"},)
    assert (read.proprietary_bank_transaction_code, read.raw["PAYEE/ADDR1"]) == ("CHECK", "Street 1")


def test_currency_of_a_row_and_corrections() -> None:
    foreign = row("<DTPOSTED>20261112<TRNAMT>5.00<CURRENCY><CURRATE>0.9<CURSYM>USD</CURRENCY>")
    assert (foreign.amount, foreign.currency) == (Decimal("5.00"), "USD")
    deleted = row("<DTPOSTED>20261112<TRNAMT>5.00<FITID>F-2<CORRECTFITID>F-1<CORRECTACTION>DELETE")
    assert (deleted.corrects, deleted.raw["CORRECTACTION"]) == ("F-1", "DELETE")


XML = (
    '<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="220"?>'
    + ofx(header="").replace("<CODE>0", "<CODE>0</CODE>")
)  # fmt: skip
LEAVES = ("CURDEF", "BANKID", "ACCTID", "ACCTTYPE", "DTSTART", "DTEND", "TRNTYPE", "DTPOSTED", "TRNAMT", "FITID",
          "NAME", "MEMO", "BALAMT", "DTASOF", "DTSERVER", "ORG")  # fmt: skip


def closed(text: str) -> str:
    """The same with an end tag for each leaf."""
    parts = text.split("<")
    names = [part.split(">")[0] for part in parts]
    return "<".join(
        f"{part}</{name}>" if name in LEAVES else part for part, name in zip(parts, names, strict=True)
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        closed(XML),
        XML,
        ofx().replace(">", ">\r\n").replace("<", "\r\n<"),
        ofx(header=""),
        ofx().lower().replace("f-77001", "F-77001").replace("cafe de hoek", "Cafe De Hoek").replace("debit", "DEBIT"),
        ofx() + "\x00\x00\x00",
        ofx().replace("<MEMO>", "<CHECKNUM></CHECKNUM><SIC/><MEMO>"),
        ofx().replace("two coffees", "<![CDATA[two coffees]]>").replace("<STMTRS>", "<!-- <STMTTRN> --><STMTRS>"),
        ofx().replace("</STMTTRN>", "").replace("</BANKACCTFROM>", "").replace("</LEDGERBAL>", ""),
        ofx().replace("<OFX>", "<OFX a='b'>"),
    ],
    ids=["xml", "mixed", "lines", "no header", "lower case", "NULs", "empty", "cdata", "unclosed", "attribute"],
)  # fmt: skip
def test_ways_of_writing_that_change_nothing(text: str) -> None:
    expected = dataclasses.replace(reading(ofx()).rows[0], position=NOWHERE)
    found = reading(text)
    assert [dataclasses.replace(read, position=NOWHERE) for read in found.rows] == [expected]
    assert (found.heads[0].account.iban, found.tails[0].balances[0].amount) == (IBAN, Decimal("87.50"))


def test_less_than_signs_and_entities_are_text() -> None:
    read = row("<DTPOSTED>20261112<TRNAMT>1.00<NAME>A < B &amp; C&#233; &nope;<MEMO>1 <2")
    assert (read.debtor_name, read.remittance_information_unstructured) == ("A < B & Cé &nope;", ("1 <2",))


def test_several_statements_and_accounts() -> None:
    card = statement(account="<CCACCTFROM><ACCTID>5254123412343241</CCACCTFROM>").replace("STMT", "CCSTMT", 2)
    found = reading(ofx(statement(), card, statement("", balances="")))
    assert [(head.account.number, tail.entries_seen) for head, tail in zip(found.heads, found.tails, strict=True)] == [
        (IBAN, 1), ("xxxxxxxxxxxx3241", 1), (IBAN, 0),
    ]  # fmt: skip


def test_investments_give_their_cash_movements_and_count_the_trades() -> None:
    inner = (
        "<BUYSTOCK><INVBUY><INVTRAN><FITID>T1<DTTRADE>20261102</INVTRAN><UNITS>5<TOTAL>-100</INVBUY></BUYSTOCK>"
        f"<INVBANKTRAN>{ROW}<SUBACCTFUND>CASH</INVBANKTRAN>"
    )
    text = (
        "<INVSTMTRS><DTASOF>20261130<CURDEF>EUR<INVACCTFROM><BROKERID>B<ACCTID>777</INVACCTFROM>"
        f"<INVTRANLIST><DTSTART>20261101<DTEND>20261130{inner}</INVTRANLIST></INVSTMTRS>"
    )
    found = reading(ofx(text))
    assert [read.amount for read in found.rows] == [Decimal("-12.50")]
    assert found.codes == ["F-SKIPPED"] and "1 trades" in found.problems[0].message


def test_pending_transactions() -> None:
    pending = ROW.replace("STMTTRN>", "STMTTRNP>").replace("DTPOSTED", "DTTRAN")
    found = reading(ofx(statement(f"{ROW}</BANKTRANLIST><BANKTRANLISTP><DTASOF>20261130{pending}</BANKTRANLISTP>")))
    assert [(read.booking_status, read.booking_date) for read in found.rows] == [("booked", DAY), ("pending", None)]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (ofx()[: ofx().index("</BANKTRANLIST>")], "F-TRUNCATED", "inside a list of transactions"),
        (ofx()[: ofx().index("<STMTRS>")], "F-TRUNCATED", "before a statement"),
        (ofx("<STMTTRNRS><STATUS><CODE>2003</STATUS></STMTTRNRS>"), "F-REFUSED", "the bank's answer has status"),
        (ofx(statement(currency="")), "F-ACCOUNT", "CURDEF"),
        (ofx(statement(account="")), "F-ACCOUNT", "ACCTID"),
        (ofx(statement(ROW.replace("-12.50", "-12.5O"))), "F-FIELD", "TRNAMT '-12.5O' is not an amount"),
        (ofx(statement(ROW.replace("20261112", "12112026x"))), "F-FIELD", "DTPOSTED"),
        (ofx(statement(balances=LEDGER.replace("87.50", "a lot"))), "F-FIELD", "LEDGERBAL/BALAMT 'a lot'"),
        (ofx().replace("<OFX>", "<!DOCTYPE OFX SYSTEM 'x'><OFX>"), "F-UNSAFE", "document type"),
        (ofx().replace("two coffees", "x" * 20_001), "F-TOO-LARGE", "20000"),
        (ofx().replace("two coffees", "x" * 200_000), "F-TOO-LARGE", "65536"),
        (ofx().replace("<OFX>", "<OFX><!-- " + "x" * 200_000), "F-TOO-LARGE", "65536"),
    ],
    ids=["list", "early", "none", "currency", "account", "amount", "day", "balance", "type", "text", "token", "note"],
)  # fmt: skip
def test_what_is_refused(text: str, code: str, words: str) -> None:
    with pytest.raises(FormatError) as error:
        reading(text)
    assert (error.value.problem.code, words in str(error.value)) == (code, True), str(error.value)


def test_errors_name_line_and_transaction() -> None:
    text = ofx(statement("\n" + ROW + "\n" + ROW.replace("-12.50", "much")))
    with pytest.raises(FormatError) as error:
        reading(text)
    line = text.split("\n")[error.value.problem.position.line - 1] if error.value.problem.position.line else ""
    assert "much" in line and str(error.value.problem.position).endswith("tag STMTTRN, record 2, field TRNAMT")


def test_an_end_that_is_missing_behind_whole_lists_is_a_warning() -> None:
    found = reading(ofx()[: ofx().index("</STMTRS>")])
    assert [(problem.code, problem.severity) for problem in found.problems] == [("F-TRUNCATED", "warning")]
    assert len(found.rows) == 1


def test_a_missing_currency_or_account_comes_from_the_hints() -> None:
    found = reading(ofx(statement(account="", currency="")), Hints(account=IBAN, currency="EUR"))
    assert found.heads[0].account == FileAccount("EUR", iban=IBAN)


def test_a_body_in_another_encoding_than_the_header_says() -> None:
    text = ofx(statement(ROW.replace("Cafe De Hoek", "Café à Liège")))
    found = reading(text)
    assert (found.rows[0].creditor_name, found.codes) == ("Café à Liège", ["F-TEXT"])
    assert reading(text.encode("cp1252")).codes == []
    assert reading(ofx()).codes == []


# --- writer ----------------------------------------------------------------------------------------------------

FULL = Entry(
    Decimal("-50.00"), "EUR", booking_date=DAY, value_date=DAY, transaction_id="LINE-UID-1", check_id="12",
    transaction_date=dt.date(2026, 11, 10), creditor_name="Straße & <Søn>", creditor_account="BE71096123456769",
    remittance_information_unstructured=("株式会社 \"quoted\"",), proprietary_bank_transaction_code="PAYMENT",
    merchant_category_code="5812", references=(("fitId", "LINE-UID-1"), ("prtry:REFNUM", "R-77")),
    currency_exchange=({"source": "USD", "rate": "1.08", "target": "EUR"},),
)  # fmt: skip


def test_what_ofx_can_hold_comes_back() -> None:
    found = reading(written("ofx", outgoing([FULL])))
    assert dataclasses.replace(found.rows[0], position=FULL.position, raw={}) == FULL
    assert lossy_fields("ofx", FileHead("ofx"), [outgoing([FULL])]) == ()
    assert (found.heads[0].account.iban, found.tails[0].balances[0].amount) == (IBAN, Decimal("50.00"))
    long = dataclasses.replace(FULL, creditor_name="x" * 33, end_to_end_id="E2E")
    assert lossy_fields("ofx", FileHead("ofx"), [outgoing([long])]) == ("creditor_name", "end_to_end_id")


def test_version_102_is_sgml_in_cp1252() -> None:
    options = dataclasses.replace(OPTIONS, ofx_version="102")
    data = b"".join(write("ofx", FileHead("ofx"), [outgoing([FULL, FULL])], options))
    assert data.startswith(b"OFXHEADER:100\r\n") and b"</NAME>" not in data
    found = reading(data)
    assert [read.creditor_name for read in found.rows] == ["Straße & <Søn>"] * 2
    assert found.rows[0].remittance_information_unstructured == ('???? "quoted"',)


def test_cards_numbers_of_banks_and_missing_balances() -> None:
    base = outgoing([FULL])
    for account in (
        FileAccount("EUR", masked_pan="xxxxxxxxxxxx3241"),
        FileAccount("EUR", bban="12100024/123"),
        FileAccount("EUR", other="9"),
    ):
        head = StatementHead(1, account)
        found = reading(written("ofx", dataclasses.replace(base, head=head, opening=None, closing=None)))
        assert (found.heads[0].account, found.tails[0].balances) == (account, ())


def test_what_the_writer_refuses() -> None:
    for changed, words in (
        (dataclasses.replace(FULL, booking_status="pending"), "booked rows only"),
        (dataclasses.replace(FULL, booking_date=None), "booking date"),
    ):
        with pytest.raises(WriteError, match=words):
            written("ofx", outgoing([changed]))
    with pytest.raises(WriteError, match="number of the account"):
        written("ofx", dataclasses.replace(outgoing([FULL]), head=StatementHead(1, FileAccount("EUR"))))
