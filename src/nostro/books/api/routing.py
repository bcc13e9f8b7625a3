# ruff: noqa: E501 - a table is read by its columns
"""The table of all endpoints: the addresses, the OpenAPI document and the tests are made from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nostro.books.api import endpoints as do
from nostro.books.api.call import Document


class Endpoint(NamedTuple):
    """One verb at one path. ``attributes`` are those of the body; a name that ends in ``?`` may be left out."""

    method: str
    path: str
    handler: Callable[..., Document]
    summary: str
    attributes: tuple[str, ...] = ()


_PAIR = ("clientId", "secret")
_LINK = ("grouping?", "fetchSchedule?", "fetchTimes?", "fetchFrom?")
_K = "<uuid:key>"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "company", do.get_company, "The company of the token"),
    Endpoint("GET", "connections", do.list_connections, "Connections to Hubs"),
    Endpoint("POST", "connections", do.create_connection, "Connect a Hub", ("hubUrl", *_PAIR)),
    Endpoint("GET", f"connections/{_K}", do.get_connection, "One connection"),
    Endpoint("GET", f"connections/{_K}/accounts", do.list_accounts, "Its online accounts"),
    Endpoint("POST", f"connections/{_K}/reload", do.reload, "Read the Hub's list of accounts again"),
    Endpoint("POST", f"connections/{_K}/fetch", do.fetch_connection, "Fetch all its linked accounts"),
    Endpoint("POST", f"connections/{_K}/credentials/preview", do.preview_credentials, "What a new pair would show", _PAIR),
    Endpoint("POST", f"connections/{_K}/credentials", do.update_credentials, "Use a new pair, or migrate an API token", _PAIR),
    Endpoint("POST", f"connections/{_K}/pause", do.pause, "Fetch nothing by schedule"),
    Endpoint("POST", f"connections/{_K}/resume", do.resume, "Fetch by schedule again"),
    Endpoint("POST", f"connections/{_K}/automatic", do.set_automatic, "Switch automatic synchronization", ("automaticSynchronization",)),
    Endpoint("POST", f"connections/{_K}/disconnect", do.disconnect, "End all its links"),
    Endpoint("POST", f"connections/{_K}/links", do.create_links, "Link accounts: all rows or none", ("rows",)),
    Endpoint("GET", f"links/{_K}", do.get_link, "One link"),
    Endpoint("POST", f"links/{_K}", do.edit_link, "Change the settings of one link", _LINK),
    Endpoint("POST", f"links/{_K}/move", do.move_link, "Feed another journal", ("journalId", "confirmedNumber?")),
    Endpoint("POST", f"links/{_K}/unlink", do.unlink, "End one link", ("declined?",)),
    Endpoint("POST", f"online-accounts/{_K}/fetch", do.fetch_account, "Fetch one account, or join the fetch under way"),
    Endpoint("POST", f"online-accounts/{_K}/reset", do.reset_account, "Read one account again from its first day"),
    Endpoint("GET", f"fetches/{_K}", do.get_fetch, "How a fetch goes"),
    Endpoint("GET", "consent-notices", do.list_notices, "Notices about consents that end"),
    Endpoint("GET", "journals", do.list_journals, "Journals"),
    Endpoint("POST", "journals", do.create_journal, "A journal without synchronization", ("name", "currency", "kind?", "accountNumber?", "bankName?", "bic?")),
    Endpoint("GET", f"journals/{_K}", do.get_journal, "One journal"),
    Endpoint("GET", f"journals/{_K}/statements", do.list_statements, "Its statements"),
    Endpoint("GET", f"journals/{_K}/pending-lines", do.list_pending, "What the bank announced and has not booked"),
    Endpoint("POST", f"journals/{_K}/lines", do.add_line, "Type a bank transaction by hand", ("date", "amount", "label", "counterpartName?")),
    Endpoint("GET", "lines", do.list_lines, "Bank lines, newest first"),
    Endpoint("GET", f"lines/{_K}", do.get_line, "One line"),
    Endpoint("POST", f"lines/{_K}/remove", do.remove_line, "Remove a line, with a reason", ("reason",)),
    Endpoint("POST", f"lines/{_K}/restore", do.restore_line, "Bring a removed line back"),
    Endpoint("POST", f"lines/{_K}/merge", do.merge_line, "A held duplicate is the same transaction"),
    Endpoint("POST", f"lines/{_K}/keep", do.keep_line, "A held duplicate is a transaction of its own"),
    Endpoint("POST", f"lines/{_K}/check", do.check_line, "Mark a line to check", ("toCheck",)),
    Endpoint("GET", f"lines/{_K}/matches", do.list_matches, "What a line was explained with"),
    Endpoint("POST", f"lines/{_K}/matches", do.create_match, "Explain a line with open items or an account", ("itemIds?", "accountId?", "amount?", "label?")),
    Endpoint("POST", f"matches/{_K}/undo", do.undo_match, "Take a match back"),
    Endpoint("POST", f"statements/{_K}/confirm", do.confirm_statement, "Confirm a statement; it never changes then"),
    Endpoint("GET", "documents", do.list_documents, "Invoices and bills"),
    Endpoint("POST", "documents", do.create_open_document, "Post an invoice or bill", ("kind", "partnerName", "number", "date", "amount", "dueDate?", "currency?", "structuredReference?")),
    Endpoint("GET", f"documents/{_K}", do.get_document, "One invoice or bill"),
    Endpoint("GET", "accounts", do.list_chart, "The chart of accounts"),
    Endpoint("GET", "audit-records", do.list_audit, "Who did what"),
)  # fmt: skip
