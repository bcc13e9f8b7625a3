"""Which account is which (connectors.md 1.10, books.md 1).

A bank's resource id changes with every consent, so an account is known by its number and its currency: one
IBAN with three currencies is three accounts. Name, grouping, visibility and grants hang on this key and
survive renewals.
"""

from __future__ import annotations

import re

from nostro.core.transactions import Account

_MASK = re.compile(r"[Xx*•#.]")
_CARD_SEPARATORS = re.compile(r"[\s-]")

_ASCII_KEPT = {code: chr(code).upper() if chr(code).isalnum() else None for code in range(128)}


class AccountKeyError(ValueError):
    """The bank gave no number at all; a resource id alone is never an identity."""


def normalise_account_number(text: str) -> str:
    """Upper case, only letters and digits: ``be68 5390-0754 7034`` is ``BE68539007547034`` (books.md 1)."""
    if text.isascii():
        return text.translate(_ASCII_KEPT)
    return "".join(character for character in text.upper() if character.isalnum())


def _normalise_masked_pan(text: str) -> str:
    """One mask character for all banks: ``5254 12XX XXXX 3241`` is ``525412******3241``."""
    return _MASK.sub("*", _CARD_SEPARATORS.sub("", text))


def account_key(account: Account, institution: str) -> str:
    """The account's identity, ``institution|kind:number|currency``.

    ``institution`` is the directory's identifier of the bank. The number is the IBAN, else the BBAN, the
    masked card number, the telephone number, the provider's own stable number. Raises
    :class:`AccountKeyError` without any.
    """
    if account.iban:
        number = "iban:" + normalise_account_number(account.iban)
    elif account.bban:
        number = "bban:" + normalise_account_number(account.bban)
    elif account.masked_pan:
        number = "pan:" + _normalise_masked_pan(account.masked_pan)
    elif account.msisdn:
        number = "msisdn:" + normalise_account_number(account.msisdn)
    elif account.other and account.other.strip():
        # Provider hashes may differ in case only, so they are taken as they are.
        number = "other:" + account.other.strip()
    else:
        raise AccountKeyError("the bank gave an account without any number")
    return f"{institution}|{number}|{account.currency}"


def online_identity(reference: str | None, currency: str, hub_account_id: str, reference_type: str = "IBAN") -> str:
    """Identity of an online account in Books: type, number and currency, else the Hub's account id (books.md
    1).
    """
    number = normalise_account_number(reference or "")
    if not number:
        return f"HUB:{hub_account_id}"
    return f"{reference_type.upper()}:{number}|{currency}"
