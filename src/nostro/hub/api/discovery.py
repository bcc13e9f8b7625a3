"""Discovery documents (hub-api.md section 3). Every leaf is a string; ``{names}`` are for the client to replace."""

from __future__ import annotations

from typing import Any

from nostro.hub.api.request import Request
from nostro.hub.api.responses import Answer
from nostro.hub.webhooks.signing import published_keys

_ACCOUNT = "/accounts/{accountId}"
_RUN = "/synchronizations/{synchronizationId}"
_SANDBOX_INSTITUTION = "/sandbox/financial-institutions/{financialInstitutionId}"
_SANDBOX_ACCOUNT = _SANDBOX_INSTITUTION + "/financial-institution-accounts/{financialInstitutionAccountId}"
_MANDATE = "/received-mandates/{mandateId}"

_SHARED: dict[str, Any] = {
    "accounts": _ACCOUNT,
    "account": {
        "transactions": _ACCOUNT + "/transactions/{transactionId}",
        "pendingTransactions": _ACCOUNT + "/pending-transactions/{pendingTransactionId}",
        "payments": _ACCOUNT + "/payments/{paymentId}",
        "bulkPayments": _ACCOUNT + "/bulk-payments/{bulkPaymentId}",
        "paymentRequests": _ACCOUNT + "/payment-requests/{paymentRequestId}",
    },
    "financialInstitutions": "/financial-institutions/{financialInstitutionId}",
    "synchronizations": _RUN,
    "synchronization": {
        # Without {transactionId}: the ibanity gem would not replace it (3.2).
        "updatedTransactions": _RUN + "/updated-transactions",
        "updatedPendingTransactions": _RUN + "/updated-pending-transactions",
    },
    "sandbox": {
        "financialInstitutions": _SANDBOX_INSTITUTION,
        "financialInstitution": {
            "financialInstitutionAccounts": _SANDBOX_ACCOUNT,
            "financialInstitutionAccount": {
                "financialInstitutionTransactions": _SANDBOX_ACCOUNT
                + "/financial-institution-transactions/{financialInstitutionTransactionId}"
            },
        },
    },
}
_ROOT: dict[str, Any] = {
    "self": "/",
    "oauth2": {"token": "/oauth2/token"},
    **_SHARED,
    "me": "/me",
    "organizationAccounts": "/organization-accounts",
    "users": "/users",
    "userInvitations": "/user-invitations/{invitationId}",
    "integrations": "/integrations/{integrationId}",
    "integration": {"accounts": "/integrations/{integrationId}/accounts/{accountId}"},
    "givenMandates": "/given-mandates/{mandateId}",
    "givenMandate": {"accounts": "/given-mandates/{mandateId}/accounts/{accountId}"},
    "receivedMandates": _MANDATE,
    "receivedMandate": {
        "accounts": _MANDATE + "/accounts/{accountId}",
        "integrations": _MANDATE + "/integrations",
        "integration": {"accounts": _MANDATE + "/integrations/{integrationId}/accounts/{accountId}"},
    },
}
_CONNECT: dict[str, Any] = {
    **_SHARED,
    "account": {**_SHARED["account"], "reauthorizationRequests": _ACCOUNT + "/reauthorization-requests"},
    "oauth2": {"token": "/oauth2/token", "revoke": "/oauth2/revoke"},
    "userinfo": "/userinfo",
    "integrationAccounts": "/integration-accounts",
    "onboardingDetails": "/onboarding-details",
    "organizations": {
        "usage": "/organizations/{organizationId}/usage/{month}",
        "integration": "/organizations/{organizationId}/integration",
    },
    "paymentActivationRequests": "/payment-activation-requests",
    "paymentRequestActivationRequests": "/payment-request-activation-requests",
}


def index(request: Request) -> Answer:
    """``/`` and ``/ponto-connect``."""
    return _answer(addresses(request.mount, request.base))


def addresses(mount: str, base: str) -> dict[str, Any]:
    """The links of a mount; ``base`` is the address by which the caller came to it."""
    return _based(_CONNECT if mount else _ROOT, base)


def webhooks(request: Request) -> Answer:
    """Java fetches it on start-up (3.3)."""
    return _answer({"keys": f"{request.host}/webhooks/keys"})


def webhook_keys(request: Request) -> Answer:
    """The keys that sign webhooks (10). ``status`` and the padded ``n`` are for .NET, which reads them strictly."""
    keys = [
        {"alg": "RS512", "e": "AQAB", "kid": key.kid, "kty": "RSA", "n": key.modulus, "status": "ACTIVE", "use": "sig"}
        for key in published_keys(request.now)
    ]
    return Answer(200, {"keys": keys}, plain=True)


def _answer(links: dict[str, Any]) -> Answer:
    return Answer(200, {"links": links}, plain=True)


def _based(paths: dict[str, Any], base: str) -> dict[str, Any]:
    return {key: _based(value, base) if isinstance(value, dict) else base + value for key, value in paths.items()}
