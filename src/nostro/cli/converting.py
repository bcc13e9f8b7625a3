"""``nostro convert``: a bank file into another format, without a server and without storing anything."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import typer

from nostro.cli.bank_files import bank_files, problems_of
from nostro.formats import (
    Entry,
    FileHead,
    FormatError,
    Hints,
    OutgoingStatement,
    Problem,
    StatementHead,
    StatementTail,
    WriteError,
    WriteOptions,
    lossy_fields,
    read,
    sentence,
    write,
)

#: What the end of a file's name asks for.
FORMATS_BY_SUFFIX = {
    ".xml": "camt.053", ".camt": "camt.053", ".sta": "mt940", ".mt940": "mt940", ".940": "mt940", ".ofx": "ofx",
    ".cod": "coda", ".coda": "coda", ".csv": "csv", ".xlsx": "xlsx",
}  # fmt: skip


def run(source: Path, target: Path, form: str, hints: Hints, *, force: bool) -> int:
    """Read ``source``, prove it, write ``target``. Exit status 0, or 2 with the reason and no file written."""
    form = form or FORMATS_BY_SUFFIX.get(target.suffix.lower(), "")
    if not form:
        typer.echo(f"{target.name} does not say its format; name it with --to", err=True)
        return 2
    if target.exists() and not force:
        typer.echo(f"{target} exists; --force overwrites it", err=True)
        return 2
    try:
        head, statements = _load(source, hints)
        options = WriteOptions(created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), message_id="NOSTRO")
        lost = lossy_fields(form, head, statements)
        store(write(form, head, statements, options), target)
    except FormatError as error:
        for problem in problems_of(error):
            typer.echo(f"✗ {sentence(problem)}", err=True)
        return 2
    except (WriteError, OSError) as error:
        typer.echo(f"✗ {error}", err=True)
        return 2
    rows = sum(len(list(statement.entries)) for statement in statements)
    typer.echo(f"{target}: {form}, {len(statements)} statements, {rows:,} rows")
    if lost:
        typer.echo(f"{form} could not hold all of: {', '.join(lost)}")
    return 0


def _load(source: Path, hints: Hints) -> tuple[FileHead, list[OutgoingStatement]]:
    """All statements of the file, or of all files in the archive."""
    file_head, statements = FileHead(""), list[OutgoingStatement]()
    for file in bank_files(source):
        head: StatementHead | None = None
        entries: list[Entry] = []
        for event in read(file.chunks, file.survey, hints):
            if isinstance(event, Entry):
                entries.append(event)
            elif isinstance(event, FileHead):
                file_head = event
            elif isinstance(event, StatementHead):
                head, entries = event, []
            elif isinstance(event, StatementTail) and head is not None and event.proof is not None:
                statements.append(OutgoingStatement(head, entries, event.proof.opening, event.proof.closing))
            elif isinstance(event, Problem):
                typer.echo(f"! {file.name}: {sentence(event)}", err=True)
    return file_head, statements


def store(pieces: Iterator[bytes], target: Path) -> None:
    """All or nothing: the file appears under its name when it is whole."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            file.writelines(pieces)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
