"""The list of bad input of issue 7 over every reader: nothing clean comes of it, and each refusal says where."""

from __future__ import annotations

import gzip
import io
import random
import re
import zipfile
from decimal import Decimal

import pytest
from tests.formats.corpus import HINTS, corpus
from tests.formats.french_and_spanish import ACCOUNT, aeb, aeb_movement, cfonb, cfonb_movement, overpunched
from tests.formats.samples import DAY, Reading, outgoing, reading, written

from nostro.formats import Entry, FormatError, Hints, survey
from nostro.formats.containers import members
from nostro.formats.registry import READERS

FILES = corpus()
TEXT_FORMS = sorted(READERS.keys() - {"xlsx"})
#: Tables and QIF have no end: cut between two rows they are another, shorter file.
WITHOUT_END = {"csv", "qif"}
OTHER_IBAN = "BE71096123456769"


def named(form: str, **more: str) -> Hints:
    return Hints(form, HINTS.account, HINTS.currency, None, HINTS.date_order, more.get("encoding"))


@pytest.mark.parametrize("form", sorted(READERS))
def test_a_cut_file_is_never_taken_for_a_whole_one(form: str) -> None:
    data = FILES[form]
    whole = [row.amount for row in reading(data, HINTS).rows]
    for end in range(len(data) // 10, len(data) - 1, max(1, len(data) // 60)):
        try:
            found = reading(data[:end], named(form))
        except FormatError as error:
            assert str(error.problem.position) or error.problem.code in ("F-EMPTY", "F-MAPPING"), end
            continue
        rows = [row.amount for row in found.rows]
        if form in WITHOUT_END:
            assert rows[:-1] == whole[: max(len(rows) - 1, 0)], end
            assert data[end - 1 : end] in (b"\n", b"\r") or found.codes, end
        else:
            assert rows == whole or found.codes, end


CHANGED = {
    "camt.053": (rb'<Ntry><Amt Ccy="EUR">7\.50', b'<Ntry><Amt Ccy="EUR">7.51'),
    "mt940": (rb"D7,50", b"D7,51"),
    "coda": (rb"1000000000007500", b"1000000000007510"),
    "csv": (rb",-7\.50,", b",-7.51,"),
    "cfonb120": (re.escape(overpunched(2500).encode()), overpunched(2501).encode()),
    "aeb43": (rb"00000000000250", b"00000000000251"),
    "bai2": (rb"16,165,1,", b"16,165,9,"),
}


@pytest.mark.parametrize("form", sorted(CHANGED))
def test_one_wrong_digit_is_for_quarantine(form: str) -> None:
    pattern, instead = CHANGED[form]
    changed = re.sub(pattern, instead, FILES[form], count=1)
    assert changed != FILES[form]
    found = reading(changed, HINTS)
    assert found.quarantined
    problem = next(problem for problem in found.problems if problem.severity == "quarantine")
    assert problem.code in ("F-BALANCE", "F-TOTALS") and str(problem.position)


@pytest.mark.parametrize("form", TEXT_FORMS)
def test_a_wrong_encoding_is_refused_or_read_with_a_warning(form: str) -> None:
    with pytest.raises(FormatError) as error:
        reading(FILES[form], named(form, encoding="klingon"))
    assert error.value.problem.code == "F-ENCODING"
    spoiled = FILES[form].replace(b"a", b"\xe9\xff", 3) if b"a" in FILES[form] else FILES[form] + b"\xff"
    try:
        found = reading(spoiled, named(form, encoding="utf-8"))
    except FormatError as refusal:
        assert refusal.problem.code in ("F-ENCODING", "F-SYNTAX", "F-FIELD", "F-MAPPING", "F-TEXT"), refusal
    else:
        assert found.codes


def spoken() -> dict[str, tuple[str, str]]:
    """Form → a file and the part of it that is put in twice, once per encoding."""
    french = cfonb_movement(100, "CAFÉ À LIÈGE")
    spanish = aeb_movement(100)
    return {
        "cfonb120": (cfonb(french, french, closing=100200), "CAFÉ À LIÈGE"),
        "aeb43": (
            aeb(spanish, f"2301{'CAFÉ À LIÈGE':<76}", spanish, f"2301{'CAFÉ À LIÈGE':<76}", movements=[100, 100]),
            "CAFÉ À LIÈGE",
        ),
        "qif": ("!Type:Bank\n" + "D25/12/2026\nT-1.50\nPCafé à Liège\n^\n" * 2, "Café à Liège"),
        "csv": (
            "d;a;n\n" + "25/12/2026;-1,50;Café à Liège\n" * 3,
            "Café à Liège",
        ),
    }


@pytest.mark.parametrize("form", ["aeb43", "cfonb120", "csv", "qif"])
def test_mixed_encodings_are_decided_line_by_line(form: str) -> None:
    text, part = spoken()[form]
    first, rest = text.split(part, 1)
    data = first.encode() + part.encode() + rest.encode("cp1252")
    mapping = {"columns": {"d": "booking_date", "a": "amount", "n": "description"}} if form == "csv" else None
    found = reading(data, Hints(None, HINTS.account, "EUR", mapping, "dmy"))
    assert "F-TEXT" in found.codes
    told = {
        word for row in found.rows for word in (*row.remittance_information_unstructured, row.counterparty_name or "")
    }
    assert any(part in word for word in told) and not any("Ã" in word or "�" in word for word in told)


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("form", ["camt.052", "camt.053", "camt.054", "ofx"])
def test_entity_bombs_are_refused_or_stay_the_text_they_are(form: str) -> None:
    data = FILES[form]
    start = data.index(b"<OFX>") if form == "ofx" else data.index(b"<Document")
    bomb = data[:start] + ENTITIES.encode() + data[start:].replace(b"Rechnung", b"&b;&b;&b;")
    try:
        found = reading(bomb, HINTS)
    except FormatError as error:
        assert error.problem.code == "F-UNSAFE"
    else:
        assert form == "ofx" and all(len(text) < 200 for row in found.rows for text in row.raw.values())


def statements(form: str, order: list[int]) -> bytes:
    """Three statements that chain, in another order."""
    rows = [[Entry(Decimal(amount), "EUR", booking_date=DAY, end_to_end_id=f"E{amount}777")] for amount in (10, 20, 30)]
    openings = [Decimal(100), Decimal(110), Decimal(130)]
    made = [outgoing(each, opening=opening) for each, opening in zip(rows, openings, strict=True)]
    return written(form, *[made[at] for at in order])


@pytest.mark.parametrize("form", ["camt.053", "coda", "mt940"])
def test_statements_out_of_order_are_told_and_all_rows_are_there(form: str) -> None:
    assert "F-CHAIN" not in reading(statements(form, [0, 1, 2])).codes
    assert "F-CHAIN" not in reading(statements(form, [2, 1, 0])).codes, "newest first is an order too"
    found = reading(statements(form, [1, 0, 2]))
    assert "F-CHAIN" in found.codes and not found.quarantined
    assert sorted(row.amount for row in found.rows) == [10, 20, 30]


def two_banks() -> dict[str, bytes]:
    row = [Entry(Decimal(10), "EUR", booking_date=DAY)]
    pair = outgoing(row), outgoing(row, iban=OTHER_IBAN)
    return {
        **{form: written(form, *pair) for form in ("camt.053", "coda", "csv", "mt940", "ofx", "xlsx")},
        "cfonb120": (
            cfonb(cfonb_movement(100), closing=100100)
            + cfonb(cfonb_movement(100), closing=100100).replace(ACCOUNT, "00010467555")
        ).encode(),
    }  # fmt: skip


@pytest.mark.parametrize("form", sorted(two_banks()))
def test_two_banks_in_one_file_are_two_accounts_each_proved_by_itself(form: str) -> None:
    found = reading(two_banks()[form])
    assert len({head.account.number for head in found.heads}) == 2
    assert len(found.rows) == 2 and not found.quarantined
    assert form == "ofx" or found.states == ["proved", "proved"]
    assert "F-CHAIN" not in found.codes


@pytest.mark.parametrize("form", sorted(READERS))
def test_every_format_survives_an_archive(form: str) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/passwd", FILES[form])
    for kind, data in (("zip", target.getvalue()), ("gzip", gzip.compress(FILES[form]))):
        (content,) = [b"".join(each.chunks) for each in members([data], kind)]  # type: ignore[arg-type]
        assert survey([content]) == survey([FILES[form]])


@pytest.mark.parametrize("form", sorted(READERS))
def test_any_chunks_give_the_same_events(form: str) -> None:
    data = FILES[form]
    whole = reading(data, HINTS).events
    chance = random.Random(form)
    for largest in (1, 5, 200):
        sizes = [chance.randint(0, largest) for _ in range(min(len(data), 6_000))]
        assert reading(data, HINTS, sizes).events == whole


@pytest.mark.parametrize("form", sorted(READERS))
def test_a_limit_is_met_before_the_work_is_done(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.formats.streams.MAX_FILE_BYTES", len(FILES[form]) // 2)
    with pytest.raises(FormatError) as error:
        survey(bytes([byte]) for byte in FILES[form])
    assert error.value.problem.code == "F-TOO-LARGE"
    monkeypatch.undo()
    monkeypatch.setattr("nostro.formats.reading.MAX_ENTRIES", 1)
    found = Reading()
    with pytest.raises(FormatError) as error:
        found = reading(FILES[form], HINTS)
    assert error.value.problem.code == "F-TOO-LARGE" and not found.rows
