"""What became of a transaction afterwards, in words."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from nostro.hub.accounts.models import TransactionChange


@dataclass(frozen=True)
class Change:
    """One event of one transaction: what happened, and for each field its value before and after."""

    transaction_id: uuid.UUID
    row: Any
    kind: str
    word: str
    tone: str
    when: dt.datetime
    fields: list[tuple[str, str, str]]


def described(change: TransactionChange) -> Change:
    """A stored change as people read it."""
    words = {
        "modified": (_("Changed by the bank"), "act"),
        "removed": (_("Withdrawn"), "warn"),
        "restored": (_("Brought back"), "good"),
    }
    word, tone = words.get(change.kind, (change.kind, "quiet"))
    names = field_words()
    fields = [
        (names.get(name, name), *(_value(_told(name, each)) for each in (before, change.after.get(name))))
        for name, before in sorted(change.before.items())
        # These two follow from the fields beside them.
        if name not in {"remittance_information", "counterpart_name", "counterpart_reference"}
    ]
    return Change(change.transaction_id, change.transaction, change.kind, word, tone, change.created_at, fields)


def field_words() -> dict[str, str]:
    """The names of the fields that a bank may change."""
    return {
        "amount": _("Amount"),
        "currency": _("Currency"),
        "booking_date": _("Booked"),
        "value_date": _("Value date"),
        "transaction_date": _("Made on"),
        "end_to_end_id": _("End-to-end id"),
        "mandate_id": _("Mandate"),
        "creditor_id": _("Creditor id"),
        "check_id": _("Cheque"),
        "fee": _("Fee"),
        "currency_exchange": _("Exchange"),
        "creditor_name": _("Creditor"),
        "creditor_account": _("Creditor's account"),
        "creditor_agent": _("Creditor's bank"),
        "ultimate_creditor": _("Ultimate creditor"),
        "debtor_name": _("Debtor"),
        "debtor_account": _("Debtor's account"),
        "debtor_agent": _("Debtor's bank"),
        "ultimate_debtor": _("Ultimate debtor"),
        "remittance_unstructured": _("Message"),
        "remittance_structured": _("Structured reference"),
        "additional_information": _("Further information"),
        "purpose_code": _("Purpose"),
        "bank_transaction_code": _("Kind, ISO 20022"),
        "proprietary_bank_transaction_code": _("Kind, the bank's word"),
        "merchant_category_code": _("Merchant category"),
        "masked_pan": _("Card"),
        "batch_indicator": _("Batch"),
        "batch_number_of_transactions": _("Payments in the batch"),
        "details": _("Parts of the batch"),
    }


def _told(name: str, value: Any) -> Any:
    """Of the parts of a batch their number: each is shown at the transaction."""
    return len(value) if name == "details" and value else value


def _value(value: Any) -> str:
    if value is None or value in ("", []):
        return _("nothing")
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)
