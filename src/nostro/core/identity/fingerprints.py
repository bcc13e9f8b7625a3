"""What makes a transaction recognisable when no reference can be trusted.

Each half has its own recipe: the Hub folds texts hard, because banks wrap and capitalise the same text
differently on each read (connectors.md 1.10); Books reads a stable API and keeps punctuation (books.md 11.1).
Both recipes are versioned, because a fingerprint is stored for years.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from operator import attrgetter
from typing import Any

from nostro.core.account_keys import normalise_account_number
from nostro.core.money import to_minor_units
from nostro.core.text import fold
from nostro.core.transactions import Transaction

HUB_VERSION = "v1"
BOOKS_VERSION = "v1"

# Ids and running balances change between reads without anything having happened, the raw answer is the ids' and
# formats' own, and one source lists the payments of a batch where another does not; none of them is content.
_NOT_CONTENT = frozenset(
    ["entry_reference", "transaction_id", "balance_after_transaction", "booking_status", "details", "raw"]
)
_CONTENT_FIELDS = tuple(field.name for field in fields(Transaction) if field.name not in _NOT_CONTENT)
_CONTENT_VALUES = attrgetter(*_CONTENT_FIELDS)


def amount_text(amount: Decimal) -> str:
    """The shortest plain notation, so that ``10``, ``10.00`` and ``1E+1`` are one amount; exact at any
    length.
    """
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def hub_fingerprint(transaction: Transaction) -> str:
    """Versioned SHA-256 in lower-case hex over the fields of connectors.md 1.10.

    The balance after the transaction is no part of it: an entry in the past would change it for later rows.
    """
    account = transaction.counterparty_account
    return _sha256(
        HUB_VERSION,
        transaction.booking_date.isoformat() if transaction.booking_date else "",
        transaction.value_date.isoformat() if transaction.value_date else "",
        amount_text(transaction.amount),
        transaction.currency,
        normalise_account_number(account) if account else "",
        fold(transaction.counterparty_name),
        fold(transaction.remittance_information),
        fold(transaction.end_to_end_id),
    )


def books_fingerprint(
    *,
    reference: str,
    currency: str,
    booking_date: dt.date,
    amount: Decimal,
    counterparty_account: str | None = None,
    remittance: str | None = None,
    end_to_end_id: str | None = None,
) -> str:
    """Versioned SHA-256 in lower-case hex of books.md 11.1.

    ``reference`` is the online account's own number. Raises :class:`~nostro.core.money.MoneyError` for an
    amount with more decimals than its currency has.
    """
    return _sha256(
        BOOKS_VERSION,
        normalise_account_number(reference),
        currency,
        booking_date.isoformat(),
        str(to_minor_units(amount, currency)),
        *fingerprint_texts(counterparty_account, remittance, end_to_end_id),
    )


def fingerprint_texts(
    counterparty_account: str | None, remittance: str | None, end_to_end_id: str | None
) -> tuple[str, str, str]:  # fmt: skip
    """The texts of a transaction as the fingerprint of Books compares them; missing ones are ``""``."""
    return (
        normalise_account_number(counterparty_account or ""),
        _upper_collapsed(remittance),
        _upper_collapsed(end_to_end_id),
    )


def _sha256(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _upper_collapsed(text: str | None) -> str:
    """NFKC, upper case, blanks collapsed; a bar would move the border between two fields, so it is a blank."""
    return " ".join(unicodedata.normalize("NFKC", text or "").upper().replace("|", " ").split())


def content_digest(transaction: Transaction) -> str:
    """128 bits in hex over everything a person reads of a transaction, texts folded.

    Equal digests mean that the bank changed nothing worth an event. Ids, the balance after the transaction
    and re-wrapped text are left out, because banks change them from read to read.
    """
    # Most fields of most rows are empty or text; the others take the longer way.
    parts = [
        "" if value is None or value == () else fold(value) if type(value) is str else _content_text(value)
        for value in _CONTENT_VALUES(transaction)
    ]
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def changed_fields(before: Transaction, after: Transaction) -> tuple[str, ...]:
    """Names of the fields whose content differs, by the same rule as :func:`content_digest`."""
    values = zip(_CONTENT_FIELDS, _CONTENT_VALUES(before), _CONTENT_VALUES(after), strict=True)
    return tuple(name for name, old, new in values if _content_text(old) != _content_text(new))


def _content_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, tuple):
        return "".join(map(_content_text, value))
    if isinstance(value, Mapping):
        return "\x1e".join(f"{key}\x1d{_content_text(value[key])}" for key in sorted(value))
    return str(value)
