"""What each item of the Hub is: new, known, changed, alias, held, before fetch-from (books.md 10, 11)."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from nostro.books.hub_client.values import HubTransaction
from nostro.books.journals.balances import UNDONE_REASON
from nostro.books.journals.importing import LineValues, NewLine
from nostro.books.journals.models import Alias as AliasRow
from nostro.books.journals.models import Journal, Line, Source
from nostro.books.journals.same_booking import booking_keys, may_change, same_bookings
from nostro.books.ledger.bulk import copy_rows
from nostro.books.links.models import JournalLink, OnlineAccount
from nostro.core.account_keys import normalise_account_number
from nostro.core.identity import (
    RESEMBLANCE_DAYS,
    Alias,
    IncomingItem,
    LineSource,
    Outcome,
    StoredLine,
    books_fingerprint,
    classify,
)
from nostro.core.money import MoneyError

_KIND: dict[str, LineSource] = {Source.FEED: "feed", Source.FILE: "file", Source.MANUAL: "manual"}


@dataclass
class Sorted:
    """The items of one run, oldest first in ``new``. ``changed`` holds what the bank altered afterwards."""

    new: list[NewLine] = field(default_factory=list)
    aliases: list[tuple[Alias, UUID]] = field(default_factory=list)
    changed: list[Outcome] = field(default_factory=list)
    known_lines: dict[UUID, HubTransaction] = field(default_factory=dict)
    unseen: tuple[StoredLine, ...] = ()
    known: int = 0
    held: int = 0
    early: int = 0

    def store_aliases(self, account: OnlineAccount) -> None:
        """The same transactions under new ids: give the lines those ids too."""
        copy_rows(
            [
                AliasRow(
                    company_id=account.company_id,
                    identity=account.identity,
                    source=alias.source,
                    external_id=alias.external_id,
                    epoch=alias.epoch,
                    line_id=line_id,
                )
                for alias, line_id in self.aliases
            ]
        )


def sort_items(
    account: OnlineAccount, link: JournalLink, items: Sequence[HubTransaction], source: str, *, since: dt.date
) -> Sorted:
    """Decide what each item of a walk (newest first) is. Nothing is written.

    The walk should have shown every line with a booking date from ``since`` on.
    """
    by_id = {item.id: item for item in items}
    # The Hub's list begins with the newest, so the place from its end is the order of creation.
    order = {item.id: place for place, item in enumerate(reversed(items))}
    incoming = [
        _incoming(account, item, Alias(source, item.id, account.epoch), order[item.id]) for item in by_id.values()
    ]
    stored = stored_lines(link.journal, account, incoming, since)
    result = Sorted()
    fresh: list[tuple[dt.date, int, NewLine]] = []
    classified = classify(incoming, stored, read=(source, account.epoch))
    result.unseen = tuple(line for line in classified.unseen if not line.removed)
    otherwise = _said_otherwise(account, by_id, classified.outcomes, stored)
    for outcome in classified.outcomes:
        item = outcome.item
        assert item.alias is not None
        if (line_of_file := otherwise.get(item.alias)) is not None:
            result.aliases.append((item.alias, line_of_file.id))
            result.changed.append(outcome._replace(kind="changed", line=line_of_file))
        elif outcome.kind in {"new", "possible_duplicate"}:
            if item.booking_date < link.fetch_from:
                result.early += 1
                continue
            line = _new_line(account, by_id[item.alias.external_id], outcome)
            result.held += line.duplicate_of is not None
            fresh.append((line.values.booking_date, item.order, line))
        elif outcome.kind == "alias" and outcome.line is not None:
            result.aliases.append((item.alias, outcome.line.id))
            result.known_lines[outcome.line.id] = by_id[item.alias.external_id]
        elif outcome.kind == "changed":
            result.changed.append(outcome)
        else:
            result.known += 1
            if outcome.line is not None:
                result.known_lines[outcome.line.id] = by_id[item.alias.external_id]
    result.new = [line for _, _, line in sorted(fresh, key=lambda row: row[:2])]
    return result


def _said_otherwise(
    account: OnlineAccount, by_id: dict[str, HubTransaction], outcomes: Sequence[Outcome], stored: Sequence[StoredLine]
) -> dict[Alias, StoredLine]:
    """Items of the feed that are lines of files with another amount or day, by the bank's reference."""
    free = {line.id: line for line in stored if line.kind == "file" and not line.aliases}
    for outcome in outcomes:
        if outcome.kind in {"known", "changed", "alias"} and outcome.line is not None:
            free.pop(outcome.line.id, None)
    said = {
        outcome.item.alias: line_values(account, by_id[outcome.item.alias.external_id])
        for outcome in outcomes
        if outcome.kind in {"new", "possible_duplicate"} and outcome.item.alias
    }
    said = {alias: values for alias, values in said.items() if values.bank_reference}
    if not (free and said):
        return {}
    lines = [line for line in Line.objects.filter(pk__in=list(free)) if may_change(line)]
    found = same_bookings(
        {alias: (values, booking_keys(values)) for alias, values in said.items()},
        [(line, booking_keys(line)) for line in lines],
    )
    return {alias: free[line.pk] for alias, line in found.items()}


def _incoming(account: OnlineAccount, item: HubTransaction, alias: Alias, order: int) -> IncomingItem:
    sign = -1 if account.invert_transaction_sign else 1
    return IncomingItem(
        "feed",
        alias,
        fingerprint_of(account, item),
        item.booking_date,
        sign * item.amount,
        item.currency,
        order,
        (item.counterparty_account, item.remittance, item.end_to_end_id),
    )


def fingerprint_of(account: OnlineAccount, item: HubTransaction) -> str:
    """The fingerprint of books.md 11.1; an amount with more decimals than its currency is taken as it is."""
    amount = -item.amount if account.invert_transaction_sign else item.amount
    for currency in (account.currency, "CLF"):
        try:
            return books_fingerprint(
                reference=account.reference,
                currency=currency,
                booking_date=item.booking_date,
                amount=amount,
                counterparty_account=item.counterparty_account,
                remittance=item.remittance,
                end_to_end_id=item.end_to_end_id,
            )
        except MoneyError:
            continue
    return books_fingerprint(
        reference=account.reference,
        currency=account.currency,
        booking_date=item.booking_date,
        amount=amount.scaleb(12).to_integral_value(),
        remittance=item.remittance,
    )


def _new_line(account: OnlineAccount, item: HubTransaction, outcome: Outcome) -> NewLine:
    return NewLine(
        values=line_values(account, item),
        source=Source.FEED,
        fingerprint=outcome.item.fingerprint,
        occurrence=outcome.occurrence,
        alias=outcome.item.alias,
        duplicate_of=outcome.line.id if outcome.kind == "possible_duplicate" and outcome.line else None,
    )


def line_values(account: OnlineAccount, item: HubTransaction) -> LineValues:
    """The columns of a line; label = remittance text, else description, else counterparty name (books.md 3.1)."""
    return LineValues(
        booking_date=item.booking_date,
        value_date=item.value_date,
        amount=-item.amount if account.invert_transaction_sign else item.amount,
        currency=item.currency,
        label=item.remittance or item.description or item.counterparty_name,
        counterparty_name=item.counterparty_name,
        counterparty_account=normalise_account_number(item.counterparty_account)[:70],
        structured_reference=item.remittance[:140] if item.is_structured else "",
        remittance_text=item.remittance,
        description=item.description,
        end_to_end_id=item.end_to_end_id,
        mandate_id=item.mandate_id,
        creditor_id=item.creditor_id,
        purpose_code=item.purpose_code,
        bank_code=item.bank_code,
        bank_reference=item.bank_reference,
        fee=item.fee,
    )


def stored_lines(
    journal: Journal, account: OnlineAccount, incoming: Sequence[IncomingItem], since: dt.date
) -> list[StoredLine]:
    """Lines that carry an alias of the items, lie within three days of one of them, or are booked from ``since`` on."""
    days = [item.booking_date for item in incoming]
    margin = dt.timedelta(days=RESEMBLANCE_DAYS)
    ids = [item.alias.external_id for item in incoming if item.alias]
    with connection.cursor() as cursor:
        cursor.execute(
            # Two reads joined by UNION, because for an OR over two tables PostgreSQL reads every line there is.
            "WITH wanted AS (SELECT id FROM journals_line WHERE journal_id = %s AND booking_date >= %s UNION"
            " SELECT line_id FROM journals_alias WHERE company_id = %s AND identity = %s"
            " AND external_id IN (SELECT jsonb_array_elements_text(%s::jsonb)))"
            " SELECT id, source, fingerprint, occurrence, booking_date, amount, currency, status,"
            " counterparty_account, remittance_text, end_to_end_id FROM journals_line JOIN wanted USING (id)"
            # A person took the import back that brought these; what the feed shows is no part of it.
            " WHERE NOT (status = 'removed' AND status_reason = %s)",
            [
                journal.id,
                min([since, *(day - margin for day in days)]),
                account.company_id,
                account.identity,
                json.dumps(ids),
                UNDONE_REASON,
            ],
        )
        lines = cursor.fetchall()
        cursor.execute(
            "SELECT line_id, source, external_id, epoch FROM journals_alias WHERE line_id = ANY(%s::uuid[])",
            ["{" + ",".join(str(line[0]) for line in lines) + "}"],
        )
        aliases: defaultdict[UUID, list[Alias]] = defaultdict(list)
        for line_id, source, external_id, epoch in cursor:
            aliases[line_id].append(Alias(source, external_id, epoch))
    return [
        StoredLine(
            line_id,
            _KIND[kind],
            tuple(aliases[line_id]),
            fingerprint,
            occurrence,
            date,
            amount,
            currency,
            status == "removed",
            (texts[0], texts[1], texts[2]),
        )
        for line_id, kind, fingerprint, occurrence, date, amount, currency, status, *texts in lines
    ]
