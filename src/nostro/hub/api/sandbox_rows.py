"""Between the attributes of a sandbox transaction and the row of a bank (hub-api.md section 8).

Every attribute that was given is kept with the row as a note, so that it is shown again exactly as it was; services see
the fields of the standard. Rows of the bank's own histories have no note and are told by their fields.
"""

from __future__ import annotations

from typing import Any

from nostro.hub.api.sandbox_documents import ATTRIBUTES

#: Attributes that are the standard's fields of the same meaning.
_FIELDS = {
    "endToEndId": "endToEndId",
    "mandateId": "mandateId",
    "creditorId": "creditorId",
    "bankTransactionCode": "bankTransactionCode",
    "proprietaryBankTransactionCode": "proprietaryBankTransactionCode",
    "purposeCode": "purposeCode",
    "cardReference": "maskedPan",
}


def row_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """The body of the bank's control: see ``nostro.sandbox.control.rows``."""
    party = "creditor" if attributes["amount"].startswith("-") else "debtor"
    body = {field: attributes.get(name) for name, field in _FIELDS.items()}
    body[f"{party}Name"] = attributes.get("counterpartName")
    if attributes.get("counterpartReference"):
        body[f"{party}Account"] = _account(attributes["counterpartReference"])
    body["additionalInformation"] = attributes.get("additionalInformation") or attributes.get("description")
    kind = attributes["remittanceInformationType"].capitalize()
    body[f"remittanceInformation{kind}"] = attributes.get("remittanceInformation")
    if attributes.get("fee") is not None:
        body["markupFee"] = {"currency": attributes["currency"], "amount": attributes["fee"]}
    return {
        "amount": attributes["amount"],
        "bookingDate": attributes["executionDate"],
        "valueDate": attributes["valueDate"],
        "pending": not attributes["automaticBooking"],
        "body": {name: value for name, value in body.items() if value},
        "note": {name: attributes.get(name) for name in ATTRIBUTES},
    }


def attributes_of(row: dict[str, Any]) -> dict[str, Any]:
    """All attributes of a row of the bank; days as ``YYYY-MM-DD``, amounts as decimal text."""
    if row["note"]:
        return {**dict.fromkeys(ATTRIBUTES), **row["note"]}
    body = row["body"]
    party = "creditor" if row["amount"].startswith("-") else "debtor"
    structured = _reference(body.get("remittanceInformationStructured"))
    account = body.get(f"{party}Account") or {}
    return {
        **dict.fromkeys(ATTRIBUTES),
        **{name: body.get(field) for name, field in _FIELDS.items()},
        "amount": row["amount"],
        "currency": row["currency"],
        "executionDate": row["bookingDate"],
        "valueDate": row["valueDate"],
        "description": body.get("additionalInformation"),
        "additionalInformation": body.get("additionalInformation"),
        "counterpartName": body.get(f"{party}Name"),
        "counterpartReference": account.get("iban") or account.get("bban"),
        "remittanceInformation": structured or body.get("remittanceInformationUnstructured"),
        "remittanceInformationType": "structured" if structured else "unstructured",
        "cardReferenceType": "MASKEDPAN" if body.get("maskedPan") else None,
        "automaticBooking": not row["pending"],
    }


def _account(reference: str) -> dict[str, str]:
    """An account as the standard refers to it: an IBAN begins with two letters and two digits."""
    is_iban = reference[:2].isalpha() and reference[2:4].isdigit()
    return {"iban": reference} if is_iban else {"bban": reference}


def _reference(value: Any) -> str | None:
    found = value.get("reference") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None
