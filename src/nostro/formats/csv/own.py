"""The table that Nostro itself writes: one column per field, so that it is read back without a mapping.

Names are those of the API. Before the fields of a row stand those of its account and statement; ``runningBalance`` is
the balance after the row, which proves it. A statement without rows is one row without an amount.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from nostro.core.money import parse_amount, parse_currency
from nostro.core.text import neutralise_formula
from nostro.formats.csv.sheets import Cell

_PLAIN_FIGURE = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,4})?", re.ASCII)
#: Columns that are always there, in this order: those of the statement, then those without which a row is none.
STATEMENT_COLUMNS = (
    "account", "accountKind", "accountCurrency", "accountOwner", "statementIndex", "statementId", "statementNumber",
)  # fmt: skip
ROW_COLUMNS = ("bookingDate", "amount", "currency", "bookingStatus", "runningBalance")

ACCOUNT_KINDS = ("iban", "bban", "masked_pan", "other")
DATES = ("booking_date", "value_date", "transaction_date")
FIGURES = ("amount", "fee", "balance_after_transaction")
_TRUTHS = ("batch_indicator", "reversal", "provisional")
_LISTS = ("remittance_information_unstructured", "remittance_information_structured")
_TEXTS = (
    "currency", "booking_status", "entry_reference", "transaction_id", "end_to_end_id", "mandate_id", "creditor_id",
    "check_id", "creditor_name", "creditor_account", "creditor_agent", "ultimate_creditor", "debtor_name",
    "debtor_account", "debtor_agent", "ultimate_debtor", "additional_information", "purpose_code",
    "bank_transaction_code", "proprietary_bank_transaction_code", "merchant_category_code", "masked_pan", "corrects",
    "counterparty_side",
)  # fmt: skip
#: Every field that is written, in the order of its columns. Details and raw have no place in a table.
FIELDS = (
    "booking_date", "value_date", "transaction_date", "amount", "currency", "booking_status", "entry_reference",
    "transaction_id", "end_to_end_id", "mandate_id", "creditor_id", "check_id", "creditor_name", "creditor_account",
    "creditor_agent", "ultimate_creditor", "debtor_name", "debtor_account", "debtor_agent", "ultimate_debtor",
    "remittance_information_structured", "remittance_information_unstructured", "additional_information",
    "purpose_code", "bank_transaction_code", "proprietary_bank_transaction_code", "merchant_category_code",
    "masked_pan", "fee", "currency_exchange", "batch_indicator", "batch_number_of_transactions",
    "balance_after_transaction", "reversal", "provisional", "references", "corrects", "counterparty_side",
)  # fmt: skip


def column_of(field: str) -> str:
    """``booking_date`` → ``bookingDate``."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


FIELD_OF = {column_of(field): field for field in FIELDS}
_REQUIRED = frozenset((*STATEMENT_COLUMNS, *ROW_COLUMNS))
_ALL = _REQUIRED | frozenset(FIELD_OF)


def is_own(names: Sequence[str]) -> bool:
    """True for the header of a table that Nostro wrote."""
    found = set(names)
    return _REQUIRED <= found <= _ALL and len(found) == len(names)


# --- cells of text ---------------------------------------------------------------------------------------------


def guarded(text: str) -> str:
    """The text as a cell no spreadsheet runs: an apostrophe before what looks like a formula (formats.md 7)."""
    rest = text.lstrip("'")
    return f"'{text}" if neutralise_formula(rest) != rest else text


def unguarded(text: str) -> str:
    """What :func:`guarded` was given."""
    if text[:1] == "'":
        rest = text.lstrip("'")
        if neutralise_formula(rest) != rest:
            return text[1:]
    return text


# --- values to cells and back ------------------------------------------------------------------------------------


def cell_of(field: str, value: Any) -> Cell | None:
    """The cell of a field's value; ``None`` for an empty one. Text is not guarded yet."""
    if value is None or value == () or value is False:
        return None
    if field in DATES or field in FIGURES:
        found: Cell = value
        return found
    if field in _LISTS:
        return "\n".join(value)
    if field == "references":
        return "\n".join(f"{scheme}={text}" for scheme, text in value)
    if field == "currency_exchange":
        return json.dumps([dict(each) for each in value], default=_as_text, ensure_ascii=False, sort_keys=True)
    return "true" if value is True else str(value)


def _as_text(value: object) -> Any:
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    return str(value)


def _figure(text: str) -> Decimal:
    if _PLAIN_FIGURE.fullmatch(text):
        return Decimal(text)
    return parse_amount(text.replace(",", "."))


def _truth(text: str) -> bool:
    if text.lower() != "true":
        raise ValueError("neither true nor empty")
    return True


def _references(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [line.partition("=") for line in text.split("\n")]
    if not all(separator for _, separator, _ in pairs):
        raise ValueError("not a list of references")
    return tuple((scheme, value) for scheme, _, value in pairs)


def _exchange(text: str) -> tuple[Mapping[str, Any], ...]:
    try:
        found = json.loads(text, parse_float=Decimal, object_hook=_decimals)
    except (ValueError, RecursionError):
        raise ValueError("not a list of exchanges") from None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError("not a list of exchanges")
    return tuple(found)


def _decimals(found: dict[str, Any]) -> Any:
    return parse_amount(found["decimal"]) if set(found) == {"decimal"} else found


def _status(text: str) -> str:
    if text not in ("booked", "pending", "information"):
        raise ValueError("no status of a row")
    return text


def _side(text: str) -> str:
    if text not in ("creditor", "debtor"):
        raise ValueError("neither creditor nor debtor")
    return text


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n"))


#: How a cell of a field is read; raises ``ValueError``. Fields that are not here are the text as it stands.
READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(DATES, dt.date.fromisoformat),
    **dict.fromkeys(FIGURES, _figure),
    **dict.fromkeys(_TRUTHS, _truth),
    **dict.fromkeys(_LISTS, _lines),
    "references": _references,
    "currency_exchange": _exchange,
    "batch_number_of_transactions": int,
    "booking_status": _status,
    "counterparty_side": _side,
    "currency": parse_currency,
}
assert set(FIELDS) >= {*DATES, *FIGURES, *_TRUTHS, *_LISTS, *_TEXTS}
