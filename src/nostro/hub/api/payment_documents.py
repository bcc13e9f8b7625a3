"""Payments, bulk payments, payment requests and activation requests as typed values (hub-api.md 7.5 to 7.8).

``links`` is sent in the answer to POST only.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from nostro.hub.api.documents import Document, Number, RedirectAttributes, RedirectLinks

Status = Literal["unsigned", "pending", "accepted", "rejected", "canceled"]
RemittanceType = Literal["unstructured", "structured"]


class PaymentAttributes(Document, frozen=True):
    """``requestedExecutionDate`` is a plain date; the address to return to is not echoed."""

    status: Status
    amount: Number
    currency: str
    creditor_name: str
    creditor_account_reference: str
    creditor_account_reference_type: Literal["IBAN"]
    creditor_agent: str | None
    creditor_agent_type: Literal["BIC"] | None
    remittance_information: str | None
    remittance_information_type: RemittanceType
    end_to_end_id: str | None
    requested_execution_date: str | None


class Payment(Document, frozen=True):
    type: Literal["payment"]
    id: str
    attributes: PaymentAttributes
    links: RedirectLinks | UnsetType = UNSET


class BulkPaymentAttributes(Document, frozen=True):
    status: Status
    reference: str
    requested_execution_date: str | None
    batch_booking_preferred: bool


class BulkPayment(Document, frozen=True):
    """The single payments are not echoed."""

    type: Literal["bulkPayment"]
    id: str
    attributes: BulkPaymentAttributes
    links: RedirectLinks | UnsetType = UNSET


class PaymentRequestAttributes(Document, frozen=True):
    """``signingUri`` is where the third person pays; ``closedAt`` is set when their bank has accepted the payment."""

    amount: Number
    currency: str
    remittance_information: str | None
    remittance_information_type: RemittanceType
    end_to_end_id: str | None
    creditor_account_reference: str
    creditor_account_reference_type: str
    debtor_account_reference: str | None
    debtor_account_reference_type: Literal["IBAN"] | None
    closed_at: str | None
    signed_at: str | None
    signing_uri: str
    redirect_uri: str | None


class SigningLinks(Document, frozen=True):
    redirect: str
    signing_redirect: str


class PaymentRequest(Document, frozen=True):
    type: Literal["paymentRequest"]
    id: str
    attributes: PaymentRequestAttributes
    links: SigningLinks | UnsetType = UNSET


class ActivationRequest(Document, frozen=True):
    """``links.redirect`` leads a person of the organization to the page about it."""

    type: Literal["paymentActivationRequest", "paymentRequestActivationRequest"]
    id: str
    links: RedirectLinks
    attributes: RedirectAttributes


# --- what is sent to the Hub ----------------------------------------------------------------------------------

_TEXT = r"^[a-zA-Z0-9/\-?:().,'+ ]*$"
_NUMBER: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": 999_999_999.99, "multipleOf": 0.01}
#: A number, or the same as text.
Amount = Annotated[Any, msgspec.Meta(extra_json_schema=_NUMBER)]
Iban = Annotated[str, msgspec.Meta(description="An IBAN with correct check digits.")]
Day = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"})]
Text35 = Annotated[str, msgspec.Meta(max_length=35, pattern=_TEXT)]
Text60 = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=_TEXT)]
Text140 = Annotated[str, msgspec.Meta(max_length=140, pattern=_TEXT)]
RedirectUri = Annotated[str, msgspec.Meta(description="Where the browser may go back to: http or https.")]


class PaymentInput(Document, frozen=True):
    """Attributes of POST …/payments. Texts have the characters of SEPA only."""

    amount: Amount
    currency: Literal["EUR"]
    creditor_name: Text60
    creditor_account_reference: Iban
    creditor_account_reference_type: Literal["IBAN"]
    creditor_agent: str | UnsetType | None = UNSET
    creditor_agent_type: Literal["BIC"] | UnsetType | None = UNSET
    remittance_information: Text140 | UnsetType | None = UNSET
    remittance_information_type: RemittanceType | UnsetType | None = UNSET
    end_to_end_id: Text35 | UnsetType | None = UNSET
    requested_execution_date: Day | UnsetType | None = UNSET
    redirect_uri: RedirectUri | UnsetType | None = UNSET


class BulkPaymentInput(Document, frozen=True):
    """Attributes of POST …/bulk-payments; ``payments`` are attributes as of single payments."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=140, pattern=_TEXT)]
    payments: Annotated[list[PaymentInput], msgspec.Meta(min_length=1, max_length=500)]
    batch_booking_preferred: bool | UnsetType | None = UNSET
    requested_execution_date: Day | UnsetType | None = UNSET
    redirect_uri: RedirectUri | UnsetType | None = UNSET


class PaymentRequestInput(Document, frozen=True):
    """Attributes of POST …/payment-requests. Currency and creditor, where sent, must be those of the account."""

    amount: Amount
    currency: str | UnsetType | None = UNSET
    remittance_information: Text140 | UnsetType | None = UNSET
    remittance_information_type: RemittanceType | UnsetType | None = UNSET
    end_to_end_id: Text35 | UnsetType | None = UNSET
    creditor_name: str | UnsetType | None = UNSET
    creditor_account_reference: str | UnsetType | None = UNSET
    creditor_account_reference_type: str | UnsetType | None = UNSET
    redirect_uri: RedirectUri | UnsetType | None = UNSET
