"""Masking of account numbers, card numbers and tokens in texts that people or logs get to see.

Full card numbers (PAN) are masked before anything leaves a connector, and IBANs and secrets never reach a log
(connectors.md 1.1.6, user-wants W35). The pure functions live here because connectors, logs and exports of
both halves share them.

A card number in free text is recognised by three signs together: 13 to 19 digits, optionally in groups; a
range that a card scheme uses; a right check digit (ISO/IEC 7812-1, Luhn). Two of them alone would hit
ordinary references.
"""

from __future__ import annotations

import re

#: PCI DSS 3.4 lets the first six and the last four digits be shown.
_SHOWN_FIRST, _SHOWN_LAST = 6, 4

_CARD_CANDIDATE = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z])")
_CARD_RANGES = re.compile(r"4|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|35(?:2[89]|[3-8])|6")
#: Two letters, two check digits, 11 to 30 characters, in groups or not (ISO 13616).
_IBAN_CANDIDATE = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]){11,30}", re.ASCII | re.IGNORECASE)
_SECRET = re.compile(
    r"""(?ix)
    (\b(?:bearer|basic)\s+ |
     \b(?:consent-?id|authorization|access_token|refresh_token|client_?secret|secret_?id|password|pin|tan|
          signature|x-api-key)\b ["']? \s*[:=]\s* ["']? (?:bearer\s+|basic\s+)?)
    ([^\s"',;&}]+)
    """
)


def is_card_number(digits: str) -> bool:
    """True for 13 to 19 digits in a card scheme's range with a right check digit."""
    return (
        digits.isascii()
        and digits.isdigit()
        and 13 <= len(digits) <= 19
        and _CARD_RANGES.match(digits) is not None
        and _luhn_remainder(digits) == 0
    )


def mask_pan(number: str) -> str:
    """A card number with its middle digits as ``x``: ``4111 1111 1111 1111`` is ``411111xxxxxx1111``.

    Letters that a bank already put for hidden digits stay. Numbers of fewer than 12 characters show the last
    four only, because their head would be most of the number.
    """
    compact = re.sub(r"[\s-]", "", number)
    first = _SHOWN_FIRST if len(compact) >= 12 else 0
    hidden = max(len(compact) - first - _SHOWN_LAST, 0)
    middle = compact[first : first + hidden]
    return compact[:first] + re.sub(r"\d", "x", middle) + compact[first + hidden :]


def mask_iban(iban: str) -> str:
    """An IBAN by country, check digits and last four: ``BE68539007547034`` is ``BE68xxxxxxxx7034``."""
    compact = re.sub(r"\s", "", iban)
    if len(compact) <= 8:
        return "x" * len(compact)
    return compact[:4] + "x" * (len(compact) - 8) + compact[-4:]


def mask_token(token: str) -> str:
    """A secret as its last four characters, and only where at least twelve others stay hidden."""
    return "…" + token[-4:] if len(token) >= 16 else "…"


def mask_card_numbers(text: str) -> str:
    """``text`` with every full card number masked; IBANs that contain such digits stay."""
    if not _CARD_CANDIDATE.search(text):
        return text
    ibans = [range(*span) for span in _iban_spans(text)]

    def mask(found: re.Match[str]) -> str:
        digits = re.sub(r"[ -]", "", found.group())
        inside_iban = any(found.start() in iban for iban in ibans)
        return mask_pan(digits) if not inside_iban and is_card_number(digits) else found.group()

    return _CARD_CANDIDATE.sub(mask, text)


def mask_for_log(text: str) -> str:
    """``text`` without tokens, passwords, IBANs and card numbers, for logs and messages."""
    text = _SECRET.sub(lambda found: found.group(1) + "…", text)
    for start, end in reversed(_iban_spans(text)):
        text = text[:start] + mask_iban(text[start:end]) + text[end:]
    return mask_card_numbers(text)


def _iban_spans(text: str) -> list[tuple[int, int]]:
    """Where IBANs stand. A candidate may run into the words behind it: its longest right beginning counts."""
    spans = []
    for found in _IBAN_CANDIDATE.finditer(text):
        ends = range(found.end(), found.start() + 14, -1)
        end = next((end for end in ends if is_iban(text[found.start() : end])), None)
        if end is not None:
            spans.append((found.start(), end - len(text[:end]) + len(text[:end].rstrip())))
    return spans


def is_iban(text: str) -> bool:
    """True if the check digits of an IBAN are right (ISO 7064, mod 97). Length by country is not checked."""
    compact = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}", compact, re.ASCII):
        return False
    digits = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    return int(digits) % 97 == 1


def _luhn_remainder(digits: str) -> int:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[::-2])) % 10
