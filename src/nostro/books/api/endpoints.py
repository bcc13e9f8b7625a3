"""What each endpoint does: translate a call into one verb of a room and its result into a resource."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from nostro.books.api import documents as show
from nostro.books.api.call import Call, Document, as_id, invalid, listed
from nostro.books.api.finding import decided
from nostro.books.companies.models import Role
from nostro.books.journals import services as journals
from nostro.books.journals.models import GroupingChoice, OpeningOrigin
from nostro.books.journals.queries import (
    access_journal,
    access_line,
    access_statement,
    journals_of,
    lines_of,
    pending_of,
    statements_of,
)
from nostro.books.ledger.queries import access_document, accounts_of, documents_of
from nostro.books.links import control, credentials, editing, services
from nostro.books.links.account_lists import reload_accounts
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import FetchSchedule, JournalLink, OnlineAccount
from nostro.books.links.queries import (
    access_connection,
    access_link,
    access_online_account,
    access_run,
    connections_of,
    online_accounts_of,
)
from nostro.books.links.wizard import LinkRow, confirm_links
from nostro.books.reconcile.queries import access_match_group, match_groups_of
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, set_to_check, undo
from nostro.books.reminders.models import ConsentNotice
from nostro.people.audit import PAGE, trail

Filters = ("all", "not_matched", "to_check", "held")


def one(resource: Document) -> Document:
    return {"data": resource}


def get_company(call: Call) -> Document:
    return one(show.company(call.company))


# --- connections, accounts, links ---


def list_connections(call: Call) -> Document:
    return call.page(connections_of(call.company), show.connection)


def create_connection(call: Call) -> Document:
    made = credentials.connect(
        call.user, call.company.id, hub_url=call.text("hubUrl"), client_id=call.text("clientId"),
        secret=call.text("secret"), now=call.now,
    )  # fmt: skip
    return one(show.connection(made))


def connect_with_token(call: Call) -> Document:
    """With a deprecated API token, until it is migrated (books.md 6)."""
    made = credentials.connect_with_token(
        call.user, call.company.id, hub_url=call.text("hubUrl"), token=call.text("apiToken"), now=call.now
    )
    return one(show.connection(made))


def take_token_back(call: Call, key: UUID) -> Document:
    return one(show.connection(credentials.take_token_back(
        call.user, call.own(access_connection, key).id, now=call.now
    )))  # fmt: skip


def get_connection(call: Call, key: UUID) -> Document:
    return one(show.connection(call.own(access_connection, key)))


def list_accounts(call: Call, key: UUID) -> Document:
    return call.page(online_accounts_of(call.own(access_connection, key)), show.online_account)


def reload(call: Call, key: UUID) -> Document:
    found = call.own(access_connection, key)
    reload_accounts(call.user, found.id, now=call.now)
    return call.page(online_accounts_of(found), show.online_account)


def fetch_connection(call: Call, key: UUID) -> Document:
    """Fetch every linked account; one that is under way is joined."""
    call.require(Role.CLERK)
    found = call.own(access_connection, key)
    linked = OnlineAccount.objects.filter(connection=found, links__unlinked_at=None, links__isnull=False).distinct()
    runs = [request_fetch(call.user, account, trigger="person", now=call.now) for account in linked]
    return listed([show.run(run) for run in runs], "")


def update_credentials(call: Call, key: UUID) -> Document:
    found = call.own(access_connection, key)
    change = credentials.update_credentials(
        call.user, found.id, client_id=call.text("clientId"), secret=call.text("secret"), now=call.now
    )
    return _change(found.id, change)


def preview_credentials(call: Call, key: UUID) -> Document:
    found = call.own(access_connection, key)
    change = credentials.preview_credentials(
        call.user, found.id, client_id=call.text("clientId"), secret=call.text("secret")
    )
    return _change(found.id, change)


def _change(key: UUID, change: credentials.CredentialChange) -> Document:
    lists = {"matched": change.matched, "newlyVisible": change.new, "noLongerVisible": change.missing}
    numbers = {name: [{"reference": row.reference, "currency": row.currency} for row in rows]
               for name, rows in lists.items()}  # fmt: skip
    return one({"type": "credentialChange", "id": str(key), "attributes": numbers})


def pause(call: Call, key: UUID) -> Document:
    return one(show.connection(control.pause(call.user, call.own(access_connection, key).id, now=call.now)))


def resume(call: Call, key: UUID) -> Document:
    return one(show.connection(control.resume(call.user, call.own(access_connection, key).id, now=call.now)))


def set_automatic(call: Call, key: UUID) -> Document:
    found, on = call.own(access_connection, key), call.flag("automaticSynchronization")
    return one(show.connection(services.set_automatic_sync(call.user, found.id, on, now=call.now)))


def disconnect(call: Call, key: UUID) -> Document:
    return one(show.connection(services.disconnect(call.user, call.own(access_connection, key).id, now=call.now)))


def create_links(call: Call, key: UUID) -> Document:
    """Link accounts of a connection: all rows or none (books.md 4)."""
    found, rows = call.own(access_connection, key), call.attributes.get("rows")
    if not isinstance(rows, list) or not 0 < len(rows) <= 100 or not all(isinstance(row, dict) for row in rows):
        raise invalid("rows must be a list of 1 to 100 objects.", "rows")
    links = confirm_links(call.user, found.id, [_row(call, row) for row in rows], now=call.now)
    return listed([show.link(each) for each in links], "")


def _row(call: Call, row: dict[str, Any]) -> LinkRow:
    part = Call(call.caller, call.now, {}, row)
    account, action = part.id("accountId"), part.text("action", default="link")
    if account is None or action not in {"create", "link", "skip"}:
        raise invalid("A row needs accountId, and an action create, link or skip.", "rows")
    return LinkRow(
        account, action, part.id("journalId"),  # type: ignore[arg-type]
        grouping=part.text("grouping", default=GroupingChoice.PER_SYNCHRONIZATION),
        fetch_schedule=part.text("fetchSchedule", default=FetchSchedule.EVERY_12_HOURS),
        fetch_times=_times(part), fetch_from=part.day("fetchFrom"),
        opening=part.text("opening", default=OpeningOrigin.NONE), opening_amount=part.amount("openingAmount"),
        opening_account_id=part.id("openingAccountId"), exchange_rate=part.amount("exchangeRate"),
        confirmed_number=part.flag("confirmedNumber"), changed_currency=part.flag("changedCurrency"),
    )  # fmt: skip


def _times(call: Call) -> tuple[dt.time, ...]:
    values = call.attributes.get("fetchTimes", [])
    try:
        return tuple(dt.time.fromisoformat(value) for value in values[:24])
    except (TypeError, ValueError):
        raise invalid("fetchTimes must be times like 08:00.", "fetchTimes") from None


def get_link(call: Call, key: UUID) -> Document:
    return one(show.link(call.own(access_link, key)))


def edit_link(call: Call, key: UUID) -> Document:
    """Only what is named changes."""
    found = call.own(access_link, key)
    times = _times(call) if "fetchTimes" in call.attributes else tuple(found.fetch_times)
    services.edit_link(
        call.user, found.id, grouping=call.text("grouping", default=found.journal.grouping),
        fetch_schedule=call.text("fetchSchedule", default=found.fetch_schedule), fetch_times=times, now=call.now,
    )  # fmt: skip
    if (day := call.day("fetchFrom")) is not None:
        editing.change_fetch_from(call.user, found.id, day, now=call.now)
    return one(show.link(access_link(call.user, found.id)))


def move_link(call: Call, key: UUID) -> Document:
    found, journal_id = call.own(access_link, key), call.id("journalId")
    if journal_id is None:
        raise invalid("journalId is missing.", "journalId")
    moved = editing.relink(
        call.user, found.id, journal_id, confirmed_number=call.flag("confirmedNumber"), now=call.now
    )  # fmt: skip
    return one(show.link(moved))


def unlink(call: Call, key: UUID) -> Document:
    end = editing.decline if call.flag("declined") else services.unlink
    ended: JournalLink = end(call.user, call.own(access_link, key).id, now=call.now)
    return one(show.link(ended))


def fetch_account(call: Call, key: UUID) -> Document:
    call.require(Role.CLERK)
    account = call.own(access_online_account, key)
    return one(show.run(request_fetch(call.user, account, trigger="person", now=call.now)))


def reset_account(call: Call, key: UUID) -> Document:
    return one(show.run(control.reset_cursor(call.user, call.own(access_online_account, key).id, now=call.now)))


def get_fetch(call: Call, key: UUID) -> Document:
    return one(show.run(call.own(access_run, key)))


def list_notices(call: Call) -> Document:
    notices = ConsentNotice.objects.filter(company=call.company).order_by("-created_at", "-id")
    return call.page(list(notices[:1_000]), show.notice)


# --- journals, lines, statements ---


def list_journals(call: Call) -> Document:
    return call.page(journals_of(call.company), show.journal)


def create_journal(call: Call) -> Document:
    company = call.require(Role.OWNER)
    made = journals.create_journal(
        call.user, company, name=call.text("name"), currency=call.text("currency"),
        kind=call.text("kind", default="bank"), account_number=call.text("accountNumber", default=""),
        bank_name=call.text("bankName", default=""), bic=call.text("bic", default=""),
    )  # fmt: skip
    return one(show.journal(made))


def get_journal(call: Call, key: UUID) -> Document:
    return one(show.journal(call.own(access_journal, key)))


def list_statements(call: Call, key: UUID) -> Document:
    return call.page(statements_of(call.own(access_journal, key)), show.statement)


def list_pending(call: Call, key: UUID) -> Document:
    return call.page(pending_of(call.own(access_journal, key)), show.pending)


def list_lines(call: Call) -> Document:
    """All lines, newest first; ``journal``, ``filter`` and ``q`` narrow them."""
    chosen = call.query.get("filter", "all")
    if chosen not in Filters:
        raise invalid(f"filter must be one of {', '.join(Filters)}.", "filter")
    journal_id, after = call.query.get("journal", ""), call.query.get("after", "")
    journal = call.own(access_journal, as_id(journal_id, "journal")) if journal_id else None
    cursor = str(call.own(access_line, as_id(after, "after")).id) if after else ""
    page = lines_of(
        call.company, journal=journal, filter=chosen,  # type: ignore[arg-type]
        text=call.query.get("q", ""), cursor=cursor, limit=call.limit,
    )  # fmt: skip
    return listed([show.line(each) for each in page.items], page.next_cursor)


def add_line(call: Call, key: UUID) -> Document:
    made = journals.add_manual_line(
        call.user, call.own(access_journal, key).id, date=call.required_day("date"),
        amount=call.required_amount("amount"), label=call.text("label"),
        counterparty_name=call.text("counterpartName", default=""), now=call.now,
    )  # fmt: skip
    return one(show.line(made))


def get_line(call: Call, key: UUID) -> Document:
    return one(show.line(call.own(access_line, key)))


def remove_line(call: Call, key: UUID) -> Document:
    call.own(access_line, key)
    return decided(call, key, journals.remove_line, reason=call.text("reason"))


def restore_line(call: Call, key: UUID) -> Document:
    return decided(call, key, journals.restore_line)


def merge_line(call: Call, key: UUID) -> Document:
    return decided(call, key, journals.merge_duplicate)


def keep_line(call: Call, key: UUID) -> Document:
    return decided(call, key, journals.keep_both)


def check_line(call: Call, key: UUID) -> Document:
    return one(show.line(set_to_check(call.user, call.own(access_line, key).id, call.flag("toCheck"))))


def confirm_statement(call: Call, key: UUID) -> Document:
    return one(show.statement(journals.confirm_statement(call.user, call.own(access_statement, key).id, now=call.now)))


# --- documents, matches, the chart, the trail ---


def list_documents(call: Call) -> Document:
    return call.page(documents_of(call.company, open_only=call.query.get("open") == "true"), show.document)


def get_document(call: Call, key: UUID) -> Document:
    return one(show.document(call.own(access_document, key)))


def list_chart(call: Call) -> Document:
    return call.page(accounts_of(call.company), show.account)


def list_matches(call: Call, key: UUID) -> Document:
    return call.page(match_groups_of(call.own(access_line, key), live_only=False), show.match)


def create_match(call: Call, key: UUID) -> Document:
    """With open items in their order, or with an account for all or a part."""
    found, items, account_id = call.own(access_line, key), call.ids("itemIds"), call.id("accountId")
    if bool(items) == (account_id is not None):
        raise invalid("Give either itemIds or accountId.", "itemIds")
    if account_id is None:
        return one(show.match(reconcile_with_items(call.user, found.id, items, now=call.now)))
    made = reconcile_with_account(
        call.user, found.id, account_id, amount=call.amount("amount"), label=call.text("label", default=""),
        now=call.now,
    )  # fmt: skip
    return one(show.match(made))


def undo_match(call: Call, key: UUID) -> Document:
    return one(show.match(undo(call.user, call.own(access_match_group, key).id, now=call.now)))


def list_audit(call: Call) -> Document:
    after = call.query.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise invalid("after must be the id of a record.", "after")
    limit = min(call.limit, PAGE)
    found = trail(tenant_id=call.company.id, before=int(after) if after else None, limit=limit)
    return listed([show.audit_record(each) for each in found], str(found[-1].id) if len(found) == limit else "")
