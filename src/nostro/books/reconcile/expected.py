"""Payments and batches that lines may settle or bring back (books.md 16.7), as the engine's items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from nostro.books.companies.models import Company
from nostro.books.reconcile.engine import ItemKind, LineEvidence, LineFacts, OpenItem

#: Batches of one total that are looked at.
MAX_BATCHES = 200

_PAYMENTS = """SELECT payment.id, payment.journal_id, payment.amount, payment.date, payment.state, payment.reference,
                payment.end_to_end_id, item.currency, item.account_id, partner.name
         FROM ledger_payment payment JOIN ledger_entryitem item ON item.id = payment.open_item_id
         LEFT JOIN ledger_partner partner ON partner.id = item.partner_id
         WHERE payment.company_id = %s AND payment.state IN ('outstanding', 'settled')"""
_BATCHES = """SELECT batch.id, batch.journal_id, batch.reference, batch.message_id, batch.date, sum(payment.amount),
                min(item.currency), (array_agg(item.account_id))[1]
         FROM ledger_paymentbatch batch
         JOIN ledger_payment payment ON payment.batch_id = batch.id AND payment.state = 'outstanding'
         JOIN ledger_entryitem item ON item.id = payment.open_item_id
         WHERE batch.company_id = %s"""


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def load_payments(company: Company, lines: Sequence[LineFacts], evidence: Sequence[LineEvidence]) -> list[OpenItem]:
    """What the lines name by end-to-end id or reference, and batches that come to the amount of a line."""
    if not _rows("SELECT EXISTS (SELECT FROM ledger_payment WHERE company_id = %s)", [company.id])[0][0]:
        return []  # most companies order no payments here, and their lines shall not pay for it
    ids = list({said.end_to_end_id for said in evidence if said.end_to_end_id})
    named = list({token.text for said in evidence for token in said.tokens})
    amounts = list({amount for line in lines for amount in line.rests.values()})
    payments = _rows(
        f"{_PAYMENTS} AND (payment.end_to_end_id = ANY(%s) AND payment.end_to_end_id <> ''"
        " OR UPPER(payment.reference) = ANY(%s) AND payment.reference <> '')",
        [company.id, ids, named],
    )
    batches = _rows(
        f"""{_BATCHES} GROUP BY batch.id
             HAVING UPPER(batch.reference) = ANY(%s) OR UPPER(batch.message_id) = ANY(%s)
                 OR sum(payment.amount) = ANY(%s)
             ORDER BY batch.date DESC LIMIT {MAX_BATCHES}""",
        [company.id, [*ids, *named], [*ids, *named], amounts],
    )
    return [*(_payment(row) for row in payments), *(_batch(row) for row in batches)]


def _payment(row: tuple[Any, ...]) -> OpenItem:
    """One that was made is found by its end-to-end id only, and comes back the other way."""
    payment_id, journal_id, amount, date, state, reference, identifier, currency, account_id, name = row
    outstanding = state == "outstanding"
    return OpenItem(
        id=payment_id,
        kind=ItemKind.PAYMENT if outstanding else ItemKind.RETURN,
        name=f"payment {reference or identifier}" if outstanding else f"return of payment {identifier or reference}",
        account_id=account_id,
        currency=currency,
        residual=amount if outstanding else -amount,
        date=date,
        partner_name=name or "",
        numbers=(reference.upper(),) if outstanding and reference else (),
        end_to_end_ids=(identifier,) if identifier else (),
        journal_id=journal_id,
    )


def _batch(row: tuple[Any, ...]) -> OpenItem:
    batch_id, journal_id, reference, message_id, date, total, currency, account_id = row
    named = tuple(dict.fromkeys(text.upper() for text in (reference, message_id) if text))
    return OpenItem(
        id=batch_id,
        kind=ItemKind.BATCH,
        name=f"batch {reference}",
        account_id=account_id,
        currency=currency,
        residual=total,
        date=date,
        numbers=named,
        end_to_end_ids=named,
        journal_id=journal_id,
    )


def residuals_of(items: Iterable[tuple[UUID, ItemKind]]) -> dict[UUID, Decimal | None]:
    """What payments and batches come to now; those that are settled, rejected or cancelled are missing."""
    ids = [item_id for item_id, _ in items]
    if not ids:
        return {}
    rows = _rows(
        """SELECT id, CASE state WHEN 'settled' THEN -amount ELSE amount END FROM ledger_payment
           WHERE id = ANY(%s) AND state IN ('outstanding', 'settled')
           UNION ALL SELECT batch_id, sum(amount) FROM ledger_payment
           WHERE batch_id = ANY(%s) AND state = 'outstanding' GROUP BY batch_id""",
        [ids, ids],
    )
    return dict(rows)
