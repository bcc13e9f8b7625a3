"""What every read of account data begins with: a valid consent that covers it, and a place of the quota."""

from __future__ import annotations

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Consent
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.ledger import Account
from nostro.sandbox.protocol import Record
from nostro.sandbox.requests import BankRequest


def valid_consent(bank: Bank, request: BankRequest, record: Record) -> Consent:
    """The valid consent of the header, or the standard's refusal. Behind OAuth a token of its customer as well."""
    identity = request.headers.get("Consent-ID", "")
    if not identity:
        raise format_error("The header Consent-ID is required.", "Consent-ID")
    record.consent = identity[:100]
    consent = bank.consents.require(identity, status=400)
    if consent.status == "expired":
        raise Refusal(401, "CONSENT_EXPIRED", "The consent is over and must be given anew.")
    if consent.status != "valid":
        raise Refusal(401, "CONSENT_INVALID", f"The consent is {consent.status}.")
    if consent.approach == "oauth":
        bank.tokens.require(request, psu=consent.psu or "")
    return consent


def granted_account(
    bank: Bank, request: BankRequest, record: Record, resource_id: str, scope: str, *, is_card: bool = False
) -> tuple[Consent, Account]:
    """The consent and the account, if the consent covers this scope of it; ``is_card`` for the addresses of cards."""
    consent = valid_consent(bank, request, record)
    account = bank.ledger.account(resource_id)
    if (
        account is None
        or account.resource_id != resource_id
        or account.psu != consent.psu
        or account.is_card != is_card
    ):
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank knows no such account under this consent.")
    record.account = account.id
    if account.id not in consent.granted.get(scope, ()):
        raise Refusal(401, "CONSENT_INVALID", f"The consent does not cover the {scope} of this account.")
    return consent, account


def require_open(account: Account) -> None:
    """Balances and rows of a closed or blocked account are not shown; the account itself is, with its status."""
    if account.status == "deleted":
        raise Refusal(403, "RESOURCE_EXPIRED", "The account is closed.")
    if account.status == "blocked":
        raise Refusal(403, "SERVICE_BLOCKED", "The bank has blocked the account.")


def count(bank: Bank, record: Record, consent: Consent) -> None:
    """Unattended reads take a place of the quota."""
    if not record.attended:
        bank.quota.take(consent.id, record.account, record.endpoint, bank.clock.now(), consent.frequency)
        record.counted = True
