"""Limits and hostile input (formats.md 4), truncation (P-10) and one wrong digit (P-11)."""

from __future__ import annotations

import re
import tracemalloc
from decimal import Decimal

import pytest
from tests.formats.samples import DAY, Reading, camt, camt_entry, mt940, outgoing, reading, written

from nostro.formats import Entry, FormatError, Hints, limits, read, survey

ENTRY = ":61:2611021102C50,00NTRFNONREF//B1\r\n:86:thanks\r\n"
CAMT = camt(camt_entry("50.00", details="<TxDtls><RmtInf><Ustrd>thanks</Ustrd></RmtInf></TxDtls>"))
MT940 = mt940(ENTRY, closing="150,00")
ROWS = [
    Entry(
        Decimal("50.00"), "EUR", booking_date=DAY, debtor_name="Jan", remittance_information_unstructured=("thanks",)
    ),
    Entry(Decimal("-12.50"), "EUR", booking_date=DAY, end_to_end_id="E2E-77", additional_information="a fee"),
]
CODA = written("coda", outgoing(ROWS)).decode()
OFX = written("ofx", outgoing(ROWS)).decode()


def code_of(data: bytes | str, hints: Hints | None = None) -> str:
    with pytest.raises(FormatError) as error:
        reading(data, hints)
    return error.value.problem.code


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize(
    "text",
    [
        CAMT.replace("<Document", BOMB + "<Document").replace("thanks", "&c;"),
        CAMT.replace("<Document", "<!DOCTYPE Document><Document"),
        CAMT.replace("<Document", '<!DOCTYPE x SYSTEM "file:///etc/passwd"><Document'),
        CAMT.replace("<Document", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Document'),
        CAMT.replace("<Document", '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://example.org/x"> %p;]><Document'),
        CAMT.replace("thanks", "&undefined;"),
    ],
    ids=["entity bomb", "document type", "external", "external entity", "parameter entity", "undefined entity"],
)
def test_entities_are_refused(text: str) -> None:
    assert code_of(text) == "F-UNSAFE"


@pytest.mark.parametrize(
    "text",
    [
        CAMT.replace("<Ustrd>", "<a>" * 70 + "<Ustrd>").replace("</Ustrd>", "</Ustrd>" + "</a>" * 70),
        CAMT.replace("thanks", "x" * (limits.MAX_TEXT + 1)),
        CAMT.replace("thanks", "x" * 300_000),
        CAMT.replace("<Ustrd>", f'<Ustrd a="{"x" * 200_000}">'),
        CAMT.replace("<Ustrd>", "<Ustrd " + " ".join(f'a{n}="1"' for n in range(20)) + ">"),
        CAMT.replace("<RmtInf>", "".join(f"<a{n}/>" for n in range(2_100)) + "<RmtInf>"),
        CAMT.replace("<Ustrd>thanks</Ustrd>", "<Ustrd>x</Ustrd>" * 10_001),
        MT940.replace("thanks", "x" * (limits.MAX_TEXT + 1)),
        MT940.replace("thanks", "x" * 400_000),
    ],
    ids=["depth", "text", "long text", "attribute", "attributes", "names", "repeats", "field", "long field"],
)
def test_what_is_longer_than_any_message_has(text: str) -> None:
    assert code_of(text) == "F-TOO-LARGE"


@pytest.mark.parametrize(("name", "value"), [("MAX_ENTRIES", 2), ("MAX_STATEMENTS", 2)], ids=["entries", "statements"])
def test_counts_are_limited(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"nostro.formats.reading.{name}", value)
    assert code_of(MT940 * 3) == "F-TOO-LARGE"
    assert len(reading(MT940 * 2).rows) == 2


def test_details_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.formats.camt.reader.MAX_DETAILS", 3)
    assert code_of(camt(camt_entry("50.00", details="<TxDtls></TxDtls>" * 4))) == "F-TOO-LARGE"


def test_bytes_are_limited_before_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.formats.streams.MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(FormatError, match="F-TOO-LARGE"):
        survey(b"x" * (1 << 16) for _ in range(1 << 30))


def test_comments_instructions_and_cdata_change_nothing() -> None:
    plain = reading(CAMT)
    odd = CAMT.replace("<Ntry>", "<Ntry><!-- a\n" + "<b>" * 20_000 + " -->")
    odd = odd.replace("<Ustrd>thanks", "<!-- </Ntry> <Ntry> --><?x <a> ?><Ustrd><![CDATA[th]]>an<!-- & -->ks")
    found = reading(odd)
    assert found.rows[0].remittance_information_unstructured == ("thanks",)
    assert [row.amount for row in found.rows] == [row.amount for row in plain.rows]
    assert (found.states, found.codes) == (["proved"], [])


def test_text_in_cdata_is_text_not_markup() -> None:
    found = reading(CAMT.replace("thanks", "<![CDATA[</Ustrd><Amt>1</Amt> &amp;]]>"))
    assert found.rows[0].remittance_information_unstructured == ("</Ustrd><Amt>1</Amt> &amp;",)


def test_a_greater_than_sign_in_text_or_attribute_is_no_tag_end() -> None:
    odd = CAMT.replace("thanks", "a > b </Ustrd><Ustrd x='>'>c > d").replace("<Ntry>", '<Ntry x="1>2">')
    assert reading(odd).rows[0].remittance_information_unstructured == ("a > b", "c > d")


def test_mixed_content_is_kept_in_raw() -> None:
    found = reading(CAMT.replace("<RmtInf>", "lost?<RmtInf>"))
    assert "lost?" in found.rows[0].raw.values()


@pytest.mark.parametrize("text", [CAMT, MT940, CODA, OFX], ids=["camt", "mt940", "coda", "ofx"])
def test_cutting_at_any_byte_never_gives_a_clean_import(text: str) -> None:
    data = text.encode()
    whole = reading(data)
    for end in range(len(data)):
        try:
            found = reading(data[:end])
        except FormatError:
            continue
        if found.states == whole.states and not found.codes:
            assert [row.amount for row in found.rows] == [row.amount for row in whole.rows]
        else:
            assert found.quarantined or found.codes, (end, data[:end][-40:])


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        (CAMT, r'(?:Ccy="EUR">|EUR|C)(\d+[.,]\d\d)'),
        (MT940, r'(?:Ccy="EUR">|EUR|C)(\d+[.,]\d\d)'),
        (CODA, r"(?m)^(?:2100.{28}|1.{42}|8.{41}|9.{21}|9.{36})(\d{15})"),
    ],
    ids=["camt", "mt940", "coda"],
)
def test_one_wrong_digit_of_an_amount_is_never_a_clean_import(text: str, amounts: str) -> None:
    places = [found.start(1) + at for found in re.finditer(amounts, text) for at in (0, 1)]
    assert len(places) >= 6
    for place in places:
        changed = text[:place] + str((int(text[place]) + 1) % 10 if text[place].isdigit() else 7) + text[place + 1 :]
        try:
            assert reading(changed).quarantined, changed[place - 20 : place + 10]
        except FormatError:
            continue


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "utf-8"), ("cp1252", "cp1252"), ("cp850", "cp850"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le")],
)
def test_encodings_are_found_from_the_bytes(encoding: str, name: str) -> None:
    text = MT940.replace("thanks", "Café Élysée, Müller & Söhne, garçon à Liège")
    found = survey([text.encode(encoding)])
    assert (found.encoding, found.format) == (name, "mt940")
    row = reading(text.encode(encoding)).rows[0]
    assert row.remittance_information_unstructured == ("Café Élysée, Müller & Söhne, garçon à Liège",)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "iso-8859-15", "utf-8-sig"])
def test_camt_in_every_encoding_even_when_it_says_another(encoding: str) -> None:
    text = CAMT.replace("thanks", "Café Élysée à Liège").replace("Ustrd>", "Ustrd>")
    for declared in ("UTF-8", "ISO-8859-1", "utf-16"):
        found = reading(text.replace("UTF-8", declared).encode(encoding))
        assert found.rows[0].remittance_information_unstructured == ("Café Élysée à Liège",)


def test_a_wrong_declaration_is_overridden_with_a_warning_naming_both() -> None:
    found = reading(CAMT.replace("thanks", "Café").encode("cp1252"))
    assert found.codes == ["F-TEXT"]
    assert "says UTF-8" in found.problems[0].message and "cp1252" in found.problems[0].message


def test_mixed_encodings_are_decided_line_by_line() -> None:
    second = MT940.replace("thanks", "Café à Liège").encode("cp1252")
    found = reading(
        MT940.replace("thanks", "Café à Liège").encode()
        + second.replace(b"100,00", b"150,00").replace(b"C261105EUR150,00", b"C261105EUR200,00")
    )
    assert {row.remittance_information_unstructured for row in found.rows} == {("Café à Liège",)}
    assert found.codes == ["F-TEXT"]


def test_control_and_invisible_characters_do_not_arrive() -> None:
    text = MT940.replace("thanks", "a\x00b\x1b[31mc\u202ed\u200be")
    assert reading(text).rows[0].remittance_information_unstructured == ("ab[31mcde",)


def test_memory_does_not_grow_with_the_entries() -> None:
    def chunks(count: int) -> list[bytes]:
        head, tail = camt("", closing="100.00").encode().split(b"</Stmt>")
        entries = [camt_entry("0.00").encode() * 10] * (count // 10)
        return [head, *entries, b"</Stmt>" + tail]

    def peak(count: int) -> int:
        data = chunks(count)
        found = survey(data)
        tracemalloc.start()
        try:
            rows = sum(isinstance(event, Entry) for event in read(data, found))
            assert rows == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(3_000) < peak(300) + 100_000


def test_nothing_follows_a_fatal_problem() -> None:
    data = MT940.replace("C50,00", "Z50,00").encode() + MT940.encode()
    found = Reading()
    with pytest.raises(FormatError):
        for event in read([data], survey([data])):
            found.events.append(event)
    assert not found.rows and not found.tails
