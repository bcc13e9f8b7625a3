"""Properties of formats.md 11 on generated rows: round trip, chunking, versions, signs, splitting, equal rows."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.rows import SWIFT_TEXTS, entries
from tests.formats.samples import outgoing, reading, written

from nostro.formats import Entry, FileHead, WriteError, lossy_fields

#: All formats that are written, and those that hold booked rows only.
FORMS = ["camt.053", "coda", "csv", "mt940", "ofx", "xlsx"]


def state_of(form: str) -> str:
    """OFX has no opening balance and proves nothing."""
    return "unproved" if form == "ofx" else "proved"


#: What is compared after writing and reading. References and batch words follow from these.
_COMPARED = (
    "amount", "currency", "booking_status", "booking_date", "value_date", "entry_reference", "end_to_end_id",
    "mandate_id", "creditor_name", "creditor_account", "debtor_name", "debtor_account", "additional_information",
)  # fmt: skip


def texts_of(row: Entry) -> list[str]:
    return [*row.remittance_information_structured, *row.remittance_information_unstructured]


def essence(row: Entry, *without: str) -> dict[str, object]:
    found = {name: getattr(row, name) for name in _COMPARED if name not in without}
    if not row.details and "remittance_information_unstructured" not in without:
        found["texts"] = texts_of(row)
    else:
        found["details"] = [(d.index, d.amount, d.end_to_end_id) for d in row.details]
    if row.details:
        # What all details share stands in the row as well.
        found = {name: value for name, value in found.items() if not name.endswith(("_id", "_name", "_account"))}
    return found


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_as_camt_is_read_as_the_same_rows(currency: str, data: st.DataObject) -> None:
    rows = data.draw(st.lists(entries(currency=currency), max_size=6))
    found = reading(written("camt.053", outgoing(rows, currency=currency)))
    assert [essence(row) for row in found.rows] == [essence(row) for row in rows]
    assert found.states == ["proved"] and not found.quarantined


@settings(max_examples=40, deadline=None)
@given(st.lists(entries(SWIFT_TEXTS, batches=False), max_size=6))
def test_what_is_written_as_mt940_is_read_as_the_same_rows_but_for_the_lossy_fields(rows: list[Entry]) -> None:
    statement = outgoing(rows)
    lossy = lossy_fields("mt940", FileHead("mt940"), [statement])
    found = reading(written("mt940", statement))
    assert [essence(row, *lossy) for row in found.rows] == [essence(row, *lossy) for row in rows]
    assert found.states == ["proved"]


@settings(max_examples=25, deadline=None)
@given(st.lists(entries(batches=False), max_size=5))
def test_amounts_dates_and_counts_survive_mt940_whatever_the_texts(rows: list[Entry]) -> None:
    found = reading(written("mt940", outgoing(rows)))
    kept = ("amount", "currency", "booking_date", "value_date", "booking_status")
    assert [[getattr(row, name) for name in kept] for row in found.rows] == [
        [getattr(row, name) for name in kept] for row in rows
    ]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None)
@given(rows=st.lists(entries(pending=False), max_size=5), sizes=st.lists(st.integers(0, 40), max_size=60))
def test_any_chunking_gives_the_same_events(form: str, rows: list[Entry], sizes: list[int]) -> None:
    data = written(form, outgoing(rows))
    assert reading(data, sizes=sizes).events == reading(data).events


def test_blocks_may_end_anywhere() -> None:
    row = Entry(Decimal("1.00"), "EUR", booking_date=dt.date(2026, 1, 2), creditor_name="Élysée & Söhne < €")
    data = written("camt.053", outgoing([row] * 120))
    whole = reading(data)
    for shift in range(0, 700, 7):
        # A comment moves every border of a block.
        moved = reading(data.replace(b"<Stmt>", b"<!--" + b"x" * shift + b"--><Stmt>"))
        assert [essence(r) for r in moved.rows] == [essence(r) for r in whole.rows]


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(entries(), min_size=1, max_size=4), version=st.integers(2, 13), layout=st.integers(0, 4))
def test_versions_prefixes_wrappers_and_line_ends_change_nothing(rows: list[Entry], version: int, layout: int) -> None:
    data = written("camt.053", outgoing(rows)).decode()
    text = data.replace("053.001.08", f"053.001.{version:02d}")
    body = text[text.index("<Document") :]
    odd = {
        0: text.replace("\n", "\r\n"),
        1: body.replace("</", "</ns:").replace("<", "<ns:").replace("<ns:/ns:", "</ns:").replace("xmlns=", "xmlns:ns="),
        2: body.replace(body[body.index(" xmlns") : body.index(">")], ""),
        3: f"<Wrapper><Header>x</Header><Body>{body}</Body></Wrapper>",
        4: "\ufeff" + text.replace("><", ">\n  <"),
    }[layout]
    assert [essence(row) for row in reading(odd).rows] == [essence(row) for row in rows]


@settings(max_examples=20, deadline=None)
@given(st.lists(entries(batches=False), min_size=1, max_size=5))
def test_turning_every_sign_turns_every_row_and_balance(rows: list[Entry]) -> None:
    statement = outgoing(rows)
    data = written("camt.053", statement).decode()
    turned = data.replace("CRDT", "X").replace("DBIT", "CRDT").replace("X</CdtDbtInd>", "DBIT</CdtDbtInd>")
    one, other = reading(data), reading(turned)
    assert [-row.amount for row in one.rows] == [row.amount for row in other.rows]
    assert [-b.amount for b in one.tails[0].balances] == [b.amount for b in other.tails[0].balances]
    assert [row.booking_date for row in one.rows] == [row.booking_date for row in other.rows]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=15, deadline=None)
@given(rows=st.lists(entries(pending=False), min_size=2, max_size=6), at=st.integers(1, 5))
def test_a_split_file_gives_the_rows_of_the_whole(form: str, rows: list[Entry], at: int) -> None:
    first = outgoing(rows[:at])
    assert first.closing is not None
    second = outgoing(rows[at:], opening=first.closing.amount)
    whole = reading(written(form, outgoing(rows)))
    both = reading(written(form, first, second))
    parts = [reading(written(form, first)), reading(written(form, second))]
    expected = [essence(row) for row in whole.rows]
    assert [essence(row) for row in both.rows] == [essence(row) for part in parts for row in part.rows] == expected
    assert both.states == [state_of(form)] * 2 and "F-CHAIN" not in both.codes


@pytest.mark.parametrize("form", FORMS)
def test_equal_rows_stay_as_many_as_they_are(form: str) -> None:
    coffee = Entry(Decimal("-3.50"), "EUR", booking_date=dt.date(2026, 11, 10), creditor_name="Cafe De Hoek")
    for count in (1, 2, 3, 1_200):
        found = reading(written(form, outgoing([coffee] * count)))
        assert (len(found.rows), len(found.heads), found.states) == (count, 1, [state_of(form)])


@pytest.mark.parametrize("form", ["coda", "ofx"])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_as_the_same_rows_but_for_the_lossy_fields(
    form: str, currency: str, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(entries(currency=currency, pending=False, batches=form == "coda"), max_size=6))
    statement = outgoing(rows, currency=currency)
    lossy = set(lossy_fields(form, FileHead(form), [statement]))
    if lossy & {"remittance_information_structured", "remittance_information_unstructured"}:
        lossy.add("remittance_information_unstructured")
    found = reading(written(form, statement))
    assert [essence(row, *lossy) for row in found.rows] == [essence(row, *lossy) for row in rows]
    assert not found.quarantined


# --- refusals of the writers -----------------------------------------------------------------------------------


def test_writers_refuse_what_does_not_prove_or_does_not_fit() -> None:
    row = Entry(Decimal("1.00"), "EUR", booking_date=dt.date(2026, 1, 2))
    good = outgoing([row])
    wrong = dataclasses.replace(good, closing=dataclasses.replace(good.closing, amount=Decimal("9.00")))  # type: ignore[type-var]
    with pytest.raises(WriteError, match="do not prove"):
        written("camt.053", wrong)
    with pytest.raises(WriteError, match="needs the opening"):
        written("mt940", dataclasses.replace(good, opening=None))
    with pytest.raises(WriteError, match="cannot be written"):
        written("qif", good)
    with pytest.raises(WriteError, match="MT940 cannot hold the amount"):
        written("mt940", outgoing([dataclasses.replace(row, amount=Decimal("1.001"))]))
    with pytest.raises(WriteError, match="is in USD"):
        written("camt.053", dataclasses.replace(good, entries=[dataclasses.replace(row, currency="USD")]))
