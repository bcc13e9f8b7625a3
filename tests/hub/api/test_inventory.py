"""What exists and where it is found: the tables of hub-api.md sections 1 and 3, written out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.hub.api.client import BASE, Caller
from tests.hub.api.conftest import Street

from nostro.hub.api import routing
from nostro.hub.api.endpoints import CONNECT, ENDPOINTS, ROOT, Access
from nostro.hub.api.errors import ApiError

R, P, RP = (ROOT,), (CONNECT,), (ROOT, CONNECT)
FAKES = "/sandbox/financial-institutions"
FAKE_ACCOUNTS = FAKES + "/{financialInstitutionId}/financial-institution-accounts"
FAKE_ROWS = FAKE_ACCOUNTS + "/{financialInstitutionAccountId}/financial-institution-transactions"
#: Verbs, path, letter of the token, mounts. O: token of an organization with ``ai``; Opi: with ``pi``; O*: whatever its
#: scope; Os: of the sandbox; -O: none or O; B: Basic credentials; C: of a vendor; U: of a person.
TABLE = [
    ("GET", "/", "-O", RP),
    ("GET", "/webhooks", "-", R),
    ("GET", "/webhooks/keys", "-", R),
    ("POST", "/oauth2/token", "B", RP),
    ("POST", "/oauth2/revoke", "B", RP),
    ("GET", "/accounts", "O", RP),
    ("GET DELETE", "/accounts/{accountId}", "O", RP),
    ("GET", "/accounts/{accountId}/transactions", "O", RP),
    ("GET", "/accounts/{accountId}/transactions/{transactionId}", "O", RP),
    ("GET", "/accounts/{accountId}/pending-transactions", "O", RP),
    ("GET", "/accounts/{accountId}/pending-transactions/{pendingTransactionId}", "O", RP),
    ("POST", "/synchronizations", "O", RP),
    ("GET", "/synchronizations/{synchronizationId}", "O", RP),
    ("GET", "/synchronizations/{synchronizationId}/updated-transactions", "O", RP),
    ("GET", "/synchronizations/{synchronizationId}/updated-pending-transactions", "O", RP),
    ("GET", "/financial-institutions", "-O", RP),
    ("GET", "/financial-institutions/{financialInstitutionId}", "-O", RP),
    ("POST", "/accounts/{accountId}/payments", "Opi", RP),
    ("GET DELETE", "/accounts/{accountId}/payments/{paymentId}", "Opi", RP),
    ("POST", "/accounts/{accountId}/bulk-payments", "Opi", RP),
    ("GET DELETE", "/accounts/{accountId}/bulk-payments/{bulkPaymentId}", "Opi", RP),
    ("POST", "/accounts/{accountId}/payment-requests", "Opi", RP),
    ("GET DELETE", "/accounts/{accountId}/payment-requests/{paymentRequestId}", "Opi", RP),
    ("POST", "/accounts/{accountId}/reauthorization-requests", "O", P),
    ("POST", "/payment-activation-requests", "O*", P),
    ("POST", "/payment-request-activation-requests", "O*", P),
    ("GET", "/userinfo", "O*", P),
    ("DELETE", "/organizations/{organizationId}/integration", "C", P),
    ("GET", "/organizations/{organizationId}/usage/{month}", "C", P),
    ("POST", "/onboarding-details", "C", P),
    ("GET", "/integration-accounts", "C", P),
    ("GET", FAKES, "Os", RP),
    ("GET", FAKES + "/{financialInstitutionId}", "Os", RP),
    ("GET", FAKE_ACCOUNTS, "Os", RP),
    ("GET", FAKE_ACCOUNTS + "/{financialInstitutionAccountId}", "Os", RP),
    ("GET POST", FAKE_ROWS, "Os", RP),
    ("GET PATCH", FAKE_ROWS + "/{financialInstitutionTransactionId}", "Os", RP),
    ("GET", "/me", "U", R),
    ("GET", "/organization-accounts", "U", R),
    ("GET", "/users", "U", R),
    ("GET POST", "/user-invitations", "U", R),
    ("DELETE", "/user-invitations/{invitationId}", "U", R),
    ("GET POST", "/integrations", "U", R),
    ("GET POST", "/integrations/{integrationId}/accounts", "U", R),
    ("DELETE", "/integrations/{integrationId}/accounts/{accountId}", "U", R),
    ("GET", "/given-mandates", "U", R),
    ("GET DELETE", "/given-mandates/{mandateId}", "U", R),
    ("GET", "/given-mandates/{mandateId}/accounts", "U", R),
    ("DELETE", "/given-mandates/{mandateId}/accounts/{accountId}", "U", R),
    ("GET", "/received-mandates", "U", R),
    ("GET DELETE", "/received-mandates/{mandateId}", "U", R),
    ("GET", "/received-mandates/{mandateId}/accounts", "U", R),
    ("GET", "/received-mandates/{mandateId}/accounts/{accountId}", "U", R),
    ("GET POST", "/received-mandates/{mandateId}/integrations", "U", R),
    ("GET POST", "/received-mandates/{mandateId}/integrations/{integrationId}/accounts", "U", R),
    ("DELETE", "/received-mandates/{mandateId}/integrations/{integrationId}/accounts/{accountId}", "U", R),
]
LETTERS = {
    Access.OPEN: "-", Access.OPTIONAL: "-O", Access.CLIENT: "B", Access.ACCOUNT_INFORMATION: "O",
    Access.PAYMENT_INITIATION: "Opi", Access.GRANTED: "O*", Access.SANDBOX: "Os", Access.VENDOR: "C",
    Access.PERSON: "U",
}  # fmt: skip
#: What is below these is Nostro's own: no client of another product asks for it.
OWN = {"openapi.json", "bank-files", "account-files"}


def test_the_endpoints_are_those_of_the_table() -> None:
    served = {
        (e.verb, e.path, LETTERS[e.access], mount)
        for e in ENDPOINTS
        if e.path.split("/")[1] not in OWN
        for mount in e.mounts
    }
    listed = {
        (verb, path, letter, mount)
        for verbs, path, letter, mounts in TABLE
        for verb in verbs.split()
        for mount in mounts
    }
    assert served == listed


def test_posts_make_and_everything_else_answers() -> None:
    for endpoint in ENDPOINTS:
        makes = endpoint.verb == "POST" and not endpoint.path.startswith("/oauth2/")
        assert endpoint.status == (201 if makes else 200), endpoint.path


@pytest.mark.parametrize("form", ["{}/", "/{}", "{}//"], ids=["trailing", "leading", "doubled"])
def test_slashes_lead_every_verb_to_the_same_endpoint(form: str) -> None:
    """Nothing is redirected: a redirected POST would lose its body (2.1)."""
    for endpoint in ENDPOINTS:
        for mount in endpoint.mounts:
            segments = routing.split(form.format(mount + endpoint.path.replace("/", "//")))
            found, _ids = routing.route(*routing.mount_of(segments), endpoint.verb)
            assert found is endpoint


@pytest.mark.parametrize(
    "path",
    ["/accounts/{}/updated-transactions", "/accounts/{}/synchronizations", "/xs2a/customers", "/payments",
     "/accounts/{}/transactions/{}/x", "/ponto-connect/me", "/ponto-connect/webhooks/keys", "/ponto-connect/users",
     "/userinfo", "/onboarding-details", "/integration-accounts", "/organizations/{}/integration"],
)  # fmt: skip
def test_what_the_product_does_not_have_is_404(street: Street, path: str) -> None:
    reply = street.caller.get(path.format(street.account.id, street.account.id))
    assert (reply.status, reply.code) == (404, "resourceNotFound")


def test_a_known_path_with_another_verb_is_405_on_both_mounts() -> None:
    for endpoint in ENDPOINTS:
        for mount in endpoint.mounts:
            with pytest.raises(ApiError) as refused:
                routing.route(mount, routing.split(endpoint.path), "PUT")
            assert (refused.value.status, refused.value.code) == (405, "methodNotAllowed")


# --- discovery ------------------------------------------------------------------------------------------------

ACCOUNT = {
    "transactions": "{base}/accounts/{accountId}/transactions/{transactionId}",
    "pendingTransactions": "{base}/accounts/{accountId}/pending-transactions/{pendingTransactionId}",
    "payments": "{base}/accounts/{accountId}/payments/{paymentId}",
    "bulkPayments": "{base}/accounts/{accountId}/bulk-payments/{bulkPaymentId}",
    "paymentRequests": "{base}/accounts/{accountId}/payment-requests/{paymentRequestId}",
}
SHARED: dict[str, Any] = {
    "accounts": "{base}/accounts/{accountId}",
    "account": ACCOUNT,
    "financialInstitutions": "{base}/financial-institutions/{financialInstitutionId}",
    "synchronizations": "{base}/synchronizations/{synchronizationId}",
    "synchronization": {
        "updatedTransactions": "{base}/synchronizations/{synchronizationId}/updated-transactions",
        "updatedPendingTransactions": "{base}/synchronizations/{synchronizationId}/updated-pending-transactions",
    },
    "sandbox": {
        "financialInstitutions": "{base}" + FAKES + "/{financialInstitutionId}",
        "financialInstitution": {
            "financialInstitutionAccounts": "{base}" + FAKE_ACCOUNTS + "/{financialInstitutionAccountId}",
            "financialInstitutionAccount": {
                "financialInstitutionTransactions": "{base}" + FAKE_ROWS + "/{financialInstitutionTransactionId}"
            },
        },
    },
}
OF_MANDATE = "/received-mandates/{mandateId}"
AT_THE_ROOT = {
    "self": "{base}/",
    "oauth2": {"token": "{base}/oauth2/token"},
    **SHARED,
    "me": "{base}/me",
    "organizationAccounts": "{base}/organization-accounts",
    "users": "{base}/users",
    "userInvitations": "{base}/user-invitations/{invitationId}",
    "integrations": "{base}/integrations/{integrationId}",
    "integration": {"accounts": "{base}/integrations/{integrationId}/accounts/{accountId}"},
    "givenMandates": "{base}/given-mandates/{mandateId}",
    "givenMandate": {"accounts": "{base}/given-mandates/{mandateId}/accounts/{accountId}"},
    "receivedMandates": "{base}/received-mandates/{mandateId}",
    "receivedMandate": {
        "accounts": "{base}/received-mandates/{mandateId}/accounts/{accountId}",
        "integrations": "{base}/received-mandates/{mandateId}/integrations",
        "integration": {"accounts": "{base}" + OF_MANDATE + "/integrations/{integrationId}/accounts/{accountId}"},
    },
}  # fmt: skip
FOR_VENDORS = {
    **SHARED,
    "account": {**ACCOUNT, "reauthorizationRequests": "{base}/accounts/{accountId}/reauthorization-requests"},
    "oauth2": {"token": "{base}/oauth2/token", "revoke": "{base}/oauth2/revoke"},
    "userinfo": "{base}/userinfo",
    "integrationAccounts": "{base}/integration-accounts",
    "onboardingDetails": "{base}/onboarding-details",
    "organizations": {
        "usage": "{base}/organizations/{organizationId}/usage/{month}",
        "integration": "{base}/organizations/{organizationId}/integration",
    },
    "paymentActivationRequests": "{base}/payment-activation-requests",
    "paymentRequestActivationRequests": "{base}/payment-request-activation-requests",
}


def based(document: Any, base: str) -> Any:
    return json.loads(json.dumps(document).replace("{base}", base))


@pytest.mark.django_db
@pytest.mark.parametrize("base", [BASE, "https://hub.example.org"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", based({"links": AT_THE_ROOT}, "{base}")),
        ("/ponto-connect", based({"links": FOR_VENDORS}, "{base}/ponto-connect")),
        ("/ponto-connect/", based({"links": FOR_VENDORS}, "{base}/ponto-connect")),
        ("/webhooks", {"links": {"keys": "{base}/webhooks/keys"}}),
        ("/webhooks/", {"links": {"keys": "{base}/webhooks/keys"}}),
    ],
    ids=["root", "connect", "connect-slash", "webhooks", "webhooks-slash"],
)
def test_discovery_documents_are_exact_and_in_the_callers_base(
    settings: Any, base: str, path: str, expected: dict[str, Any]
) -> None:
    settings.PUBLIC_URLS = [BASE, "https://hub.example.org"]
    for accept in ("application/json", "application/vnd.api+json;version=2", ""):
        reply = Caller().send("GET", path, host=base.split("//")[1], accept=accept)
        assert reply.status == 200 and reply.json == based(expected, base)
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
