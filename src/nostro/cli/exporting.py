"""``nostro export``: an account's rows of a period as a bank file, for whoever runs the installation."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nostro.cli.converting import FORMATS_BY_SUFFIX, store
from nostro.cli.installation import console, open_database, set_up_django

if TYPE_CHECKING:
    from nostro.core.transactions import Window
    from nostro.hub.accounts.models import Account


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asks for; everything but the account may be empty."""

    account: str
    since: str = ""
    until: str = ""
    form: str = ""
    organization: str = ""
    currency: str = ""


class Refusal(Exception):
    """Why nothing can be written, and what to do, in words."""


def run(wanted: Wanted, target: Path, *, force: bool) -> int:
    """Write the file; all or nothing. Returns the exit status: 0, or 2 with the reason."""
    form = wanted.form or FORMATS_BY_SUFFIX.get(target.suffix.lower(), "")
    try:
        if not form:
            raise Refusal(f"{target.name} does not say its format; name it with --format.")
        if target.exists() and not force:
            raise Refusal(f"{target} exists; --force overwrites it.")
        open_database()
        set_up_django()
        lossy = _write(wanted, form, target)
    except (Refusal, OSError) as refusal:
        console.print(f"✗ {refusal}", markup=False)
        return 2
    console.print(f"{target}: {form}", markup=False)
    if lossy:
        console.print(f"{form} could not hold all of: {', '.join(lossy)}", markup=False)
    return 0


def _write(wanted: Wanted, form: str, target: Path) -> tuple[str, ...]:
    from nostro.hub.files.exporting import export_statements
    from nostro.web.errors import Problem

    account = find_account(wanted)
    now = dt.datetime.now(dt.UTC)
    try:
        export = export_statements(account, form, period(account, wanted, now.date()), now)
        store(export.chunks, target)
    except Problem as problem:
        raise Refusal(" ".join(filter(None, [problem.what, problem.why, problem.what_to_do]))) from problem
    return export.lossy


def find_account(wanted: Wanted) -> Account:
    """The only account with this number or id. Raises :class:`Refusal` that names the ones to choose from."""
    from django.db.models import Q

    from nostro.core.account_keys import normalise_account_number
    from nostro.hub.accounts.models import Account

    number = normalise_account_number(wanted.account)
    which = Q(reference=wanted.account) | Q(reference=number)
    if (identifier := _id(wanted.account)) is not None:
        which |= Q(pk=identifier)
    accounts = Account.objects.filter(which).select_related("organization", "institution")
    if wanted.currency:
        accounts = accounts.filter(currency=wanted.currency.upper())
    if wanted.organization:
        organization = Q(organization__name__iexact=wanted.organization)
        if (identifier := _id(wanted.organization)) is not None:
            organization |= Q(organization_id=identifier)
        accounts = accounts.filter(organization)
    found = list(accounts.order_by("organization__name", "currency", "pk")[:20])
    if not found:
        raise Refusal("No account has this number or id here. Look it up on the accounts page.")
    if len(found) > 1:
        lines = "\n".join(f"  {one.pk}  {one.organization.name}  {one.currency}" for one in found)
        raise Refusal(f"Several accounts have this number; name one by its id:\n{lines}")
    return found[0]


def period(account: Account, wanted: Wanted, today: dt.date) -> Window:
    """The days asked for; by default all rows up to today. Raises :class:`Refusal` for what is no day."""
    from nostro.hub.files.exporting import period_of

    return period_of(account, _day(wanted.since), _day(wanted.until), today)


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{text} is no day; write it as 2026-11-30.") from None


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
