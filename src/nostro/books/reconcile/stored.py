"""Proposals computed ahead: written by the job, read by pages, recomputed where they are stale (books.md 16.10).

A stored proposal holds for a line while everything it was made from is as it was: what is unexplained of the line, its
partner, the items in it, the rules, the engine, and no newer document or decision of a person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import msgspec
from django.db.models import F

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line, LineStatus
from nostro.books.ledger.models import Entry, EntryItem
from nostro.books.reconcile.engine import ENGINE_VERSION, ItemKind, OpenItem, Option, Proposal
from nostro.books.reconcile.expected import residuals_of
from nostro.books.reconcile.models import Automation, StoredProposal
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.rules.loading import load_rules
from nostro.core.ids import new_id

#: Options kept of one proposal.
KEPT_OPTIONS = 5
#: Entries that bring no new open item: those of bank lines and of matches.
_OWN_KINDS = ("bank", "opening", "match", "write_off", "exchange")
#: A transaction may be committed this long after its ids were made.
_LATE = dt.timedelta(minutes=1)


def store_proposals(company: Company, proposals: Sequence[Proposal], digest: str, now: dt.datetime) -> None:
    """Write proposals for lines over those that were there, in the caller's transaction."""
    lines = Line.objects.filter(pk__in=[one.line_id for one in proposals]).values_list(
        "id", "suspense_residual", "partner_id"
    )
    known: dict[UUID, tuple[Decimal, UUID | None]] = {line_id: (rest, partner) for line_id, rest, partner in lines}
    rows = [
        StoredProposal(
            line_id=one.line_id,
            company=company,
            decision=one.decision,
            body=msgspec.to_builtins(shortened(one)),
            rest=known[one.line_id][0],
            line_partner_id=known[one.line_id][1],
            engine_version=ENGINE_VERSION,
            rules_digest=digest,
            computed_at=now,
        )
        for one in proposals
        if one.line_id in known
    ]
    fields = ["decision", "body", "rest", "line_partner_id", "engine_version", "rules_digest", "computed_at"]
    StoredProposal.objects.bulk_create(
        rows, batch_size=500, update_conflicts=True, unique_fields=["line"], update_fields=fields
    )


def shortened(proposal: Proposal) -> Proposal:
    """With the best options, and of their items only what explains and applies them."""
    return replace(proposal, options=tuple(_shortened(option) for option in proposal.options[:KEPT_OPTIONS]))


def _shortened(option: Option) -> Option:
    allocations = tuple(
        replace(one, item=replace(one.item, numbers=(), keys=(), end_to_end_ids=())) for one in option.allocations
    )
    return replace(option, allocations=allocations)


def proposals_for(company: Company, line_ids: Sequence[UUID]) -> dict[UUID, Proposal]:
    """The proposal of each line that is not explained yet: the stored one, or a new one where that is stale."""
    if not line_ids:
        return {}
    open_lines = Line.objects.filter(
        company=company, pk__in=line_ids, reconciled=False, status__in=(LineStatus.POSTED, LineStatus.WITHDRAWN)
    )
    wanted = list(open_lines.values_list("id", flat=True))
    found = _valid(company, StoredProposal.objects.filter(company=company, line_id__in=wanted))
    missing = [line_id for line_id in wanted if line_id not in found]
    if missing:
        found.update((one.line_id, one) for one in propose_lines(company, missing))
    return found


def _valid(company: Company, rows: Iterable[StoredProposal]) -> dict[UUID, Proposal]:
    usable = fresh(company, rows)
    read = {row.line_id: msgspec.convert(row.body, Proposal) for row in usable}
    now_open = _residuals(read.values())
    return {
        line_id: proposal
        for line_id, proposal in read.items()
        if all(now_open.get(item.id) == item.residual for item in _items(proposal))
    }


def _items(proposal: Proposal) -> Iterable[OpenItem]:
    return (one.item for option in proposal.options for one in option.allocations)


def _residuals(proposals: Iterable[Proposal]) -> dict[UUID, Decimal | None]:
    """What is open now of the items in proposals: of ledger items, and of the lines that mirror a transfer."""
    items = {item.id: item.kind for proposal in proposals for item in _items(proposal)}
    mirrors = [item_id for item_id, kind in items.items() if kind == ItemKind.MIRROR]
    residuals: dict[UUID, Decimal | None] = dict(
        EntryItem.objects.filter(pk__in=[item_id for item_id in items if item_id not in mirrors]).values_list(
            "id", "residual_currency"
        )
    )
    expected = (ItemKind.PAYMENT, ItemKind.BATCH, ItemKind.RETURN)
    residuals |= residuals_of((item_id, kind) for item_id, kind in items.items() if kind in expected)
    for line_id, rest in Line.objects.filter(pk__in=mirrors).values_list("id", "suspense_residual"):
        residuals[line_id] = -rest
    return residuals


def fresh(company: Company, rows: Iterable[StoredProposal]) -> list[StoredProposal]:
    """Those that no change of the line, the rules, the engine, or the open items as a whole made stale."""
    automation = Automation.objects.filter(company=company).first()
    looked_at = automation.finished_at if automation else None
    changed_at = automation.changed_at if automation else None
    if looked_at is None:
        return []
    digest, newest = load_rules(company).digest, newest_item_at(company, looked_at)
    limits = [moment for moment in (changed_at, newest) if moment is not None]
    lines = Line.objects.filter(pk__in=[row.line_id for row in rows]).values_list("id", "suspense_residual", "partner")
    known = {line_id: (rest, partner) for line_id, rest, partner in lines}
    return [
        row
        for row in rows
        if known.get(row.line_id) == (row.rest, row.line_partner_id)
        and (row.engine_version, row.rules_digest) == (ENGINE_VERSION, digest)
        and all(row.computed_at >= limit for limit in limits)
    ]


def newest_item_at(company: Company, since: dt.datetime) -> dt.datetime | None:
    """When the newest entry was made that may have brought an open item, if that was after ``since``.

    Ids are made in the order of time, so only the end of the table is read.
    """
    first = new_id(int((since - _LATE).timestamp() * 1000), 0)
    entries = Entry.objects.filter(pk__gt=first, company=company).exclude(kind__in=_OWN_KINDS)
    newest = entries.order_by("-id").values_list("created_at", flat=True).first()
    return newest if newest is not None and newest > since - _LATE else None


def lines_to_look_at(company: Company, *, everything: bool, limit: int) -> list[UUID]:
    """Lines that are not explained, oldest first: all of them, or those whose row is missing or of another state."""
    lines = Line.objects.filter(company=company, reconciled=False, status=LineStatus.POSTED)
    if not everything:
        known = StoredProposal.objects.filter(company=company, rest=F("line__suspense_residual"))
        lines = lines.exclude(pk__in=known.values("line_id"))
    return list(lines.order_by("order_date", "day_seq", "id").values_list("id", flat=True)[:limit])
