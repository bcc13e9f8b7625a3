"""The documents of the sandbox resources, and the list of accounts they begin with (hub-api.md section 8)."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from nostro.hub.api.documents import Document, Number
from nostro.hub.api.paging import Listing

MAX_TEXT = 500
#: What may be given of a transaction, and of what kind it is.
ATTRIBUTES = {
    "valueDate": "date", "executionDate": "date", "amount": "amount", "currency": "text", "description": "text",
    "counterpartName": "text", "counterpartReference": "text", "remittanceInformation": "text",
    "remittanceInformationType": "text", "bankTransactionCode": "text", "proprietaryBankTransactionCode": "text",
    "additionalInformation": "text", "purposeCode": "text", "endToEndId": "text", "mandateId": "text",
    "creditorId": "text", "cardReference": "text", "cardReferenceType": "text", "fee": "amount",
    "automaticBooking": "flag",
}  # fmt: skip
REQUIRED = ("valueDate", "executionDate", "amount", "currency", "description", "remittanceInformationType")


class FakeAccountAttributes(Document, frozen=True):
    subtype: str
    reference_type: str
    reference: str
    description: str | None
    currency: str
    current_balance: Number
    available_balance: Number
    holder_name: str | None
    product: str | None


class FakeAccount(Document, frozen=True):
    """An account at the sandbox bank. It has the id of the account that the integration reads."""

    type: Literal["financialInstitutionAccount"]
    id: str
    attributes: FakeAccountAttributes


class FakeTransactionAttributes(Document, frozen=True):
    value_date: str
    execution_date: str
    amount: Number
    currency: str
    description: str | None
    counterpart_name: str | None
    counterpart_reference: str | None
    remittance_information: str | None
    remittance_information_type: str
    bank_transaction_code: str | None
    proprietary_bank_transaction_code: str | None
    additional_information: str | None
    purpose_code: str | None
    end_to_end_id: str | None
    mandate_id: str | None
    creditor_id: str | None
    card_reference: str | None
    card_reference_type: str | None
    fee: Number | None
    automatic_booking: bool


class FakeTransaction(Document, frozen=True):
    """A row at the sandbox bank."""

    type: Literal["financialInstitutionTransaction"]
    id: str
    attributes: FakeTransactionAttributes


_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | None | msgspec.UnsetType
_Day = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class FakeTransactionInput(Document, frozen=True):
    """``data.attributes`` of a new transaction; a change may give any of them."""

    value_date: _Day
    execution_date: _Day
    amount: Number
    currency: str
    description: str
    remittance_information_type: Literal["structured", "unstructured"]
    remittance_information: _Text = msgspec.UNSET
    counterpart_name: _Text = msgspec.UNSET
    counterpart_reference: _Text = msgspec.UNSET
    bank_transaction_code: _Text = msgspec.UNSET
    proprietary_bank_transaction_code: _Text = msgspec.UNSET
    additional_information: _Text = msgspec.UNSET
    purpose_code: _Text = msgspec.UNSET
    end_to_end_id: _Text = msgspec.UNSET
    mandate_id: _Text = msgspec.UNSET
    creditor_id: _Text = msgspec.UNSET
    card_reference: _Text = msgspec.UNSET
    card_reference_type: Literal["PAN", "MASKEDPAN"] | msgspec.UnsetType | None = msgspec.UNSET
    fee: Number | msgspec.UnsetType | None = msgspec.UNSET
    automatic_booking: bool | msgspec.UnsetType | None = msgspec.UNSET


class FakeTransactionChange(Document, frozen=True):
    """``data.attributes`` of a change: any of those of a new transaction."""

    amount: Number | msgspec.UnsetType = msgspec.UNSET
    description: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | msgspec.UnsetType = msgspec.UNSET
    automatic_booking: bool | msgspec.UnsetType = msgspec.UNSET


def shown(attributes: dict[str, Any]) -> FakeTransactionAttributes:
    """From the values of ``sandbox_rows.attributes_of``: days become date-times, amounts numbers."""
    kinds: dict[str, Any] = {
        "text": lambda value: value,
        "flag": bool,
        "amount": lambda value: None if value is None else Decimal(value),
        "date": lambda value: f"{value}T00:00:00.000Z",
    }
    return FakeTransactionAttributes(*(kinds[kind](attributes.get(name)) for name, kind in ATTRIBUTES.items()))


def accounts(integration_id: uuid.UUID, institution_id: uuid.UUID) -> Listing:
    """Ids of the accounts of an integration at one institution."""
    source = """integrations_integrationaccount g
        JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL AND a.is_sandbox"""
    where = "g.integration_id = %s AND g.removed_at IS NULL AND a.institution_id = %s"
    return Listing(
        select=f"SELECT a.id::text\nFROM {source}",
        where=where,
        arguments=(integration_id, institution_id),
        key=("a.linked_at", "a.id"),
        cursor=f"FROM {source} WHERE {where} AND a.id = %s",
        cursor_arguments=(integration_id, institution_id),
    )
