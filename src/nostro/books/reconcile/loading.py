"""Fetch for a batch of lines what may explain them: never all open items, only what the lines' evidence leads to.

A handful of statements per batch, each over arrays of the batch's keys, numbers, ids, partners and amounts, so that
the time grows with the lines and hardly with the items. Rows come as tuples, because making model instances would
take longer than the search.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from nostro.books.companies.models import Company
from nostro.books.reconcile.engine import (
    Book,
    ItemKind,
    LineEvidence,
    LineFacts,
    OpenItem,
    PartnerBook,
    Rules,
    read_line,
)
from nostro.books.reconcile.engine.partners import AccountOwner, KnownPartner, normalised_name
from nostro.books.reconcile.engine.steps import MIRROR_DAYS

#: Lines of one batch, open items looked at of one partner, and items of one amount that no partner speaks for.
BATCH_LINES, PARTNER_ITEMS, AMOUNT_ITEMS = 1_000, 500, 10
#: Partners of a company that are known by name.
MAX_PARTNERS = 200_000


class Batch(NamedTuple):
    """Lines, what each of them says, and what their references, numbers and ids lead to."""

    lines: list[LineFacts]
    evidence: list[LineEvidence]
    book: Book


def load_batch(company: Company, line_ids: Sequence[UUID], partners: PartnerBook) -> Batch:
    """The lines that are not explained yet among ``line_ids``, oldest first, and a book of what they name.

    ``partners`` comes from :func:`load_partners` and serves all batches of a run. What only the payer or the amount
    speaks for comes with :func:`load_more`, for the lines that are still open then.
    """
    lines = _lines(company, line_ids[:BATCH_LINES])
    evidence = [read_line(line) for line in lines]
    ids = {
        *_by_key(company, {key.key for said in evidence for key in said.keys}),
        *_by_number(company, {token.text for said in evidence for token in said.tokens}),
    }
    return Batch(lines, evidence, Book([*_items(company, ids), *_mirrors(company, lines, partners)], partners))


def load_more(company: Company, lines: Sequence[LineFacts], evidence: Sequence[LineEvidence], book: Book) -> None:
    """Add to the book what the partners of these lines have open, and for lines without one what has their amount."""
    found = [book.partners.find(line, said) for line, said in zip(lines, evidence, strict=True)]
    alone = [line for line, finding in zip(lines, found, strict=True) if finding is None]
    ids = {
        *_by_partner(company, {finding.partner_id for finding in found if finding}),
        *_by_amount(company, {amount for line in alone for amount in line.rests.items()}),
    }
    book.add(_items(company, {item_id for item_id in ids if item_id not in book}))


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


# --- lines --------------------------------------------------------------------------------------------------------


def _lines(company: Company, line_ids: Sequence[UUID]) -> list[LineFacts]:
    rows = _rows(
        """SELECT id, journal_id, currency, suspense_residual, amount, foreign_currency, foreign_amount,
                   company_amount, order_date, remittance_text, description, label, structured_reference,
                   end_to_end_id, mandate_id, creditor_id, counterparty_name, counterparty_account, partner_id
            FROM journals_line
            WHERE company_id = %s AND id = ANY(%s) AND NOT reconciled AND status IN ('posted', 'withdrawn')
            ORDER BY order_date, day_seq, id""",
        [company.id, list(line_ids)],
    )
    return [_line(company, row) for row in rows]


def _line(company: Company, row: tuple[Any, ...]) -> LineFacts:
    (line_id, journal_id, currency, rest, amount, foreign_currency, foreign, own, date, *texts) = row
    remittance, description, label, structured, end_to_end_id, mandate, creditor, name, account, partner = texts
    rests = {currency: rest}
    # The bank's own amounts give the rate; what is left of a line is left of each of its amounts in proportion.
    for other, total in ((foreign_currency, foreign), (company.currency, own)):
        if other and total is not None and other not in rests:
            rests[other] = total if rest == amount else total * rest / amount
    return LineFacts(
        id=line_id,
        journal_id=journal_id,
        currency=currency,
        rests=rests,
        date=date,
        texts=(remittance, description, label),
        structured_reference=structured,
        end_to_end_id=end_to_end_id,
        mandate_id=mandate,
        creditor_id=creditor,
        counterparty_name=name,
        counterparty_account=account,
        partner_id=partner,
        amount=amount,
    )


# --- partners -----------------------------------------------------------------------------------------------------


def load_partners(company: Company, line_ids: Sequence[UUID], rules: Rules) -> PartnerBook:
    """The company's partners by name, and the owners of the accounts that the lines name."""
    known = _rows(
        """SELECT id, name, active, EXISTS (SELECT FROM ledger_entryitem item WHERE item.partner_id = partner.id)
            FROM ledger_partner partner WHERE company_id = %s ORDER BY id LIMIT %s""",
        [company.id, MAX_PARTNERS],
    )
    owners: defaultdict[str, list[AccountOwner]] = defaultdict(list)
    for number, partner_id, active in _rows(
        """SELECT owner.account_number, owner.partner_id, owner.active AND partner.active
            FROM ledger_partnerbankaccount owner JOIN ledger_partner partner ON partner.id = owner.partner_id
            WHERE owner.company_id = %s AND owner.account_number IN (
                SELECT counterparty_account FROM journals_line
                WHERE company_id = %s AND id = ANY(%s) AND counterparty_account <> '')""",
        [company.id, company.id, list(line_ids)],
    ):
        owners[number].append(AccountOwner(partner_id, active=active))
    own = _rows(
        "SELECT account_number FROM journals_journal WHERE company_id = %s AND account_number <> ''", [company.id]
    )
    return PartnerBook(
        (KnownPartner(*row) for row in known),
        owners=owners,
        mapping_models=rules.partners,
        own_accounts=frozenset(number for (number,) in own),
        own_names=frozenset({normalised_name(company.name)}),
    )


# --- open items ---------------------------------------------------------------------------------------------------


def _by_key(company: Company, keys: set[str]) -> Iterable[UUID]:
    sql = "SELECT item_id FROM ledger_itemreference WHERE company_id = %s AND key = ANY(%s)"
    return (item_id for (item_id,) in _rows(sql, [company.id, list(keys)]))


def _by_number(company: Company, numbers: set[str]) -> Iterable[UUID]:
    sql = "SELECT open_item_id FROM ledger_document WHERE company_id = %s AND UPPER(number) = ANY(%s)"
    return (item_id for (item_id,) in _rows(sql, [company.id, list(numbers)]))


def _by_partner(company: Company, partner_ids: set[UUID]) -> Iterable[UUID]:
    sql = """SELECT found.id FROM unnest(%s::uuid[]) AS wanted(partner_id) CROSS JOIN LATERAL (
                  SELECT id FROM ledger_entryitem item
                  WHERE item.partner_id = wanted.partner_id AND item.company_id = %s
                        AND item.residual_currency <> 0
                  ORDER BY item.date, item.id LIMIT %s) AS found"""
    return (item_id for (item_id,) in _rows(sql, [list(partner_ids), company.id, PARTNER_ITEMS]))


def _by_amount(company: Company, amounts: set[tuple[str, Decimal]]) -> Iterable[UUID]:
    sql = """SELECT found.id FROM unnest(%s::text[], %s::numeric[]) AS wanted(currency, amount) CROSS JOIN LATERAL (
                  SELECT id FROM ledger_entryitem item
                  WHERE item.company_id = %s AND item.currency = wanted.currency
                        AND item.residual_currency = wanted.amount
                        AND item.residual_currency <> 0
                  LIMIT %s) AS found"""
    currencies, values = [currency for currency, _ in amounts], [amount for _, amount in amounts]
    return (item_id for (item_id,) in _rows(sql, [currencies, values, company.id, AMOUNT_ITEMS]))


def _items(company: Company, ids: set[UUID]) -> list[OpenItem]:
    wanted = list(ids)
    keys: defaultdict[UUID, list[str]] = defaultdict(list)
    for item_id, key in _rows("SELECT item_id, key FROM ledger_itemreference WHERE item_id = ANY(%s)", [wanted]):
        keys[item_id].append(key)
    rows = _rows(
        """SELECT item.id, item.account_id, item.currency, item.residual_currency, item.date, item.partner_id,
                   item.label, partner.name, document.number
            FROM ledger_entryitem item
            LEFT JOIN ledger_partner partner ON partner.id = item.partner_id
            LEFT JOIN ledger_document document ON document.open_item_id = item.id
            WHERE item.id = ANY(%s) AND item.company_id = %s
                        AND item.residual_currency <> 0""",
        [wanted, company.id],
    )
    return [
        OpenItem(
            id=item_id,
            kind=ItemKind.DOCUMENT,
            name=number or label,
            account_id=account_id,
            currency=currency,
            residual=residual,
            date=date,
            partner_id=partner_id,
            partner_name=partner_name or "",
            numbers=(number.upper(),) if number else (),
            keys=tuple(keys[item_id]),
        )
        for item_id, account_id, currency, residual, date, partner_id, label, partner_name, number in rows
    ]


# --- the other half of transfers ----------------------------------------------------------------------------------


def _mirrors(company: Company, lines: Sequence[LineFacts], partners: PartnerBook) -> list[OpenItem]:
    """Unexplained lines of the own accounts that the lines name, whole, and near enough in time."""
    own = [line for line in lines if partners.is_own_account(line.counterparty_account)]
    if not own:
        return []
    near = dt.timedelta(days=MIRROR_DAYS)
    rows = _rows(
        """SELECT line.id, journal.suspense_account_id, line.currency, line.amount, line.order_date, line.label,
                   journal.account_number
            FROM journals_line line JOIN journals_journal journal ON journal.id = line.journal_id
            WHERE line.company_id = %s AND journal.account_number = ANY(%s) AND line.status = 'posted'
                  AND NOT line.reconciled AND line.suspense_residual = line.amount
                  AND line.order_date BETWEEN %s AND %s AND line.amount = ANY(%s)""",
        [
            company.id,
            list({line.counterparty_account for line in own}),
            min(line.date for line in own) - near,
            max(line.date for line in own) + near,
            list({-line.rest for line in own}),
        ],
    )
    return [
        OpenItem(line_id, ItemKind.MIRROR, label, account, currency, -amount, date, counterparty_account=number)
        for line_id, account, currency, amount, date, label, number in rows
    ]
