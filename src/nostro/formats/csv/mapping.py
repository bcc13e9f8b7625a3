"""What the columns of a table mean: a mapping is data, a preset is a mapping that is shipped (formats.md 6.9).

As data (TOML or JSON) a mapping holds::

    name = "my bank"
    delimiter = ";"                  # of CSV; left out: any
    header = ["Datum", "Bedrag"]     # all columns in order; a table with others is another table
    decimal = ","                    # left out: decided per column from the file
    dates = ["dmy"]                  # orders; left out: decided from the file
    sign = "signed"                  # or columns (debit and credit), indicator, types
    credit_words = ["Bij"]           # of the column with field indicator, or of type
    debit_words = ["Af"]
    fee = "included"                 # or none, subtract, row
    order = "newest"                 # or oldest; left out: the running balance tells
    currency = "EUR"
    account = "BE68…"
    columns = { Datum = "booking_date", Bedrag = "amount", "#3" = "description" }
    status = { Completed = "booked", Reverted = "skip" }
    preamble = { account = ["Konto"], currency = ["Währung"] }   # words before the header, their values behind them
    row_filter = { column = "Type", skip = ["Authorisation"] }

A column is named by its header or, as ``#3``, by its position from 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nostro.core.text import fold
from nostro.formats.csv.days import ORDERS
from nostro.formats.problems import excerpt, fail

Sign = Literal["signed", "columns", "indicator", "types"]

#: Fields a column may be mapped to, besides ``ignore``. Several columns may join one of the texts.
DATES = ("booking_date", "value_date", "transaction_date")
FIGURES = ("amount", "debit", "credit", "balance", "fee", "original_amount")
TEXTS = (
    "counterparty_name", "counterparty_account", "counterparty_agent", "description", "structured", "type",
    "creditor_name", "creditor_account", "creditor_agent", "debtor_name", "debtor_account", "debtor_agent",
    "end_to_end_id", "mandate_id", "creditor_id", "check_id", "entry_reference", "additional_information",
    "purpose_code", "bank_transaction_code", "merchant_category_code", "card", "original_currency",
)  # fmt: skip
KEYS = ("account", "currency", "account_name", "indicator", "status", "id", "statement")
FIELDS = frozenset((*DATES, *FIGURES, *TEXTS, *KEYS, "ignore"))
_STATUSES = frozenset({"booked", "pending", "information", "skip"})
_KNOWN = frozenset(
    ("name", "bank", "checked", "delimiter", "header", "decimal", "thousands", "dates", "sign", "credit_words",
     "debit_words", "fee", "order", "currency", "account", "columns", "status", "preamble", "row_filter", "sample")
)  # fmt: skip
_MAX_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A mapping whose words have been checked; header names, words and statuses are folded."""

    name: str
    columns: tuple[tuple[str, str], ...]
    header: tuple[str, ...] = ()
    delimiter: str | None = None
    decimal: str | None = None
    thousands: bool = True
    dates: tuple[str, ...] = ORDERS
    sign: Sign = "signed"
    credit_words: frozenset[str] = frozenset()
    debit_words: frozenset[str] = frozenset()
    fee: Literal["none", "included", "subtract", "row"] = "none"
    order: Literal["oldest", "newest", ""] = ""
    currency: str | None = None
    account: str | None = None
    status: Mapping[str, str] | None = None
    preamble: Mapping[str, frozenset[str]] | None = None
    filter_column: str | None = None
    filter_words: frozenset[str] = frozenset()

    def positions(self, header: Sequence[str]) -> tuple[dict[int, str], list[str]]:
        """(position → field, columns that are missing) for a table with this folded header."""
        found: dict[int, str] = {}
        missing = []
        for column, field in self.columns:
            at = column_at(column, header)
            if at is None:
                missing.append(column)
            elif field != "ignore":
                found[at] = field
        return found, missing


def column_at(column: str, header: Sequence[str]) -> int | None:
    """The position from 0 of a column named by its header, or by ``#`` and its position from 1."""
    if column[:1] == "#" and column[1:].isdecimal() and int(column[1:]):
        at = int(column[1:]) - 1
        return at if not header or 0 <= at < len(header) else None
    name = fold(column)
    return header.index(name) if name in header else None


def mapping_of(data: Mapping[str, Any]) -> TableMapping:
    """The mapping this data describes. Raises F-MAPPING that names the wrong word."""
    unknown = sorted(set(data) - _KNOWN)
    if unknown:
        raise _wrong(f"{excerpt(unknown[0])!r} is no part of a mapping; known are {', '.join(sorted(_KNOWN))}")
    columns = data.get("columns")
    if not isinstance(columns, Mapping) or not columns or len(columns) > _MAX_COLUMNS:
        raise _wrong("it needs columns, a table of column = field")
    pairs = tuple((str(column), str(field)) for column, field in columns.items())
    for column, field in pairs:
        if field not in FIELDS:
            raise _wrong(
                f"column {excerpt(column)!r} is mapped to {excerpt(field)!r}; known are {', '.join(sorted(FIELDS))}"
            )
    filter_ = data.get("row_filter") or {}
    made = TableMapping(
        name=str(data.get("name", "mapping")),
        columns=pairs,
        header=tuple(fold(str(name)) for name in data.get("header", ())),
        delimiter=_one_of(data, "delimiter", (";", ",", "\t", "|"), None),
        decimal=_one_of(data, "decimal", (",", "."), None),
        thousands=bool(data.get("thousands", True)),
        dates=_orders(data.get("dates", ORDERS)),
        sign=_one_of(data, "sign", ("signed", "columns", "indicator", "types"), "signed"),
        credit_words=_words(data.get("credit_words", ())),
        debit_words=_words(data.get("debit_words", ())),
        fee=_one_of(data, "fee", ("none", "included", "subtract", "row"), "none"),
        order=_one_of(data, "order", ("oldest", "newest"), ""),
        currency=data.get("currency"),
        account=data.get("account"),
        status=_statuses(data.get("status")),
        preamble={key: _words(words) for key, words in (data.get("preamble") or {}).items()},
        filter_column=filter_.get("column"),
        filter_words=_words(filter_.get("skip", ())),
    )
    _check(made)
    return made


def _check(mapping: TableMapping) -> None:
    fields = [field for _, field in mapping.columns]
    for field in (*FIGURES, *KEYS):
        if fields.count(field) > 1:
            raise _wrong(f"two columns are mapped to {field}, which only one can be")
    if not set(fields) & set(DATES):
        raise _wrong("no column is mapped to a date")
    wanted: dict[Sign, tuple[str, ...]] = {
        "signed": ("amount",), "columns": ("debit", "credit"), "indicator": ("amount", "indicator"),
        "types": ("amount", "type"),
    }  # fmt: skip
    lacking = [field for field in wanted[mapping.sign] if field not in fields]
    if lacking:
        raise _wrong(f"no column is mapped to {' or '.join(lacking)}")
    if mapping.sign in ("indicator", "types") and not (mapping.credit_words and mapping.debit_words):
        raise _wrong("the words for money in and money out are not named")
    if mapping.fee != "none" and "fee" not in fields:
        raise _wrong("it says what to do with fees, but no column is mapped to fee")


def _wrong(message: str) -> Exception:
    return fail("F-MAPPING", f"the mapping cannot be used: {message}")


def _one_of(data: Mapping[str, Any], key: str, allowed: Sequence[str], otherwise: Any) -> Any:
    value = data.get(key)
    if value is None or value == "":
        return otherwise
    if value not in allowed:
        raise _wrong(f"{key} is {excerpt(str(value))!r}; it may be {', '.join(map(repr, allowed))}")
    return value


def _orders(given: Any) -> tuple[str, ...]:
    orders = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not orders or any(order not in ORDERS for order in orders):
        raise _wrong(f"dates may be {', '.join(ORDERS)}")
    return orders


def _words(given: Any) -> frozenset[str]:
    words: Iterable[str] = (given,) if isinstance(given, str) else given
    return frozenset(fold(str(word)) for word in words)


def _statuses(given: Mapping[str, str] | None) -> Mapping[str, str] | None:
    if not given:
        return None
    for word, status in given.items():
        if status not in _STATUSES:
            raise _wrong(f"the status {excerpt(word)!r} is {excerpt(status)!r}; it may be {', '.join(_STATUSES)}")
    return {fold(word): status for word, status in given.items()}


def as_toml(data: Mapping[str, Any]) -> str:
    """The mapping as text for ``--mapping``; empty parts are left out."""
    lines = [f"{key} = {_toml(value)}" for key, value in data.items() if value not in ("", None, [], {})]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(str(key))} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    # A JSON string is a basic string of TOML, which also wants DEL escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
