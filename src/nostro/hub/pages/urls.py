"""Addresses of the Hub's pages."""

from __future__ import annotations

from django.urls import path

from nostro.hub.pages import (
    accounts,
    authorising,
    file_reading,
    files,
    integrations,
    joining,
    legacy,
    linking,
    mandates,
    organization,
    payments,
    personal,
    review,
    start,
    transactions,
    webhooks,
)

app_name = "hub"

urlpatterns = [
    path("", start.overview, name="overview"),
    path("organizations/new/", start.new_organization, name="new_organization"),
    path("<uuid:organization_id>/", start.switch, name="organization"),
    path("<uuid:organization_id>/billing/", start.billing, name="billing"),
    path("<uuid:organization_id>/people/", joining.people, name="people"),
    path("<uuid:organization_id>/people/<uuid:invitation_id>/withdraw/", joining.withdraw, name="withdraw_invitation"),
    path("<uuid:organization_id>/people/<uuid:membership_id>/", organization.member, name="member"),
    path("<uuid:organization_id>/people/<uuid:membership_id>/remove/", organization.remove, name="remove_member"),
    path("<uuid:organization_id>/settings/", organization.organization, name="organization_settings"),
    path("<uuid:organization_id>/trail/", organization.trail, name="trail"),
    path("invitations/<str:secret>/", joining.join, name="join"),
    path("<uuid:organization_id>/tokens/", personal.tokens, name="tokens"),
    path("<uuid:organization_id>/tokens/<uuid:token_id>/revoke/", personal.revoke_token, name="revoke_personal_token"),
    # mandates
    path("mandates/", mandates.offered, name="offered_mandates"),
    path("<uuid:organization_id>/mandates/", mandates.mandates, name="mandates"),
    path("<uuid:organization_id>/mandates/given/<uuid:mandate_id>/", mandates.given_mandate, name="given_mandate"),
    path(
        "<uuid:organization_id>/mandates/given/<uuid:mandate_id>/withdraw/", mandates.withdraw, name="withdraw_mandate"
    ),
    path(
        "<uuid:organization_id>/mandates/received/<uuid:mandate_id>/",
        mandates.received_mandate,
        name="received_mandate",
    ),
    path("<uuid:organization_id>/mandates/received/<uuid:mandate_id>/accept/", mandates.accept, name="accept_mandate"),
    path(
        "<uuid:organization_id>/mandates/received/<uuid:mandate_id>/give-back/",
        mandates.give_back,
        name="give_back_mandate",
    ),
    path(
        "<uuid:organization_id>/mandates/received/<uuid:mandate_id>/<uuid:integration_id>/copied/",
        mandates.copied_secret,
        name="copied_under_mandate",
    ),
    path(
        "<uuid:organization_id>/mandates/received/<uuid:mandate_id>/<uuid:integration_id>/revoke/",
        mandates.revoke_under_mandate,
        name="revoke_under_mandate",
    ),
    # accounts
    path("<uuid:organization_id>/accounts/", accounts.accounts, {"mode": ""}, name="accounts"),
    path("<uuid:organization_id>/accounts/<str:mode>/", accounts.accounts, name="accounts"),
    path("accounts/<uuid:account_id>/", accounts.account, name="account"),
    path("accounts/<uuid:account_id>/name/", accounts.rename, name="rename_account"),
    path("accounts/<uuid:account_id>/readings/", accounts.plan_readings, name="plan_readings"),
    path("accounts/<uuid:account_id>/synchronize/", accounts.synchronize, name="synchronize"),
    path("accounts/<uuid:account_id>/progress/", accounts.progress, name="account_progress"),
    # is it complete and right?
    path("accounts/<uuid:account_id>/runs/", review.runs, name="runs"),
    path("runs/<uuid:run_id>/", review.run, name="run"),
    path("accounts/<uuid:account_id>/gap/", review.gap, name="gap"),
    path("accounts/<uuid:account_id>/gap/accept/", review.accept, name="accept_gap"),
    path("accounts/<uuid:account_id>/withdrawn/", review.withdrawn, name="withdrawn"),
    path("transactions/<uuid:transaction_id>/bring-back/", review.bring_back, name="bring_back"),
    path("accounts/<uuid:account_id>/doubles/", review.doubles, name="doubles"),
    path("doubles/<uuid:first_id>/<uuid:second_id>/", review.decide_double, name="decide_double"),
    path("doubles/<int:decision_id>/undo/", review.undo_double, name="undo_double"),
    path("answers/<uuid:answer_id>/", review.raw_answer, name="raw_answer"),
    # bank files
    path("<uuid:organization_id>/files/<str:mode>/", files.files, name="files"),
    path("accounts/<uuid:account_id>/files/", files.account_files, name="account_files"),
    path("accounts/<uuid:account_id>/export/", files.export, name="export"),
    path("files/<uuid:file_id>/", files.file, name="file"),
    path("files/<uuid:file_id>/reading/", file_reading.reading, name="file_reading"),
    path("files/<uuid:file_id>/mapping/", file_reading.mapping_file, name="mapping_file"),
    path("files/<uuid:file_id>/discard/", files.discard, name="discard_file"),
    path("files/<uuid:file_id>/undo/", files.undo, name="undo_file"),
    # adding an account
    path("<uuid:organization_id>/accounts/<str:mode>/add/", linking.find_bank, name="find_bank"),
    path("<uuid:organization_id>/accounts/<str:mode>/add/<uuid:institution_id>/", linking.share, name="share"),
    path("link/return/", authorising.returned, name="link_return"),
    path("link/<uuid:authorisation_id>/", authorising.at_the_bank, name="at_the_bank"),
    path("link/<uuid:authorisation_id>/answer/", authorising.answer, name="answer_bank"),
    path("link/<uuid:authorisation_id>/ask/", authorising.ask_bank, name="ask_bank"),
    path("link/<uuid:authorisation_id>/cancel/", authorising.cancel, name="cancel_link"),
    path("link/<uuid:authorisation_id>/accounts/", authorising.choose, name="choose_accounts"),
    path("link/<uuid:authorisation_id>/import/", authorising.first_import, name="first_import"),
    path("connections/<uuid:connection_id>/renew/", authorising.renew, name="renew"),
    path("connections/<uuid:connection_id>/disconnect/", authorising.disconnect_bank, name="disconnect"),
    # transactions
    path("<uuid:organization_id>/transactions/", transactions.transactions, name="transactions"),
    path("<uuid:organization_id>/transactions.csv", transactions.download, name="transactions_csv"),
    path("transactions/<uuid:transaction_id>/", transactions.transaction, name="transaction"),
    # payments
    path("<uuid:organization_id>/payments/", payments.payments, {"mode": ""}, name="payments"),
    path("<uuid:organization_id>/payments/<str:mode>/", payments.payments, name="payments"),
    path("payments/<uuid:payment_id>/", payments.payment, name="payment"),
    path("payments/<uuid:payment_id>/sign/", payments.sign, name="sign_payment"),
    path("payments/<uuid:payment_id>/decline/", payments.decline, name="decline_payment"),
    # integrations
    path("<uuid:organization_id>/integrations/", integrations.integrations, {"mode": ""}, name="integrations"),
    path("<uuid:organization_id>/integrations/<str:mode>/", integrations.integrations, name="integrations"),
    path("<uuid:organization_id>/integrations/<str:mode>/add/", integrations.add_integration, name="add_integration"),
    path("integrations/<uuid:integration_id>/", integrations.integration, name="integration"),
    path("integrations/<uuid:integration_id>/secret/", integrations.integration_secret, name="integration_secret"),
    path("integrations/<uuid:integration_id>/new-secret/", integrations.new_secret, name="new_secret"),
    path("integrations/<uuid:integration_id>/revoke/", integrations.revoke, name="revoke_integration"),
    path("<uuid:organization_id>/api-token/replace/", legacy.replace_token, name="replace_token"),
    path("<uuid:organization_id>/api-token/revoke/", legacy.revoke_token, name="revoke_token"),
    path("integrations/<uuid:integration_id>/requests/", webhooks.integration_requests, name="integration_requests"),
    path("integrations/<uuid:integration_id>/webhook/", webhooks.webhook, name="webhook"),
    path("integrations/<uuid:integration_id>/webhook/replay/", webhooks.replay_webhook, name="replay_webhook"),
]
