"""The endpoints of the API, declared once. Routing serves from this table, and OpenAPI is written from it.

``Access`` says which token an endpoint needs, ``Mount`` where it exists (hub-api.md section 1).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nostro.hub.api import bank_file_documents as b
from nostro.hub.api import (
    bank_files,
    connect,
    dashboard,
    discovery,
    institutions,
    mandates,
    oauth2,
    openapi,
    payments,
    resources,
    sandbox,
)
from nostro.hub.api import dashboard_documents as dd
from nostro.hub.api import documents as d
from nostro.hub.api import payment_documents as p
from nostro.hub.api import sandbox_documents as fakes
from nostro.hub.api.request import Request
from nostro.hub.api.responses import Answer

Handler = Callable[[Request], Answer]
ROOT = ""
CONNECT = "/ponto-connect"
BOTH = (ROOT, CONNECT)


class Access(enum.Enum):
    """What a caller must show."""

    CLIENT = "client"  # Basic credentials, read by the handler itself
    OPEN = "open"  # nothing is looked at, a wrong bearer neither (4.5, /webhooks*)
    OPTIONAL = "optional"  # nothing, but a bearer that is there must be valid
    ACCOUNT_INFORMATION = "ai"  # a token with this scope
    PAYMENT_INITIATION = "pi"  # a token with this scope
    GRANTED = "granted"  # a token of an integration, whatever its scope
    SANDBOX = "sandbox"  # a token of a sandbox integration
    READER = "reader"  # a token that may read the account: of an integration with the scope ai, or of a person
    PERSON = "person"  # a personal access token
    VENDOR = "vendor"  # a client token of a vendor


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One verb on one path. ``resource`` names the type that a 404 is about; ``document`` types the answer."""

    verb: str
    path: str  # "/accounts/{accountId}"
    handler: Handler
    access: Access
    summary: str
    resource: str = ""
    document: Any = dict
    mounts: tuple[str, ...] = BOTH
    status: int = 200
    item: Any = None  # the type of ``data``, or of its items, or of the whole answer where that has no ``data``
    body: Any = None  # the type of ``data.attributes`` of a request, or of the form of a token call
    filters: tuple[tuple[str, str], ...] = ()  # parameters of the query beside those of lists
    takes_file: bool = False  # the body is a file
    media_types: tuple[str, ...] = ()  # of an answer that is a file


_AI = Access.ACCOUNT_INFORMATION
_PI = Access.PAYMENT_INITIATION
_ACCOUNT = "/accounts/{accountId}"
_RUN = "/synchronizations/{synchronizationId}"
_FAKE_BANK = "/sandbox/financial-institutions/{financialInstitutionId}"
_FAKE_ACCOUNT = _FAKE_BANK + "/financial-institution-accounts/{financialInstitutionAccountId}"
_FAKE_ROWS = _FAKE_ACCOUNT + "/financial-institution-transactions"
_GIVEN = "/given-mandates/{mandateId}"
_RECEIVED = "/received-mandates/{mandateId}"
_FILE = "/bank-files/{bankFileId}"
_UNDER = _RECEIVED + "/integrations/{integrationId}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/", discovery.index, Access.OPTIONAL, "The addresses of this API."),
    Endpoint("GET", "/openapi.json", openapi.openapi_json, Access.OPEN, "This document.", mounts=(ROOT,)),
    Endpoint("GET", "/webhooks", discovery.webhooks, Access.OPEN, "The addresses for webhooks.", mounts=(ROOT,)),
    Endpoint(
        "GET", "/webhooks/keys", discovery.webhook_keys, Access.OPEN, "The keys that sign webhooks.", mounts=(ROOT,),
    ),
    Endpoint(
        "POST", "/oauth2/token", oauth2.token, Access.CLIENT, "Issue an access token.",
        item=d.Token, body=d.TokenInput, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", "/oauth2/token", connect.token, Access.CLIENT, "Issue tokens for a code or the vendor.",
        item=d.Token, body=d.ConnectTokenInput, mounts=(CONNECT,),
    ),
    Endpoint(
        "POST", "/oauth2/revoke", oauth2.revoke, Access.CLIENT, "Revoke an access token.",
        item=d.Empty, body=d.RevokeInput, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", "/oauth2/revoke", connect.revoke, Access.CLIENT, "Revoke a token and what came of it.",
        item=d.Empty, body=d.RevokeInput, mounts=(CONNECT,),
    ),
    Endpoint(
        "GET", "/userinfo", connect.userinfo, Access.GRANTED, "The organization behind the token.", "userinfo",
        item=d.Userinfo, mounts=(CONNECT,),
    ),
    Endpoint(
        "POST", _ACCOUNT + "/reauthorization-requests", connect.create_reauthorization_request, _AI,
        "Ask a person to renew the consent of an account.", "reauthorizationRequest", d.One, status=201,
        item=d.RedirectRequest, body=d.RedirectInput, mounts=(CONNECT,),
    ),
    Endpoint(
        "POST", "/onboarding-details", connect.create_onboarding_details, Access.VENDOR,
        "Say who is about to come.", "onboardingDetails", d.One, status=201,
        item=d.OnboardingDetails, body=d.OnboardingInput, mounts=(CONNECT,),
    ),
    Endpoint(
        "GET", "/integration-accounts", connect.list_integration_accounts, Access.VENDOR,
        "List the accounts of all organizations.", "integrationAccount", d.Page,
        item=d.IntegrationAccount, mounts=(CONNECT,),
    ),
    Endpoint(
        "DELETE", "/organizations/{organizationId}/integration", connect.delete_integration, Access.VENDOR,
        "Give back what an organization granted.", "integration", d.One,
        item=d.EndedIntegration, mounts=(CONNECT,),
    ),
    Endpoint(
        "GET", "/organizations/{organizationId}/usage/{month}", connect.get_usage, Access.VENDOR,
        "What an organization used in a month.", "usage", d.UsageDocument, item=d.UsageDocument, mounts=(CONNECT,),
    ),
    Endpoint("GET", "/accounts", resources.list_accounts, _AI, "List the accounts.", "account", d.Page, item=d.Account),
    Endpoint("GET", _ACCOUNT, resources.get_account, _AI, "Get an account.", "account", d.One, item=d.Account),
    Endpoint(
        "DELETE", _ACCOUNT, resources.delete_account, _AI, "Give an account back.", "account", d.One,
        item=d.Identifier,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/transactions", resources.list_transactions, _AI,
        "List the transactions of an account, newest first.", "transaction", d.Page, item=d.Transaction,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/transactions/{transactionId}", resources.get_transaction, _AI,
        "Get a transaction.", "transaction", d.One, item=d.Transaction,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/pending-transactions", resources.list_pending_transactions, _AI,
        "List the pending transactions of an account.", "pendingTransaction", d.Page, item=d.Transaction,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/pending-transactions/{pendingTransactionId}", resources.get_pending_transaction, _AI,
        "Get a pending transaction.", "pendingTransaction", d.One, item=d.Transaction,
    ),
    Endpoint(
        "POST", "/synchronizations", resources.create_synchronization, _AI,
        "Synchronize an account.", "synchronization", d.One, status=201,
        item=d.Synchronization, body=d.SynchronizationInput,
    ),
    Endpoint(
        "GET", _RUN, resources.get_synchronization, _AI,
        "Get a synchronization.", "synchronization", d.SynchronizationState,
        item=d.Synchronization,
    ),
    Endpoint(
        "GET", _RUN + "/updated-transactions", resources.list_updated_transactions, _AI,
        "List the transactions that a synchronization created or changed.", "transaction", d.Page, item=d.Transaction,
    ),
    Endpoint(
        "GET", _RUN + "/updated-pending-transactions", resources.list_updated_pending_transactions, _AI,
        "List the pending transactions that a synchronization created or changed.", "pendingTransaction", d.Page,
        item=d.Transaction,
    ),
    Endpoint(
        "POST", _ACCOUNT + "/payments", payments.create_single_payment, _PI,
        "Prepare a payment; a person signs it.", "payment", d.One, status=201, item=p.Payment, body=p.PaymentInput,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/payments/{paymentId}", payments.get_single_payment, _PI,
        "Get a payment.", "payment", d.One, item=p.Payment,
    ),
    Endpoint(
        "DELETE", _ACCOUNT + "/payments/{paymentId}", payments.delete_single_payment, _PI,
        "Take back a payment that nobody has signed.", "payment", d.One, item=d.Identifier,
    ),
    Endpoint(
        "POST", _ACCOUNT + "/bulk-payments", payments.create_bulk_payment, _PI,
        "Prepare many payments that are signed together.", "bulkPayment", d.One, status=201,
        item=p.BulkPayment, body=p.BulkPaymentInput,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/bulk-payments/{bulkPaymentId}", payments.get_bulk_payment, _PI,
        "Get a bulk payment.", "bulkPayment", d.One, item=p.BulkPayment,
    ),
    Endpoint(
        "DELETE", _ACCOUNT + "/bulk-payments/{bulkPaymentId}", payments.delete_bulk_payment, _PI,
        "Take back a bulk payment that nobody has signed.", "bulkPayment", d.One, item=d.Identifier,
    ),
    Endpoint(
        "POST", _ACCOUNT + "/payment-requests", payments.create_payment_request, _PI,
        "Ask a third person to pay into an account.", "paymentRequest", d.One, status=201,
        item=p.PaymentRequest, body=p.PaymentRequestInput,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/payment-requests/{paymentRequestId}", payments.get_payment_request, _PI,
        "Get a payment request.", "paymentRequest", d.One, item=p.PaymentRequest,
    ),
    Endpoint(
        "DELETE", _ACCOUNT + "/payment-requests/{paymentRequestId}", payments.delete_payment_request, _PI,
        "Take back a payment request that nobody has signed.", "paymentRequest", d.One, item=d.Identifier,
    ),
    Endpoint(
        "POST", "/payment-activation-requests", payments.create_payment_activation_request, Access.GRANTED,
        "Ask an organization to activate payments.", "paymentActivationRequest", d.One, status=201,
        item=p.ActivationRequest, body=d.RedirectInput, mounts=(CONNECT,),
    ),
    Endpoint(
        "POST", "/payment-request-activation-requests", payments.create_payment_request_activation_request,
        Access.GRANTED, "Ask an organization to activate payment requests.", "paymentRequestActivationRequest", d.One,
        status=201, item=p.ActivationRequest, body=d.RedirectInput, mounts=(CONNECT,),
    ),
    Endpoint(
        "GET", "/financial-institutions", institutions.list_institutions, Access.OPTIONAL,
        "List the institutions.", "financialInstitution", d.Page, item=d.Institution,
        filters=institutions.FILTERS,
    ),
    Endpoint(
        "GET", "/financial-institutions/{financialInstitutionId}", institutions.get_institution, Access.OPTIONAL,
        "Get an institution.", "financialInstitution", d.One, item=d.Institution,
    ),
    Endpoint(
        "GET", "/sandbox/financial-institutions", sandbox.list_institutions, Access.SANDBOX,
        "List the fake institutions.", "sandboxFinancialInstitution", d.Page, item=d.Institution,
        filters=institutions.FILTERS,
    ),
    Endpoint(
        "GET", _FAKE_BANK, sandbox.get_sandbox_institution, Access.SANDBOX,
        "Get a fake institution.", "sandboxFinancialInstitution", d.One, item=d.Institution,
    ),
    Endpoint(
        "GET", _FAKE_BANK + "/financial-institution-accounts", sandbox.list_accounts, Access.SANDBOX,
        "List the accounts at a fake institution.", "financialInstitutionAccount", d.Page, item=fakes.FakeAccount,
    ),
    Endpoint(
        "GET", _FAKE_ACCOUNT, sandbox.get_account, Access.SANDBOX,
        "Get an account at a fake institution.", "financialInstitutionAccount", d.One, item=fakes.FakeAccount,
    ),
    Endpoint(
        "GET", _FAKE_ROWS, sandbox.list_transactions, Access.SANDBOX,
        "List what is on a fake account.", "financialInstitutionTransaction", d.Page, item=fakes.FakeTransaction,
    ),
    Endpoint(
        "POST", _FAKE_ROWS, sandbox.create_transaction, Access.SANDBOX,
        "Let something happen on a fake account.", "financialInstitutionTransaction", d.One, status=201,
        item=fakes.FakeTransaction, body=fakes.FakeTransactionInput,
    ),
    Endpoint(
        "GET", _FAKE_ROWS + "/{financialInstitutionTransactionId}", sandbox.get_transaction, Access.SANDBOX,
        "Get what is on a fake account.", "financialInstitutionTransaction", d.One, item=fakes.FakeTransaction,
    ),
    Endpoint(
        "PATCH", _FAKE_ROWS + "/{financialInstitutionTransactionId}", sandbox.change_transaction, Access.SANDBOX,
        "Change what is on a fake account.", "financialInstitutionTransaction", d.One,
        item=fakes.FakeTransaction, body=fakes.FakeTransactionChange,
    ),
    Endpoint("GET", "/me", dashboard.get_me, Access.PERSON, "Who holds the token.", "user", d.One, item=dd.User,
             mounts=(ROOT,)),
    Endpoint(
        "GET", "/organization-accounts", dashboard.list_organization_accounts, Access.PERSON,
        "List the accounts of the organization.", "organizationAccount", d.Page, item=dd.OrganizationAccount,
        mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/users", dashboard.list_users, Access.PERSON, "List the people of the organization.", "user", d.Page,
        item=dd.User, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/user-invitations", dashboard.list_invitations, Access.PERSON, "List the open invitations.",
        "userInvitation", d.Page, item=dd.UserInvitation, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", "/user-invitations", dashboard.create_invitation, Access.PERSON, "Ask somebody to join.",
        "userInvitation", d.One, status=201, item=dd.UserInvitation, body=dd.InvitationInput, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", "/user-invitations/{invitationId}", dashboard.delete_invitation, Access.PERSON,
        "Withdraw an invitation.", "userInvitation", d.One, item=d.Identifier, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/integrations", dashboard.list_integrations, Access.PERSON, "List the integrations.", "integration",
        d.Page, item=dd.DashboardIntegration, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", "/integrations", dashboard.create_new_integration, Access.PERSON, "Make an integration.",
        "integration", d.One, status=201, item=dd.DashboardIntegration, body=dd.IntegrationInput, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/integrations/{integrationId}/accounts", dashboard.list_grants, Access.PERSON,
        "List the accounts that an integration may read.", "integrationAccount", d.Page, item=d.IntegrationAccount,
        mounts=(ROOT,),
    ),
    Endpoint(
        "POST", "/integrations/{integrationId}/accounts", dashboard.create_grant, Access.PERSON,
        "Let an integration read an account.", "integrationAccount", d.One, status=201, item=d.IntegrationAccount,
        body=dd.GrantInput, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", "/integrations/{integrationId}/accounts/{accountId}", dashboard.delete_grant, Access.PERSON,
        "No longer let an integration read an account.", "integrationAccount", d.One, item=d.Identifier,
        mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/given-mandates", mandates.list_given, Access.PERSON, "List the mandates that the organization gave.",
        "mandate", d.Page, item=dd.Mandate, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _GIVEN, mandates.get_given, Access.PERSON, "Get a mandate that the organization gave.", "mandate", d.One,
        item=dd.Mandate, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", _GIVEN, mandates.delete_given, Access.PERSON, "Withdraw a mandate.", "mandate", d.One,
        item=d.Identifier, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _GIVEN + "/accounts", mandates.list_given_accounts, Access.PERSON,
        "List the accounts that a given mandate covers.", "mandate", d.Page, item=d.Account, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", _GIVEN + "/accounts/{accountId}", mandates.delete_given_account, Access.PERSON,
        "Take an account out of a given mandate.", "mandate", d.One, item=d.Identifier, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/received-mandates", mandates.list_received, Access.PERSON,
        "List the mandates under which the organization acts, and those offered to the person.", "mandate", d.Page,
        item=dd.Mandate, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _RECEIVED, mandates.get_received, Access.PERSON, "Get a received mandate.", "mandate", d.One,
        item=dd.Mandate, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", _RECEIVED, mandates.delete_received, Access.PERSON, "Give a mandate back, or decline it.", "mandate",
        d.One, item=d.Identifier, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _RECEIVED + "/accounts", mandates.list_received_accounts, Access.PERSON,
        "List the accounts that a received mandate covers.", "mandate", d.Page, item=d.Account, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _RECEIVED + "/accounts/{accountId}", mandates.get_received_account, Access.PERSON,
        "Get an account that a received mandate covers.", "mandate", d.One, item=d.Account, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _RECEIVED + "/integrations", mandates.list_integrations, Access.PERSON,
        "List the integrations made under a mandate.", "mandate", d.Page, item=dd.DashboardIntegration, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", _RECEIVED + "/integrations", mandates.create_integration, Access.PERSON,
        "Make an integration under a mandate.", "mandate", d.One, status=201, item=dd.DashboardIntegration,
        body=dd.IntegrationInput, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _UNDER + "/accounts", mandates.list_grants, Access.PERSON,
        "List the accounts that an integration made under a mandate may read.", "mandate", d.Page,
        item=d.IntegrationAccount, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", _UNDER + "/accounts", mandates.create_grant, Access.PERSON,
        "Let an integration made under a mandate read an account of it.", "mandate", d.One, status=201,
        item=d.IntegrationAccount, body=dd.GrantInput, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", _UNDER + "/accounts/{accountId}", mandates.delete_grant, Access.PERSON,
        "No longer let an integration made under a mandate read an account.", "mandate", d.One, item=d.Identifier,
        mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/bank-files", bank_files.list_files, Access.PERSON, "List the bank files that were handed in.",
        "bankFile", d.Page, item=b.BankFile, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", "/bank-files", bank_files.create_file, Access.PERSON, "Hand in a bank file; the body is the file.",
        "bankFile", d.One, status=201, item=b.BankFile, takes_file=True, filters=bank_files.UPLOAD_PARAMETERS,
        mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _FILE, bank_files.get_file, Access.PERSON, "Get a bank file: how far it is, and what is wrong with it.",
        "bankFile", d.One, item=b.BankFile, mounts=(ROOT,),
    ),
    Endpoint(
        "PATCH", _FILE, bank_files.update_file, Access.PERSON, "Say how a bank file is to be read.", "bankFile", d.One,
        item=b.BankFile, body=b.FileReadingInput, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", _FILE, bank_files.delete_file, Access.PERSON, "Discard a bank file that was not imported.",
        "bankFile", d.One, item=d.Identifier, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _FILE + "/accounts", bank_files.list_file_accounts, Access.PERSON,
        "List the accounts that a bank file tells about, with what it would bring or brought.", "bankFile", d.Page,
        item=b.BankFileAccount, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _FILE + "/statements", bank_files.list_file_statements, Access.PERSON,
        "List the statements of a bank file, with the arithmetic of their balances.", "bankFile", d.Page,
        item=b.BankFileStatement, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", _FILE + "/rows", bank_files.list_file_rows, Access.PERSON,
        "List the rows of a bank file that waits, or those held of an imported one.", "bankFile", d.Page,
        item=b.BankFileRow, mounts=(ROOT,),
    ),
    Endpoint(
        "POST", _FILE + "/import", bank_files.create_import, Access.PERSON, "Import a bank file that waits.",
        "bankFile", d.One, status=201, item=b.BankFile, body=b.FileImportInput, mounts=(ROOT,),
    ),
    Endpoint(
        "DELETE", _FILE + "/import", bank_files.delete_import, Access.PERSON, "Undo the import of a bank file.",
        "bankFile", d.One, item=b.BankFile, mounts=(ROOT,),
    ),
    Endpoint(
        "GET", "/account-files/{accountId}", bank_files.export_account, Access.READER,
        "Write the transactions of an account and period as a bank file.", "accountFile",
        media_types=bank_files.MEDIA_TYPES, filters=bank_files.EXPORT_PARAMETERS, mounts=(ROOT,),
    ),
)  # fmt: skip
