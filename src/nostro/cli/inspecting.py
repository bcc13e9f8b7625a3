"""``nostro inspect``: what a bank file is and what it says, without a server and without storing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from nostro.cli.bank_files import BankFile, bank_files, problems_of
from nostro.formats import (
    Entry,
    FileHead,
    FormatError,
    Hints,
    Problem,
    Proof,
    StatementHead,
    StatementTail,
    Survey,
    read,
    sentence,
)


def run(path: Path, hints: Hints) -> int:
    """Print accounts, period, counts, the arithmetic of the balances and every oddity with its place.

    Each file of an archive is shown by itself. Exit status 0: everything is right; 1: something belongs in
    quarantine; 2: a file cannot be used.
    """
    worst = 0
    try:
        for file in bank_files(path):
            worst = max(worst, _show_file(file, hints))
    except (OSError, FormatError) as error:
        _show_refusal(error)
        return 2
    return worst


def _show_file(file: BankFile, hints: Hints) -> int:
    typer.echo(_file_line(file.name, file.survey))
    try:
        return _show(file, hints)
    except FormatError as error:
        _show_refusal(error)
        return 2


def _show_refusal(error: OSError | FormatError) -> None:
    for problem in problems_of(error):
        typer.echo(f"  ✗ {sentence(problem)}", err=True)


def _file_line(name: str, found: Survey) -> str:
    what = ", ".join(f"{one.format} ({one.reason})" for one in found.candidates) or "unknown"
    return f"{name}: {what}, {found.encoding}, {found.size:,} bytes, SHA-256 {found.sha256[:16]}…"


def _show(file: BankFile, hints: Hints) -> int:
    worst, head = 0, None
    for event in read(file.chunks, file.survey, hints):
        if isinstance(event, Entry):
            continue
        if isinstance(event, FileHead):
            typer.echo("  " + ", ".join(filter(None, [event.version, event.dialect, event.message_id, event.created])))
        elif isinstance(event, StatementHead):
            head = event
        elif isinstance(event, StatementTail) and head is not None and event.proof is not None:
            typer.echo("\n".join(_statement_lines(head, event, event.proof)))
        elif isinstance(event, Problem):
            worst = max(worst, int(event.severity == "quarantine"))
            mark = {"quarantine": "✗", "warning": "!"}.get(event.severity, "·")
            where = f"statement {event.statement_index}: " if event.statement_index else ""
            typer.echo(f"  {mark} {where}{sentence(event)}")
    return worst


def _statement_lines(head: StatementHead, tail: StatementTail, proof: Proof) -> Iterator[str]:
    days = tail.booked_days
    period = f"{days.date_from} to {days.date_to}" if days else "no booked rows"
    number = f"no. {head.sequence or head.statement_id}" if head.sequence or head.statement_id else ""
    kind = "" if head.kind == "statement" else head.kind
    named = [f"Statement {head.index}", head.account.number, head.account.currency, number, kind, period]
    yield "  " + "   ".join(filter(None, [*named, f"{tail.entries_emitted:,} rows"]))
    if proof.opening:
        yield f"    opening {proof.opening.reference_date!s:>14}  {proof.opening.amount:>20,}"
    yield f"    + {proof.credits:>9,} credits    {proof.credit_sum:>20,}"
    yield f"    − {proof.debits:>9,} debits     {-proof.debit_sum:>20,}"
    if proof.computed is not None:
        yield f"    = computed              {proof.computed:>20,}"
    if proof.closing:
        difference = f"   difference {proof.difference:,}" if proof.difference else ""
        closing = f"{proof.closing.reference_date!s:>14}  {proof.closing.amount:>20,}"
        yield f"    closing {closing}   {proof.state}{difference}"
    else:
        yield "    no closing balance: unproved"
