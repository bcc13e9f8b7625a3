"""Addresses of the Books' pages."""

from __future__ import annotations

from django.urls import path

from nostro.books.pages import (
    connect,
    connections,
    dashboard,
    documents,
    duplicates,
    exports,
    finding,
    journals,
    ledger,
    proof,
    reconcile,
    start,
    statements,
)

app_name = "books"

urlpatterns = [
    path("", start.front, name="dashboard"),
    path("companies/new/", start.new_company, name="new_company"),
    path("<uuid:company_id>/", dashboard.dashboard, name="company"),
    # connecting a bank
    path("<uuid:company_id>/connect/", connect.find_bank, name="find_bank"),
    path("<uuid:company_id>/connect/manually/", journals.add_manually, name="add_manually"),
    path("<uuid:company_id>/connect/credentials/", connect.credentials, name="credentials"),
    path("connections/<uuid:connection_id>/accounts/", connect.link_accounts, name="link_accounts"),
    path("connections/<uuid:connection_id>/result/", connect.link_result, name="link_result"),
    # online synchronization
    path("<uuid:company_id>/synchronization/", connections.synchronization, name="synchronization"),
    path("connections/<uuid:connection_id>/", connections.connection, name="connection"),
    path("connections/<uuid:connection_id>/fetch/", connections.fetch_all, name="fetch_all"),
    path("connections/<uuid:connection_id>/credentials/", connections.credentials, name="update_accounts"),
    path("connections/<uuid:connection_id>/automatic/", connections.automatic, name="automatic"),
    path("connections/<uuid:connection_id>/pause/", connections.pause_or_resume, {"on": False}, name="pause"),
    path("connections/<uuid:connection_id>/resume/", connections.pause_or_resume, {"on": True}, name="resume"),
    path("online-accounts/<uuid:online_account_id>/reset/", connections.reset, name="reset_cursor"),
    path("connections/<uuid:connection_id>/disconnect/", connections.end, name="disconnect"),
    path("links/<uuid:link_id>/", connections.edit, name="edit_link"),
    path("links/<uuid:link_id>/unlink/", connections.end_link, name="unlink"),
    # journals and lines
    path("journals/<uuid:journal_id>/", journals.journal, name="journal"),
    path("journals/<uuid:journal_id>/proof/", proof.proof, name="proof"),
    path("journals/<uuid:journal_id>/duplicates/", duplicates.duplicates, name="duplicates"),
    path("journals/<uuid:journal_id>/card/", dashboard.card, name="card"),
    path("journals/<uuid:journal_id>/fetch/", dashboard.fetch, name="fetch"),
    path("journals/<uuid:journal_id>/missing/", finding.missing, name="missing"),
    path("journals/<uuid:journal_id>/changes/", finding.changes, name="changes"),
    path("journals/<uuid:journal_id>/pending/", finding.pending, name="pending"),
    path("journals/<uuid:journal_id>/statements/", statements.statements, name="statements"),
    path("journals/<uuid:journal_id>/export/<slug:table>.<slug:kind>", exports.of_journal, name="export_journal"),
    path("pending/<uuid:pending_id>/note/", finding.note, name="note_pending"),
    path("statements/<uuid:statement_id>.pdf", statements.pdf, name="statement_pdf"),
    path("journals/<uuid:journal_id>/lines/add/", journals.add_line, name="add_line"),
    path("lines/<uuid:line_id>/", journals.line, name="line"),
    path("lines/<uuid:line_id>/remove/", journals.change_line, {"change": "remove"}, name="remove_line"),
    path("lines/<uuid:line_id>/restore/", journals.change_line, {"change": "restore"}, name="restore_line"),
    path("lines/<uuid:line_id>/merge/", journals.change_line, {"change": "merge"}, name="merge_line"),
    path("lines/<uuid:line_id>/keep/", journals.change_line, {"change": "keep"}, name="keep_both"),
    path("lines/<uuid:line_id>/accept/", journals.change_line, {"change": "accept"}, name="accept_change"),
    path("lines/<uuid:line_id>/ignore/", journals.change_line, {"change": "ignore"}, name="ignore_change"),
    path("lines/<uuid:line_id>/retry/", journals.change_line, {"change": "retry"}, name="retry_line"),
    path("lines/<uuid:line_id>/post/", journals.change_line, {"change": "post_open"}, name="post_open"),
    path("lines/<uuid:line_id>/entry/", journals.link_entry, name="link_entry"),
    path("lines/<uuid:line_id>/rate/", journals.rate, name="enter_rate"),
    path("statements/<uuid:statement_id>/confirm/", journals.confirm, name="confirm_statement"),
    # reconciling
    path("<uuid:company_id>/reconcile/", reconcile.reconcile, name="reconcile"),
    path("lines/<uuid:line_id>/match/account/", reconcile.match_account, name="match_account"),
    path("lines/<uuid:line_id>/match/items/", reconcile.match_items, name="match_items"),
    path("lines/<uuid:line_id>/check/", reconcile.check_line, name="check_line"),
    path("matches/<uuid:group_id>/undo/", reconcile.undo_match, name="undo_match"),
    # invoices, bills and the chart
    path("<uuid:company_id>/documents/", documents.documents, name="documents"),
    path("<uuid:company_id>/documents/add/", documents.add_document, name="add_document"),
    path("<uuid:company_id>/documents/import/", documents.import_documents, name="import_documents"),
    path("documents/<uuid:document_id>/", documents.document, name="document"),
    path("<uuid:company_id>/accounts/", ledger.chart, name="chart"),
    path("<uuid:company_id>/lock/", ledger.lock, name="lock"),
    path("accounts/<uuid:account_id>/", ledger.account, name="account"),
    path("accounts/<uuid:account_id>/export/items.<slug:kind>", exports.of_account, name="export_account"),
    # the company's lists as files, and its trail
    path("<uuid:company_id>/export/<slug:table>.<slug:kind>", exports.of_company, name="export_company"),
    path("<uuid:company_id>/audit/", finding.audit, name="audit"),
]
