"""Imports of files in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from nostro.hub.directory.models import Institution
from nostro.hub.files.models import FileAccount, FileImport

#: Names of formats, which are the same in every language.
_FORMATS = {
    "camt.052": "CAMT.052", "camt.053": "CAMT.053", "camt.054": "CAMT.054", "mt940": "MT940", "mt942": "MT942",
    "coda": "CODA", "ofx": "OFX", "qif": "QIF", "cfonb120": "CFONB120", "aeb43": "AEB43", "bai2": "BAI2", "csv": "CSV",
    "xlsx": "XLSX", "zip": "ZIP", "gzip": "GZIP",
}  # fmt: skip


@dataclass(frozen=True)
class FileLine:
    """A file with its state: tone, word and sentence."""

    file: FileImport
    tone: str
    word: str
    sentence: str

    @property
    def is_running(self) -> bool:
        return self.file.status in {"received", "reading", "importing"}

    @classmethod
    def of(cls, file: FileImport) -> FileLine:
        if file.status == "waiting" and file.quarantined:
            return cls(file, "bad", _("Does not add up"), _("Nothing is imported unless you say so and why."))
        states = {
            "received": ("act", _("Waiting for its turn"), _("You may leave this page; the file is kept.")),
            "reading": ("act", _("Reading"), _("You may leave this page; nothing is imported before you confirm.")),
            "unpacked": ("good", _("Unpacked"), _("Each of its files waits for you by itself.")),
            "waiting": ("warn", _("Waits for you"), _("Nothing is imported yet.")),
            "asking": (
                "warn",
                _("Needs an answer"),
                _("Only you can say how it is to be read. Nothing is imported yet."),
            ),
            "importing": ("act", _("Importing"), _("All of it is stored at once, or nothing.")),
            "imported": ("good", _("Imported"), ""),
            "failed": ("bad", _("Cannot be used"), _("Nothing was imported.")),
            "discarded": ("quiet", _("Discarded"), _("Nothing was imported.")),
            "undone": ("quiet", _("Undone"), _("What only this file showed counts no more.")),
        }
        return cls(file, *states[file.status])


def kind_of(file: FileImport) -> str:
    """The format of a file by its usual name."""
    return _FORMATS.get(file.format, file.format)


def export_choices(formats: Iterable[str]) -> list[tuple[str, str]]:
    """Formats for a choice, by their usual names."""
    return [(each, _FORMATS.get(each, each)) for each in formats]


def bank_of(bank: Institution | None) -> str:
    """A bank as a person may type it: its BIC, else its name."""
    return (bank.bic or bank.name) if bank else ""


def refusal_of(each: FileAccount) -> str:
    """Why an account of a file is not imported here."""
    words = {
        "other_account": _("This is another account than the one on whose page the file was handed in."),
        "other_organization": _("This account belongs to another of your organizations. Hand the file in there."),
    }
    return words.get(each.refusal, each.refusal)


def hint_words(hints: Iterable[str]) -> list[str]:
    """What would explain exactly the difference of a statement (formats.md 5.4)."""
    words = {
        "row_doubled": _("one row is there twice"),
        "row_turned": _("one row has the wrong sign"),
        "row_missing": _("one row is missing"),
        "reversals_turned": _("this bank books reversals with the other sign"),
        "pending_counted": _("pending rows are counted in the balance"),
        "fees_left_out": _("fees are not in the amounts"),
        "other_currency": _("rows of another currency are in between"),
        "page_missing": _("a page before it is missing"),
        "statements_exchanged": _("rows of two statements are exchanged"),
    }
    return [words[each] for each in hints if each in words]


def field_names(fields: Iterable[str]) -> list[str]:
    """Fields that a format leaves out, in words."""
    words = {
        "additional_information": _("additional information"),
        "balance_after_transaction": _("balance after each transaction"),
        "bank_transaction_code": _("ISO bank transaction codes"),
        "batch_indicator": _("mark of batches"),
        "batch_number_of_transactions": _("number of payments in a batch"),
        "check_id": _("cheque numbers"),
        "creditor_account": _("account of the creditor"),
        "creditor_agent": _("bank of the creditor"),
        "creditor_id": _("creditor identifiers"),
        "creditor_name": _("letters in names of creditors"),
        "currency_exchange": _("exchange rates"),
        "debtor_account": _("account of the debtor"),
        "debtor_agent": _("bank of the debtor"),
        "debtor_name": _("letters in names of debtors"),
        "details": _("single payments of a batch"),
        "end_to_end_id": _("end-to-end references"),
        "entry_reference": _("the bank's references"),
        "fee": _("fees"),
        "mandate_id": _("mandates"),
        "masked_pan": _("card numbers"),
        "merchant_category_code": _("merchant categories"),
        "proprietary_bank_transaction_code": _("the bank's own codes"),
        "purpose_code": _("purpose codes"),
        "references": _("further references"),
        "remittance_information_structured": _("structured references"),
        "remittance_information_unstructured": _("letters or length of messages"),
        "transaction_date": _("days of purchase"),
        "transaction_id": _("the bank's transaction ids"),
        "ultimate_creditor": _("ultimate creditors"),
        "ultimate_debtor": _("ultimate debtors"),
        "value_date": _("value dates"),
    }
    return sorted({words.get(each, each.replace("_", " ")) for each in fields})
