"""The parts of the Hub's answers that Books reads (hub-api.md 7), without floats, texts cleaned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from nostro.core.calendar import CalendarError, booking_day
from nostro.core.money import MoneyError, parse_amount, parse_currency
from nostro.core.text import MAX_NAME_LENGTH, clean

_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")


class Malformed(ValueError):
    """An answer without a field it must have, or with one that cannot be read."""


@dataclass(frozen=True, slots=True)
class HubAccount:
    id: str
    reference: str
    reference_type: str
    currency: str
    subtype: str
    description: str
    holder_name: str
    deprecated: bool
    current_balance: Decimal
    current_balance_date: dt.date | None
    available_balance: Decimal
    consent_expires_at: dt.datetime | None
    availability: str
    synchronized_at: dt.datetime | None
    institution_id: str


class HubTransaction(msgspec.Struct, frozen=True, gc=False):
    """``payload`` is the resource as it came, as JSON text with every digit kept.

    A struct and no dataclass: there are thousands of them, and these are made several times faster.
    """

    id: str
    booking_date: dt.date
    value_date: dt.date | None
    amount: Decimal
    currency: str
    description: str
    counterparty_name: str
    counterparty_account: str
    remittance: str
    is_structured: bool
    bank_code: str
    purpose_code: str
    end_to_end_id: str
    mandate_id: str
    creditor_id: str
    bank_reference: str
    additional: str
    fee: Decimal | None
    payload: str


@dataclass(frozen=True, slots=True)
class HubSynchronization:
    id: str
    status: str
    error_codes: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class HubInstitution:
    id: str
    name: str
    bic: str
    country: str
    status: str
    maintenance_type: str
    consent_days: int | None
    maintenance_from: dt.datetime | None = None
    maintenance_to: dt.datetime | None = None

    def is_worked_on(self, moment: dt.datetime) -> bool:
        """Whether its maintenance lasts at this moment, and is not only announced or over (hub-api.md 7.4). Without a
        beginning it has begun; without an end it goes on."""
        if not self.maintenance_type or (self.maintenance_from is not None and moment < self.maintenance_from):
            return False
        return self.maintenance_to is None or moment < self.maintenance_to


def read_account(resource: Any) -> HubAccount:
    """Raises :class:`Malformed`."""
    attributes, meta = _attributes(resource), _mapping(resource.get("meta") or {})
    try:
        related = _mapping(resource.get("relationships") or {}).get("financialInstitution") or {}
        return HubAccount(
            id=str(UUID(_id(resource))),
            reference=_text(attributes, "reference", 70),
            reference_type=_text(attributes, "referenceType", 20),
            currency=parse_currency(attributes.get("currency")),
            subtype=_text(attributes, "subtype", 30),
            description=_text(attributes, "description", 200),
            holder_name=_text(attributes, "holderName", 200),
            deprecated=attributes.get("deprecated") is True,
            current_balance=parse_amount(attributes.get("currentBalance", 0)),
            current_balance_date=_day(attributes.get("currentBalanceReferenceDate")),
            available_balance=parse_amount(attributes.get("availableBalance", 0)),
            consent_expires_at=_instant(attributes.get("authorizationExpirationExpectedAt")),
            availability=_text(meta, "availability", 20),
            synchronized_at=_instant(meta.get("synchronizedAt")),
            institution_id=str(UUID(bank)) if (bank := (related.get("data") or {}).get("id")) else "",
        )
    except (MoneyError, CalendarError, ValueError, AttributeError) as error:
        raise Malformed(f"account: {error}") from None


def read_transaction(resource: Any, zone: str) -> HubTransaction:
    """``zone`` is the bank's time zone, for instants that are not midnight UTC. Raises :class:`Malformed`."""
    attributes = _attributes(resource)
    try:
        booking = _day(attributes.get("executionDate"), zone) or _day(attributes.get("valueDate"), zone)
        if booking is None:
            raise Malformed("a transaction has no date")
        fee = attributes.get("fee")
        return HubTransaction(
            id=_id(resource),
            booking_date=booking,
            value_date=_day(attributes.get("valueDate"), zone),
            amount=parse_amount(attributes.get("amount")),
            currency=parse_currency(attributes.get("currency")),
            description=_text(attributes, "description"),
            counterparty_name=_text(attributes, "counterpartName", MAX_NAME_LENGTH),
            counterparty_account=_text(attributes, "counterpartReference", 70),
            remittance=_text(attributes, "remittanceInformation"),
            is_structured=attributes.get("remittanceInformationType") == "structured",
            bank_code=_text(attributes, "bankTransactionCode", 140)
            or _text(attributes, "proprietaryBankTransactionCode", 140),
            purpose_code=_text(attributes, "purposeCode", 140),
            end_to_end_id=_text(attributes, "endToEndId", 140),
            mandate_id=_text(attributes, "mandateId", 140),
            creditor_id=_text(attributes, "creditorId", 140),
            bank_reference=_text(attributes, "internalReference", 140),
            additional=_text(attributes, "additionalInformation"),
            fee=None if fee is None else parse_amount(fee),
            payload=dump(resource),
        )
    except (MoneyError, CalendarError) as error:
        raise Malformed(f"transaction: {error}") from None


def read_synchronization(resource: Any) -> HubSynchronization:
    """Raises :class:`Malformed`."""
    attributes = _attributes(resource)
    errors = [error for error in attributes.get("errors") or [] if isinstance(error, Mapping)]
    return HubSynchronization(
        _id(resource),
        str(attributes.get("status")),
        tuple(str(error.get("code")) for error in errors),
        "; ".join(clean(str(error.get("detail") or ""), 300) for error in errors),
    )


def read_institution(resource: Any) -> HubInstitution:
    """Raises :class:`Malformed`."""
    attributes = _attributes(resource)
    lifetime = attributes.get("expectedAuthorizationLifetime")
    try:
        begins, ends = _instant(attributes.get("maintenanceFrom")), _instant(attributes.get("maintenanceTo"))
    except ValueError as error:
        raise Malformed(str(error)) from error
    return HubInstitution(
        _id(resource),
        _text(attributes, "name", 200),
        _text(attributes, "bic", 11),
        _text(attributes, "country", 2),
        _text(attributes, "status", 20),
        _text(attributes, "maintenanceType", 30),
        lifetime if isinstance(lifetime, int) and not isinstance(lifetime, bool) else None,
        begins,
        ends,
    )


def dump(resource: Any) -> str:
    """Compact JSON text with sorted members: equal resources give equal text, and every digit stays."""
    return _ENCODER.encode(resource).decode()


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed("an object was expected")
    return value


def _attributes(resource: Any) -> Mapping[str, Any]:
    return _mapping(_mapping(resource).get("attributes"))


def _id(resource: Mapping[str, Any]) -> str:
    value = resource.get("id")
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise Malformed("a resource has no id")
    return value


def _text(attributes: Mapping[str, Any], name: str, limit: int | None = None) -> str:
    value = attributes.get(name)
    if not isinstance(value, str):
        return ""
    return clean(value, limit) if limit else clean(value)


def _day(value: Any, zone: str = "UTC") -> dt.date | None:
    return booking_day(value, zone) if isinstance(value, str) and value else None


def _instant(value: Any) -> dt.datetime | None:
    if not isinstance(value, str) or not value:
        return None
    moment = dt.datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
