"""Recognition by content (formats.md 3, P-9)."""

from __future__ import annotations

import pytest
from tests.formats.samples import camt, mt940, reading

from nostro.formats import FormatError, Hints, survey

CODA = "00000" + "121126" + "53905" + " " * 112
SAMPLES = {
    "camt.053": camt(""),
    "camt.052": camt("").replace("BkToCstmrStmt", "BkToCstmrAcctRpt"),
    "camt.054": camt("").replace("BkToCstmrStmt", "a:BkToCstmrDbtCdtNtfctn"),
    "ofx": "OFXHEADER:100\r\nDATA:OFXSGML\r\n\r\n<OFX><BANKMSGSRSV1>",
    "mt940": mt940(""),
    "mt942": ":20:X\n:25:Y\n:28C:1\n:34F:EUR0,\n:13D:2611121200+0100\n",
    "coda": f"{CODA:<128}\n1{'':<127}\n",
    "cfonb120": ("0130004    00828EUR2 00010467554  121126" + " " * 50 + "0000000100000{" + " " * 16)[:120],
    "aeb43": "11" + "004904180123456789" + "261101" + "261130" + "2" + "0" * 14 + "9783" + " " * 26,
    "bai2": "01,A,B,261112,0600,1,80,1,2/\n02,A,B,1,261112,0600,EUR,2/\n",
    "qif": "!Type:Bank\nD12/11/2026\nT-12.50\nPCafe\n^\n",
    "csv": "Rekening;Datum;Bedrag\nBE68;12/11/2026;-2,40\nBE68;12/11/2026;-2,40\n",
}


@pytest.mark.parametrize("form", sorted(SAMPLES))
def test_each_format_is_recognised_as_exactly_itself(form: str) -> None:
    found = survey([SAMPLES[form].encode()])
    assert [candidate.format for candidate in found.candidates] == [form]
    assert survey([b"\xef\xbb\xbf\r\n " + SAMPLES[form].encode()]).format == form or form in ("coda", "cfonb120")


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "F-EMPTY", "nothing"),
        (b" \r\n\x00", "F-EMPTY", "nothing"),
        (b"%PDF-1.7", "F-REFUSED", "a PDF is not a statement file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "F-REFUSED", "XLSX or CSV"),
        (b"<!DOCTYPE html><html>", "F-REFUSED", "login page"),
        (b"<Document><CstmrCdtTrfInitn>", "F-REFUSED", "CstmrCdtTrfInitn"),
        (b"#FLAGGA 0\n#SIETYP 4\n", "F-REFUSED", "SIE"),
        (b"PK\x03\x04rest", "F-REFUSED", "zip"),
        (b"hello", "F-UNKNOWN", "hello"),
    ],
    ids=["empty", "blank", "pdf", "xls", "html", "pain", "sie", "zip", "unknown"],
)
def test_what_is_no_statement_is_refused_with_its_reason(data: bytes, code: str, words: str) -> None:
    with pytest.raises(FormatError) as error:
        reading(data)
    assert error.value.problem.code == code
    assert words in str(error.value)


def test_two_kinds_of_message_in_one_file_are_asked_about() -> None:
    both = camt("").replace("</Document>", "<BkToCstmrAcctRpt/></Document>")
    assert survey([both.encode()]).format is None
    with pytest.raises(FormatError, match="say which"):
        reading(both)
    assert reading(both, Hints(format="camt.053")).states == ["failed"]


def test_a_workbook_is_told_from_other_archives() -> None:
    assert survey([b"PK\x03\x04" + b"x" * 300_000, b"..xl/workbook.xml"]).format == "xlsx"
    assert survey([b"PK\x03\x04"]).container == "zip"
    assert survey([b"\x1f\x8b\x08"]).container == "gzip"


def test_the_survey_is_the_same_in_any_chunks() -> None:
    data = mt940("").replace("STMT", "Café").encode()
    assert survey([data]) == survey([data[at : at + 1] for at in range(len(data))])
