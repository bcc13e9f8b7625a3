"""How the bank treats one account, apart from its rows: paging, format, renewals, a torn balance."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class NewIds:
    """Shares in percent: which resource id (0 or 100), transaction ids and entry references change."""

    resource_id: int = 0
    transaction_id: int = 0
    entry_reference: int = 0


@dataclass(frozen=True, slots=True)
class Habits:
    """``paging`` is a mode of :mod:`nostro.sandbox.paging`, ``page_size`` None that of the customer. ``counts_pages``
    makes follow-up pages cost a place of the quota. ``gap_minor`` is what balances say more than the rows.
    ``new_ids`` change with every renewal of a consent. ``format`` is how lists are written, see
    :mod:`nostro.sandbox.reports`."""

    paging: str = "links"
    page_size: int | None = None
    counts_pages: bool = False
    gap_minor: int = 0
    new_ids: NewIds | None = None
    format: str = "json"

    def to_text(self) -> str:
        """As the bank stores it."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Habits:
        """As the bank stored it."""
        values = json.loads(text)
        if values["new_ids"] is not None:
            values["new_ids"] = NewIds(**values["new_ids"])
        return cls(**values)
