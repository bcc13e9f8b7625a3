# ruff: noqa: E501 - a table is read by its columns
"""The error catalogue of books.md section 9 as one table: what a person reads, and whether it is tried again."""

from __future__ import annotations

from typing import Literal, NamedTuple

Klass = Literal["info", "action_required", "wait", "bank_down", "quota", "setup", "data", "bug"]

#: Only these are retried without a person.
RETRIED: frozenset[Klass] = frozenset({"wait", "bank_down", "quota"})


class FailureKind(NamedTuple):
    """One row: ``remedy`` says what to do next, in a sentence."""

    code: str
    klass: Klass
    sentence: str
    remedy: str


_TABLE: tuple[FailureKind, ...] = (
    FailureKind("L-JOURNAL-MISSING", "setup", "No journal is chosen for this account.", "Choose a journal, or create one."),
    FailureKind("L-JOURNAL-TWICE", "setup", "Two accounts are set to the same journal.", "Choose a different journal for one of them."),
    FailureKind("L-JOURNAL-TAKEN", "setup", "This journal is already fed by another account.", "Open the existing link and unlink it first."),
    FailureKind("L-ACCOUNT-TAKEN", "setup", "This account already feeds a journal.", "Open the existing link and unlink it first."),
    FailureKind("L-CURRENCY", "setup", "The account and the journal have different currencies.", "Create a new journal."),
    FailureKind("L-NUMBER", "setup", "The journal has another account number.", "Confirm it, or choose another journal."),
    FailureKind("L-TYPE", "setup", "The journal is of the wrong type.", "Choose another journal."),
    FailureKind("L-COMPANY", "setup", "The journal belongs to another company.", "Choose another journal."),
    FailureKind("L-DATE", "setup", "Transactions cannot be fetched from this date.", "Choose the first allowed date or a later one."),
    FailureKind("L-RATE", "setup", "No exchange rate to the company's currency is known.", "Enter what one unit is worth."),
    FailureKind("L-NO-SUSPENSE", "setup", "There is no suspense account.", "Choose one in the chart of accounts."),
    FailureKind("H-CREDENTIALS", "action_required", "The Hub refuses the Client ID and Secret ID.", "Update the credentials."),
    FailureKind("H-TOKEN-OLD", "action_required", "This connection uses a deprecated API token.", "Create an integration at the Hub and migrate."),
    FailureKind("H-CONSENT-EXPIRED", "action_required", "The bank's consent has expired.", "Reconnect at the Hub."),
    FailureKind("H-NOT-AUTHORISED", "action_required", "The Hub no longer shows this account to the integration.", "Add the account to the integration at the Hub."),
    FailureKind("H-NO-ACCOUNTS", "setup", "The Hub shows no account.", "Authorise accounts for this integration at the Hub."),
    FailureKind("H-ATTENDED-ONLY", "action_required", "The bank answers only while a person is present.", "Switch automatic synchronization off and fetch by hand."),
    FailureKind("H-RECENT", "info", "The bank was asked a moment ago.", "Nothing to do: the Hub's data are read."),
    FailureKind("H-QUOTA", "quota", "The bank may not be asked again yet.", "It is asked again when that is allowed."),
    FailureKind("H-REPLACED", "action_required", "The bank was replaced at the Hub.", "Link the new account to the same journal."),
    FailureKind("H-BANK-DOWN", "bank_down", "The bank or the Hub is not available now.", "It is tried again by itself."),
    FailureKind("H-NETWORK", "wait", "The Hub does not answer.", "It is tried again by itself."),
    FailureKind("H-TLS", "setup", "The Hub's address is refused or its certificate is not valid.", "Check the address."),
    FailureKind("H-CURSOR-LOST", "data", "The last transaction read is no longer in the Hub's list.", "Nothing to do: everything was read again and compared."),
    FailureKind("H-PROTOCOL", "bug", "The Hub's answer cannot be understood.", "Copy the details and tell the Hub's operator."),
    FailureKind("D-LOCKED", "data", "Transactions fall into a locked period.", "Unlock the period, or post them on the first open day."),
    FailureKind("D-DUPLICATE", "data", "Possible duplicates are held.", "Merge them, or keep both."),
    FailureKind("D-CURRENCY", "data", "A transaction is in another currency than its account.", "Enter the amount, or link another journal."),
    FailureKind("D-CHANGED", "data", "The bank changed the amount or date of a transaction.", "Accept or ignore the change."),
    FailureKind("D-WITHDRAWN", "data", "The bank removed a transaction.", "Accept or ignore the removal."),
    FailureKind("D-BALANCE", "data", "The lines do not add up to the bank's balance.", "Find the gap."),
    FailureKind("D-GAP", "data", "Some days are not covered.", "Import a file for them."),
    FailureKind("O-AUTH", "setup", "Odoo refuses the login.", "Check database, login and API key."),
    FailureKind("O-RIGHTS", "setup", "The user at Odoo lacks a right.", "Give the user the group that the details name."),
    FailureKind("O-VERSION", "setup", "This version of Odoo is not tested.", "Use a version that the documentation lists."),
    FailureKind("O-JOURNAL-GONE", "data", "The journal is archived or deleted in Odoo.", "Link the account to another journal."),
    FailureKind("O-DELETED", "data", "A line was deleted in Odoo.", "Confirm that it is removed."),
    FailureKind("O-VALIDATION", "data", "Odoo refused a line; the others went on.", "Read what Odoo says in the details."),
    FailureKind("O-DATE-CHANGED", "bug", "Odoo stored another date or amount than was sent.", "Review the lines named; the account waits."),
    FailureKind("O-TIMEOUT", "wait", "Odoo does not answer.", "The same lines are sent again by themselves."),
    FailureKind("B-UNEXPECTED", "bug", "Something unexpected happened.", "Copy the details and report them."),
)  # fmt: skip

CATALOGUE: dict[str, FailureKind] = {row.code: row for row in _TABLE}


def describe(code: str) -> FailureKind:
    """The row of a code; an unknown code is an unexpected error."""
    return CATALOGUE.get(code, CATALOGUE["B-UNEXPECTED"])
