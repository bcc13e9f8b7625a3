"""Lists of a company that are kept rather than booked, as rows of a file: partners, people, rules, bank files, drafts,
entries made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import prefetch_related_objects
from django.http import HttpRequest

from nostro.books.companies.members import members_of
from nostro.books.companies.models import Company
from nostro.books.files.models import JournalFile
from nostro.books.files.queries import files_after
from nostro.books.journals.models import Journal
from nostro.books.ledger.drafts import drafts_of, summary_of
from nostro.books.ledger.misc import misc_entries_of
from nostro.books.ledger.partners import find_partners, owing
from nostro.books.pages.rule_words import Words
from nostro.books.pages.shell import person
from nostro.books.reconcile.rules.loading import definition_of
from nostro.books.reconcile.rules.services import rules_of

Rows = Iterator[Sequence[object]]

#: Files that are read at once, and entries of a list at most.
FILES_PAGE, ENTRIES_LIMIT = 200, 1_000_000

PARTNERS = ("name", "vat_number", "in_use", "account_numbers", "open", "currency", "id")
MEMBERS = ("name", "email", "role", "since", "id")
RULES = ("place", "name", "kind", "in_use", "applies", "conditions", "outcome", "version", "archived", "id")
FILES = (
    "name", "format", "status", "handed_in", "handed_in_by", "rows", "new", "known", "held", "changed", "announced",
    "left_out", "imported", "undone", "sha256", "id",
)  # fmt: skip
DRAFTS = ("kind", "partner", "amount", "currency", "changed", "id")
ENTRIES = ("number", "date", "label", "reversed", "id")


def partners(company: Company, request: HttpRequest) -> Rows:
    """Those in use, then archived ones, by name; one row for each currency in which something is open."""
    del request
    for archived in (False, True):
        after = ""
        while True:
            page, after = find_partners(company, archived=archived, after=after)
            prefetch_related_objects(page, "bank_accounts")
            amounts = owing(company, page)
            for each in page:
                numbers = ", ".join(sorted(one.account_number for one in each.bank_accounts.all() if one.active))
                head = (each.name, each.vat_number, _yes(each.active), numbers)
                for one in amounts[each.id]:
                    yield *head, one.amount, one.currency, each.id
                if not amounts[each.id]:
                    yield *head, None, "", each.id
            if not after:
                break


def members(company: Company, request: HttpRequest) -> Rows:
    """Who may see and change the books."""
    del request
    for each in members_of(company):
        yield str(each.user), each.user.email, each.role, each.created_at, each.id


def rules(company: Company, request: HttpRequest) -> Rows:
    """In their order, archived ones last; conditions and outcome as the page says them."""
    words = Words(company)
    for archived in (False, True):
        for each in rules_of(person(request), company, archived=archived):
            if each.version is None:
                continue
            said = definition_of(each.version.definition)
            yield (
                each.sequence, each.version.name, each.kind, _yes(each.active), _yes(each.applies),
                "; ".join(words.conditions(said)), "; ".join(words.outcome(said)), each.version.number,
                each.archived_at, each.id,
            )  # fmt: skip


def files(company: Company, request: HttpRequest) -> Rows:
    """All bank files, newest first."""
    del request
    return _files(company, None)


def files_of_journal(journal: Journal, request: HttpRequest) -> Rows:
    """Those of a journal."""
    del request
    return _files(journal.company, journal)


def _files(company: Company, journal: Journal | None) -> Rows:
    last: JournalFile | None = None
    while page := files_after(company, journal=journal, after=last, limit=FILES_PAGE):
        prefetch_related_objects(page, "handed_in_by")
        for each in page:
            yield (
                each.name, each.format, each.status, each.created_at, each.handed_in_by or "", each.rows,
                each.new_count, each.known_count, each.held_count, each.changed_count, each.announced_count,
                each.left_out, each.imported_at, each.undone_at, each.sha256, each.id,
            )  # fmt: skip
        last = page[-1]


def drafts(company: Company, request: HttpRequest) -> Rows:
    """What waits to be posted, the last changed one first."""
    del request
    for each in drafts_of(company):
        each.company = company
        said = summary_of(each)
        yield each.kind, said.partner_name, said.amount, said.currency, each.changed_at, each.id


def entries(company: Company, request: HttpRequest) -> Rows:
    """Entries made by hand, newest first."""
    del request
    for each in misc_entries_of(company, ENTRIES_LIMIT):
        yield each.number, each.entry.date, each.label, _yes(each.is_reversed), each.id


def _yes(value: bool) -> str:
    return "yes" if value else "no"
