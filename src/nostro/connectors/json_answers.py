"""Reading JSON from banks: exact numbers, no ambiguity, card numbers masked before anything else happens."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from nostro.core.masking import is_card_number, mask_card_numbers, mask_pan
from nostro.core.payloads import payload_bytes

_REFERENCES = """
    resourceId transactionId entryReference endToEndId mandateId creditorId checkId consentId href iban bban
    remittanceInformationStructured remittanceInformationStructuredArray reference amount lastCommittedTransaction
    cardTransactionId terminalId cardAcceptorId
"""
#: Fields that hold references and addresses. A reference may look like a card number by chance, and masking it would
#: change an identity or break a link; a card number has no business in them.
_NEVER_CARD_NUMBERS = frozenset(_REFERENCES.split())
#: Fields that hold a card number whatever it looks like.
_ALWAYS_CARD_NUMBERS = frozenset({"pan", "maskedPan", "maskedPAN"})

#: The shape of a card number in ``nostro.core.masking``, and the fields that hold one: most bodies have neither, and
#: then need not be taken apart.
_CARD_SHAPE = re.compile(rb"(?<![0-9A-Za-z])[2-6](?:[ -]?\d){12,18}(?![0-9A-Za-z])")
_CARD_FIELD = re.compile(rb'"(?:pan|maskedP[aA][nN])"')
#: Escapes that may stand for a character that cannot be stored.
_BROKEN_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_BROKEN_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


class JsonError(ValueError):
    """The text is no JSON, or says two different things."""


def mask_card_numbers_in_json(body: bytes) -> bytes:
    """The same JSON with full card numbers masked; bodies without any come back as they are (connectors.md 1.1.6)."""
    if not _CARD_FIELD.search(body) and not any(map(_is_card, _CARD_SHAPE.finditer(body))):
        return body
    text = body.decode("utf-8", "surrogateescape")
    field = ""

    def mask(found: re.Match[str]) -> str:
        nonlocal field
        content, colon = found.groups()
        if colon:
            field = content
            return found.group()
        if field in _NEVER_CARD_NUMBERS:
            return found.group()
        # A full number in a card number field is masked even where its check digit is wrong.
        digits = re.sub(r"[ -]", "", content)
        full = field in _ALWAYS_CARD_NUMBERS and digits.isdigit() and len(digits) >= 12
        return f'"{mask_pan(digits) if full or is_card_number(digits) else mask_card_numbers(content)}"'

    return _STRING.sub(mask, text).encode("utf-8", "surrogateescape")


def _is_card(found: re.Match[bytes]) -> bool:
    return is_card_number(re.sub(rb"[ -]", b"", found.group()).decode("ascii"))


def parse_json(body: bytes) -> Any:
    """Parse JSON with exact decimals. Raises :class:`JsonError`.

    A key that occurs twice with two different values makes the answer contradictory, so it is refused; so are NaN
    and Infinity, which are no JSON. Characters that neither UTF-8 nor PostgreSQL can hold (half of a surrogate pair,
    NUL) become U+FFFD.
    """
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        if not _keeps_every_string(body, value):
            value = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object)
        return _without_broken_characters(value) if _BROKEN_ESCAPE.search(body) else value
    except JsonError:
        raise
    except (ValueError, ArithmeticError, RecursionError):
        raise JsonError("the answer is no JSON text") from None


def _keeps_every_string(body: bytes, value: Any) -> bool:
    """Whether the parsed value certainly has all strings of its text, so that no key occurred twice in one object.

    Written out again, every string has its two quotation marks and those within; a key that was lost has none. Only
    where the text may spell a mark otherwise is this no proof. Asking every object costs three times as much.
    """
    if b"\\u0022" in body:
        return False
    return payload_bytes(value).count(b'"') == body.count(b'"')


def _refuse_constant(name: str) -> Any:
    raise JsonError(f"{name} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        for key, value in pairs:
            if result[key] != value:
                raise JsonError("a field occurs twice with two different values")
    return result


def _without_broken_characters(value: Any) -> Any:
    if isinstance(value, str):
        return _BROKEN_CHARACTER.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_broken_characters(item) for item in value]
    if isinstance(value, dict):
        return {_without_broken_characters(key): _without_broken_characters(item) for key, item in value.items()}
    return value
