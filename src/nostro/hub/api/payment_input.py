"""Reading the attributes of payments (hub-api.md 7.5 to 7.7): what is wrong is refused with its name and its place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from schwifty import IBAN

from nostro.hub.accounts.models import Account
from nostro.hub.api.errors import validation
from nostro.hub.api.request import in_camel_case
from nostro.hub.payments.services import Draft

MAX_AMOUNT = Decimal("999999999.99")
MAX_TRANSFERS = 500
MAX_URI_LENGTH = 2_000
CURRENCY = "EUR"
_SEPA = re.compile(r"[a-zA-Z0-9/\-?:().,'+ ]*")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TYPES = ("unstructured", "structured")
_ATTRIBUTES = "/data/attributes"


class Attributes:
    """The attributes of one object of the body. ``at`` is its JSON pointer."""

    def __init__(self, given: Mapping[str, Any], at: str = _ATTRIBUTES) -> None:
        self._given, self._at = given, at

    def raw(self, name: str) -> Any:
        return self._given.get(name)

    def refuse(self, name: str, rule: str) -> Exception:
        return validation(f"{name} {rule}", name, f"{self._at}/{name}")

    def text(self, name: str, longest: int, *, required: bool = False) -> str:
        """A text of the SEPA characters, ``""`` when absent."""
        value = self._given.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or len(value) > longest or (required and not value.strip()):
            raise self.refuse(name, f"must be a text of {1 if required else 0} to {longest} characters.")
        if not _SEPA.fullmatch(value):
            raise self.refuse(name, "may hold a-z A-Z 0-9 / - ? : ( ) . , ' + and spaces only.")
        return value

    def amount(self, name: str) -> Decimal:
        """A positive amount with at most two decimals, as a number or as text."""
        value = self._given.get(name)
        if isinstance(value, str) and not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
            value = None
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise self.refuse(name, "must be a number.")
        try:
            amount = Decimal(value)
        except (InvalidOperation, ValueError):
            raise self.refuse(name, "must be a number.") from None
        if not amount.is_finite() or not 0 < amount <= MAX_AMOUNT:
            raise self.refuse(name, f"must be more than 0 and at most {MAX_AMOUNT}.")
        if amount != amount.quantize(Decimal("0.01")):
            raise self.refuse(name, "must have at most two decimals.")
        # 1E+2 is 100; trailing zeros mean nothing.
        return amount.quantize(Decimal("0.01")) if amount % 1 else Decimal(int(amount))

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self._given.get(name)
        if value is None and default is not None:
            return default
        if value not in allowed:
            raise self.refuse(name, f"must be {' or '.join(allowed)}.")
        return str(value)

    def day(self, name: str) -> dt.date | None:
        """A plain date. The sandbox does not simulate it, so it may be any day."""
        value = self._given.get(name)
        if value is None or value == "":
            return None
        try:
            if isinstance(value, str) and _DAY.fullmatch(value):
                return dt.date.fromisoformat(value)
        except ValueError:
            pass
        raise self.refuse(name, "must be a date such as 2026-01-31.")

    def flag(self, name: str) -> bool:
        value = self._given.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.refuse(name, "must be true or false.")
        return bool(value)

    def iban(self, name: str) -> str:
        value = self._given.get(name)
        compact = re.sub(r"[ \u00a0-]", "", value).upper() if isinstance(value, str) and len(value) <= 60 else ""
        if not (compact.isascii() and compact.isalnum()) or not IBAN(compact, allow_invalid=True).is_valid:
            raise self.refuse(name, "is not an IBAN: its length or its check digits are wrong.")
        return compact

    def bic(self, name: str) -> str:
        value = self._given.get(name)
        if value is None or value == "":
            return ""
        if not isinstance(value, str) or not _BIC.fullmatch(value.upper()):
            raise self.refuse(name, "is not a BIC.")
        return value.upper()

    def redirect_uri(self, *, required: bool) -> str:
        """An absolute web address. Whether the caller may name it is for the caller of this to check."""
        value = self._given.get("redirectUri")
        if (value is None or value == "") and not required:
            return ""
        if not isinstance(value, str) or not is_web_address(value):
            raise self.refuse("redirectUri", "must be an absolute http or https address.")
        return value

    def transfer(self) -> Draft:
        """One credit transfer (7.5)."""
        amount = self.amount("amount")
        currency = self.one_of("currency", (CURRENCY,))
        name = self.text("creditorName", 60, required=True)
        self.one_of("creditorAccountReferenceType", ("IBAN",))
        account, agent = self.iban("creditorAccountReference"), self.bic("creditorAgent")
        self.one_of("creditorAgentType", ("BIC",), default="BIC")
        return Draft(
            amount, currency, name, account, agent, **self.remittance(),
            requested_execution_date=self.day("requestedExecutionDate"),
        )  # fmt: skip

    def remittance(self) -> dict[str, Any]:
        """What payments and payment requests share."""
        return {
            "remittance_information": self.text("remittanceInformation", 140),
            "remittance_information_type": self.one_of("remittanceInformationType", _TYPES, default=_TYPES[0]),
            "end_to_end_id": self.text("endToEndId", 35),
        }

    def transfers(self) -> list[Draft]:
        """The payments of a bulk payment (7.6)."""
        items = self._given.get("payments")
        if not isinstance(items, list) or not 1 <= len(items) <= MAX_TRANSFERS:
            raise self.refuse("payments", f"must be a list of 1 to {MAX_TRANSFERS} payments.")
        drafts = []
        for number, item in enumerate(items):
            if not isinstance(item, dict):
                raise validation("A payment must be an object.", "payments", f"{self._at}/payments/{number}")
            drafts.append(Attributes(in_camel_case(item), f"{self._at}/payments/{number}").transfer())
        return drafts

    def asked(self, account: Account) -> Draft:
        """What a payment request asks to be paid into ``account`` (7.7)."""
        self._must_match("currency", account.currency)
        self._must_match("creditorAccountReference", account.reference)
        self._must_match("creditorAccountReferenceType", account.reference_type)
        name = account.holder_name or account.organization.name
        return Draft(self.amount("amount"), account.currency, name[:70], account.reference, **self.remittance())

    def _must_match(self, name: str, expected: str) -> None:
        value = self._given.get(name)
        if value is not None and (not isinstance(value, str) or _compact(value) != _compact(expected)):
            raise self.refuse(name, "must be that of the account.")


def require_euro_account(account: Account) -> None:
    """SEPA pays in euro, from accounts with an IBAN."""
    if account.currency != CURRENCY or account.reference_type != "IBAN":
        raise validation("Payments are possible for accounts in EUR with an IBAN only.", "currency")


def is_web_address(text: str) -> bool:
    """Whether ``text`` is an absolute http or https address that a link may lead to."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    is_clean = text.isascii() and text.isprintable() and not any(c in ' \\<>"' for c in text) and port != 0
    return len(text) <= MAX_URI_LENGTH and parts.scheme in {"http", "https"} and bool(host) and is_clean


def _compact(text: str) -> str:
    return re.sub(r"\W", "", text).upper()
