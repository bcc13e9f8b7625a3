"""What the columns of a table may mean, in words (formats.md 6.9)."""

from __future__ import annotations

from django.utils.translation import gettext as _

Choices = list[tuple[str, str]]


def roles() -> list[tuple[str, Choices]]:
    """The fields by groups, for a choice."""
    return [
        (_("Dates"), [
            ("booking_date", _("Booking date")), ("value_date", _("Value date")),
            ("transaction_date", _("Day of purchase")),
        ]),
        (_("Money"), [
            ("amount", _("Amount")), ("debit", _("Money out")), ("credit", _("Money in")),
            ("indicator", _("In or out, as a word")), ("balance", _("Balance after the row")), ("fee", _("Fee")),
            ("currency", _("Currency")), ("original_amount", _("Amount in another currency")),
            ("original_currency", _("That other currency")),
        ]),
        (_("The other side"), [
            ("counterparty_name", _("Name")), ("counterparty_account", _("Account number")),
            ("counterparty_agent", _("Bank (BIC)")), ("creditor_name", _("Name of the creditor")),
            ("creditor_account", _("Account of the creditor")), ("creditor_agent", _("Bank of the creditor")),
            ("debtor_name", _("Name of the debtor")), ("debtor_account", _("Account of the debtor")),
            ("debtor_agent", _("Bank of the debtor")),
        ]),
        (_("Texts and references"), [
            ("description", _("Message")), ("structured", _("Structured reference")),
            ("type", _("Kind of transaction")),
            ("additional_information", _("Additional information")), ("id", _("The bank's id of the row")),
            ("entry_reference", _("The bank's reference")), ("end_to_end_id", _("End-to-end reference")),
            ("mandate_id", _("Mandate")), ("creditor_id", _("Creditor identifier")), ("check_id", _("Cheque number")),
            ("purpose_code", _("Purpose code")), ("bank_transaction_code", _("ISO bank transaction code")),
            ("merchant_category_code", _("Merchant category")), ("card", _("Card number")),
        ]),
        (_("This account"), [
            ("account", _("Number of this account")), ("account_name", _("Name of this account")),
            ("status", _("Status, as a word")), ("statement", _("Number of the statement")),
        ]),
    ]  # fmt: skip


def signs() -> Choices:
    """How a table says what is in and what is out."""
    return [
        ("signed", _("Minus means money out")),
        ("columns", _("Two columns: money in, money out")),
        ("indicator", _("A column with a word for it")),
        ("types", _("The kind of transaction says it")),
    ]


def fees() -> Choices:
    """What to do with a column of fees."""
    return [
        ("none", _("Not used")),
        ("included", _("Already in the amount")),
        ("subtract", _("Take it from the amount")),
        ("row", _("A row of its own")),
    ]


def decimals() -> Choices:
    """How amounts are written."""
    return [("", _("As the file shows")), (",", "1.234,56"), (".", "1,234.56")]


def date_orders() -> Choices:
    """How dates are written."""
    return [
        ("", _("As the file shows")),
        ("dmy", _("Day, month, year")),
        ("mdy", _("Month, day, year")),
        ("ymd", _("Year, month, day")),
    ]


def orders() -> Choices:
    """In which direction the table runs."""
    return [("", _("As the balance shows")), ("oldest", _("Oldest first")), ("newest", _("Newest first"))]


def encodings() -> Choices:
    """Encodings by the names people meet."""
    return [
        ("", _("As found in the file")), ("utf-8", "UTF-8"), ("cp1252", "Windows (1252)"),
        ("iso-8859-15", "ISO 8859-15"), ("cp850", "DOS (850)"), ("cp437", "DOS (437)"), ("utf-16", "UTF-16"),
    ]  # fmt: skip
