"""What people answered about files: how one is to be read, and what is remembered for the next (formats.md 1.4, 6.9).

A worker looks at a table and keeps its first rows at the import; pages show them and never read a file themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import F, Max, Q

from nostro.formats import FormatError, Hints, Survey
from nostro.formats.csv.days import ORDERS
from nostro.formats.csv.looking import TableHead, table_head
from nostro.formats.registry import READERS
from nostro.hub.accounts.models import Account
from nostro.hub.files.models import FileImport, TableMapping
from nostro.hub.files.receiving import bytes_of
from nostro.hub.organizations.models import Organization
from nostro.people.models import User
from nostro.web.tables.answers import ASKED, TABLES, checked, head_in
from nostro.web.tables.heads import head_as_json, signature_of


def is_asked(file: FileImport, error: FormatError) -> bool:
    """Whether an answer of a person could make the file readable."""
    several = error.problem.code == "F-UNKNOWN" and len(file.looked.get("candidates", ())) > 1
    return several or error.problem.code in ASKED


def look(file: FileImport, found: Survey) -> None:
    """Note at the import, unsaved, what a person would be asked with: formats, encoding, and of a table its head."""
    file.looked = {"candidates": [each.format for each in found.candidates], "encoding": found.encoding}
    form = file.answers.get("format") or found.format
    if form in TABLES:
        file.format = form
        try:
            head = table_head(bytes_of(file), found, hints_of(file))
        except FormatError:
            return  # reading will say what is wrong
        file.looked["table"] = head_as_json(head)


def hints_of(file: FileImport) -> Hints:
    """What a person answered about this file, and the account on whose page it was handed in."""
    given, account = file.answers, file.account
    mapping = given.get("mapping")
    if mapping is None and not given.get("as_known"):
        head = head_in(file.looked)
        kept = remembered(file.organization, head, file.account) if head else None
        mapping = kept.data if kept else None
        # The same rows may not be read in two ways only because the page was opened later.
        if kept is not None:
            given = file.answers = {"encoding": kept.encoding, **given, "mapping": mapping}
    return Hints(
        format=given.get("format") or None,
        account=account.reference if account else given.get("account") or None,
        currency=account.currency if account else given.get("currency") or None,
        mapping=mapping,
        date_order=given.get("date_order") or None,
        encoding=given.get("encoding") or None,
        profile=_profile(given),
    )


def _profile(given: Mapping[str, Any]) -> dict[str, str]:
    profile = {"sheet": str(given["sheet"])} if given.get("sheet") else {}
    return {**profile, "turn_reversals": "yes"} if given.get("turn_reversals") else profile


def checked_answers(given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that say something. Raises Problem for those that cannot be used, naming the field."""
    return checked(given, {"date_order": ORDERS, "format": READERS})


# --- memory


def remembered(organization: Organization, head: TableHead, account: Account | None) -> TableMapping | None:
    """The newest mapping that people of the organization gave a table like this, best one given for the account."""
    found = TableMapping.objects.filter(
        Q(account=None) | Q(account=account) if account else Q(), organization=organization
    )
    return (
        found.filter(signature=signature_of(head))
        .order_by(F("account").desc(nulls_last=True) if account else "-version", "-version")
        .first()
    )


def remember(file: FileImport, head: TableHead, data: Mapping[str, Any], user: User, now: dt.datetime) -> TableMapping:
    """Keep a mapping for this table as its next version; the same one again is kept once."""
    signature = signature_of(head)
    kept = remembered(file.organization, head, file.account)
    encoding = file.answers.get("encoding", "")
    if (
        kept is not None
        and (kept.data, kept.encoding) == (data, encoding)
        and kept.account_id == (file.account.pk if file.account else None)
    ):
        return kept
    versions = TableMapping.objects.filter(organization=file.organization, signature=signature)
    last = versions.aggregate(last=Max("version"))["last"] or 0
    return TableMapping.objects.create(
        organization=file.organization, account=file.account, signature=signature, version=last + 1,
        data=dict(data), encoding=encoding, created_by=user, created_at=now,
    )  # fmt: skip
