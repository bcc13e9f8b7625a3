"""Requests that schemathesis generates from the OpenAPI document, with all of its checks, in bounded time."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from tests import factories
from tests.hub.api.client import Caller, caller_for, pages, with_payments

from nostro.hub.accounts.models import Account
from nostro.hub.api import openapi
from nostro.hub.api.dispatcher import Dispatcher
from nostro.hub.api.endpoints import ENDPOINTS, Access
from nostro.hub.api.rate_limits import Limit
from nostro.hub.integrations.personal import create_personal_token
from nostro.hub.integrations.queries import granted_accounts
from nostro.hub.organizations.models import Membership
from nostro.hub.vendors.grants import exchange_code, issue_client_token
from nostro.hub.vendors.services import grant, register_application


@pytest.fixture
def caller(db: None) -> Caller:
    account: Account = factories.account()
    factories.synchronization(account)
    factories.transactions(account, 12)
    return with_payments(caller_for(factories.membership(account.organization), [account]))


@pytest.fixture
def api_schema(caller: Caller) -> Any:
    deep = Limit(1e9, 1e9)
    application = Dispatcher(pages, now=lambda: caller.now, requests=deep, token_calls=deep)
    config = schemathesis.Config.from_dict(
        {
            # A well-formed cursor or resource that does not exist here is 400, as hub-api.md 5.6 and 7.3 say, and
            # what is wrong with a token call is 400 or 401.
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404", "409"]}},
        }
    )
    return schemathesis.openapi.from_wsgi("/openapi.json", application, config=config)


OF_PERSONS = {endpoint.path for endpoint in ENDPOINTS if endpoint.access is Access.PERSON}


def _calls() -> list[tuple[str, str, GenerationMode]]:
    """Every operation with valid requests, and with invalid ones where there is something that can be wrong."""
    return [
        (path, verb, mode)
        for path, operations in sorted(openapi.document()["paths"].items())
        for verb, operation in operations.items()
        for mode in GenerationMode
        if mode.is_positive or operation["parameters"] or "requestBody" in operation
    ]


def _authorization(path: str, caller: Caller) -> str:
    """What a caller of this path shows: of the root, an integration's, or a person's; of Ponto Connect, the vendor's
    own where one is needed, else that of the organization which let the vendor in."""
    if path in OF_PERSONS:
        assert caller.integration is not None
        member = Membership.objects.get(organization=caller.integration.organization)
        return "Bearer " + create_personal_token(member.user, member.organization, name="x", now=caller.now)[1]
    if not path.startswith("/ponto-connect"):
        return caller.basic() if "/oauth2/" in path else f"Bearer {caller.token}"
    application, secret = register_application(
        name="Vendor", redirect_uris=["https://vendor.example/"], is_sandbox=True, now=caller.now
    )
    if "/oauth2/" in path:
        return "Basic " + base64.b64encode(f"{application.client_id}:{secret}".encode()).decode()
    if any(name in path for name in ("organizations", "onboarding", "integration-accounts")):
        return f"Bearer {issue_client_token(application, caller.now).access_token}"
    assert caller.integration is not None
    member = Membership.objects.get(organization=caller.integration.organization)
    code = grant(
        member.user, member.organization, application, account_ids=[a.id for a in granted_accounts(caller.integration)],
        scope="ai pi name", redirect_uri="https://vendor.example/", challenge="", now=caller.now,
    )  # fmt: skip
    return f"Bearer {exchange_code(application, code, 'https://vendor.example/', '', caller.now).access_token}"


@pytest.mark.parametrize(("path", "verb", "mode"), _calls())
def test_generated_requests(path: str, verb: str, mode: GenerationMode, api_schema: Any, caller: Caller) -> None:
    """Valid and invalid requests on one endpoint: statuses, media types and bodies are the declared ones, tokens are
    asked for, what is wrong is refused, nothing is a 5xx."""
    authorization = _authorization(path, caller)

    @settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=api_schema[path][verb].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": authorization})

    check()
