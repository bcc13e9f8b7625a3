"""A bank's answer that may be shown to support: its shape, amounts, dates and codes, without who and which account.

What may be shown is listed here, so a field that nobody thought of is masked. Texts keep their length, their spaces and
their line breaks, because those are what goes wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from nostro.core.masking import is_iban, mask_for_log, mask_iban

#: A text of this length is shown whole; longer ones are cut, and say so.
MAX_SHOWN = 200_000

#: Fields of the standards whose values name nobody: money, dates, states, codes.
_SHOWN = frozenset(
    [
        "amount",
        "currency",
        "balanceType",
        "creditLimitIncluded",
        "lastChangeDateTime",
        "referenceDate",
        "bookingDate",
        "valueDate",
        "transactionDate",
        "bookingStatus",
        "status",
        "category",
        "code",
        "cashAccountType",
        "usage",
        "bic",
        "exchangeRate",
        "sourceCurrency",
        "targetCurrency",
        "unitCurrency",
        "quotationDate",
        "instructedAmount",
        "purposeCode",
        "bankTransactionCode",
        "proprietaryBankTransactionCode",
        "merchantCategoryCode",
        "batchIndicator",
        "batchNumberOfTransactions",
        "validUntil",
        "frequencyPerDay",
        "recurringIndicator",
        "consentStatus",
        "scaStatus",
        "timestamp",
        "type",
        "path",
        "creditDebitIndicator",
    ]
)
#: The bank's own ids: needed to see why a row was taken for another, and they name nobody; checked for hidden IBANs.
_REFERENCES = frozenset(["entryReference", "transactionId", "cardTransactionId", "lastCommittedTransaction"])
#: Where the bank's sentences about a request are, which are no text of a transaction.
_MESSAGES = frozenset(["tppMessages", "errors"])
#: Words, versions and nothing: account and consent ids have digits or capitals.
_PATH_WORD = re.compile(r"[a-z-]{0,30}|v\d{1,2}")
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")


def masked(body: bytes, content_type: str) -> str:
    """The answer as text with everything masked that names a person, an account or a secret.

    JSON is laid out in lines; anything else keeps its own lines and has every letter and digit replaced.
    """
    if "json" in content_type.lower() or body.lstrip()[:1] in {b"{", b"["}:
        try:
            decoded = msgspec.json.Decoder(float_hook=Decimal).decode(body)
        except (msgspec.DecodeError, RecursionError, ValueError):
            return _cut(_shape(body.decode("utf-8", "replace")))
        plain = msgspec.json.Encoder(decimal_format="number").encode(_masked(decoded, "", ""))
        return _cut(msgspec.json.format(plain, indent=2).decode())
    return _cut(_shape(body.decode("utf-8", "replace")))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n… {len(text) - MAX_SHOWN} characters more"


def _masked(value: Any, name: str, within: str) -> Any:
    """``name`` is the field that holds the value, ``within`` the field that holds that one's object."""
    if isinstance(value, Mapping):
        return {_masked_name(str(key)): _masked(item, str(key), name) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name, within) for item in value]
    if isinstance(value, str):
        return _masked_text(value, name, within)
    # Numbers are money or counts, except where a bank sends an account number as one.
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and name not in _SHOWN:
        return _shape(str(value))
    return value


def _masked_name(key: str) -> str:
    """Some banks use account numbers as names of fields."""
    return mask_iban(key) if is_iban(key) else key[:100]


def _masked_text(value: str, name: str, within: str) -> str:
    if name == "iban":
        return mask_iban(value)
    if name in _SHOWN:
        return mask_for_log(value)[:200]
    if name in _REFERENCES or within in _MESSAGES:
        return mask_for_log(value)[:500]
    return _shape(value)


def _shape(text: str) -> str:
    """Letters as x, digits as 9; everything else as it is."""
    return _DIGIT.sub("9", _LETTER.sub("x", text))


def masked_address(url: str) -> str:
    """The address that was asked, without what identifies an account or opens a page: server, the words of its path,
    and the names, words and dates of its parameters."""
    parts = urlsplit(url)
    path = "/".join(part if _PATH_WORD.fullmatch(part) else "…" for part in parts.path.split("/"))
    query = "&".join(_parameter(pair) for pair in parts.query.split("&") if pair)
    return f"{parts.scheme}://{parts.hostname or ''}{path}{'?' if query else ''}{query}"


def _parameter(pair: str) -> str:
    name, _, value = pair.partition("=")
    return f"{name}={value if re.fullmatch(r'[0-9-]{4,10}|[a-z]{1,12}', value) else '…'}"
