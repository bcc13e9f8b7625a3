"""What a person is told about handing in and importing files."""

from __future__ import annotations

from typing import Any

from nostro.formats import Problem as FileProblem
from nostro.formats import sentence
from nostro.hub.files.limits import MAX_FILES, MAX_UPLOAD_BYTES, MIB
from nostro.web.errors import Problem


def as_json(found: FileProblem) -> dict[str, Any]:
    """A problem of a file as it is kept: severity, code, the whole sentence, its place, its statement."""
    return {
        "severity": found.severity,
        "code": found.code,
        "sentence": sentence(found)[:1000],
        "position": str(found.position)[:120],
        "statement": found.statement_index,
    }


def no_file() -> Problem:
    """The form came without a file."""
    return Problem(
        "No file was chosen.", what_to_do="Choose one or more statement files.", code="noFile", field="uploads"
    )


def too_many_files() -> Problem:
    """More files than one form takes."""
    return Problem(
        "These are too many files at once.", why=f"At most {MAX_FILES} are taken.",
        what_to_do="Hand in a part of them first.", code="tooManyFiles", field="uploads",
    )  # fmt: skip


def too_large(name: str) -> Problem:
    """A file above the limit."""
    return Problem(
        f"The file {name} is too large.", why=f"At most {MAX_UPLOAD_BYTES // MIB} MiB are taken.",
        what_to_do="Ask the bank for a shorter period, or split the file.", code="F-TOO-LARGE", field="uploads",
    )  # fmt: skip


def too_many_waiting() -> Problem:
    """Files pile up unconfirmed."""
    return Problem(
        "Too many files wait for you.", why="Each waits until it is imported or discarded.",
        what_to_do="Confirm or discard some of them first.", code="tooManyFilesWaiting",
    )  # fmt: skip


def not_in_this_state() -> Problem:
    """Another click or another person was faster."""
    return Problem(
        "This cannot be done with the file now.", why="Somebody else was faster, or it is being worked on.",
        what_to_do="Look at the file; the page shows how it stands.", code="fileNotInThisState",
    )  # fmt: skip


def account_undecided(number: str) -> Problem:
    """An account without an answer."""
    return Problem(
        f"Say first what the account {number} is.", what_to_do="Add it, choose the account it is, or leave it out.",
        code="accountUndecided", field="accounts",
    )  # fmt: skip


def unknown_bank() -> Problem:
    """An account is to be added, but at which bank?"""
    return Problem(
        "The bank of this account was not found.", why="The directory has no bank of this name, BIC or account number.",
        what_to_do="Type the name or the BIC of the bank.", code="bankNotFound", field="bank",
    )  # fmt: skip


def currency_differs(number: str) -> Problem:
    """An account in another currency is another account."""
    return Problem(
        f"The account {number} has another currency than the one that was chosen.",
        what_to_do="Choose an account in the same currency.", code="currencyDiffers", field="accounts",
    )  # fmt: skip


def nothing_proved() -> Problem:
    """Only proved statements are wanted, and there is none."""
    return Problem(
        "No statement of this file is proved.", why="Each lacks a balance, or its balances do not add up.",
        what_to_do="Import all as stated and give the reason, or discard the file.", code="nothingProved",
    )  # fmt: skip


def nothing_to_import() -> Problem:
    """All accounts are left out or refused."""
    return Problem(
        "Nothing of this file can be imported.", why="No account of it is one of yours, or all were left out.",
        what_to_do="Choose at least one account, or discard the file.", code="nothingToImport",
    )  # fmt: skip


def quarantined() -> Problem:
    """Balances that do not add up need an administrator and a reason."""
    return Problem(
        "The balances of this file do not add up.", why="A row may be missing, doubled or wrong.",
        what_to_do="Compare it with the bank's own statement. To import it as it is, give the reason.",
        code="F-BALANCE", field="reason",
    )  # fmt: skip
