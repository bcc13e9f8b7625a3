"""Who is who: one algorithm, two halves (DESIGN.md section 1).

The Hub asks which row of a bank's answer is which stored transaction (connectors.md 1.10, :func:`match`).
Books asks which item of the Hub or of a file is which bank statement line (books.md 11, :func:`classify`).
Both count equal rows instead of dropping them, use each row once and give the same answer for any order and
any page split.
"""

from nostro.core.identity.bank_rows import (
    ABSENCES_UNTIL_GONE,
    Known,
    MatchResult,
    Modified,
    New,
    ReadRow,
    ReadWarning,
    ReferencePolicy,
    StoredRow,
    known_row,
    read_row,
    reference_prefix,
)
from nostro.core.identity.fingerprints import (
    amount_text,
    books_fingerprint,
    changed_fields,
    content_digest,
    hub_fingerprint,
)
from nostro.core.identity.lines import (
    RESEMBLANCE_DAYS,
    Alias,
    Classification,
    IncomingItem,
    LineSource,
    Outcome,
    OutcomeKind,
    StoredLine,
    classify,
)
from nostro.core.identity.matching import match
from nostro.core.identity.pending import LINK_DAYS, LinkRow, PendingLink, link_pending, link_row

__all__ = [
    "ABSENCES_UNTIL_GONE",
    "LINK_DAYS",
    "RESEMBLANCE_DAYS",
    "Alias",
    "Classification",
    "IncomingItem",
    "Known",
    "LineSource",
    "LinkRow",
    "MatchResult",
    "Modified",
    "New",
    "Outcome",
    "OutcomeKind",
    "PendingLink",
    "ReadRow",
    "ReadWarning",
    "ReferencePolicy",
    "StoredLine",
    "StoredRow",
    "amount_text",
    "books_fingerprint",
    "changed_fields",
    "classify",
    "content_digest",
    "hub_fingerprint",
    "known_row",
    "link_pending",
    "link_row",
    "match",
    "read_row",
    "reference_prefix",
]
