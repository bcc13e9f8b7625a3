"""The words that columns of the ledger are restricted to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountKind(models.TextChoices):
    BANK = "bank", _("Bank and cash")
    RECEIVABLE = "receivable", _("Receivable")
    CURRENT_ASSET = "current_asset", _("Current asset")
    FIXED_ASSET = "fixed_asset", _("Fixed asset")
    PAYABLE = "payable", _("Payable")
    CREDIT_CARD = "credit_card", _("Credit card")
    CURRENT_LIABILITY = "current_liability", _("Current liability")
    LONG_LIABILITY = "long_liability", _("Long-term liability")
    EQUITY = "equity", _("Equity")
    INCOME = "income", _("Income")
    EXPENSE = "expense", _("Expense")


class Purpose(models.TextChoices):
    """What the house itself uses an account for; at most one account of a company has each purpose."""

    RECEIVABLE = "receivable", _("Customers")
    PAYABLE = "payable", _("Suppliers")
    SUSPENSE = "suspense", _("Bank suspense")
    TRANSFER = "transfer", _("Transfers between own accounts")
    OPENING = "opening", _("Opening balance equity")
    SALES = "sales", _("Sales")
    PURCHASES = "purchases", _("Purchases")
    BANK_FEES = "bank_fees", _("Bank fees")
    EXCHANGE_GAIN = "exchange_gain", _("Exchange gain")
    EXCHANGE_LOSS = "exchange_loss", _("Exchange loss")
    DISCOUNT_GIVEN = "discount_given", _("Cash discount given")
    DISCOUNT_RECEIVED = "discount_received", _("Cash discount received")
    VAT_PAYABLE = "vat_payable", _("VAT payable")
    VAT_RECOVERABLE = "vat_recoverable", _("VAT recoverable")


class DocumentKind(models.TextChoices):
    INVOICE = "invoice", _("Customer invoice")
    CREDIT_NOTE = "credit_note", _("Customer credit note")
    BILL = "bill", _("Supplier bill")
    REFUND = "refund", _("Supplier credit note")


class SeriesKind(models.TextChoices):
    """What is numbered: one series for each kind and calendar year."""

    INVOICE = "invoice", _("Customer invoice")
    CREDIT_NOTE = "credit_note", _("Customer credit note")
    BILL = "bill", _("Supplier bill")
    REFUND = "refund", _("Supplier credit note")
    MISC = "misc", _("Miscellaneous entry")


class TaxOption(models.TextChoices):
    """What an early-payment discount does to the tax (books.md 16.5)."""

    ALWAYS = "always", _("Tax is reduced on the invoice already")
    ON_EARLY_PAYMENT = "on_early_payment", _("Tax is reduced when it is paid early")
    NEVER = "never", _("Tax stays as it is")


class ReferenceStandard(models.TextChoices):
    """The structured reference that own invoices get when they are posted (books.md 15)."""

    COUNTRY = "country", _("That of the company's country")
    RF = "rf", _("International (RF, ISO 11649)")
    NONE = "none", _("None")


class PaymentState(models.TextChoices):
    OUTSTANDING = "outstanding", _("Outstanding")
    REJECTED = "rejected", _("Rejected by the bank")
    SETTLED = "settled", _("On a bank line")
    RETURNED = "returned", _("Returned by the bank")
    CANCELLED = "cancelled", _("Cancelled")
