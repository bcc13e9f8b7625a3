"""Fetch for a batch of lines what may explain them: never all open items, only what the lines' evidence leads to.

A handful of statements per batch, each over arrays of the batch's keys, numbers, ids, partners and amounts, so that
the time grows with the lines and hardly with the items. Rows come as tuples, because making model instances would
take longer than the search.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from nostro.books.companies.models import Company
from nostro.books.journals.models import KNOWN_NAME
from nostro.books.ledger.rates import Rates
from nostro.books.reconcile.engine import (
    Book,
    EarlyPayment,
    ItemKind,
    LineEvidence,
    LineFacts,
    OpenItem,
    PartnerBook,
    Rules,
    read_line,
)
from nostro.books.reconcile.engine.partners import AccountOwner, KnownPartner, normalised_name
from nostro.books.reconcile.engine.reading import end_to_end_id
from nostro.books.reconcile.engine.steps import MIRROR_DAYS
from nostro.books.reconcile.expected import load_payments
from nostro.core.money import quantize

#: Lines of one batch, open items looked at of one partner, and items of one amount that no partner speaks for.
BATCH_LINES, PARTNER_ITEMS, AMOUNT_ITEMS = 1_000, 500, 10
#: Matched lines looked at for what one identifier teaches.
KNOWN_LINES = 200
_PARTNERS_OF_KNOWN = """JOIN reconcile_matchgroup made ON made.line_id = known.id AND made.undone_at IS NULL
            JOIN reconcile_matchpart part ON part.group_id = made.id AND part.partner_id IS NOT NULL"""
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
    lines = load_lines(company, line_ids[:BATCH_LINES])
    evidence = [read_line(line) for line in lines]
    ids = {
        *_by_key(company, {key.key for said in evidence for key in said.keys}),
        *_by_number(company, {token.text for said in evidence for token in said.tokens}),
        *_by_end_to_end_id(company, {said.end_to_end_id for said in evidence if said.end_to_end_id}),
    }
    items = [*_items(company, ids), *load_payments(company, lines, evidence), *_mirrors(company, lines, partners)]
    return Batch(lines, evidence, Book(items, partners))


def load_more(company: Company, lines: Sequence[LineFacts], evidence: Sequence[LineEvidence], book: Book) -> None:
    """Add to the book what the partners of these lines have open, and for lines without one what has their amount."""
    found = [book.partners.find(line, said) for line, said in zip(lines, evidence, strict=True)]
    alone = [line for line, finding in zip(lines, found, strict=True) if finding is None]
    ids = {
        *_by_partner(company, {finding.partner_id for finding in found if finding}),
        *_by_amount(company, {pair for line in alone for pair in line.rests.items() if pair[0] not in line.estimated}),
    }
    book.add(_items(company, {item_id for item_id in ids if item_id not in book}))


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


# --- lines --------------------------------------------------------------------------------------------------------


def load_lines(company: Company, line_ids: Sequence[UUID]) -> list[LineFacts]:
    """Those of the lines that are not explained yet, oldest first."""
    rows = _rows(
        """SELECT id, journal_id, currency, suspense_residual, amount, foreign_currency, foreign_amount,
                   company_amount, order_date, remittance_text, description, label, structured_reference,
                   end_to_end_id, mandate_id, creditor_id, counterparty_name, counterparty_account, partner_id
            FROM journals_line
            WHERE company_id = %s AND id = ANY(%s) AND NOT reconciled AND status IN ('posted', 'withdrawn')
            ORDER BY order_date, day_seq, id""",
        [company.id, list(line_ids)],
    )
    return _with_estimates(company, [_line(company, row) for row in rows])


def _with_estimates(company: Company, lines: list[LineFacts]) -> list[LineFacts]:
    """Lines also in currencies that only the company's own rates lead to: enough for a suggestion (books.md 16.6)."""
    currencies = [currency for (currency,) in _rows(
        "SELECT DISTINCT currency FROM ledger_exchangerate WHERE company_id = %s ORDER BY 1", [company.id]
    )]  # fmt: skip
    if not currencies:
        return lines
    rates, result = Rates(company), []
    for line in lines:
        own = line.rests.get(company.currency)
        estimates = {} if own is None else {
            currency: quantize(own / rate, currency)
            for currency in currencies
            if currency not in line.rests and (rate := rates.rate(currency, line.date))
        }  # fmt: skip
        estimates = {currency: amount for currency, amount in estimates.items() if amount}
        rests = {**line.rests, **estimates}
        result.append(replace(line, rests=rests, estimated=frozenset(estimates)) if estimates else line)
    return result


def load_past_lines(company: Company, since: dt.date, limit: int) -> list[LineFacts]:
    """The newest ``limit`` lines from a day on, as they were before anything was known of them."""
    rows = _rows(
        """SELECT id, journal_id, currency, amount, amount, foreign_currency, foreign_amount,
                   company_amount, order_date, remittance_text, description, label, structured_reference,
                   end_to_end_id, mandate_id, creditor_id, counterparty_name, counterparty_account, partner_id
            FROM journals_line
            WHERE company_id = %s AND order_date >= %s AND status IN ('posted', 'withdrawn')
            ORDER BY order_date DESC, day_seq DESC, id DESC LIMIT %s""",
        [company.id, since, limit],
    )
    return [_line(company, row) for row in rows]


def load_items_of(company: Company, partner_ids: set[UUID], item_ids: set[UUID]) -> list[OpenItem]:
    """What partners have open, and certain items even if they are paid."""
    return _items(company, {*_by_partner(company, partner_ids), *item_ids}, paid_too=True)


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
        """SELECT owner.account_number, owner.partner_id, partner.active
            FROM ledger_partnerbankaccount owner JOIN ledger_partner partner ON partner.id = owner.partner_id
            WHERE owner.company_id = %s AND owner.active AND owner.account_number IN (
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
        identifiers=_known_identifiers(company, line_ids),
        last_by_name=_last_by_name(company, line_ids),
        own_accounts=frozenset(number for (number,) in own),
        own_names=frozenset({normalised_name(company.name)}),
    )


def _known_identifiers(company: Company, line_ids: Sequence[UUID]) -> dict[str, list[UUID]]:
    """Partners of matched lines by the mandate, creditor and end-to-end ids that these lines carry.

    An id that met two partners has two, which is no answer; a match that is taken back teaches nothing any more.
    """
    found: defaultdict[str, list[UUID]] = defaultdict(list)
    for column in ("mandate_id", "creditor_id", "end_to_end_id"):
        for value, partner_id in _rows(
            f"""SELECT DISTINCT wanted.value, part.partner_id
                FROM (SELECT DISTINCT {column} AS value FROM journals_line
                      WHERE company_id = %s AND id = ANY(%s) AND {column} <> '') AS wanted
                CROSS JOIN LATERAL (
                      SELECT id FROM journals_line known
                      WHERE known.company_id = %s AND known.{column} = wanted.value AND known.{column} <> ''
                            AND known.reconciled LIMIT %s) AS known
                {_PARTNERS_OF_KNOWN}""",  # noqa: S608 - only constants of this module
            [company.id, list(line_ids), company.id, KNOWN_LINES],
        ):
            if end_to_end_id(value) and partner_id not in found[value.upper()]:
                found[value.upper()].append(partner_id)
    return found


def _last_by_name(company: Company, line_ids: Sequence[UUID]) -> dict[str, UUID]:
    """The partner that the last three reconciled lines of a counterparty's name agree on (books.md 16.3 tier 7)."""
    partners: defaultdict[str, dict[UUID, set[UUID]]] = defaultdict(dict)
    for name, line_id, partner_id in _rows(
        f"""SELECT wanted.name, known.id, part.partner_id
            FROM (SELECT DISTINCT LEFT(UPPER(counterparty_name), {KNOWN_NAME}) AS name FROM journals_line
                  WHERE company_id = %s AND id = ANY(%s) AND counterparty_name <> '') AS wanted
            CROSS JOIN LATERAL (
                  SELECT id FROM journals_line known
                  WHERE known.company_id = %s AND known.reconciled AND known.counterparty_name <> ''
                        AND LEFT(UPPER(known.counterparty_name), {KNOWN_NAME}) = wanted.name
                  ORDER BY known.order_date DESC, known.day_seq DESC, known.id DESC LIMIT 3) AS known
            {_PARTNERS_OF_KNOWN}""",  # noqa: S608 - only constants of this module
        [company.id, list(line_ids), company.id],
    ):
        partners[normalised_name(name)].setdefault(line_id, set()).add(partner_id)
    return {
        name: next(iter(next(iter(lines.values()))))
        for name, lines in partners.items()
        if len(lines) == 3 and len(set[UUID]().union(*lines.values())) == 1
    }


# --- open items ---------------------------------------------------------------------------------------------------


def _by_key(company: Company, keys: set[str]) -> Iterable[UUID]:
    sql = "SELECT item_id FROM ledger_itemreference WHERE company_id = %s AND key = ANY(%s)"
    return (item_id for (item_id,) in _rows(sql, [company.id, list(keys)]))


def _by_number(company: Company, numbers: set[str]) -> Iterable[UUID]:
    """By the number of a document or entry, and by the number that the customer or supplier has for it."""
    wanted = list(numbers)
    sql = """SELECT open_item_id FROM ledger_document WHERE company_id = %s AND UPPER(number) = ANY(%s)
             UNION ALL SELECT open_item_id FROM ledger_document
             WHERE company_id = %s AND UPPER(partner_reference) = ANY(%s) AND partner_reference <> ''
             UNION ALL SELECT item.id FROM ledger_miscentry misc JOIN ledger_entryitem item USING (entry_id)
             WHERE misc.company_id = %s AND UPPER(misc.number) = ANY(%s) AND item.residual_currency <> 0"""
    return (item_id for (item_id,) in _rows(sql, [company.id, wanted] * 3))


def _by_end_to_end_id(company: Company, identifiers: set[str]) -> Iterable[UUID]:
    sql = """SELECT open_item_id FROM ledger_document
             WHERE company_id = %s AND end_to_end_id = ANY(%s) AND end_to_end_id <> ''"""
    return (item_id for (item_id,) in _rows(sql, [company.id, list(identifiers)]))


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


def _items(company: Company, ids: set[UUID], *, paid_too: bool = False) -> list[OpenItem]:
    wanted = list(ids)
    keys: defaultdict[UUID, list[str]] = defaultdict(list)
    for item_id, key in _rows("SELECT item_id, key FROM ledger_itemreference WHERE item_id = ANY(%s)", [wanted]):
        keys[item_id].append(key)
    rows = _rows(
        """SELECT item.id, item.account_id, item.currency, item.residual_currency, item.date, item.partner_id,
                   item.label, partner.name, COALESCE(document.number, misc.number), document.partner_reference,
                   document.end_to_end_id,
                   CASE WHEN item.residual_currency = item.amount_currency THEN document.discount_until END,
                   document.discount, document.discount_tax
            FROM ledger_entryitem item
            LEFT JOIN ledger_partner partner ON partner.id = item.partner_id
            LEFT JOIN ledger_document document ON document.open_item_id = item.id
            LEFT JOIN ledger_miscentry misc ON misc.entry_id = item.entry_id
            WHERE item.id = ANY(%s) AND item.company_id = %s
                        AND (item.residual_currency <> 0 OR %s)""",
        [wanted, company.id, paid_too],
    )
    return [_item(row, tuple(keys[row[0]])) for row in rows]


def _item(row: tuple[Any, ...], keys: tuple[str, ...]) -> OpenItem:
    """An item with what its document says. A discount is for who pays the whole of it at once."""
    item_id, account_id, currency, residual, date, partner_id, label, partner_name, *said = row
    number, reference, identifier, until, discount, discount_tax = said
    early = None
    if until is not None:
        left_out = (discount + discount_tax).copy_sign(residual)
        early = EarlyPayment(until, residual - left_out, discount_tax.copy_sign(residual))
    return OpenItem(
        id=item_id,
        kind=ItemKind.DOCUMENT,
        name=number or label,
        account_id=account_id,
        currency=currency,
        residual=residual,
        date=date,
        partner_id=partner_id,
        partner_name=partner_name or "",
        numbers=tuple(text.upper() for text in (number, reference) if text),
        keys=keys,
        end_to_end_ids=(identifier,) if identifier else (),
        early_payment=early,
    )


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
