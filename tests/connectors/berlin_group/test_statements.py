"""Lists that are files: hostile ones, those of other accounts, ZIPs, and card numbers in texts."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal

import pytest

from nostro.connectors.berlin_group import statements
from nostro.connectors.berlin_group.statements import is_file, mask_card_numbers_in_file, read_file
from nostro.connectors.contract import RawAnswer
from nostro.connectors.errors import ProtocolError
from nostro.core.transactions import Account

IBAN, CARD = "BE68539007547034", "4111111111111111"
ACCOUNT = Account("a", "EUR", iban=IBAN)
ENTRY = (
    '<Ntry><Amt Ccy="EUR">12.30</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-01-02</Dt>'
    f"</BookgDt><AcctSvcrRef>{CARD}</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>Card {CARD}</Ustrd></RmtInf></TxDtls>"
    "</NtryDtls></Ntry>"
)
CAMT = (
    '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr>'
    "<MsgId>1</MsgId><CreDtTm>2026-01-02T10:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id><CreDtTm>2026-01-02T10:00:00</CreDtTm><Acct>"
    f"<Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>{ENTRY}</Stmt></BkToCstmrStmt></Document>"
).encode()
MT940 = (
    f":20:1\r\n:25:{IBAN}EUR\r\n:28C:1/1\r\n:60F:C260101EUR100,00\r\n:61:2601020102D12,30NTRFNONREF\r\n"
    f":86:Card {CARD}\r\n:62F:C260102EUR87,70\r\n-\r\n"
).encode()


def answer(body: bytes, kind: str = "application/xml") -> RawAnswer:
    return RawAnswer("https://bank.example/v1/accounts/a/transactions", 200, kind, body, "id")


def zipped(*members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.xml", member)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (CAMT, "application/xml"),
        (MT940, "text/plain"),
        (CAMT, ""),
        (zipped(CAMT), "application/zip"),
        (MT940, "application/octet-stream"),
    ],
    ids=["camt", "mt940", "no-type", "zip", "unknown-type"],
)
def test_a_file_is_read_by_what_it_is(body: bytes, kind: str) -> None:
    raw = answer(mask_card_numbers_in_file(body), kind)
    assert is_file(raw)
    found = read_file(raw, ACCOUNT)
    assert [(row.amount, str(row.booking_date)) for row in found.rows] == [(Decimal("-12.30"), "2026-01-02")]
    assert found.unreadable == 0
    assert CARD not in found.rows[0].remittance_information
    assert "1111" in found.rows[0].remittance_information


def test_a_reference_is_no_card_number() -> None:
    assert read_file(answer(mask_card_numbers_in_file(CAMT)), ACCOUNT).rows[0].entry_reference == CARD


def test_rows_that_differ_have_payloads_that_differ() -> None:
    other = CAMT.replace(b"12.30", b"12.31")
    assert read_file(answer(CAMT), ACCOUNT).rows[0].raw != read_file(answer(other), ACCOUNT).rows[0].raw
    assert read_file(answer(CAMT), ACCOUNT).rows[0].raw == read_file(answer(CAMT), None).rows[0].raw


@pytest.mark.parametrize(
    "json", [b'{"transactions":{}}', b" [1]", b"<html>", b""], ids=["json", "list", "html", "none"]
)
def test_json_and_pages_of_other_types_are_no_files(json: bytes) -> None:
    assert not is_file(answer(json, "application/json"))
    assert not is_file(answer(json, "text/html"))


@pytest.mark.parametrize("body", [CAMT, MT940, zipped(CAMT, CAMT)], ids=["camt", "mt940", "zip"])
def test_a_file_of_another_account_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="another account"):
        read_file(answer(body), Account("b", "EUR", iban="DE89370400440532013000"))


BOMB = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "b">]><Document>&a;</Document>'


@pytest.mark.parametrize(
    "body",
    [CAMT[: len(CAMT) // 2], b"<html><body>Sorry</body></html>", BOMB, b"PK\x03\x04 not a zip", zipped(b"hello")],
    ids=["cut", "html", "entities", "no-zip", "not-a-statement"],
)
def test_what_cannot_be_read_is_one_error_with_the_answer_kept(body: bytes) -> None:
    with pytest.raises(ProtocolError) as failed:
        read_file(answer(body), ACCOUNT)
    assert failed.value.raw is not None


def test_a_zip_that_grows_too_large_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MAX_BYTES", 100)
    with pytest.raises(ProtocolError, match="ZIP"):
        read_file(answer(zipped(CAMT)), ACCOUNT)


def test_one_entry_that_cannot_be_read_spoils_the_file() -> None:
    """Rows of a file hang together by its balances (formats.md 4), so nothing of it is stored."""
    broken = CAMT.replace(b"</Stmt>", ENTRY.replace("12.30", "twelve").encode() + b"</Stmt>")
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_file(answer(broken), ACCOUNT)


def test_a_statement_that_goes_on_elsewhere_is_not_complete() -> None:
    found = read_file(answer(MT940.replace(b":62F:", b":62M:"), "text/plain"), ACCOUNT)
    assert (len(found.rows), found.unreadable) == (1, 1)
