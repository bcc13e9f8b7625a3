"""Reading a file of any format: what holds for all of them (formats.md 1.2, 2.8, 4, 5).

A reader of one format only translates. Here its events pass through the limits, the completeness check, the joining of
pages, the chain of statements and the proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from nostro.core.transactions import Balance
from nostro.formats.limits import MAX_ENTRIES, MAX_FATAL_PROBLEMS, MAX_STATEMENTS, MAX_WARNINGS
from nostro.formats.problems import FormatError, excerpt, fail, problem
from nostro.formats.proof import Proof, RunningProof
from nostro.formats.registry import reader_of
from nostro.formats.streams import Source
from nostro.formats.survey import Survey
from nostro.formats.values import Entry, Event, Hints, Problem, StatementHead, StatementTail

_NO_HINTS = Hints()


def read(chunks: Iterable[bytes], survey: Survey, hints: Hints = _NO_HINTS) -> Iterator[Event]:
    """The events of a file, in its order; ``chunks`` are the same bytes that were surveyed.

    Ends with :class:`FormatError` for a fatal problem, which carries up to 20 of them: nothing given before may then be
    stored. Problems of severity quarantine come in the stream; the file must not pass on by itself.
    """
    _require_encoding(hints)
    source = Source(chunks, survey, hints)
    frame = _Frame()
    reader = reader_of(_format(survey, hints))
    yield from frame.warnings(found for found in survey.problems if found.severity != "fatal")
    try:
        for event in reader(source):
            # One test for the many rows; all else is rare.
            if type(event) is Entry:
                frame.count(event)
                if not frame.fatal:
                    yield event
            else:
                yield from frame.pass_on(event)
    except FormatError as error:
        raise FormatError((*frame.fatal, *error.problems)[0], (*frame.fatal, *error.problems)) from error
    frame.raise_fatal()
    yield from frame.finish()


def _require_encoding(hints: Hints) -> None:
    try:
        b"x".decode(hints.encoding or "ascii", "replace")
    except LookupError:
        raise fail("F-ENCODING", f"there is no encoding named {excerpt(hints.encoding or '')!r}") from None


def _format(survey: Survey, hints: Hints) -> str:
    refusal = next((found for found in survey.problems if found.severity == "fatal"), None)
    if hints.format:
        return hints.format
    if refusal is not None:
        raise FormatError(refusal)
    if survey.container:
        raise fail("F-REFUSED", f"this is a {survey.container} archive; its members are read one by one")
    if survey.format is None:
        names = ", ".join(candidate.format for candidate in survey.candidates)
        raise fail("F-UNKNOWN", f"the file may be {names}; say which")
    return survey.format


@dataclass(slots=True)
class _Open:
    """The statement being read: its first page's head, its pages joined, and the tail that waits for a next page."""

    head: StatementHead
    page: StatementHead
    proof: RunningProof
    rows_of_page: int = 0
    seen: int = 0
    emitted: int = 0
    skipped: int = 0
    tail: StatementTail | None = None
    complete: bool = True


class _Frame:
    def __init__(self) -> None:
        self.fatal: list[Problem] = []
        self._open: _Open | None = None
        self._statements = self._entries = self._warned = 0
        #: Currency, difference and sum of each failed statement → its index; see :meth:`_exchanged`.
        self._failed: dict[tuple[str, Decimal, Decimal], int] = {}
        self._chain: dict[tuple[str, str], tuple[Balance | None, Balance | None]] = {}

    # --- events --------------------------------------------------------------------------------------------------

    def count(self, entry: Entry) -> None:
        """Count a row into its statement."""
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise fail("F-TOO-LARGE", f"the file has more than {MAX_ENTRIES} entries", entry.position)
        if self._open is None:
            raise fail("F-LOST", "a row came outside a statement", entry.position)
        self._open.rows_of_page += 1
        self._open.proof.add(entry)

    def pass_on(self, event: Event) -> Iterator[Event]:
        """What the caller gets of an event that is no row."""
        if isinstance(event, Problem):
            yield from self._problem(event)
        elif isinstance(event, StatementHead):
            yield from self._begin(event)
        elif isinstance(event, StatementTail):
            yield from self._end(event)
        else:
            yield event

    def finish(self) -> Iterator[Event]:
        """What is still held when the file has ended."""
        yield from self._close()
        if self._warned > MAX_WARNINGS:
            more = self._warned - MAX_WARNINGS
            yield problem("F-TEXT", f"{more} more remarks of this kind were left out", severity="warning")

    def raise_fatal(self) -> None:
        """End the reading if a fatal problem was met."""
        if self.fatal:
            raise FormatError(self.fatal[0], self.fatal)

    def warnings(self, found: Iterable[Problem]) -> Iterator[Problem]:
        """Problems that end nothing, up to the limit."""
        for one in found:
            self._warned += one.severity != "quarantine"
            if one.severity == "quarantine" or self._warned <= MAX_WARNINGS:
                yield one

    def _problem(self, found: Problem) -> Iterator[Problem]:
        if found.statement_index is None and self._open is not None and self._open.tail is None:
            found = replace(found, statement_index=self._open.head.index)
        if found.severity != "fatal":
            yield from self.warnings([found])
            return
        self.fatal.append(found)
        if len(self.fatal) >= MAX_FATAL_PROBLEMS:
            self.raise_fatal()

    # --- statements and pages ------------------------------------------------------------------------------------

    def _begin(self, head: StatementHead) -> Iterator[Event]:
        if self._open is not None and self._joins(self._open, head):
            self._open.page, self._open.tail, self._open.rows_of_page = head, None, 0
            return
        yield from self._close()
        self._statements += 1
        if self._statements > MAX_STATEMENTS:
            raise fail("F-TOO-LARGE", f"the file has more than {MAX_STATEMENTS} statements", head.position)
        head = replace(head, index=self._statements)
        self._open = _Open(head, head, RunningProof(head), complete=head.complete)
        yield head
        if (head.page or 1) > 1:
            self._open.complete = False
            message = f"page {head.page} comes without the page before it"
            yield from self.warnings([replace(problem("F-CHAIN", message, head.position), statement_index=head.index)])

    @staticmethod
    def _joins(open_: _Open, head: StatementHead) -> bool:
        """The next page of the same statement: same account and number, closing = opening (formats.md 2.8)."""
        page, tail = open_.page, open_.tail
        if tail is None or page.page is None or head.page != page.page + 1 or _is_last(page, tail):
            return False
        same = (page.account.number, page.account.currency, page.kind, page.sequence or page.statement_id) == (
            head.account.number, head.account.currency, head.kind, head.sequence or head.statement_id,
        )  # fmt: skip
        closing = next((b for b in tail.balances if b.balance_type == "closingBooked"), None)
        return same and (closing is None or head.opening is None or closing.amount == head.opening.amount)

    def _end(self, tail: StatementTail) -> Iterator[Event]:
        open_ = self._open
        if open_ is None or open_.tail is not None:
            raise fail("F-LOST", "the end of a statement came without its beginning", tail.position)
        # After a fatal problem the rows cannot be complete, and the problem has said why.
        if not self.fatal and (
            tail.entries_emitted != open_.rows_of_page or tail.entries_seen != tail.entries_emitted + tail.skipped
        ):
            message = (
                f"the statement has {tail.entries_seen} entries, but {open_.rows_of_page} rows came out and "
                f"{tail.skipped} were left out with a reason"
            )
            raise fail("F-LOST", message, tail.position)
        open_.seen += tail.entries_seen
        open_.emitted += tail.entries_emitted
        open_.skipped += tail.skipped
        open_.tail = tail
        yield from ()

    def _close(self) -> Iterator[Event]:
        open_, self._open = self._open, None
        if open_ is None:
            return
        if open_.tail is None:
            raise fail("F-LOST", "a statement has no end", open_.head.position)
        tail = self._joined_tail(open_, open_.tail)
        proof = open_.proof.close(tail)
        other = self._exchanged(proof, open_.head.index)
        if other is not None:
            proof = replace(proof, hints=(*proof.hints, "statements_exchanged"))
        tail = replace(tail, proof=proof, booked_days=open_.proof.booked_days)
        if not self.fatal:
            yield tail
        for found in [*_proof_problems(open_, tail, proof), *self._chain_problems(open_.head, tail, proof)]:
            yield from self.warnings([replace(found, statement_index=open_.head.index)])
        if other is not None:
            message = f"its difference and that of statement {open_.head.index} vanish if their rows are exchanged"
            yield replace(problem("F-BALANCE", message, open_.head.position), statement_index=other)

    def _exchanged(self, proof: Proof, index: int) -> int | None:
        """The statement whose rows would prove this one, as this one's would prove that (formats.md 5.4)."""
        if proof.state != "failed" or proof.difference is None:
            return None
        rows = proof.booked_sum
        other = self._failed.get((proof.currency, -proof.difference, rows + proof.difference))
        self._failed[proof.currency, proof.difference, rows] = index
        return other

    @staticmethod
    def _joined_tail(open_: _Open, tail: StatementTail) -> StatementTail:
        complete = (
            open_.complete
            and tail.complete
            and (open_.page.last_page if tail.last_page is None else tail.last_page) is not False
        )
        balances = tail.balances
        if open_.page is not open_.head:
            first = (open_.head.opening,) if open_.head.opening else ()
            rest = [b for b in balances if b.balance_type not in ("openingBooked", "other:PRCD")]
            balances = (*first, *rest)
        return replace(
            tail, balances=balances, complete=complete, entries_seen=open_.seen, entries_emitted=open_.emitted,
            skipped=open_.skipped,
        )  # fmt: skip

    def _chain_problems(self, head: StatementHead, tail: StatementTail, proof: Proof) -> Iterator[Problem]:
        """Statements of one account follow each other, oldest or newest first."""
        if head.kind != "statement":
            return
        key = (head.account.number, head.account.currency)
        before, self._chain[key] = self._chain.get(key), (proof.opening, proof.closing)
        if before is None or not (proof.opening and proof.closing and all(before)):
            return
        opening, closing = before
        follows = closing is not None and closing.amount == proof.opening.amount
        precedes = opening is not None and opening.amount == proof.closing.amount
        if not (follows or precedes) and closing is not None:
            message = (
                f"it opens with {proof.opening.amount}, but the statement before closed with {closing.amount} "
                f"{head.account.currency}"
            )
            yield problem("F-CHAIN", message, head.position)


def _is_last(page: StatementHead, tail: StatementTail) -> bool:
    return (page.last_page if tail.last_page is None else tail.last_page) is True


def _proof_problems(open_: _Open, tail: StatementTail, proof: Proof) -> Iterator[Problem]:
    if proof.state == "failed" and proof.opening and proof.closing:
        hints = f" Possible reason: {', '.join(proof.hints).replace('_', ' ')}." if proof.hints else ""
        message = (
            f"opening {proof.opening.amount} + {proof.credits} credits {proof.credit_sum} and {proof.debits} debits "
            f"{proof.debit_sum} = {proof.computed}, but the closing balance is {proof.closing.amount} "
            f"{proof.currency}: a difference of {proof.difference}.{hints}"
        )
        yield problem("F-BALANCE", message, tail.position)
    elif proof.state == "unproved" and open_.head.kind == "statement":
        missing = "rows are in another currency" if proof.closing and proof.opening else "a balance is missing"
        yield problem("F-UNPROVED", f"{missing}, so the statement is not proved", tail.position)
    if proof.totals == "failed" and tail.totals is not None:
        severity = "quarantine" if tail.totals.proving else "warning"
        for difference in proof.totals_differences:
            yield problem("F-TOTALS", difference, tail.totals.position, severity=severity)  # type: ignore[arg-type]
    if (open_.page.last_page if tail.last_page is None else tail.last_page) is False:
        yield problem("F-CHAIN", "the statement goes on on a page that is not in the file", tail.position)
