"""Lines of a confirmed file, all accounts in the caller's transaction (formats.md 9), and what it would bring."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping
from uuid import UUID

from nostro.books.companies.models import LockType
from nostro.books.companies.services import lock_company
from nostro.books.destinations.builtin import destination_of
from nostro.books.files.changes import ChangedRow
from nostro.books.files.comparing import Found, compare
from nostro.books.files.models import JournalFile, JournalFileAccount, JournalFileStatement, LineSighting, StagedLine
from nostro.books.files.reading import values_of
from nostro.books.journals.announced import Announced, keep_announced
from nostro.books.journals.balances import UNDONE_REASON, is_stated, newest_balance, record_balance
from nostro.books.journals.changes import Changed, fill_details, note_changes
from nostro.books.journals.file_days import note_file_days
from nostro.books.journals.importing import BATCH_LIMIT, LineValues, NewLine
from nostro.books.journals.line_parts import keep_parts
from nostro.books.journals.models import Feed, Journal, Line, OpeningOrigin, Source
from nostro.books.journals.services import create_journal, post_held, set_feed
from nostro.books.ledger.bulk import copy_rows
from nostro.books.ledger.posting import hold_locks, lock_for
from nostro.books.links.beside_files import look_again
from nostro.books.links.pending import settle_pending
from nostro.books.reconcile.automation import request_look
from nostro.core.account_keys import online_identity
from nostro.core.transactions import Window
from nostro.people.audit import record

Reached = Callable[[str], None]
_COUNTS = ("new_count", "known_count", "restored_count", "held_count", "changed_count", "announced_count")


def note_preview(file: JournalFile) -> None:
    """Compare each account of a file and keep what importing it would do."""
    for account in JournalFileAccount.objects.select_related("journal__company").filter(file=file, refusal=""):
        found = compare(account)
        withheld = _withheld(account, found)
        _mark_staged(account, found, withheld)
        _count(account, found, withheld)
        account.save()
    add_up(file)


def add_up(file: JournalFile) -> None:
    """The counts of a file are those of its accounts that take part. Not stored."""
    accounts = [each for each in JournalFileAccount.objects.filter(file=file) if each.takes_part]
    for name in _COUNTS:
        setattr(file, name, sum(getattr(each, name) for each in accounts))


def import_file(file: JournalFile, now: dt.datetime, reached: Reached) -> None:
    """Import all accounts that take part. Raises Problem where a journal cannot be made, and then nothing is stored."""
    accounts = JournalFileAccount.objects.filter(file=file, refusal="", decision__in=["import", "create"])
    # The company before its journals, as who moves a lock does, and as strongly as making a journal will need it.
    if accounts.filter(journal=None).exists():
        lock_company(file.company)
    hold_locks(file.company)
    # Always in one order, so that two imports do not wait for each other.
    for account in accounts.order_by("currency", "number"):
        journal = _journal_for(file, account)
        _import_account(file, account, journal, now, reached)
    add_up(file)
    # What is shown to a person and not stored stays; a changed row may turn out to be another transaction.
    StagedLine.objects.filter(file=file, changes=False).exclude(held="withdrawn").delete()
    file.status, file.imported_at, file.updated_at, file.lease_until = "imported", now, now, None
    file.save()
    request_look(file.company, now=now)


def _journal_for(file: JournalFile, account: JournalFileAccount) -> Journal:
    if account.journal_id is None:
        known = Journal.objects.filter(
            company_id=file.company_id, account_number=account.number, currency=account.currency, active=True
        )
        account.journal = known.first() or create_journal(
            file.confirmed_by, file.company, name=account.owner_name or account.number, currency=account.currency,
            account_number=account.number, bic=account.bic,
        )  # fmt: skip
    locked = Journal.objects.select_for_update(no_key=True, of=("self",)).select_related("company")
    return locked.get(pk=account.journal_id)


def _import_account(
    file: JournalFile, account: JournalFileAccount, journal: Journal, now: dt.datetime, reached: Reached
) -> None:
    """Lines with entries, sightings, balances, days, proof and statements."""
    if journal.feed == Feed.UNDEFINED:
        set_feed(journal, Feed.IMPORT)
    found = compare(account)
    was_empty = not Line.objects.filter(journal=journal).exclude(status_reason=UNDONE_REASON).exists()
    new = _new_lines(found)
    destination = destination_of(journal)
    for start in range(0, len(new), BATCH_LIMIT):
        batch = [line for _, line in new[start : start + BATCH_LIMIT]]
        destination.import_batch(journal, batch, identity=identity_of(journal), run_id=file.pk, now=now)
        reached("batch imported")
    _restore(file, found, now)
    fill_details(journal, found.more)
    note_changes(journal, [_changed(file, each) for each in found.changed], ())
    _note_sightings(file, account, found, new)
    _note_balance(file, account, journal, now)
    _note_days(file, account, journal)
    keep_announced(journal, _announced(account), run_id=file.pk, now=now)
    if was_empty and journal.opening_origin == OpeningOrigin.NONE:
        journal.opening_origin, account.gave_opening = OpeningOrigin.COMPUTED, True
        journal.save(update_fields=["opening_origin"])
    destination.close_run(journal, now=now)
    settle_pending(journal, now=now)
    look_again(journal, now=now)
    _count(account, found, _withheld(account, found))
    account.save()
    record(
        tenant_id=file.company_id, actor=file.confirmed_by, action="file.imported", obj=file,
        sentence=f"Imported the bank file {file.name} into {journal.code}.",
        after={"new": account.new_count, "held": account.held_count, "reason": file.reason},
    )  # fmt: skip


def _announced(account: JournalFileAccount) -> list[Announced]:
    """What the statements of an account announce: pending until it is booked (formats.md 8.4)."""
    rows = StagedLine.objects.filter(statement__account=account).exclude(standing="booked").order_by("number")
    return [Announced(row.statement_id, row.standing == "provisional", values_of(row)) for row in rows]


def _restore(file: JournalFile, found: Found, now: dt.datetime) -> None:
    """Lines that went with an import that was undone are posted again."""
    back = [stored.id for _, stored in found.compared.restored]
    lines = Line.objects.select_for_update(of=("self",)).select_related("journal", "company", "entry", "statement")
    for line in lines.filter(pk__in=back).order_by("order_date", "day_seq"):
        post_held(line, file.confirmed_by, "line.restored", now)


def _new_lines(found: Found) -> list[tuple[int, NewLine]]:
    """New lines and held ones by their number in the file, oldest first."""
    lines: list[tuple[int, NewLine]] = []
    last: Counter[str] = Counter()
    for each in found.compared.added:
        last[each.row.fingerprint] = max(last[each.row.fingerprint], each.ordinal)
        lines.append((each.row.number, _line(found.values[each.row.number], each.row.fingerprint, each.ordinal)))
    for held in found.compared.held:
        if held.reason == "alike":
            last[held.row.fingerprint] += 1
            line = _line(found.values[held.row.number], held.row.fingerprint, last[held.row.fingerprint], held.like)
            lines.append((held.row.number, line))
    return sorted(lines, key=lambda pair: (pair[1].values.booking_date, pair[0]))


def _line(values: LineValues, fingerprint: str, ordinal: int, like: UUID | None = None) -> NewLine:
    return NewLine(values, Source.FILE, fingerprint, ordinal, duplicate_of=like)


def _changed(file: JournalFile, each: ChangedRow) -> Changed:
    row = each.row
    return Changed(each.line.pk, row.amount, row.currency, row.booking_date, row.fingerprint, file.pk)


def _note_sightings(
    file: JournalFile, account: JournalFileAccount, found: Found, new: list[tuple[int, NewLine]]
) -> None:
    """Which row showed which line; also held rows and changed ones, so that the file again brings nothing."""
    stored = {
        (line.fingerprint, line.occurrence): line.pk
        for line in Line.objects.filter(run_id=file.pk, journal=account.journal_id).only("fingerprint", "occurrence")
    }
    made = {number: stored[line.fingerprint, line.occurrence] for number, line in new}
    # Lines get ids of their own; rows that two statements of the file show are known by the id that was proposed.
    lines = {each.id: made[each.row.number] for each in found.compared.added}
    shown = [(each.statement_id, each.row, lines.get(line_id, line_id)) for each, line_id in found.compared.seen]
    held = {each.row.number: each.row for each in found.compared.held if each.row.number in made}
    statements = StagedLine.objects.filter(file=file, number__in=held).values_list("number", "statement_id")
    shown += [(statement_id, held[number], made[number]) for number, statement_id in statements]
    _note_parts(account, {row.number: line_id for _, row, line_id in shown})
    copy_rows(
        [
            LineSighting(
                company_id=file.company_id, statement_id=statement_id, line_id=line_id, number=row.number,
                fingerprint=row.fingerprint,
            )
            for statement_id, row, line_id in shown
        ]
    )  # fmt: skip


def _note_parts(account: JournalFileAccount, shown: Mapping[int, UUID]) -> None:
    """The payments of batches, by the lines that their rows are."""
    assert account.journal is not None, "the account is imported into it"
    told = StagedLine.objects.filter(statement__account=account).exclude(parts="").values_list("number", "parts")
    parts = {shown[number]: json.loads(text) for number, text in told.iterator(chunk_size=500) if number in shown}
    keep_parts(account.journal, parts)


def _note_balance(file: JournalFile, account: JournalFileAccount, journal: Journal, now: dt.datetime) -> None:
    """The newest closing balance of the file is the bank's balance, if none newer is known."""
    dated = JournalFileStatement.objects.filter(account=account, closing__isnull=False, closing_day__isnull=False)
    last = dated.order_by("closing_day", "index").last()
    known = newest_balance(journal)
    if last is None or last.closing is None or last.closing_day is None:
        return
    if is_stated(journal, last.closing, last.closing_day):
        return
    if known is not None and known.reference_date is not None and known.reference_date > last.closing_day:
        return
    record_balance(
        journal, kind="current", amount=last.closing, reference_date=last.closing_day, observed_at=now, run_id=file.pk
    )


def _note_days(file: JournalFile, account: JournalFileAccount, journal: Journal) -> None:
    days = JournalFileStatement.objects.filter(account=account).values_list("complete_from", "complete_to")
    note_file_days(journal, [Window(first, last) for first, last in days if first and last], run_id=file.pk)


def identity_of(journal: Journal) -> str:
    """As a feed of the same account would have it (books.md 1)."""
    return online_identity(journal.account_number, journal.currency, str(journal.pk))[:120]


# --- what is told of it ----------------------------------------------------------------------------------------------


def _count(account: JournalFileAccount, found: Found, withheld: Mapping[int, str]) -> None:
    account.new_count = len(found.compared.added) - len(withheld)
    account.known_count, account.restored_count = found.compared.known, len(found.compared.restored)
    account.held_count = len(found.compared.held) + len(withheld)
    account.changed_count = len(found.changed)
    changed = {each.line.pk for each in found.changed}
    account.not_shown_count = sum(each.id not in changed for each in found.compared.not_shown)


def _withheld(account: JournalFileAccount, found: Found) -> dict[int, str]:
    """New rows that are held when they are imported, with the reason: locked or currency (books.md 3.1)."""
    journal = account.journal
    lock = lock_for(account.file.company, LockType.BANK)
    reasons: dict[int, str] = {}
    for each in found.compared.added:
        values = found.values[each.row.number]
        day = journal.accounting_day(values.booking_date, values.value_date) if journal else values.booking_date
        if values.currency != account.currency:
            reasons[each.row.number] = "currency"
        elif lock is not None and day <= lock.until and values.amount:
            reasons[each.row.number] = "locked"
    return reasons


def _mark_staged(account: JournalFileAccount, found: Found, withheld: Mapping[int, str]) -> None:
    """The preview shows which rows are held or changes, and why; importing decides again."""
    told: dict[int, tuple[str, bool, UUID | None]] = {
        number: (reason, False, None) for number, reason in withheld.items()
    }
    told |= {each.row.number: (each.reason, False, each.like) for each in found.compared.held}
    told |= {each.row.number: ("", True, each.line.pk) for each in found.changed}
    rows = list(StagedLine.objects.filter(statement__account=account, number__in=told))
    for row in rows:
        row.held, row.changes, row.like = told[row.number]
    StagedLine.objects.bulk_update(rows, ["held", "changes", "like"], batch_size=500)
