"""The resources of hub-api.md section 7 as typed values. msgspec writes them and describes them in OpenAPI.

Field order is the order in the specification's samples. Names are camelCase on the wire. Every attribute is always
present, ``None`` when unknown; only ``links.next`` and ``links.prev`` may be absent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

Number = Decimal  # a JSON number with exactly these digits


class Document(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of everything that is sent."""


class Links(msgspec.Struct, frozen=True, gc=False):
    """``related`` only; also where the relationship has data, because .NET reads a map of strings (2.4)."""

    related: str


class TypeMeta(msgspec.Struct, frozen=True, gc=False):
    type: str


class TypedLinks(msgspec.Struct, frozen=True, gc=False):
    """For relationships without data: ``meta.type`` lets the Ruby gem find its class."""

    related: str
    meta: TypeMeta


class Identifier(msgspec.Struct, frozen=True, gc=False):
    type: str
    id: str


class ToOne(msgspec.Struct, frozen=True, gc=False):
    links: Links
    data: Identifier


class ToMany(msgspec.Struct, frozen=True, gc=False):
    links: TypedLinks


class PageLinks(msgspec.Struct, frozen=True, gc=False):
    first: str
    prev: str | UnsetType = UNSET
    next: str | UnsetType = UNSET


class Paging(msgspec.Struct, frozen=True, gc=False):
    limit: int
    before: str | None
    after: str | None


# --- synchronization (7.3) ------------------------------------------------------------------------------------


class SynchronizationAttributes(Document, frozen=True):
    status: Literal["pending", "running", "success", "error"]
    subtype: str
    resource_type: Literal["account"]
    resource_id: str
    customer_online: bool
    errors: list[Any]
    created_at: str
    updated_at: str


class SynchronizationRelationships(Document, frozen=True):
    updated_transactions: ToMany
    updated_pending_transactions: ToMany


class Synchronization(Document, frozen=True):
    type: Literal["synchronization"]
    id: str
    attributes: SynchronizationAttributes
    relationships: SynchronizationRelationships | UnsetType = UNSET


# --- account (7.1) --------------------------------------------------------------------------------------------


class AccountAttributes(Document, frozen=True):
    subtype: str
    reference_type: str
    reference: str
    product: str | None
    internal_reference: str | None
    holder_name: str | None
    description: str | None
    deprecated: bool
    currency: str
    current_balance: Number
    current_balance_changed_at: str | None
    current_balance_reference_date: str | None
    current_balance_variation_observed_at: str | None
    available_balance: Number
    available_balance_changed_at: str | None
    available_balance_reference_date: str | None
    available_balance_variation_observed_at: str | None
    authorized_at: str | None
    authorization_expiration_expected_at: str | None


class AccountRelationships(Document, frozen=True):
    transactions: ToMany
    pending_transactions: ToMany
    financial_institution: ToOne


class AccountMeta(Document, frozen=True):
    availability: Literal["available", "readonly"]
    synchronized_at: str
    latest_synchronization: Synchronization


class Account(Document, frozen=True):
    type: Literal["account"]
    id: str
    attributes: AccountAttributes
    relationships: AccountRelationships
    meta: AccountMeta


# --- transaction and pending transaction (7.2) ----------------------------------------------------------------


class TransactionAttributes(Document, frozen=True):
    value_date: str
    execution_date: str
    amount: Number
    currency: str
    description: str | None
    counterpart_name: str | None
    counterpart_reference: str | None
    remittance_information: str
    remittance_information_type: Literal["structured", "unstructured"]
    bank_transaction_code: str | None
    proprietary_bank_transaction_code: str | None
    purpose_code: str | None
    end_to_end_id: str | None
    mandate_id: str | None
    creditor_id: str | None
    additional_information: str | None
    internal_reference: str | None
    card_reference: str | None
    card_reference_type: Literal["PAN", "MASKEDPAN"] | None
    fee: Number | None
    digest: str
    created_at: str
    updated_at: str


class TransactionRelationships(Document, frozen=True):
    account: ToOne


class Transaction(Document, frozen=True):
    type: Literal["transaction", "pendingTransaction"]
    id: str
    attributes: TransactionAttributes
    relationships: TransactionRelationships


# --- institution (7.4) ----------------------------------------------------------------------------------------


class InstitutionAttributes(Document, frozen=True):
    name: str
    bic: str | None
    country: str | None
    logo_url: str | None
    primary_color: str | None
    secondary_color: str | None
    shared_brand_name: str | None
    shared_brand_reference: str | None
    status: str
    deprecated: bool
    time_zone: str | None
    maintenance_from: str | None
    maintenance_to: str | None
    maintenance_type: str | None
    payments_enabled: bool
    payments_product_types: list[str]
    bulk_payments_enabled: bool
    bulk_payments_product_types: list[str]
    periodic_payments_enabled: bool
    periodic_payments_product_types: list[str]
    future_dated_payments_allowed: bool
    expected_authorization_lifetime: int | None
    pending_transactions_available: bool


class Institution(Document, frozen=True):
    type: Literal["financialInstitution"]
    id: str
    attributes: InstitutionAttributes


# --- Ponto Connect (7.8, 7.10) --------------------------------------------------------------------------------


class RedirectLinks(Document, frozen=True):
    redirect: str


class RedirectAttributes(Document, frozen=True):
    sandbox: bool


class RedirectRequest(Document, frozen=True):
    """A person must go to ``links.redirect``."""

    type: Literal["reauthorizationRequest"]
    id: str
    links: RedirectLinks
    attributes: RedirectAttributes


class RedirectInput(Document, frozen=True):
    redirect_uri: str


class OnlyData(Document, frozen=True):
    data: Identifier


class OrganizationRelationship(Document, frozen=True):
    organization: OnlyData


class EndedIntegration(Document, frozen=True):
    type: Literal["integration"]
    id: str
    relationships: OrganizationRelationship


class UsageAttributes(Document, frozen=True):
    """``accountCount`` is prorated; the others are whole numbers."""

    account_count: Number
    payment_count: int
    payment_account_count: int
    bulk_payment_count: int
    bulk_payment_bundle_count: int


class Usage(Document, frozen=True):
    type: Literal["usage"]
    id: str
    attributes: UsageAttributes
    relationships: OrganizationRelationship


class UsageDocument(Document, frozen=True):
    """The relationship stands twice: .NET reads the inner one, Java the outer one."""

    data: Usage
    relationships: OrganizationRelationship


class IntegrationAccountAttributes(Document, frozen=True):
    created_at: str
    last_accessed_at: str | None


class IntegrationAccountRelationships(Document, frozen=True):
    account: ToOne
    financial_institution: ToOne
    organization: OnlyData


class IntegrationAccount(Document, frozen=True):
    type: Literal["integrationAccount"]
    id: str
    attributes: IntegrationAccountAttributes
    relationships: IntegrationAccountRelationships


class OnboardingDetails(Document, frozen=True):
    type: Literal["onboardingDetails"]
    id: str
    attributes: dict[str, Any]


class OnboardingInput(Document, frozen=True):
    """The other attributes of 7.10 are texts and may be left out."""

    email: Annotated[str, msgspec.Meta(max_length=300, extra_json_schema={"pattern": "@"})]


class Userinfo(msgspec.Struct, frozen=True, rename="camel"):
    """Flat JSON (7.9); ``name`` only with the scope of this name."""

    sub: str
    payments_activated: bool
    payments_activation_requested: bool
    payment_requests_activated: bool
    payment_requests_activation_requested: bool
    onboarding_complete: bool
    name: str | UnsetType = UNSET


# --- envelopes ------------------------------------------------------------------------------------------------


class PageMeta(Document, frozen=True):
    paging: Paging
    synchronized_at: str | UnsetType = UNSET
    latest_synchronization: Synchronization | UnsetType = UNSET


class Page(Document, frozen=True):
    """A list: items, where the page stands, and links to its neighbours (5)."""

    data: list[Any]
    meta: PageMeta
    links: PageLinks


class One(Document, frozen=True):
    """A single resource."""

    data: Any


class SynchronizationState(Document, frozen=True):
    """A single synchronization: OCA 12.0 polls a ``status`` at the top (7.3)."""

    data: Synchronization
    status: str


# --- what is sent to the Hub, and refusals --------------------------------------------------------------------


IpAddress = Annotated[str, msgspec.Meta(extra_json_schema={"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})]


class SynchronizationInput(Document, frozen=True):
    """``data.attributes`` of POST /synchronizations. With ``customerIpAddress`` the person is present."""

    resource_type: Literal["account"]
    resource_id: Annotated[str, msgspec.Meta(extra_json_schema={"format": "uuid"})]
    subtype: Literal["accountDetails", "accountTransactions", "accountTransactionsWithUnsettled"]
    customer_ip_address: IpAddress | UnsetType | None = UNSET


class TokenInput(msgspec.Struct, frozen=True):
    """Parameters of POST /oauth2/token; also accepted in the query."""

    grant_type: Literal["client_credentials"]
    scope: str | UnsetType = UNSET


class ConnectTokenInput(msgspec.Struct, frozen=True):
    """Parameters of POST /ponto-connect/oauth2/token."""

    grant_type: Literal["authorization_code", "refresh_token", "client_credentials"]
    code: str | UnsetType = UNSET
    redirect_uri: str | UnsetType = UNSET
    code_verifier: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET


class RevokeInput(msgspec.Struct, frozen=True):
    token: str


class Empty(msgspec.Struct, frozen=True):
    """Nothing: some clients parse every answer."""


class Token(msgspec.Struct, frozen=True):
    """An access token (4.1). ``expires_in`` is in seconds."""

    access_token: str
    expires_in: int
    scope: str
    token_type: Literal["bearer"]
    refresh_token: str | UnsetType = UNSET


class ErrorSource(msgspec.Struct, frozen=True):
    pointer: str


class Error(msgspec.Struct, frozen=True):
    """One refusal (6): decide by ``code``; ``meta.requestId`` is the request's."""

    code: str
    detail: str
    meta: dict[str, Any]
    source: ErrorSource | UnsetType = UNSET


class Errors(msgspec.Struct, frozen=True):
    errors: Annotated[list[Error], msgspec.Meta(min_length=1)]


class OAuthRefusal(msgspec.Struct, frozen=True):
    """A refusal of the token endpoint (RFC 6749 5.2), at the root with ``errors`` beside it."""

    error: str
    error_description: str
    errors: list[Error] | UnsetType = UNSET
