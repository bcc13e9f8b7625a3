"""What both halves keep and check of people's answers about files (formats.md 1.4, 6.9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.http import HttpResponse

from nostro.core.account_keys import normalise_account_number
from nostro.core.money import MoneyError, parse_currency
from nostro.formats import FormatError
from nostro.formats.csv.layout import is_known
from nostro.formats.csv.looking import TableHead
from nostro.formats.csv.mapping import as_toml, mapping_of
from nostro.web.errors import NotFound, Problem
from nostro.web.tables.heads import head_from_json

#: What only a person can say; everything else that is fatal is a fault of the file.
ASKED = frozenset({"F-MAPPING", "F-ACCOUNT", "F-ENCODING"})
TABLES = frozenset({"csv", "xlsx"})
ENCODINGS = ("utf-8", "cp1252", "iso-8859-15", "cp850", "cp437", "utf-16")
MAX_ACCOUNT = 70


def head_in(looked: Mapping[str, Any]) -> TableHead | None:
    """The first rows of the table that was looked at, None if the file is none."""
    kept = looked.get("table")
    return head_from_json(kept) if kept else None


def is_known_table(head: TableHead) -> bool:
    """Whether the table is one of ours or of a bank known here, which needs no mapping."""
    return is_known(head.names, head.delimiter)


def checked(given: Mapping[str, Any], lists: Mapping[str, Collection[str]] | None = None) -> dict[str, Any]:
    """The answers that say something: encoding, currency, account, mapping, and those of ``lists`` (allowed values).

    Raises Problem for those that cannot be used, naming the field.
    """
    kept = {key: value for key, value in given.items() if value}
    for key, allowed in {"encoding": ENCODINGS, **(lists or {})}.items():
        if key in kept and kept[key] not in allowed:
            raise unusable(key, f"It may be {', '.join(allowed)}.")
    if "currency" in kept:
        try:
            kept["currency"] = parse_currency(str(kept["currency"]))
        except MoneyError:
            raise unusable("currency", "Write it as EUR.") from None
    if "account" in kept:
        kept["account"] = normalise_account_number(str(kept["account"]))[:MAX_ACCOUNT]
    if "mapping" in kept:
        try:
            mapping_of(kept["mapping"])
        except FormatError as error:
            message = error.problem.message
            raise unusable("mapping", f"{message[:1].upper()}{message[1:]}.") from error
    return kept


def unusable(field: str, why: str) -> Problem:
    """What a person said about a file cannot be used."""
    return Problem(
        "The file cannot be read like this.", why=why, what_to_do="Change the answer.", code="F-MAPPING", field=field
    )


def mapping_response(mapping: Mapping[str, Any] | None) -> HttpResponse:
    """The mapping that a file was read by, for ``--mapping`` and other installations. Raises NotFound for none."""
    if not mapping:
        raise NotFound("mapping")
    response = HttpResponse(as_toml(mapping), content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="mapping.toml"'
    return response
