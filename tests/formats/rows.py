"""Generated rows for the properties of bank files (formats.md 11)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import strategies as st

from nostro.core.money import decimals
from nostro.core.text import clean
from nostro.formats import Detail, Entry
from nostro.formats.texts import tidy

_ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=60)
_HOSTILE = st.sampled_from(["a & b < c > d", "]]>", "<!-- x -->", "=1+1", "/NAME/x", ":61:", "-", "'\"", "Straße Ø €"])
TEXTS = st.one_of(_ANY_TEXT, _HOSTILE).map(tidy).filter(bool)
SWIFT_TEXTS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij0123456789 .,-()?:+'", min_size=1, max_size=40).map(
    lambda text: f"x{clean(text)}x"
)
REFERENCES = st.text("ABCDEFGH0123456789", min_size=8, max_size=16).map(lambda text: f"R{text[1:]}Z")
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31))


@st.composite
def entries(
    draw: st.DrawFn,
    texts: st.SearchStrategy[str] = TEXTS,
    currency: str = "EUR",
    batches: bool = True,
    *,
    pending: bool = True,
) -> Entry:
    units = draw(st.integers(-(10**10), 10**10))
    amount = Decimal(units).scaleb(-decimals(currency))
    side = "creditor" if amount < 0 else "debtor"
    day = draw(DAYS)
    reference = draw(st.none() | REFERENCES)
    values: dict[str, object] = {
        "amount": amount,
        "currency": currency,
        "booking_date": day,
        "value_date": day,
        "entry_reference": reference,
        "booking_status": draw(st.sampled_from(["booked", "booked", "pending"])) if pending else "booked",
        "additional_information": draw(st.none() | texts),
    }
    if batches and draw(st.booleans()):
        values["details"] = tuple(
            Detail(index, amount=amount, currency=currency, end_to_end_id=draw(REFERENCES)) for index in (1, 2)
        )
        return Entry(**values)  # type: ignore[arg-type]
    values |= {
        f"{side}_name": draw(st.none() | texts),
        f"{side}_account": draw(st.none() | st.just("BE71096123456769")),
        "end_to_end_id": draw(st.none() | REFERENCES),
        "mandate_id": draw(st.none() | REFERENCES),
        "remittance_information_unstructured": (draw(texts),),
    }
    return Entry(**values)  # type: ignore[arg-type]
