"""CODA: the rules and the example of formats.md 6.3, and the writer of 7."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from decimal import Decimal

import pytest
from coda import CODA
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.rows import entries
from tests.formats.samples import DAY, IBAN, Reading, outgoing, reading, written

from nostro.core.transactions import Balance
from nostro.formats import Detail, Entry, FileHead, FormatError, WriteError, lossy_fields
from nostro.formats.values import NOWHERE

# The four movements of formats.md 6.3, as they stand there.
EXAMPLE = """\
2100010000REF0001              0000000000121000121126001500001101020343057642                                      12112602101 0
2100020000REF0002              1000000000050000121126101070000SALARIES                                             12112602110 0
2100020001REF0002              1000000000020000121126501070000AN                                                   12112602100 0
2100020002REF0002              1000000000030000121126501070000JAN                                                  12112602110 0
"""  # noqa: E501 - records are 128 characters


def record(*fields: tuple[int, str]) -> str:
    """A record of 128 characters: each text at its column (from 1)."""
    text = ""
    for column, value in fields:
        text = text.ljust(column - 1) + value
    return text.ljust(128) + "\r\n"


def head(version: str = "2", copy: str = " ") -> str:
    return record((1, "00000121126"), (12, "53905"), (17, copy), (25, "FILE1"), (61, "KREDBEBB"), (128, version))


def old_balance(amount: str = "000000001000000", currency: str = "EUR", form: str = "2", account: str = IBAN) -> str:
    return record(
        (1, f"1{form}021"), (6, account), (40, currency), (43, f"0{amount}"), (59, "111126"), (65, "NOSTRO BV"),
        (91, "CURRENT"), (126, "033"),
    )  # fmt: skip


def movement(
    sequence: str, amount: str, *, sign: str = "0", code: str = "00150000", flag: str = "0", text: str = "",
    detail: str = "0000", reference: str = "REF", entry_date: str = "121126", link: str = "0", value: str = "121126",
) -> str:  # fmt: skip
    return record(
        (1, f"21{sequence}{detail}"), (11, reference), (32, f"{sign}{amount}"), (48, value), (54, code), (62, flag),
        (63, text), (116, entry_date), (122, "02100"), (128, link),
    )  # fmt: skip


def new_balance(amount: str = "000000001071000", account: str = IBAN, currency: str = "EUR", sign: str = "0") -> str:
    return record((1, "8021"), (5, account), (39, currency), (42, f"{sign}{amount}"), (58, "121126"), (128, "0"))


def end(records: int, debit: str = "0", credit: str = "0", link: str = "2") -> str:
    return record((1, "9"), (17, f"{records:06d}"), (23, f"{debit:0>15}"), (38, f"{credit:0>15}"), (128, link))


def coda(movements: str, closing: str = "000000001071000", *, debit: str = "50000", credit: str = "121000") -> str:
    lines = sum(line[:1] in "123" for line in movements.splitlines())
    return head() + old_balance() + movements + new_balance(closing) + end(lines + 2, debit, credit)


def one(movements: str, amount: int = 121_000) -> Reading:
    """A file with one credit, proved."""
    return reading(coda(movements, f"{1_000_000 + amount:015d}", debit="0", credit=str(amount)))


def test_the_example_of_the_specification() -> None:
    found = reading(coda(EXAMPLE))
    first, second = found.rows
    assert (first.amount, first.remittance_information_structured) == (Decimal("121.00"), ("020343057642",))
    assert (second.amount, [detail.amount for detail in second.details]) == (
        Decimal("-50.00"), [Decimal("-20.00"), Decimal("-30.00")],
    )  # fmt: skip
    assert (second.batch_number_of_transactions, second.remittance_information_unstructured) == (2, ("SALARIES",))
    assert [detail.remittance_information_unstructured for detail in second.details] == [("AN",), ("JAN",)]
    assert second.references == (("codaBank", "REF0002"), ("codaSequence", "021/0002"))
    assert (found.states, found.tails[0].proof and found.tails[0].proof.totals, found.codes) == (
        ["proved"],
        "proved",
        [],
    )


def test_head_account_and_numbers() -> None:
    found = reading(coda(EXAMPLE))
    file_head = found.events[0]
    assert isinstance(file_head, FileHead)
    assert (file_head.format, file_head.version, file_head.message_id, file_head.sender) == (
        "coda",
        "CODA 2",
        "FILE1",
        "539",
    )
    statement = found.heads[0]
    assert (statement.account.iban, statement.account.currency, statement.account.bic) == (IBAN, "EUR", "KREDBEBB")
    assert (statement.account.owner_name, statement.account.display_name) == ("NOSTRO BV", "CURRENT")
    assert (statement.sequence, statement.legal_sequence, statement.copy) == ("033", "021", "none")
    assert [(b.balance_type, b.amount, b.reference_date) for b in found.tails[0].balances] == [
        ("openingBooked", Decimal("1000.00"), dt.date(2026, 11, 11)), ("closingBooked", Decimal("1071.00"), DAY),
    ]  # fmt: skip
    assert reading(coda(EXAMPLE).replace("5390505 ", "5390505D")).states == ["proved"]


def test_a_belgian_number_is_the_iban_and_is_compared_with_the_other_form() -> None:
    text = coda(EXAMPLE).replace(old_balance(), "")
    text = text.replace(
        head(), head() + record((1, "10021"), (6, "539007547034 EUR"), (43, "0000000001000000"), (59, "111126"))
    )
    found = reading(text)
    assert (found.heads[0].account.iban, found.states) == (IBAN, ["proved"])
    with pytest.raises(FormatError, match="F-ACCOUNT"):
        reading(coda(EXAMPLE).replace(new_balance(), new_balance(account="BE71096123456769")))


def test_the_parts_of_a_communication_are_columns() -> None:
    text = movement("0001", "000000000121000", text="x" * 50 + " A")
    text += record((1, "2200010000"), (11, "B".ljust(53) + "CUSTOMER-77"), (99, "GEBABEBB"), (122, "SALA"))
    text += record((1, "2300010000"), (11, "BE71096123456769"), (45, "EUR"), (48, "Jan Peeters"), (83, "END"))
    (row,) = one(text).rows
    assert row.remittance_information_unstructured == ("x" * 50 + " A B END",)
    assert (row.end_to_end_id, row.purpose_code) == ("CUSTOMER-77", "SALA")
    assert (row.debtor_name, row.debtor_account, row.debtor_agent) == ("Jan Peeters", "BE71096123456769", "GEBABEBB")
    assert (row.booking_date, row.value_date, row.proprietary_bank_transaction_code) == (DAY, DAY, "00150000")
    assert row.entry_reference == "REF"


@pytest.mark.parametrize(
    ("text", "structured", "free", "raw", "codes"),
    [
        ("101020343057642", ("020343057642",), (), set(), []),
        ("102020343057642", ("020343057642",), (), set(), []),
        ("100RF18123456789", ("RF18123456789",), (), set(), []),
        ("101020343057643", (), ("020343057643",), set(), ["F-REFERENCE"]),
        (f"{'105':<48}020343057642", ("020343057642",), (), {"105"}, []),
        ("113 4871 ATM", (), (), {"113"}, []),
    ],
    ids=["101", "102", "100", "wrong check digits", "105", "other types"],
)
def test_structured_communications(
    text: str, structured: tuple[str, ...], free: tuple[str, ...], raw: set[str], codes: list[str]
) -> None:
    first, second = text[:53], text[53:]
    records = movement("0001", "000000000121000", flag="1", text=first)
    if second:
        records += record((1, "2200010000"), (11, second))
    found = one(records)
    assert found.rows[0].remittance_information_structured == structured
    assert found.rows[0].remittance_information_unstructured == free
    assert {key.removeprefix("communication/") for key in found.rows[0].raw} == raw
    assert found.codes == codes


def test_a_direct_debit_names_creditor_and_mandate() -> None:
    data = f"127121126110{'BE12ZZZ0123456789':<35}{'MANDATE-7':<35}{'Subscription November':<62}"
    records = movement("0001", "000000000121000", flag="1", text=data[:53])
    records += record((1, "2200010000"), (11, data[53:106])) + record((1, "2300010000"), (83, data[106:]))
    (row,) = one(records).rows
    assert (row.creditor_id, row.mandate_id) == ("BE12ZZZ0123456789", "MANDATE-7")
    assert row.remittance_information_unstructured == ("Subscription November",)
    assert row.raw == {"communication/127": "121126110"}


def information(sequence: str, reference: str, flag: str, text: str, second: str = "", third: str = "") -> str:
    lines = record((1, f"31{sequence}0001"), (11, reference), (32, "00150000"), (40, flag), (41, text))
    lines += record((1, f"32{sequence}0001"), (11, second)) if second else ""
    return lines + (record((1, f"33{sequence}0001"), (11, third)) if third else "")


def test_information_belongs_to_sequence_and_reference_wherever_it_stands() -> None:
    records = movement("0001", "000000000100000", reference="ONE") + movement(
        "0002", "000000000021000", reference="TWO"
    )
    records += information("0001", "ONE", "0", "fees included")
    records += information("0002", "TWO", "1", "001Jan Peeters en zonen", "Kerkstraat 1")
    records += information("0001", "ONE", "1", "008Ultimate One") + information("0001", "ONE", "1", "009Ultimate Two")
    records += information("0001", "ELSE", "0", "nobody")
    found = one(records)
    first, second = found.rows
    assert (first.additional_information, first.ultimate_creditor, first.ultimate_debtor) == (
        "fees included", "Ultimate One", "Ultimate Two",
    )  # fmt: skip
    assert (second.debtor_name, second.raw["information/001"]) == ("Jan Peeters en zonen", "Kerkstraat 1")
    assert found.codes == ["F-SKIPPED"] and "'nobody' belongs to no movement" in found.problems[0].message


def test_information_of_several_records_is_one_text_in_columns() -> None:
    records = movement("0001", "000000000121000", reference="ONE")
    records += information("0001", "ONE", "0", "a" * 73, "b" * 105, "c" * 90)
    assert one(records).rows[0].additional_information == "a" * 73 + "b" * 105 + "c" * 90


def test_a_return_keeps_the_roles_of_the_payment() -> None:
    records = movement("0001", "000000000121000")
    records += record((1, "2200010000"), (113, "2"), (114, "AC04")) + record((1, "2300010000"), (48, "Supplier"))
    (row,) = one(records).rows
    assert (row.reversal, row.creditor_name, row.counterparty_name) == (True, "Supplier", "Supplier")
    assert row.additional_information == "AC04"


def test_an_only_detail_moves_up_and_a_subtotal_counts_once() -> None:
    records = movement("0001", "000000000121000", code="10150000")
    single = records + movement("0001", "000000000121000", code="50150000", detail="0001", text="invoice 9")
    (row,) = one(single).rows
    assert (row.remittance_information_unstructured, row.details) == (("invoice 9",), ())
    nested = records + movement("0001", "000000000100000", code="70150000", detail="0001")
    nested += movement("0001", "000000000060000", code="90150000", detail="0002")
    nested += movement("0001", "000000000040000", code="90150000", detail="0003")
    nested += movement("0001", "000000000021000", code="60150000", detail="0004")
    (row,) = one(nested).rows
    assert [detail.amount for detail in row.details] == [Decimal("60.00"), Decimal("40.00"), Decimal("21.00")]
    assert (row.details_difference, row.raw["2.1/0001 subtotal"]) == (None, "100.00")
    wrong = one(records + movement("0001", "000000000100000", code="50150000", detail="0001"))
    assert (wrong.rows[0].details_difference, wrong.codes) == (Decimal("21.00"), ["F-DETAILS"])


def test_only_detail_0000_counts_whatever_the_code_says() -> None:
    records = movement("0001", "000000000121000", code="50150000")
    records += movement("0001", "000000000121000", code="00150000", detail="0001")
    found = one(records)
    assert (len(found.rows), found.states, found.codes) == (1, ["proved"], ["F-DETAILS", "F-DETAILS"])


def test_three_decimals_are_kept_for_the_currencies_that_have_them() -> None:
    def of(currency: str, amount: str) -> Reading:
        text = head() + old_balance(amount="0" * 15, currency=currency) + movement("0001", amount)
        return reading(text + new_balance(amount, currency=currency) + end(3, credit=amount))

    assert str(of("KWD", "000000000012345").rows[0].amount) == "12.345"
    assert str(of("JPY", "000000000012000").rows[0].amount) == "12"
    assert str(of("EUR", "000000000012340").rows[0].amount) == "12.34"
    assert of("EUR", "000000000012345").codes == ["F-SCALE"]


def test_totals_of_record_9_are_a_second_proof() -> None:
    found = reading(coda(EXAMPLE, credit="121001"))
    assert found.quarantined and found.states == ["proved"]
    assert "credit sum: the file states 121.001, its rows are 121.00" in found.problems[0].message
    assert reading(coda(EXAMPLE).replace("9               000006", "9               000007")).codes == ["F-TOTALS"]
    with_message = coda(EXAMPLE).replace(
        end(6, "50000", "121000"), record((1, "4"), (33, "Closed on Monday")) + end(7, "50000", "121000")
    )
    told = reading(with_message)
    assert [(problem.code, problem.severity) for problem in told.problems] == [("F-SKIPPED", "info")]
    assert "Closed on Monday" in told.problems[0].message


def test_a_wrong_closing_balance_names_line_and_arithmetic() -> None:
    found = reading(coda(EXAMPLE, "000000001121000"))
    assert (found.codes, found.problems[0].position.line, found.problems[0].position.columns) == (
        ["F-BALANCE"],
        7,
        (42, 57),
    )
    assert "a difference of 50.00" in found.problems[0].message


def test_errors_name_line_and_columns() -> None:
    with pytest.raises(FormatError) as error:
        reading(coda(EXAMPLE.replace("000000000121000", "00000000A121000", 1)))
    assert str(error.value).startswith(
        "Line 3, columns 33–47, record 2.1 movement 0001: '00000000A121000' is not a number."
    )
    for old, new, columns in (
        ("REF0001              0", "REF0001              2", (32, 32)),
        ("121126101070000", "991126101070000", (48, 53)),
    ):  # fmt: skip
        with pytest.raises(FormatError) as error:
            reading(coda(EXAMPLE.replace(old, new, 1)))
        assert (error.value.problem.code, error.value.problem.position.columns) == ("F-FIELD", columns)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (head() + old_balance() + EXAMPLE, "F-TRUNCATED", "without record 8"),
        (head() + old_balance() + EXAMPLE + new_balance(), "F-TRUNCATED", "without record 9"),
        (coda(EXAMPLE) + head() + old_balance(), "F-TRUNCATED", "without record 8"),
        (coda(EXAMPLE)[:-60], "F-TRUNCATED", "characters instead of 128"),
        (head("1") + old_balance(), "F-VERSION", "ask the bank for version 2"),
        (coda(EXAMPLE[129:].replace("2100020000", "2100030000")), "F-SYNTAX", "has no movement"),
        (coda("5" + EXAMPLE[1:]), "F-SYNTAX", "begins with '51'"),
        (coda(EXAMPLE + record((1, "2200090000"))), "F-SYNTAX", "no record 2.1 before it"),
        (coda(EXAMPLE).replace(new_balance(), new_balance() + EXAMPLE), "F-SYNTAX", "outside a statement"),
        (coda(EXAMPLE).replace(old_balance(), old_balance(currency="   ")), "F-ACCOUNT", "currency"),
        (coda(EXAMPLE).replace(old_balance(), old_balance(account="")), "F-ACCOUNT", "no account number"),
    ],
    ids=["no 8", "no 9", "unfinished", "cut", "version", "detail", "record 5", "2.2", "after 8", "currency", "number"],
)  # fmt: skip
def test_what_is_refused(text: str, code: str, words: str) -> None:
    with pytest.raises(FormatError) as error:
        reading(text)
    assert (error.value.problem.code, words in str(error.value)) == (code, True), str(error.value)
    assert error.value.problem.position.line


def test_blanks_cut_or_added_by_mail_and_missing_line_ends() -> None:
    text = coda(EXAMPLE)
    whole = reading(text)
    padded = "\n".join(line + "  " for line in text.splitlines())
    cut = text.replace("SALARIES" + " " * 45, "SALARIES" + " " * 44)
    for odd in (text.replace("\r\n", ""), padded, cut, text.replace("\r\n", "\n\n"), text + "\x1a"):
        assert [dataclasses.replace(row, position=NOWHERE) for row in reading(odd).rows] == [
            dataclasses.replace(row, position=NOWHERE) for row in whole.rows
        ]
    unbroken = text.replace("\r\n", "").replace("000000000121000", "00000000A121000", 1)
    with pytest.raises(FormatError) as error:
        reading(unbroken)
    columns = error.value.problem.position.columns
    assert columns and unbroken[columns[0] - 1 : columns[1]] == "00000000A121000"


def test_entry_dates_that_are_missing_or_impossible() -> None:
    found = one(movement("0001", "000000000121000", entry_date="000000"))
    assert (found.rows[0].booking_date, found.codes) == (DAY, ["F-DATE"])
    found = one(movement("0001", "000000000121000", entry_date="300226", value="300226"))
    assert (found.rows[0].booking_date, found.codes) == (dt.date(2026, 2, 28), ["F-DATE"])
    found = one(movement("0001", "000000000121000", entry_date="      ", value="000000"))
    assert (found.rows[0].booking_date, found.rows[0].value_date) == (DAY, None)


def test_several_statements_and_totals_of_all_of_them() -> None:
    second = head() + old_balance("000000001071000") + new_balance() + end(2)
    found = reading(coda(EXAMPLE).replace("2\r\n", "2\r\n") + second)
    assert (len(found.heads), found.states, found.codes) == (2, ["proved", "proved"], [])
    together = head() + old_balance() + EXAMPLE + new_balance() + old_balance("000000001071000") + new_balance()
    found = reading(together + end(8, "50000", "121000"))
    assert (found.states, found.codes) == (["proved", "proved"], [])
    assert reading(together + end(8, "50000", "121010")).codes == ["F-TOTALS"]
    follows = coda(EXAMPLE)[:-3] + "1\r\n"
    assert [(problem.code, problem.severity) for problem in reading(follows).problems] == [("F-CHAIN", "warning")]


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(entries(pending=False), max_size=6))
def test_the_library_febelfin_coda_reads_the_same(rows: list[Entry]) -> None:
    """P-14: two readers of one file agree; the library also asserts sums, balances and the number of records."""
    data = written("coda", outgoing(rows))
    ours = reading(data)
    (theirs,) = CODA(io.StringIO(data.decode("cp1252"))).statements
    assert [move.amount for move in theirs.moves] == [row.amount for row in ours.rows]
    assert [[detail.amount for detail in move.moves] for move in theirs.moves] == [
        [detail.amount for detail in row.details] for row in ours.rows
    ]
    assert [move.entry_date for move in theirs.moves] == [row.booking_date for row in ours.rows]
    assert [move.value_date for move in theirs.moves] == [row.value_date for row in ours.rows]
    assert [move.bank_reference.strip() for move in theirs.moves] == [row.entry_reference or "" for row in ours.rows]
    balances = [balance.amount for balance in ours.tails[0].balances]
    assert [theirs.old_balance, theirs.new_balance] == balances


# --- writer ----------------------------------------------------------------------------------------------------


def test_what_coda_can_hold_comes_back_and_the_rest_is_named() -> None:
    row = Entry(
        Decimal("-50.00"), "EUR", booking_date=DAY, value_date=DAY, entry_reference="BANKREF77", end_to_end_id="E2E-1",
        creditor_name="A very long name of a company that does not fit into 35", creditor_account="BE71096123456769",
        creditor_agent="GEBABEBB", purpose_code="SUPP", ultimate_creditor="Behind", additional_information="i" * 200,
        remittance_information_structured=("020343057642",), proprietary_bank_transaction_code="00101000",
    )  # fmt: skip
    plain = dataclasses.replace(
        row, remittance_information_structured=(), remittance_information_unstructured=("Café " * 20 + "ends",),
        mandate_id="M-7", creditor_id=None,
    )  # fmt: skip
    for one_row in (row, dataclasses.replace(plain, mandate_id=None)):
        statement = outgoing([one_row])
        assert lossy_fields("coda", FileHead("coda"), [statement]) == ()
        (read,) = reading(written("coda", statement)).rows
        for name in (
            "creditor_name",
            "ultimate_creditor",
            "additional_information",
            "remittance_information_unstructured",
        ):
            assert getattr(read, name) == getattr(one_row, name)
        assert read.remittance_information_structured == one_row.remittance_information_structured
    assert lossy_fields("coda", FileHead("coda"), [outgoing([plain])]) == ("remittance_information_unstructured",)
    odd = dataclasses.replace(row, creditor_name="Łódź 株式会社", fee=Decimal(1), check_id="4")
    assert lossy_fields("coda", FileHead("coda"), [outgoing([odd])]) == ("check_id", "creditor_name", "fee")


def test_details_are_written_and_read_back() -> None:
    details = tuple(
        Detail(index, amount=Decimal(-index), currency="EUR", end_to_end_id=f"PAY-{index}", additional_information="x")
        for index in (1, 2, 3)
    )
    row = Entry(Decimal("-6.00"), "EUR", booking_date=DAY, details=details)
    found = reading(written("coda", outgoing([row, row])))
    assert [(d.amount, d.end_to_end_id, d.additional_information) for d in found.rows[1].details] == [
        (Decimal(-index), f"PAY-{index}", "x") for index in (1, 2, 3)
    ]
    assert (found.codes, found.states) == ([], ["proved"])
    assert "details" not in lossy_fields("coda", FileHead("coda"), [outgoing([row])])


def test_more_than_9999_movements_are_several_statements_that_chain() -> None:
    row = Entry(Decimal("-0.01"), "EUR", booking_date=DAY)
    found = reading(written("coda", outgoing([row] * 10_001)))
    assert ([tail.entries_emitted for tail in found.tails], found.states, found.codes) == (
        [9_999, 2],
        ["proved"] * 2,
        [],
    )


def test_what_the_writer_refuses() -> None:
    row = Entry(Decimal("1.00"), "EUR", booking_date=DAY)
    for changed, words in (
        (dataclasses.replace(row, booking_status="pending"), "booked rows only"),
        (dataclasses.replace(row, booking_date=None), "a date"),
        (dataclasses.replace(row, booking_date=dt.date(2080, 1, 1)), "two digits"),
        (dataclasses.replace(row, amount=Decimal("1.0001")), "cannot hold the amount"),
    ):
        with pytest.raises(WriteError, match=words):
            written("coda", outgoing([changed]))
    no_iban = dataclasses.replace(outgoing([row]).head.account, iban=None, bban="1")
    statement = dataclasses.replace(outgoing([row]), head=dataclasses.replace(outgoing([row]).head, account=no_iban))
    with pytest.raises(WriteError, match="IBAN"):
        written("coda", statement)
    undated = dataclasses.replace(outgoing([row]), opening=Balance("openingBooked", Decimal("100.00"), "EUR"))
    with pytest.raises(WriteError, match="dates of the balances"):
        written("coda", undated)
