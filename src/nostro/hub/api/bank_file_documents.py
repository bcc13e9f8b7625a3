"""The documents of bank files (decision 0035). Ponto has nothing like them, so their names are Nostro's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from nostro.hub.api.documents import Document, Number

Uuid = Annotated[str, msgspec.Meta(extra_json_schema={"format": "uuid"})]
FileStatus = Literal[
    "received", "reading", "unpacked", "asking", "waiting", "importing", "imported", "failed", "discarded", "undone"
]


class FileProblem(Document, frozen=True):
    """What is to be said about a file; ``sentence`` names the place and what to do."""

    severity: str
    code: str
    sentence: str
    position: str
    statement: int | None


class BankFileAttributes(Document, frozen=True):
    """``accountId`` where only that account's rows are taken, ``archiveId`` where it came in an archive."""

    name: str
    size: int
    sha256: str
    status: FileStatus
    format: str | None
    version: str | None
    encoding: str | None
    sandbox: bool
    account_id: str | None
    archive_id: str | None
    bytes_read: int
    rows_read: int
    quarantined: bool
    problems: list[FileProblem]
    reason: str | None
    created_at: str
    imported_at: str | None
    undone_at: str | None


class BankFile(Document, frozen=True):
    type: Literal["bankFile"]
    id: str
    attributes: BankFileAttributes


class BankFileAccountAttributes(Document, frozen=True):
    """``accountId`` is the account that it is here; without one, importing needs a decision. Counts are rows;
    ``announcedCount`` are provisional or expected ones, which are pending transactions until they are booked."""

    reference: str
    reference_type: str
    currency: str
    holder_name: str | None
    bic: str | None
    account_id: str | None
    decision: str | None
    refusal: str | None
    rows: int
    new_count: int
    known_count: int
    restored_count: int
    held_count: int
    not_shown_count: int
    announced_count: int
    left_out_count: int
    held_sum: Number
    synchronization_id: str | None


class BankFileAccount(Document, frozen=True):
    type: Literal["bankFileAccount"]
    id: str
    attributes: BankFileAccountAttributes


class BankFileStatementAttributes(Document, frozen=True):
    """``proof``: proved, unproved (a balance is missing) or failed; ``difference`` is closing less computed."""

    bank_file_account_id: str
    index: int
    kind: str
    reference: str | None
    position: str | None
    first_booking_date: str | None
    last_booking_date: str | None
    opening_balance: Number | None
    opening_balance_date: str | None
    closing_balance: Number | None
    closing_balance_date: str | None
    credit_count: int
    credit_sum: Number
    debit_count: int
    debit_sum: Number
    proof: str
    control_totals: str
    difference: Number | None
    hints: list[str]


class BankFileStatement(Document, frozen=True):
    type: Literal["bankFileStatement"]
    id: str
    attributes: BankFileStatementAttributes


class BankFileRowAttributes(Document, frozen=True):
    """A row that waits, or one that is ``held`` (alike, withdrawn, not_shown …); ``likeId`` is the transaction that it
    resembles. ``standing``: booked; provisional or pending (a pending transaction until it is booked); notice (of a
    notification, which completes a booked row)."""

    bank_file_statement_id: str
    number: int
    standing: str
    position: str | None
    execution_date: str | None
    value_date: str | None
    amount: Number
    currency: str
    counterpart_name: str | None
    counterpart_reference: str | None
    remittance_information: str | None
    held: str | None
    like_id: str | None


class BankFileRow(Document, frozen=True):
    type: Literal["bankFileRow"]
    id: str
    attributes: BankFileRowAttributes


class FileAccountDecision(Document, frozen=True):
    """``id`` is that of the bankFileAccount. ``create`` adds it at ``bank`` (name, BIC or number; without one the bank
    that the number tells), ``same`` is the account ``accountId``, ``skip`` leaves it out."""

    id: Uuid
    decision: Literal["create", "same", "skip"]
    bank: Annotated[str, msgspec.Meta(max_length=100)] | UnsetType = UNSET
    account_id: Uuid | UnsetType = UNSET


class FileImportInput(Document, frozen=True):
    """``addHeld``: held rows are real. Where balances do not add up, ``reason`` takes the file as it states, and
    ``provedOnly`` the statements that are proved."""

    accounts: Annotated[list[FileAccountDecision], msgspec.Meta(max_length=200)] | UnsetType = UNSET
    add_held: bool | UnsetType = UNSET
    reason: Annotated[str, msgspec.Meta(max_length=500)] | UnsetType = UNSET
    proved_only: bool | UnsetType = UNSET


class FileReadingInput(Document, frozen=True):
    """How to read a file, where nobody else can say. ``mapping`` is that of `nostro convert --mapping` as an object;
    with ``remember`` tables with the same columns are read by it from now on."""

    format: str | UnsetType = UNSET
    encoding: str | UnsetType = UNSET
    date_order: Literal["dmy", "mdy", "ymd"] | UnsetType = UNSET
    sheet: Annotated[str, msgspec.Meta(max_length=100)] | UnsetType = UNSET
    account: Annotated[str, msgspec.Meta(max_length=70)] | UnsetType = UNSET
    currency: Annotated[str, msgspec.Meta(max_length=3)] | UnsetType = UNSET
    mapping: dict[str, Any] | UnsetType = UNSET
    turn_reversals: bool | UnsetType = UNSET
    remember: bool | UnsetType = UNSET
