"""Ponto Connect: a vendor, an organization that lets it in, and every way a token can be wrong (hub-api.md 4.2 ff.)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.management import call_command
from django.test import Client
from tests import factories
from tests.hub.api.client import BASE, Caller, Reply, caller_for
from tests.hub.api.shapes import require_shape_of_example

from nostro.hub.accounts.models import Account
from nostro.hub.api import examples
from nostro.hub.api.endpoints import CONNECT, ENDPOINTS, Access
from nostro.hub.integrations.models import Integration, IntegrationAccount
from nostro.hub.integrations.services import regenerate_secret, revoke_integration
from nostro.hub.organizations.models import Membership, Role
from nostro.hub.vendors.models import Application
from nostro.hub.vendors.services import register_application
from nostro.hub.vendors.tasks import forget_old
from nostro.web.errors import Problem

BACK = "https://vendor.example/back?from=nostro"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Vendor:
    """A vendor's software as the ``ibanity`` gem would call, and the person it sends to the Hub."""

    application: Application
    secret: str
    caller: Caller
    owner: Membership
    account: Account
    other: Account

    def browser(self, person: Any = None) -> Client:
        client = Client(headers={"accept": "text/html"})
        client.force_login(person or self.owner.user)
        return client

    def address(self, **changes: str) -> str:
        query = {
            "response_type": "code", "client_id": self.application.client_id, "redirect_uri": BACK,
            "scope": "offline_access ai name", "state": "s&1", "code_challenge": CHALLENGE,
            "code_challenge_method": "S256", **changes,
        }  # fmt: skip
        return "/oauth2/auth?" + urlencode(query)

    def consent(self, accounts: list[Account] | None = None, **changes: str) -> str:
        ids = [str(account.id) for account in accounts or [self.account]]
        response = self.browser().post(self.address(**changes), {"accounts": ids})
        assert response.status_code == 302, response.content
        query = parse_qs(urlsplit(response["Location"]).query)
        assert response["Location"].startswith("https://vendor.example/back?from=nostro&")
        assert query["state"] == ["s&1"]
        return query["code"][0]

    def token(self, path: str = "/ponto-connect/oauth2/token", **form: str) -> Reply:
        pair = base64.b64encode(f"{self.application.client_id}:{self.secret}".encode()).decode()
        return self.caller.send(
            "POST", path, urlencode(form).encode(), authorization=f"Basic {pair}",
            content_type="application/x-www-form-urlencoded", accept="application/json",
        )  # fmt: skip

    def exchange(self, code: str, **changes: str) -> Reply:
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": BACK,
                "client_id": self.application.client_id}  # fmt: skip
        return self.token(**{**form, **changes})

    def refresh(self, token: str) -> Reply:
        return self.token(grant_type="refresh_token", refresh_token=token, redirect_uri="ignored")

    def get(self, path: str, token: str) -> Reply:
        return self.caller.send("GET", "/ponto-connect" + path, authorization=f"Bearer {token}")

    def send(self, verb: str, path: str, token: str, document: Any = None, **headers: str) -> Reply:
        body = b"" if document is None else json.dumps(document).encode()
        return self.caller.send(verb, "/ponto-connect" + path, body, authorization=f"Bearer {token}", **headers)

    def client_token(self) -> str:
        return str(self.token(grant_type="client_credentials").json["access_token"])


def make_vendor(owner: Membership, name: str = "Bookish") -> Vendor:
    application, secret = register_application(name=name, redirect_uris=[BACK], is_sandbox=True, now=factories.NOW)
    return Vendor(
        application, secret, Caller(), owner, factories.account(owner.organization),
        factories.account(owner.organization),
    )  # fmt: skip


@pytest.fixture
def vendor(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = make_vendor(factories.membership())
    for module in ("consent", "shell", "start"):
        monkeypatch.setattr(f"nostro.hub.pages.{module}.now", lambda: vendor.caller.now)
    yield vendor


def refused(reply: Reply, status: int, error: str) -> None:
    assert (reply.status, reply.json["error"]) == (status, error), reply.body
    assert "errors" not in reply.json  # the plain OAuth shape under this mount (4.1)


def test_a_person_lets_a_vendor_read_and_the_vendor_reads_only_that(vendor: Vendor) -> None:
    response = vendor.browser().get(vendor.address())
    assert "form-action 'self' https://vendor.example;" in response["Content-Security-Policy"]
    page = response.content.decode()
    assert "Bookish" in page and str(vendor.account.id) in page
    reply = vendor.exchange(vendor.consent())
    assert reply.status == 200 and reply.headers["cache-control"] == "no-store"
    assert reply.json["expires_in"] == 1799 and reply.json["scope"] == "offline_access ai name"
    assert len(reply.json["access_token"]) == 87 and len(reply.json["refresh_token"]) == 87
    token = reply.json["access_token"]
    listed = vendor.get("/accounts", token)
    assert [item["id"] for item in listed.json["data"]] == [str(vendor.account.id)]
    assert listed.json["data"][0]["relationships"]["transactions"]["links"]["related"].startswith(
        f"{BASE}/ponto-connect/accounts/"
    )
    assert vendor.get(f"/accounts/{vendor.other.id}", token).status == 404
    assert vendor.caller.send("GET", "/accounts", authorization=f"Bearer {token}").status == 401  # the other mount
    info = vendor.get("/userinfo", token).json
    assert info["sub"] == str(vendor.owner.organization_id) and info["name"] == vendor.owner.organization.name
    assert info["onboardingComplete"] is True and "errors" not in info
    for path in ("/integration-accounts", f"/organizations/{vendor.owner.organization_id}/usage/2026-11"):
        refusal = vendor.get(path, token)
        assert (refusal.status, refusal.code) == (403, "insufficientScope")


def test_names_are_told_with_their_scope_only_and_no_refresh_token_without_offline_access(vendor: Vendor) -> None:
    reply = vendor.exchange(vendor.consent(scope="ai pi nonsense"))
    assert reply.json["scope"] == "ai pi" and "refresh_token" not in reply.json
    assert "name" not in vendor.get("/userinfo", reply.json["access_token"]).json


def test_a_root_token_is_unknown_under_ponto_connect(vendor: Vendor) -> None:
    root = caller_for(vendor.owner, [vendor.account])
    assert vendor.get("/accounts", root.token).status == 401
    integration = Integration.objects.get(id=root.integration.id if root.integration else None)
    assert integration.vendor_id is None


def test_a_code_works_once_and_its_second_use_ends_what_it_gave(vendor: Vendor) -> None:
    code = vendor.consent()
    first = vendor.exchange(code).json
    refused(vendor.exchange(code), 400, "invalid_grant")
    assert vendor.get("/accounts", first["access_token"]).status == 401
    refused(vendor.refresh(first["refresh_token"]), 400, "invalid_grant")


def test_wrong_codes_are_refused(vendor: Vendor) -> None:
    code = vendor.consent()
    refused(vendor.exchange(code, redirect_uri="https://vendor.example/other"), 400, "invalid_grant")
    refused(vendor.exchange(code, code_verifier="w" * 64), 400, "invalid_grant")
    refused(vendor.exchange(code, code_verifier=""), 400, "invalid_grant")
    refused(vendor.exchange(code[:-1]), 400, "invalid_grant")
    refused(vendor.exchange(code, code_verifier="\ud7ff\x00"), 400, "invalid_grant")
    refused(make_vendor(vendor.owner, "Other").exchange(code), 400, "invalid_grant")
    vendor.caller.now += dt.timedelta(minutes=10)
    refused(vendor.exchange(code), 400, "invalid_grant")


def test_without_a_challenge_no_verifier_is_needed(vendor: Vendor) -> None:
    code = vendor.consent(code_challenge="", code_challenge_method="")
    assert vendor.exchange(code, code_verifier="").status == 200


def test_refresh_tokens_rotate_and_a_used_one_ends_the_chain(vendor: Vendor) -> None:
    first = vendor.exchange(vendor.consent()).json
    second = vendor.refresh(first["refresh_token"])
    assert second.status == 200 and second.json["scope"] == first["scope"]
    assert vendor.get("/accounts", second.json["access_token"]).status == 200
    refused(vendor.refresh(first["refresh_token"]), 400, "invalid_grant")
    refused(vendor.refresh(second.json["refresh_token"]), 400, "invalid_grant")
    assert vendor.get("/accounts", second.json["access_token"]).status == 401


def test_revoking_is_effective_at_the_next_request_and_always_an_empty_object(vendor: Vendor) -> None:
    tokens = vendor.exchange(vendor.consent()).json
    for token in ("unknown", tokens["access_token"], tokens["refresh_token"], ""):
        reply = vendor.token("/ponto-connect/oauth2/revoke", token=token)
        assert reply.status == 200 and reply.body == b"{}"
    assert vendor.get("/accounts", tokens["access_token"]).status == 401
    refused(vendor.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    wrong = vendor.caller.send("POST", "/ponto-connect/oauth2/revoke", b"token=x")
    refused(wrong, 401, "invalid_client")


def test_elixir_sends_json(vendor: Vendor) -> None:
    body = {"grant_type": "client_credentials", "client_id": vendor.application.client_id,
            "client_secret": vendor.secret}  # fmt: skip
    reply = vendor.caller.send("POST", "/ponto-connect/oauth2/token", json.dumps(body).encode())
    assert reply.status == 200 and reply.json["scope"] == "" and "refresh_token" not in reply.json


@pytest.mark.parametrize(
    ("form", "error"),
    [({}, "invalid_request"), ({"grant_type": "password"}, "unsupported_grant_type"),
     ({"grant_type": "authorization_code"}, "invalid_grant"), ({"grant_type": "refresh_token"}, "invalid_grant")],
)  # fmt: skip
def test_token_calls_that_make_no_sense(vendor: Vendor, form: dict[str, str], error: str) -> None:
    refused(vendor.token(**form), 400, error)


def test_the_person_ends_it_under_integrations(vendor: Vendor) -> None:
    tokens = vendor.exchange(vendor.consent()).json
    integration = Integration.objects.get(vendor_id=vendor.application.id)
    revoke_integration(vendor.owner.user, integration.id, vendor.caller.now)
    assert vendor.get("/accounts", tokens["access_token"]).status == 401
    refused(vendor.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_a_second_consent_changes_the_accounts_of_the_first(vendor: Vendor) -> None:
    token = vendor.exchange(vendor.consent()).json["access_token"]
    vendor.consent([vendor.account, vendor.other])
    assert len(vendor.get("/accounts", token).json["data"]) == 2
    assert Integration.objects.filter(vendor_id=vendor.application.id).count() == 1


# --- the page -------------------------------------------------------------------------------------------------


def location(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 302 and response["Location"].startswith("https://vendor.example/back")
    return parse_qs(urlsplit(response["Location"]).query)


def test_refusing_and_wrong_requests_go_back_with_an_error(vendor: Vendor) -> None:
    browser = vendor.browser()
    assert location(browser.post(vendor.address(), {"refuse": "1"}))["error"] == ["access_denied"]
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ):
        found = location(browser.get(vendor.address(**changes)))
        assert found["error"] == [error] and found["state"] == ["s&1"]
    assert not Integration.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"redirect_uri": "https://evil.example/"}, {"redirect_uri": BACK + "/x"}, {"redirect_uri": ""},
     {"client_id": "nobody"}, {"client_id": "\x00"}],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_is_not_registered(vendor: Vendor, changes: dict[str, str]) -> None:
    for method in ("get", "post"):
        data = {"refuse": "1"} if method == "post" else None
        response = getattr(vendor.browser(), method)(vendor.address(**changes), data)
        assert response.status_code == 400 and "Location" not in response


def test_only_administrators_decide_and_only_over_their_own_accounts(vendor: Vendor) -> None:
    member = factories.membership(vendor.owner.organization, role=Role.MEMBER)
    assert vendor.browser(member.user).get(vendor.address()).status_code == 403
    assert Client().get(vendor.address(), headers={"accept": "text/html"}).status_code == 302
    foreign = factories.account()
    response = vendor.browser().post(vendor.address(), {"accounts": [str(foreign.id)]})
    assert response.status_code == 200 and not Integration.objects.exists()


# --- the vendor's own resources -------------------------------------------------------------------------------


def test_a_client_token_does_not_read_accounts(vendor: Vendor) -> None:
    token = vendor.client_token()
    for path in ("/accounts", f"/accounts/{vendor.account.id}", "/userinfo"):
        reply = vendor.get(path, token)
        assert (reply.status, reply.code) == (403, "insufficientScope")
    assert vendor.get("/financial-institutions", token).json["data"]
    vendor.caller.now += dt.timedelta(seconds=1799)
    assert vendor.get("/integration-accounts", token).status == 401


def test_integration_accounts_are_those_of_the_vendor_alone_and_paged(vendor: Vendor) -> None:
    vendor.consent([vendor.account, vendor.other])
    stranger = make_vendor(factories.membership(), "Other")
    stranger.consent()
    token = vendor.client_token()
    first = vendor.get("/integration-accounts?page[limit]=1", token).json
    second = vendor.get(f"/integration-accounts?page[limit]=1&page[after]={first['data'][0]['id']}", token).json
    ids = {item["relationships"]["account"]["data"]["id"] for page in (first, second) for item in page["data"]}
    assert ids == {str(vendor.account.id), str(vendor.other.id)}
    item = first["data"][0]
    assert item["relationships"]["organization"] == {
        "data": {"type": "organization", "id": str(vendor.owner.organization_id)}
    }
    assert set(item["attributes"]) == {"createdAt", "lastAccessedAt"}
    assert "next" not in second["links"] and first["links"]["next"].endswith("&page[limit]=1")


def test_usage_is_prorated(vendor: Vendor) -> None:
    vendor.consent([vendor.account, vendor.other])
    begin = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
    IntegrationAccount.objects.filter(account=vendor.account).update(created_at=begin - dt.timedelta(days=90))
    IntegrationAccount.objects.filter(account=vendor.other).update(
        created_at=begin + dt.timedelta(days=10, hours=12), removed_at=begin + dt.timedelta(days=26)
    )
    token, organization = vendor.client_token(), vendor.owner.organization_id
    reply = vendor.get(f"/organizations/{organization}/usage/2026-10", token).json
    relation = {"organization": {"data": {"type": "organization", "id": str(organization)}}}
    assert reply == {
        "data": {
            "type": "usage", "id": "2026-10",
            "attributes": {"accountCount": Decimal("1.5"), "paymentCount": 0, "paymentAccountCount": 0,
                           "bulkPaymentCount": 0, "bulkPaymentBundleCount": 0},
            "relationships": relation,
        },
        "relationships": relation,
    }  # fmt: skip
    assert (
        vendor.get(f"/organizations/{organization}/usage/2027-01", token).json["data"]["attributes"]["accountCount"]
        == 0
    )
    for path in (f"/organizations/{organization}/usage/2026-13", f"/organizations/{uuid.uuid4()}/usage/2026-10",
                 f"/organizations/{organization}/usage/9999-12"):  # fmt: skip
        assert vendor.get(path, token).status == 404


def test_the_vendor_gives_an_organization_back(vendor: Vendor) -> None:
    tokens, client = vendor.exchange(vendor.consent()).json, vendor.client_token()
    organization = vendor.owner.organization_id
    stranger = make_vendor(factories.membership(), "Other")
    assert stranger.send("DELETE", f"/organizations/{organization}/integration", stranger.client_token()).status == 404
    reply = vendor.send("DELETE", f"/organizations/{organization}/integration", client)
    assert reply.status == 200 and reply.json["data"]["type"] == "integration"
    assert vendor.get("/accounts", tokens["access_token"]).status == 401
    assert vendor.send("DELETE", f"/organizations/{organization}/integration", client).status == 404


def test_onboarding_details_are_echoed_checked_and_idempotent(vendor: Vendor) -> None:
    token = vendor.client_token()
    document = {"data": {"type": "onboardingDetails", "attributes": {
        "email": "jane@example.org", "first_name": "Jane", "skipFinancialInstitutionSelection": True}}}  # fmt: skip
    created = vendor.send("POST", "/onboarding-details", token, document, ibanity_idempotency_key="k")
    given = created.json["data"]["attributes"]
    assert created.status == 201 and given["firstName"] == "Jane" and given["organizationType"] == "business"
    again = vendor.send("POST", "/onboarding-details", token, document, ibanity_idempotency_key="k")
    assert again.json == created.json and again.headers["idempotent-replayed"] == "true"
    for attributes in ({}, {"email": 1}, {"email": "no"}, {"email": "a@b", "organizationType": "x"},
                       {"email": "a@b", "initialFinancialInstitutionId": "x"}, {"email": "a@b" * 200}):  # fmt: skip
        reply = vendor.send("POST", "/onboarding-details", token, {"data": {"attributes": attributes}})
        assert (reply.status, reply.code) == (400, "validationError")


def test_a_reauthorization_request_leads_the_person_to_the_renewal(vendor: Vendor) -> None:
    token = vendor.exchange(vendor.consent()).json["access_token"]
    path = f"/accounts/{vendor.account.id}/reauthorization-requests"
    document = {"data": {"attributes": {"redirectUri": "https://vendor.example/done"}}}
    reply = vendor.send("POST", path, token, document)
    data = reply.json["data"]
    assert reply.status == 201 and data["attributes"] == {"sandbox": True}
    link = data["links"]["redirect"]
    assert link.startswith(f"{BASE}/authorize/organizations/{vendor.owner.organization_id}/sandbox/integrations/")
    page = vendor.browser().get(link.removeprefix(BASE))
    assert page.status_code == 200 and f"/connections/{vendor.account.connection_id}/renew/" in page.content.decode()
    browser = vendor.browser()
    browser.get(link.removeprefix(BASE))
    elsewhere = browser.get(f"/hub/{vendor.owner.organization_id}/accounts/sandbox/").content.decode()
    assert 'href="https://vendor.example/done"' in elsewhere and "Back to Bookish" in elsewhere
    Account.objects.filter(id=vendor.account.id).update(authorised_at=vendor.caller.now + dt.timedelta(minutes=1))
    assert "The consent is renewed." in browser.get(link.removeprefix(BASE)).content.decode()
    stranger = factories.membership()
    assert vendor.browser(stranger.user).get(link.removeprefix(BASE)).status_code == 404
    for attributes in ({}, {"redirectUri": "https://evil.example/"}, {"redirectUri": "https://[/"}):
        refusal = vendor.send("POST", path, token, {"data": {"attributes": attributes}})
        assert (refusal.status, refusal.code) == (400, "validationError")
    hidden = f"/accounts/{vendor.other.id}/reauthorization-requests"
    assert vendor.send("POST", hidden, token, document).status == 404


def test_the_operator_registers_vendors(db: None) -> None:
    output = io.StringIO()
    call_command("register_vendor", "Bookish", "https://vendor.example/back", "--sandbox", stdout=output)
    application = Application.objects.get()
    assert application.client_id in output.getvalue() and application.client_secret not in output.getvalue()
    for uri in ("http://vendor.example/", "ftp://x/", "https://vendor.example/#x", "nonsense"):
        with pytest.raises(Problem):
            register_application(name="X", redirect_uris=[uri], is_sandbox=True, now=factories.NOW)


def test_what_has_expired_is_forgotten(vendor: Vendor) -> None:
    vendor.client_token()
    vendor.consent()
    document = {"data": {"attributes": {"email": "jane@example.org"}}}
    assert vendor.send("POST", "/onboarding-details", vendor.client_token(), document).status == 201
    assert forget_old(vendor.caller.now) == 0
    assert forget_old(vendor.caller.now + dt.timedelta(hours=1, seconds=1)) == 3  # two tokens, one person's details
    assert forget_old(vendor.caller.now + dt.timedelta(days=2)) == 1  # the code


def test_onboarding_details_help_a_person_who_has_nothing_yet(vendor: Vendor) -> None:
    bank = factories.institution(is_sandbox=True)
    told = {"email": "x@example.org", "organizationName": "Bakkerij Peeters", "addressCountry": "nl",
            "initialFinancialInstitutionId": str(bank.id)}  # fmt: skip
    reply = vendor.send("POST", "/onboarding-details", vendor.client_token(), {"data": {"attributes": told}})
    address = vendor.address(onboarding_details_id=reply.json["data"]["id"])
    newcomer = vendor.browser(factories.user())
    page = newcomer.get(address, follow=True)
    assert page.redirect_chain[-1][0] == "/hub/organizations/new/"
    text = page.content.decode()
    assert 'value="Bakkerij Peeters"' in text and '<option value="NL" selected>' in text and "Back to Bookish" in text
    newcomer.post("/hub/organizations/new/", {"name": "Bakkerij Peeters", "country": "NL"})
    asked = newcomer.get(address).content.decode()
    assert f"/sandbox/add/{bank.id}/" in asked  # the bank that the vendor proposed


def test_old_and_foreign_onboarding_details_tell_nothing(vendor: Vendor) -> None:
    told = {"email": "x@example.org", "organizationName": "Bakkerij Peeters"}
    reply = vendor.send("POST", "/onboarding-details", vendor.client_token(), {"data": {"attributes": told}})
    details_id = reply.json["data"]["id"]
    vendor.caller.now += dt.timedelta(minutes=5)
    for given in (details_id, "nonsense", "\x00"):
        page = vendor.browser(factories.user()).get(vendor.address(onboarding_details_id=given), follow=True)
        assert page.status_code == 200 and "Bakkerij" not in page.content.decode()


def test_the_vendors_integration_has_no_secret_to_renew(vendor: Vendor) -> None:
    vendor.exchange(vendor.consent())
    integration = Integration.objects.get(vendor_id=vendor.application.id)
    with pytest.raises(Problem, match="no Secret ID"):
        regenerate_secret(vendor.owner.user, integration.id, factories.NOW)
    page = vendor.browser().get(f"/hub/integrations/{integration.id}/").content.decode()
    assert "Revoke integration" in page and "Make new Secret ID" not in page


def test_the_examples_of_the_documentation_have_the_shape_of_answers(vendor: Vendor) -> None:
    consented = vendor.exchange(vendor.consent())
    require_shape_of_example(consented, "POST", "/oauth2/token", CONNECT)
    index = vendor.get("/", consented.json["access_token"])
    require_shape_of_example(index, "GET", "/", CONNECT)
    ids = {"organizationId": str(vendor.owner.organization_id), "accountId": str(vendor.account.id), "month": "2026-11"}
    calls = [each for each in ENDPOINTS if each.mounts == (CONNECT,) and each.access is not Access.CLIENT]
    for endpoint in sorted(calls, key=lambda each: each.verb == "DELETE"):
        token = vendor.client_token() if endpoint.access is Access.VENDOR else consented.json["access_token"]
        path = re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], endpoint.path)
        reply = vendor.send(endpoint.verb, path, token, examples.body_of(endpoint.verb, endpoint.path))
        assert reply.status == endpoint.status, reply.body
        require_shape_of_example(reply, endpoint.verb, endpoint.path, CONNECT)
