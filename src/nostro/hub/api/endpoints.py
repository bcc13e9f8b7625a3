"""The endpoints of the API, declared once. Routing serves from this table; OpenAPI will be written from it.

``Access`` says which token an endpoint needs, ``Mount`` where it exists (hub-api.md section 1).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nostro.hub.api import discovery, institutions, oauth2, resources
from nostro.hub.api import documents as d
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


_AI = Access.ACCOUNT_INFORMATION
_ACCOUNT = "/accounts/{accountId}"
_RUN = "/synchronizations/{synchronizationId}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/", discovery.index, Access.OPTIONAL, "The addresses of this API."),
    Endpoint("GET", "/webhooks", discovery.webhooks, Access.OPEN, "The addresses for webhooks.", mounts=(ROOT,)),
    Endpoint(
        "GET", "/webhooks/keys", discovery.webhook_keys, Access.OPEN, "The keys that sign webhooks.", mounts=(ROOT,),
    ),
    Endpoint("POST", "/oauth2/token", oauth2.token, Access.CLIENT, "Issue an access token."),
    Endpoint("GET", "/accounts", resources.list_accounts, _AI, "List the accounts.", "account", d.Page),
    Endpoint("GET", _ACCOUNT, resources.get_account, _AI, "Get an account.", "account", d.One),
    Endpoint("DELETE", _ACCOUNT, resources.delete_account, _AI, "Give an account back.", "account", d.One),
    Endpoint(
        "GET", _ACCOUNT + "/transactions", resources.list_transactions, _AI,
        "List the transactions of an account, newest first.", "transaction", d.Page,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/transactions/{transactionId}", resources.get_transaction, _AI,
        "Get a transaction.", "transaction", d.One,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/pending-transactions", resources.list_pending_transactions, _AI,
        "List the pending transactions of an account.", "pendingTransaction", d.Page,
    ),
    Endpoint(
        "GET", _ACCOUNT + "/pending-transactions/{pendingTransactionId}", resources.get_pending_transaction, _AI,
        "Get a pending transaction.", "pendingTransaction", d.One,
    ),
    Endpoint(
        "POST", "/synchronizations", resources.create_synchronization, _AI,
        "Synchronize an account.", "synchronization", d.One, status=201,
    ),
    Endpoint(
        "GET", _RUN, resources.get_synchronization, _AI,
        "Get a synchronization.", "synchronization", d.SynchronizationState,
    ),
    Endpoint(
        "GET", _RUN + "/updated-transactions", resources.list_updated_transactions, _AI,
        "List the transactions that a synchronization created or changed.", "transaction", d.Page,
    ),
    Endpoint(
        "GET", _RUN + "/updated-pending-transactions", resources.list_updated_pending_transactions, _AI,
        "List the pending transactions that a synchronization created or changed.", "pendingTransaction", d.Page,
    ),
    Endpoint(
        "GET", "/financial-institutions", institutions.list_institutions, Access.OPTIONAL,
        "List the institutions.", "financialInstitution", d.Page,
    ),
    Endpoint(
        "GET", "/financial-institutions/{financialInstitutionId}", institutions.get_institution, Access.OPTIONAL,
        "Get an institution.", "financialInstitution", d.One,
    ),
)  # fmt: skip
