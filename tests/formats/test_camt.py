"""CAMT.052, .053, .054: the rules of formats.md 6.1 and the examples of 2.7."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.formats.samples import IBAN, camt, camt_balance, camt_entry, reading

from nostro.formats import FormatError, Hints


def test_a_reversal_keeps_the_direction_in_which_it_was_booked() -> None:
    found = reading(camt(camt_entry("50.00", more="<RvslInd>true</RvslInd>")))
    assert (found.rows[0].amount, found.rows[0].reversal, found.states) == (Decimal("50.00"), True, ["proved"])


def test_a_bank_that_flips_reversals_is_hinted_at_and_read_with_the_profile() -> None:
    text = camt(camt_entry("50.00", more="<RvslInd>true</RvslInd>"), closing="50.00")
    failed = reading(text)
    assert failed.tails[0].proof is not None
    assert failed.tails[0].proof.hints == ("reversals_turned",)
    turned = reading(text, Hints(profile={"turn_reversals": "yes"}))
    assert (turned.rows[0].amount, turned.states) == (Decimal("-50.00"), ["proved"])


def test_a_batch_is_one_row_with_details_and_its_charges_explain_the_difference() -> None:
    details = "".join(
        f'<TxDtls><Amt Ccy="EUR">{amount}</Amt><Purp><Cd>SALA</Cd></Purp></TxDtls>' for amount in ("500.00", "300.00")
    )
    charges = '<Chrgs><Amt Ccy="EUR">12.50</Amt></Chrgs>'
    found = reading(camt(camt_entry("812.50", "DBIT", more=charges, details=details), "1000.00", "187.50"))
    (row,) = found.rows
    assert [detail.amount for detail in row.details] == [Decimal("-500.00"), Decimal("-300.00")]
    assert (row.amount, row.details_difference, row.fee) == (Decimal("-812.50"), Decimal("-12.50"), Decimal("12.50"))
    assert (row.batch_indicator, row.batch_number_of_transactions, row.purpose_code) == (True, 2, "SALA")
    assert found.codes == []


def test_details_that_do_not_add_up_without_a_charge_are_a_warning() -> None:
    details = '<TxDtls><Amt Ccy="EUR">10.00</Amt></TxDtls><TxDtls><Amt Ccy="EUR">30.00</Amt></TxDtls>'
    assert reading(camt(camt_entry("50.00", details=details))).codes == ["F-DETAILS"]


def test_a_detail_without_an_amount_has_none() -> None:
    found = reading(camt(camt_entry("50.00", details="<TxDtls></TxDtls><TxDtls></TxDtls>")))
    assert [detail.amount for detail in found.rows[0].details] == [None, None]
    assert found.rows[0].details_difference is None


def test_only_the_direct_child_is_the_amount_of_the_entry() -> None:
    charges = '<Chrgs><Rcrd><Amt Ccy="EUR">1.00</Amt></Rcrd></Chrgs>'
    before = f'<Ntry>{charges}<NtryDtls><TxDtls><Amt Ccy="EUR">50.00</Amt></TxDtls></NtryDtls>'
    found = reading(camt(before + camt_entry("50.00").removeprefix("<Ntry>").replace("<NtryDtls></NtryDtls>", "")))
    assert (found.rows[0].amount, found.rows[0].fee) == (Decimal("50.00"), Decimal("1.00"))


def test_parties_references_and_texts_of_the_only_detail_move_up() -> None:
    details = (
        "<TxDtls><Refs><AcctSvcrRef>B1</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId><MndtId>MD1</MndtId>"
        "<TxId>T1</TxId><Prtry><Tp>X</Tp><Ref>Y9</Ref></Prtry></Refs>"
        "<RltdPties><Dbtr><Nm>  Jan   Peeters </Nm></Dbtr>"
        "<DbtrAcct><Id><IBAN>be71 0961 2345 6769</IBAN></Id></DbtrAcct>"
        f"<Cdtr><Pty><Nm>Wij</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>{IBAN}</IBAN></Id></CdtrAcct></RltdPties>"
        "<RmtInf><Ustrd>A &amp; B &#233;</Ustrd><Ustrd/><Ustrd>two</Ustrd></RmtInf></TxDtls>"
    )
    (row,) = reading(camt(camt_entry("50.00", details=details))).rows
    assert (row.entry_reference, row.transaction_id, row.end_to_end_id, row.mandate_id) == ("B1", "T1", None, "MD1")
    assert row.references == (("acctSvcrRef", "B1"), ("txId", "T1"), ("prtry:X", "Y9"))
    assert (row.debtor_name, row.debtor_account) == ("Jan Peeters", "BE71096123456769")
    assert (row.counterparty_name, row.counterparty_account) == ("Jan Peeters", "BE71096123456769")
    assert row.remittance_information_unstructured == ("A & B é", "two")
    assert row.raw["NtryDtls/TxDtls/Refs/endToEndId"] == "NOTPROVIDED"


@pytest.mark.parametrize(
    ("remittance", "structured", "unstructured", "codes"),
    [
        ("<Strd><CdtrRefInf><Ref>RF18 1234 5678 9</Ref></CdtrRefInf></Strd>", ("RF18123456789",), (), []),
        ("<Ustrd>+++020/3430/57642+++</Ustrd>", ("020343057642",), (), []),
        ("<Ustrd>pay +++020/3430/57642+++</Ustrd>", (), ("pay +++020/3430/57642+++",), []),
        ("<Strd><CdtrRefInf><Ref>RF19 1234</Ref></CdtrRefInf></Strd>", (), ("RF19 1234",), ["F-REFERENCE"]),
    ],
    ids=["marked", "alone", "in running text", "wrong check digits"],
)
def test_structured_references(
    remittance: str, structured: tuple[str, ...], unstructured: tuple[str, ...], codes: list[str]
) -> None:
    found = reading(camt(camt_entry("50.00", details=f"<TxDtls><RmtInf>{remittance}</RmtInf></TxDtls>")))
    assert found.rows[0].remittance_information_structured == structured
    assert found.rows[0].remittance_information_unstructured == unstructured
    assert found.codes == codes


@pytest.mark.parametrize(
    ("written", "status"),
    [("<Sts><Cd>PDNG</Cd></Sts>", "pending"), ("<Sts>INFO</Sts>", "information"), ("<Sts>FUTR</Sts>", "information")],
)
def test_rows_that_are_not_booked_do_not_count(written: str, status: str) -> None:
    found = reading(camt(camt_entry("50.00", status=written), closing="100.00"))
    assert (found.rows[0].booking_status, found.states) == (status, ["proved"])


def test_dates_are_taken_as_written_and_impossible_ones_corrected() -> None:
    entry = camt_entry("50.00").replace("2026-11-12", "2026-11-12T23:30:00-05:00")
    assert reading(camt(entry)).rows[0].booking_date == dt.date(2026, 11, 12)
    corrected = reading(camt(camt_entry("50.00").replace("2026-11-12", "2026-02-30")))
    assert (corrected.rows[0].booking_date, corrected.codes) == (dt.date(2026, 2, 28), ["F-DATE"])


def test_digits_beyond_the_currency_are_cut_if_zero_and_quarantined_otherwise() -> None:
    assert str(reading(camt(camt_entry("0000050.00000"))).rows[0].amount) == "50.00"
    found = reading(camt(camt_entry("50.005"), closing="150.005"))
    assert (found.rows[0].amount, found.codes[0], found.quarantined) == (Decimal("50.005"), "F-SCALE", True)


def test_wrong_closing_balance_names_the_arithmetic() -> None:
    found = reading(camt(camt_entry("50.00"), closing="160.00"))
    (problem,) = found.problems
    assert (problem.code, problem.severity, problem.statement_index) == ("F-BALANCE", "quarantine", 1)
    assert "= 150.00, but the closing balance is 160.00 EUR: a difference of 10.00" in problem.message


def test_several_wrong_fields_are_all_named_with_their_path() -> None:
    text = camt(
        camt_entry("5O.00") + camt_entry("1.00", "CREDIT") + camt_entry("1.00").replace("2026-11-12", "12.11.26")
    )
    with pytest.raises(FormatError) as error:
        reading(text)
    assert [(problem.code, problem.position.path) for problem in error.value.problems] == [
        ("F-FIELD", "/Document/BkToCstmrStmt/Stmt[1]/Ntry[1]/Amt"),
        ("F-FIELD", "/Document/BkToCstmrStmt/Stmt[1]/Ntry[2]/CdtDbtInd"),
        ("F-FIELD", "/Document/BkToCstmrStmt/Stmt[1]/Ntry[3]/BookgDt"),
    ]
    assert "Line 3" in str(error.value) and "'5O.00' is not an amount. Nothing was imported." in str(error.value)


def test_positions_lead_into_the_file() -> None:
    text = camt("\n".join(camt_entry(f"{number}.00") for number in range(1, 400)), closing="79900.00")
    for row in reading(text).rows:
        assert row.position.byte is not None and row.position.line is not None
        assert text.encode()[row.position.byte - 1 :].startswith(b"<Ntry>")
        assert text.encode()[: row.position.byte].count(b"\n") + 1 == row.position.line


def test_reports_are_provisional_and_interim_balances_close_nothing() -> None:
    text = camt(camt_entry("50.00")).replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>")
    text = text.replace("<Cd>CLBD</Cd>", "<Cd>ITBD</Cd>")
    found = reading(text)
    assert (found.heads[0].kind, found.heads[0].complete, found.rows[0].provisional) == ("report", False, True)
    assert found.states == ["unproved"]


def test_notifications_wait_unless_the_profile_says_they_are_entries() -> None:
    text = camt(camt_entry("50.00")).replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>")
    assert (reading(text).heads[0].kind, reading(text).rows[0].provisional) == ("notification", False)
    assert reading(text, Hints(profile={"notifications_are_entries": "yes"})).rows[0].provisional


def test_previously_closed_balance_opens_and_another_currency_leaves_unproved() -> None:
    assert reading(camt(camt_entry("50.00")).replace("OPBD", "PRCD")).states == ["proved"]
    foreign = camt_entry("50.00").replace('Ccy="EUR"', 'Ccy="USD"')
    found = reading(camt(foreign))
    assert (found.rows[0].currency, found.states, found.codes) == ("USD", ["unproved"], ["F-UNPROVED"])


def test_summary_differences_only_warn() -> None:
    summary = "<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries></TxsSummry>"
    found = reading(camt(summary + camt_entry("50.00")))
    assert [(problem.code, problem.severity) for problem in found.problems] == [("F-TOTALS", "warning")]


def test_account_without_currency_takes_it_from_the_balances_or_the_hint() -> None:
    text = camt(camt_entry("50.00")).replace("<Ccy>EUR</Ccy>", "")
    assert reading(text).heads[0].account.currency == "EUR"
    without = text.replace(camt_balance("OPBD", "100.00"), "").replace(camt_balance("CLBD", "150.00"), "")
    with pytest.raises(FormatError, match="F-ACCOUNT"):
        reading(without.replace(camt_entry("50.00"), ""))
    assert reading(without, Hints(currency="EUR")).states == ["unproved"]


def test_pages_of_one_statement_are_joined_and_a_missing_one_is_told() -> None:
    def page(number: int, last: str, opening: str, closing: str) -> str:
        paging = f"<StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn>"
        text = camt(camt_entry("50.00"), opening, closing, head=paging)
        return text[text.index("<Stmt>") : text.index("</BkToCstmrStmt>")]

    def file(*pages: str) -> str:
        text = camt("")
        return text[: text.index("<Stmt>")] + "".join(pages) + "</BkToCstmrStmt></Document>"

    first, second = page(1, "false", "100.00", "150.00"), page(2, "true", "150.00", "200.00")
    joined = reading(file(first, second))
    assert (len(joined.heads), len(joined.rows), joined.states, joined.codes) == (1, 2, ["proved"], [])
    assert joined.tails[0].complete and joined.tails[0].entries_seen == 2
    missing = reading(file(second))
    assert (missing.codes, missing.tails[0].complete) == (["F-CHAIN"], False)
    unfinished = reading(file(first))
    assert (unfinished.codes, unfinished.tails[0].complete) == (["F-CHAIN"], False)


def test_statements_of_an_account_chain_in_either_order() -> None:
    def statement(opening: str, closing: str) -> str:
        text = camt(camt_entry("50.00"), opening, closing)
        return text[text.index("<Stmt>") : text.index("</BkToCstmrStmt>")]

    begin, end = camt("").split("<Stmt>")[0], "</BkToCstmrStmt></Document>"
    one, two, far = statement("100.00", "150.00"), statement("150.00", "200.00"), statement("900.00", "950.00")
    assert reading(begin + one + two + end).codes == reading(begin + two + one + end).codes == []
    assert reading(begin + one + far + end).codes == ["F-CHAIN"]


def test_untested_versions_are_read_with_a_warning() -> None:
    assert reading(camt(camt_entry("50.00"), version="14")).codes == ["F-VERSION"]


def test_a_statement_without_entries_carries_its_balances() -> None:
    found = reading(camt("", closing="100.00"))
    assert (found.rows, found.states, len(found.tails[0].balances)) == ([], ["proved"], 2)
