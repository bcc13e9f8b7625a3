"""What an approval sets going: the consent is granted, and the customer's scenario begins (connectors.md 5.3)."""

from __future__ import annotations

import datetime as dt

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Authorisation, Consent
from nostro.sandbox.ledger import Account
from nostro.sandbox.payments import Payments
from nostro.sandbox.plots import Stage
from nostro.sandbox.quota import PLACES

SCOPES = ("accounts", "balances", "transactions")


def offered(bank: Bank, consent: Consent, psu: str) -> list[Account]:
    """The customer's accounts, or those of them that the service named."""
    accounts = bank.ledger.accounts(psu)
    lists = [consent.access[scope] for scope in SCOPES if isinstance(consent.access.get(scope), list)]
    named = [reference for references in lists for reference in references]
    return [a for a in accounts if any(_names(r, a) for r in named)] if named else accounts


def approve(
    bank: Bank, authorisation: Authorisation, psu: str, chosen: list[Account], at: dt.datetime | None = None
) -> bool:
    """The customer approves ``chosen`` at the moment ``at`` (now). False when the consent is over or rejected."""
    scenario, at = bank.customers.require(psu), at or bank.clock.now()
    with bank.storage.transaction():
        if scenario.always_denies or not chosen:
            bank.consents.fail(authorisation)
            return False
        consent = bank.consents.require(authorisation.consent, 403)
        granted = bank.consents.grant(authorisation, psu, _granted(consent, chosen), at)
        if granted is None:
            return False
        _begin(bank, granted, psu, at)
    return True


def settle(bank: Bank) -> None:
    """Do what customers have done at their own devices by now, in order."""
    for identity, verdict, at in bank.consents.due_verdicts():
        with bank.storage.transaction():
            _play(bank, bank.consents.known_authorisation(identity), verdict, at)


def _play(bank: Bank, authorisation: Authorisation, verdict: str, at: dt.datetime) -> None:
    """Approve everything that is offered, or deny."""
    bank.consents.plan_verdict(authorisation.id, None, None)
    if authorisation.payment:
        _play_signing(bank, authorisation, verdict, at)
        return
    consent = bank.consents.require(authorisation.consent, 403)
    psu = authorisation.psu or consent.psu_hint
    # The authorisation may be over by now though it was not at that moment, when the clock has made a leap: the
    # status of the consent decides.
    if consent.status != "received":
        return
    if verdict == "deny" or bank.customers.find(psu) is None:
        bank.consents.fail(authorisation)
    else:
        approve(bank, authorisation, psu, offered(bank, consent, psu), at)


def _play_signing(bank: Bank, authorisation: Authorisation, verdict: str, at: dt.datetime) -> None:
    payments, psu = Payments(bank), authorisation.psu
    if verdict == "deny" or bank.customers.find(psu) is None:
        bank.consents.fail(authorisation)
    else:
        payments.sign_elsewhere(authorisation, psu or "", at)


def asks(consent: Consent, scope: str) -> bool:
    """Whether the service wants to read this. Every account may at least be named."""
    access = consent.access
    wants_balance = scope == "balances" and "availableAccountsWithBalance" in access
    return scope == "accounts" or scope in access or "allPsd2" in access or wants_balance


def _granted(consent: Consent, chosen: list[Account]) -> dict[str, list[str]]:
    """Which account ids each scope covers once ``chosen`` are approved."""
    result = {"accounts": [account.id for account in chosen], "balances": [], "transactions": []}
    for scope in ("balances", "transactions"):
        if asks(consent, scope):
            references = consent.access.get(scope, [])
            result[scope] = [a.id for a in chosen if not references or any(_names(r, a) for r in references)]
    return result


def _names(reference: dict[str, str], account: Account) -> bool:
    number = reference.get("maskedPan" if account.is_card else "iban")
    return number == account.iban and reference.get("currency", account.currency) == account.currency


def _begin(bank: Bank, consent: Consent, psu: str, at: dt.datetime) -> None:
    """Faults and a full quota wait for every consent, new ids come with each renewal, the plot plays once."""
    scenario, accounts = bank.customers.require(psu), bank.ledger.accounts(psu)
    keys = {account.id.removeprefix(f"{psu}-"): account for account in accounts}
    for key in scenario.full_quota:
        if key in keys:
            for endpoint in ("details", "balances", "transactions"):
                bank.quota.fill(consent.id, keys[key].id, endpoint, PLACES, at)
    for fault in scenario.faults:
        account = keys.get(fault.account)
        if account is not None or not fault.account:
            bank.faults.plan(
                *(fault.kind, fault.endpoint, fault.times, fault.seconds),
                skip=fault.skip,
                consent=consent.id,
                account=None if account is None else account.id,
            )
    if bank.consents.approvals(psu) > 1:
        for account in accounts:
            if account.habits.new_ids is not None:
                bank.changes.renew_ids(account, account.habits.new_ids)
    elif scenario.plot is not None and accounts:
        scenario.plot(Stage(bank.ledger, bank.changes, accounts[0], at.date()))
