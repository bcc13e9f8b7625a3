"""From Berlin Group JSON to the values of ``nostro.core`` (connectors.md 1.8, 1.9: amounts are signed, as is)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from nostro.connectors.berlin_group.fields import (
    UnreadableError,
    Warnings,
    account_number_of,
    amount_of,
    calendar_date_of,
    count_of,
    date_of,
    flag_of,
    instant_of,
    list_of,
    masked_pan_of,
    name_of,
    reference_of,
    short_text_of,
    text_of,
)
from nostro.core.money import MoneyError, parse_currency
from nostro.core.text import MAX_REFERENCE_LENGTH
from nostro.core.transactions import (
    BALANCE_TYPES,
    Account,
    AccountStatus,
    Balance,
    BookingStatus,
    Transaction,
    UnmappedRow,
)

#: ISO 20022 balance codes that banks send in place of the Berlin Group words (connectors.md 1.8).
ISO_BALANCE_CODES = {
    "CLBD": "closingBooked",
    "OPBD": "openingBooked",
    "ITBD": "interimBooked",
    "ITAV": "interimAvailable",
    "FWAV": "forwardAvailable",
    "XPCD": "expected",
}

#: The currency of a multi-currency account: an aggregate over sub-accounts, not an account of its own.
AGGREGATE_CURRENCY = "XXX"

_STATUSES: dict[str, AccountStatus] = {"enabled": "enabled", "blocked": "blocked", "deleted": "deleted"}

_KNOWN = """
    transactionId entryReference endToEndId batchIndicator batchNumberOfTransactions mandateId checkId creditorId
    bookingDate valueDate transactionDate transactionAmount currencyExchange creditorName creditorAccount
    creditorAgent ultimateCreditor debtorName debtorAccount debtorAgent ultimateDebtor
    remittanceInformationUnstructured remittanceInformationUnstructuredArray remittanceInformationStructured
    remittanceInformationStructuredArray entryDetails additionalInformation additionalInformationStructured
    purposeCode bankTransactionCode proprietaryBankTransactionCode balanceAfterTransaction _links
    cardTransactionId terminalId acceptorTransactionDateTime grandTotalAmount originalAmount markupFee
    markupFeePercentage cardAcceptorId cardAcceptorAddress cardAcceptorPhone merchantCategoryCode maskedPAN
    maskedPan transactionDetails invoiced
"""
#: The fields that are read, or known and left in ``raw``; any other is worth a warning (connectors.md 1.1.8).
KNOWN_TRANSACTION_FIELDS = frozenset(_KNOWN.split())


def map_account(item: Any) -> Account:
    """One element of ``accounts``. Raises :class:`UnreadableError` without a resource id or a currency."""
    if not isinstance(item, Mapping):
        raise UnreadableError("an account is no object")
    # The resource id goes back to the bank as it came, so it is checked and not cleaned.
    resource_id = item.get("resourceId")
    if not isinstance(resource_id, str) or not 0 < len(resource_id) <= MAX_REFERENCE_LENGTH:
        raise UnreadableError("an account has no resourceId")
    try:
        currency = parse_currency(item.get("currency"))
    except MoneyError:
        raise UnreadableError("an account has no currency") from None
    iban, bban = reference_of(item.get("iban")), reference_of(item.get("bban"))
    usage = item.get("usage")
    return Account(
        resource_id=resource_id,
        currency=currency,
        iban=iban.replace(" ", "").upper() if iban else None,
        bban=bban,
        masked_pan=masked_pan_of(item),
        msisdn=reference_of(item.get("msisdn")),
        name=name_of(item.get("name")),
        display_name=name_of(item.get("displayName")),
        owner_name=name_of(item.get("ownerName")),
        product=name_of(item.get("product")),
        cash_account_type=text_of(item.get("cashAccountType"), 35),
        status=_STATUSES.get(str(item.get("status")), "enabled"),
        bic=text_of(item.get("bic"), 11),
        usage=usage if usage in {"PRIV", "ORGA"} else None,
        raw=dict(item),
    )


def map_balance(item: Any, warnings: Warnings) -> Balance:
    """One element of ``balances``. Raises :class:`UnreadableError` without an amount and a currency."""
    if not isinstance(item, Mapping):
        raise UnreadableError("a balance is no object")
    amount, currency = amount_of(item.get("balanceAmount"), "balanceAmount")
    word = text_of(item.get("balanceType"), 35) or "unknown"
    word = ISO_BALANCE_CODES.get(word, word)
    return Balance(
        balance_type=word if word in BALANCE_TYPES else f"other:{word}",
        amount=amount,
        currency=currency,
        credit_limit_included=flag_of(item.get("creditLimitIncluded")) or False,
        reference_date=date_of(item.get("referenceDate"), "referenceDate", warnings),
        last_change_at=instant_of(item.get("lastChangeDateTime")),
        last_committed_transaction=reference_of(item.get("lastCommittedTransaction")),
    )


def map_transaction(item: Any, status: BookingStatus, warnings: Warnings) -> Transaction:
    """One row of ``booked`` or ``pending``. Raises :class:`UnreadableError` without an amount and a currency."""
    return read_transaction(item, status, warnings).mapped()


def read_transaction(item: Any, status: BookingStatus, warnings: Warnings) -> UnmappedRow:
    """Check a row and warn of all that is odd about it; its other fields are mapped when they are needed.

    Raises :class:`UnreadableError` without an amount and a currency.
    """
    if not isinstance(item, dict):
        raise UnreadableError("a row is no object")
    amount, currency = amount_of(item.get("transactionAmount"), "transactionAmount")
    if not item.keys() <= KNOWN_TRANSACTION_FIELDS:
        for name in item.keys() - KNOWN_TRANSACTION_FIELDS:
            warnings.add(f"unknown field {text_of(name, 60)} (kept in raw)")
    booking_date = date_of(item.get("bookingDate"), "bookingDate", warnings)
    for name in _CHECKED_DATES:
        if name in item:
            date_of(item[name], name, warnings)
    if "markupFee" in item:
        _optional_amount(item["markupFee"], "markupFee", warnings)
    if "balanceAfterTransaction" in item:
        _balance_after(item["balanceAfterTransaction"], warnings)
    return UnmappedRow(item, status, booking_date, amount, currency, _map_fields)


_CHECKED_DATES = ("valueDate", "transactionDate")
#: Fields that are read by themselves: the bank's name, ours, and how. Those read together follow in ``_map_fields``.
_READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "entryReference": ("entry_reference", reference_of),
    "endToEndId": ("end_to_end_id", reference_of),
    "mandateId": ("mandate_id", reference_of),
    "creditorId": ("creditor_id", reference_of),
    "checkId": ("check_id", reference_of),
    "valueDate": ("value_date", calendar_date_of),
    "transactionDate": ("transaction_date", calendar_date_of),
    "creditorName": ("creditor_name", name_of),
    "creditorAccount": ("creditor_account", account_number_of),
    "creditorAgent": ("creditor_agent", short_text_of),
    "ultimateCreditor": ("ultimate_creditor", name_of),
    "debtorName": ("debtor_name", name_of),
    "debtorAccount": ("debtor_account", account_number_of),
    "debtorAgent": ("debtor_agent", short_text_of),
    "ultimateDebtor": ("ultimate_debtor", name_of),
    "additionalInformation": ("additional_information", text_of),
    "purposeCode": ("purpose_code", short_text_of),
    "bankTransactionCode": ("bank_transaction_code", short_text_of),
    "proprietaryBankTransactionCode": ("proprietary_bank_transaction_code", lambda value: text_of(value, 140)),
    "merchantCategoryCode": ("merchant_category_code", short_text_of),
    "batchIndicator": ("batch_indicator", flag_of),
    "batchNumberOfTransactions": ("batch_number_of_transactions", count_of),
}


def _map_fields(row: UnmappedRow) -> Transaction:
    """All fields of a row that was checked; what is odd about it was said then."""
    item = row.raw
    values: dict[str, Any] = {
        "amount": row.amount,
        "currency": row.currency,
        "booking_status": row.booking_status,
        "booking_date": row.booking_date,
        "raw": item,
    }
    for name, value in item.items():
        if (known := _READERS.get(name)) is not None and (read := known[1](value)) is not None:
            values[known[0]] = read
    for fields, name, read_together in _READ_TOGETHER:
        # Most banks leave most of these out.
        if not item.keys().isdisjoint(fields) and (read := read_together(item)):
            values[name] = read
    if (fee := _fee(item)) is not None:
        values["fee"] = fee
    if (balance_after := _balance_after_of(item)) is not None:
        values["balance_after_transaction"] = balance_after
    return Transaction.from_values(values)


def _transaction_id(item: Mapping[str, Any]) -> str | None:
    return reference_of(item.get("transactionId")) or reference_of(item.get("cardTransactionId"))


def _exchanges(item: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    return tuple(dict(exchange) for exchange in list_of(item.get("currencyExchange")) if isinstance(exchange, Mapping))


def _fee(item: Mapping[str, Any]) -> Decimal | None:
    return _optional_amount(item["markupFee"], "", Warnings()) if "markupFee" in item else None


def _balance_after_of(item: Mapping[str, Any]) -> Decimal | None:
    return _balance_after(item["balanceAfterTransaction"], Warnings()) if "balanceAfterTransaction" in item else None


def _unstructured(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The free text lines. The array repeats the single field at several banks, so each text counts once."""
    values = [
        *list_of(item.get("remittanceInformationUnstructured")),
        *list_of(item.get("remittanceInformationUnstructuredArray")),
        *list_of(item.get("transactionDetails")),
    ]
    return tuple(dict.fromkeys(text for text in map(text_of, values) if text))


def _structured(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The structured references: plain text up to 1.3.6, since then also objects with ``reference``."""
    values = [
        *list_of(item.get("remittanceInformationStructured")),
        *list_of(item.get("remittanceInformationStructuredArray")),
    ]
    references = (value.get("reference") if isinstance(value, Mapping) else value for value in values)
    return tuple(dict.fromkeys(text for text in map(reference_of, references) if text))


#: Fields that are read together, our name for them, and how.
_READ_TOGETHER: tuple[tuple[frozenset[str], str, Callable[[Mapping[str, Any]], Any]], ...] = (
    (frozenset(["transactionId", "cardTransactionId"]), "transaction_id", _transaction_id),
    (
        frozenset(
            [
                "remittanceInformationUnstructured",
                "remittanceInformationUnstructuredArray",
                "transactionDetails",
            ]
        ),
        "remittance_information_unstructured",
        _unstructured,
    ),
    (
        frozenset(["remittanceInformationStructured", "remittanceInformationStructuredArray"]),
        "remittance_information_structured",
        _structured,
    ),
    (frozenset(["maskedPan", "maskedPAN", "pan"]), "masked_pan", masked_pan_of),
    (frozenset(["currencyExchange"]), "currency_exchange", _exchanges),
)


def _balance_after(value: Any, warnings: Warnings) -> Decimal | None:
    amount = value.get("balanceAmount") if isinstance(value, Mapping) else None
    return _optional_amount(amount, "balanceAfterTransaction", warnings)


def _optional_amount(value: Any, where: str, warnings: Warnings) -> Decimal | None:
    if value is None:
        return None
    try:
        return amount_of(value, where)[0]
    except UnreadableError as error:
        warnings.add(str(error))
        return None
