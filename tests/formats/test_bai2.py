"""BAI2: the rules and the example of formats.md 6.8."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.formats.samples import DAY, Reading, reading

from nostro.formats import Entry, FileHead, FormatError, Hints


def bai2(
    *records: str, opening: int = 100_000, closing: int | None = None, currency: str = "USD", modifier: str = "2",
    total: int | None = None, summary: str = "", status: str = "1",
) -> str:  # fmt: skip
    """One account; ``records`` are lines 16 and 88. Control totals and counts are right unless given."""
    amounts = [int(line.split(",")[2].rstrip("/") or 0) for line in records if line.startswith("16,")]
    signs = [1 if line[3:6] < "400" else -1 if line[3:6] < "700" else 0 for line in records if line.startswith("16,")]
    if closing is None:
        closing = opening + sum(amount * sign for amount, sign in zip(amounts, signs, strict=True))
    summed = opening + closing + sum(amounts) + sum(int(part) for part in summary.split(",")[1::4])
    total = summed if total is None else total
    lines = len(records) + 2
    return "\n".join([
        "01,SENDER,RECEIVER,261113,0600,F7,80,1,2/",
        f"02,RECEIVER,BANK,{status},261112,0600,{currency},{modifier}/",
        f"03,4700123,,010,{opening},,,015,{closing},,{summary and f',{summary}'}/",
        *records,
        f"49,{total},{lines}/",
        f"98,{total},1,{lines + 2}/",
        f"99,{total},1,{lines + 4}/",
    ]) + "\n"  # fmt: skip


def row(*records: str) -> Entry:
    return reading(bai2(*records)).rows[0]


def test_the_example_of_the_specification() -> None:
    found = reading(bai2("16,495,1250,V,261113,,BK77,CU1,WIRE OUT/NEW YORK, 2ND", "88,REF 7/"))
    (read,) = found.rows
    assert (read.amount, read.value_date, read.booking_date) == (Decimal("-12.50"), dt.date(2026, 11, 13), DAY)
    assert read.remittance_information_unstructured == ("WIRE OUT/NEW YORK, 2ND REF 7",)
    assert (read.entry_reference, read.references) == ("BK77", (("bai2Bank", "BK77"), ("bai2Customer", "CU1")))
    assert (read.proprietary_bank_transaction_code, found.states, found.codes) == ("495", ["proved"], [])


def test_head_account_and_balances() -> None:
    summary = ",".join(["040", "99000", "", "", "045", "88000", "", "", "060", "77000", "", "", "100", "0", "0", "0"])
    found = reading(bai2(summary=summary))
    head = found.events[0]
    assert isinstance(head, FileHead)
    assert (head.version, head.message_id, head.sender, head.created) == ("BAI2", "F7", "SENDER", "261113 0600")
    assert (found.heads[0].account.other, found.heads[0].account.currency, found.heads[0].kind) == (
        "4700123",
        "USD",
        "statement",
    )
    assert (found.heads[0].from_date, found.heads[0].to_date) == (DAY, DAY)
    assert [(b.balance_type, b.amount) for b in found.tails[0].balances] == [
        ("openingBooked", Decimal("1000.00")), ("closingBooked", Decimal("1000.00")), ("other:OPAV", Decimal("990.00")),
        ("other:CLAV", Decimal("880.00")), ("interimAvailable", Decimal("770.00")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "amount", "status"),
    [
        ("100", "5.00", "booked"), ("399", "5.00", "booked"), ("400", "-5.00", "booked"), ("699", "-5.00", "booked"),
        ("700", "5.00", "information"), ("919", "5.00", "information"), ("920", "5.00", "booked"),
        ("959", "5.00", "booked"), ("960", "-5.00", "booked"), ("999", "-5.00", "booked"),
    ],
)  # fmt: skip
def test_the_type_tells_the_sign(kind: str, amount: str, status: str) -> None:
    closing = 100_000 + (int(Decimal(amount) * 100) if status == "booked" else 0)
    (read,) = (found := reading(bai2(f"16,{kind},500,,B9,,x/", closing=closing))).rows
    assert (read.amount, read.booking_status, found.states) == (Decimal(amount), status, ["proved"])


@pytest.mark.parametrize(
    ("record", "text", "bank"),
    [
        ("16,165,500,S,100,200,200,BK99,CU,a,b/c", "a,b/c", "BK99"),
        ("16,165,500,D,2,0,100,1,400,BK99,CU,text/", "text", "BK99"),
        ("16,165,500,V,261113,1200,BK99,CU,text//", "text/", "BK99"),
        ("16,165,500,Z,BK99,CU,text", "text", "BK99"),
        ("16,165,500,,BK/9,CU,  spaced   text /", "spaced text", "BK/9"),
        ("16,165,500,,BK99/", None, "BK99"),
        ("16,165,500,,BK99,CU,/", None, "BK99"),
        ("16,165,500/", None, None),
    ],
    ids=["S", "D", "V", "Z", "slash in a reference", "no customer", "empty text", "short"],
)
def test_funds_types_references_and_texts(record: str, text: str | None, bank: str | None) -> None:
    read = row(record)
    assert (read.remittance_information_unstructured, read.entry_reference) == ((text,) if text else (), bank)


def test_continuations_go_on_with_a_comma_before_the_text_and_a_blank_in_it() -> None:
    read = row("16,165,500/", "88,V,261113/", "88,1200,BK99,CU,one", "88,two, three/", "88,four/")
    assert (read.value_date, read.entry_reference) == (dt.date(2026, 11, 13), "BK99")
    assert read.remittance_information_unstructured == ("one two, three four",)
    wrapped = bai2("16,165,500,,BK99,CU,text/").replace(
        "03,4700123,,010,100000,,,015", "03,4700123,,010,100000,,/\n88,015"
    )
    wrapped = (
        wrapped.replace("49,201000,3", "49,201000,4").replace("98,201000,1,5", "98,201000,1,6").replace("1,7/", "1,8/")
    )
    found = reading(wrapped)
    assert (found.states, found.codes) == (["proved"], [])


def test_several_records_on_one_line_but_not_inside_a_text() -> None:
    text = bai2("16,165,500,,BK99,CU/", "16,475,200,,BK98,CU,paid 1/16,475,100,,X/")
    one_line = (
        text.replace("/\n02", "/02")
        .replace("/\n03", "/03")
        .replace("CU/\n16", "CU/16")
        .replace("/\n98", "/98")
        .replace("/\n99", "/99")
    )
    assert one_line.count("\n") < text.count("\n") - 3
    for written in (text, one_line, text.replace("\n", "\r\n"), text.replace("/\n49", "   \n49")):
        found = reading(written)
        assert [read.amount for read in found.rows] == [Decimal("5.00"), Decimal("-2.00")]
        assert found.states == ["proved"]
    assert reading(text).rows[1].remittance_information_unstructured == ("paid 1/16,475,100,,X",)


def test_a_row_of_zero_and_currencies_with_other_exponents() -> None:
    assert row("16,890,,,,,Notice of change/").amount == 0
    assert reading(bai2("16,165,500,,B,,/", currency="JPY")).rows[0].amount == Decimal(500)
    assert str(reading(bai2("16,165,500,,B,,/", currency="KWD")).rows[0].amount) == "0.500"


def test_interim_groups_are_reports_and_provisional() -> None:
    found = reading(bai2("16,165,500,,B,,/", modifier="1"))
    assert (found.heads[0].kind, found.heads[0].complete, found.rows[0].provisional) == ("report", False, True)


def test_a_missing_currency_is_the_hint_or_the_dollar_of_the_standard() -> None:
    assert reading(bai2(currency=""), Hints(currency="EUR")).heads[0].account.currency == "EUR"
    found = reading(bai2(currency=""))
    assert (found.heads[0].account.currency, found.codes) == ("USD", ["F-ACCOUNT"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bai2("16,165,500,,B,,/", total=200_501), "control total: the file states 200501, its records make 201000"),
        (bai2("16,165,500,,B,,/").replace("49,201000,3/", "49,201000,9/"), "number of records: the file states 9"),
        (bai2().replace("98,200000,1,", "98,200000,2,"), "number of accounts: the file states 2"),
        (bai2().replace("99,200000,1,", "99,200000,3,"), "number of groups: the file states 3"),
    ],
    ids=["total", "records", "accounts", "groups"],
)
def test_control_totals_are_a_second_proof(text: str, words: str) -> None:
    found = reading(text)
    assert found.quarantined and words in found.problems[0].message


def test_summaries_of_credits_and_debits_only_warn() -> None:
    found = reading(bai2("16,165,500,,B,,/", summary="100,900,2,,400,0,0,"))
    assert {(problem.code, problem.severity) for problem in found.problems} == {("F-TOTALS", "warning")}


WHOLE = bai2("16,165,500,,BK99,CU,text/")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (WHOLE[: WHOLE.index("99,")], "F-TRUNCATED", "without record 99"),
        (WHOLE.replace("500,,BK99", "-500,,BK99"), "F-FIELD", "the type says the direction"),
        (WHOLE.replace("500,,BK99", "5.00,,BK99"), "F-FIELD", "amount '5.00' is not a whole number"),
        (WHOLE.replace("16,165", "16,1X5"), "F-FIELD", "type '1X5'"),
        (WHOLE.replace("16,165,500,,", "16,165,500,V,269999,,"), "F-FIELD", "value date"),
        (WHOLE.replace("03,4700123", "03,"), "F-ACCOUNT", "no number"),
        (WHOLE.replace("49,", "48,"), "F-SYNTAX", "before the account has ended"),
        (WHOLE.replace("16,165", "nonsense"), "F-SYNTAX", "does not begin with"),
        (WHOLE.replace("98,", "97,"), "F-SYNTAX", "record 97 is not known"),
        (bai2(status="4"), "F-REFUSED", "is a test"),
        (WHOLE.replace("CU,text/", "CU," + ("x" * 60_000 + "\n88,") * 3 + "x/"), "F-TOO-LARGE", "65536"),
    ],
    ids=["no 99", "minus", "point", "type", "date", "account", "no 49", "nonsense", "unknown", "test", "long"],
)  # fmt: skip
def test_what_is_refused(text: str, code: str, words: str) -> None:
    with pytest.raises(FormatError) as error:
        reading(text)
    assert (error.value.problem.code, words in str(error.value)) == (code, True), str(error.value)
    assert error.value.problem.position.line


def test_two_accounts_in_two_groups() -> None:
    lines = bai2("16,165,500,,BK99,CU,text/").splitlines()
    group = lines[1:-1]
    second = [line.replace("4700123", "4700124") for line in group]
    found: Reading = reading("\n".join([lines[0], *group, *second, "99,402000,2,12/"]) + "\n")
    assert [head.account.other for head in found.heads] == ["4700123", "4700124"]
    assert (found.states, found.codes) == (["proved", "proved"], [])


def test_cutting_at_any_byte_never_gives_a_clean_import() -> None:
    data = bai2("16,165,500,,BK99,CU,one/", "16,475,200,,BK98,CU,two", "88,more/").encode()
    for end in range(len(data) - 1):
        try:
            found = reading(data[:end])
        except FormatError:
            continue
        assert len(found.rows) == 2 and (found.states == ["proved"] or found.codes), data[:end][-30:]


def test_any_chunking_gives_the_same_events() -> None:
    data = bai2("16,165,500,,BK99,CU,é one/", "16,475,200,,BK98,CU,two", "88,more/").encode()
    for size in (1, 2, 3, 7, 50):
        assert reading(data, sizes=[size] * (len(data) // size)).events == reading(data).events
