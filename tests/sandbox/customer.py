"""A service and its customer in one: asks for consents, walks through the bank's pages, reads accounts over HTTP."""

from __future__ import annotations

import re
import uuid
from typing import Any

from werkzeug.test import Client, TestResponse

from nostro.sandbox.application import Application

BACK = "https://hub.example/back?state=a%2Fb%20c"
NOT_OK = "https://hub.example/denied?state=a%2Fb%20c"
ALL = {"accounts": [], "balances": [], "transactions": []}
SINCE = "2023-01-01"


class Customer:
    """Every call is a real request through the WSGI application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.client = Client(application)

    def call(self, method: str, path: str, consent: str = "", attended: bool = True, **more: Any) -> TestResponse:
        headers = {"X-Request-ID": str(uuid.uuid4()), **more.pop("headers", {})}
        if consent:
            headers["Consent-ID"] = consent
        if attended:
            headers["PSU-IP-Address"] = "192.0.2.7"
        return self.client.open(path, method=method, headers=headers, **more)

    def ask(self, access: Any = ALL, headers: dict[str, str] | None = None, **changes: Any) -> TestResponse:
        body = {
            "access": access,
            "recurringIndicator": True,
            "validUntil": "2026-06-30",
            "frequencyPerDay": 4,
            "combinedServiceIndicator": False,
            **changes,
        }
        addresses = {"TPP-Redirect-URI": BACK, "TPP-Nok-Redirect-URI": NOT_OK}
        return self.call("POST", "/v1/consents", json=body, headers=addresses | (headers or {}))

    def page_of(self, answer: TestResponse) -> str:
        href = answer.json["_links"]["scaRedirect"]["href"]
        return "/sca/" + href.rsplit("/", 1)[1]

    def log_in(self, page: str, psu: str, password: str = "sandbox") -> TestResponse:
        return self.client.post(page, data={"act": "log-in", "psu": psu, "password": password})

    def choices(self, page: str) -> list[str]:
        return re.findall(r'name="account" value="([^"]+)"', self.client.get(page).text)

    def approve(self, page: str, accounts: list[str], code: str = "123456") -> TestResponse:
        return self.client.post(page, data={"act": "approve", "account": accounts, "code": code})

    def link(self, psu: str, access: Any = ALL, **changes: Any) -> str:
        """The whole way to a valid consent; returns its id."""
        answer = self.ask(access, **changes)
        assert answer.status_code == 201, answer.text
        page = self.page_of(answer)
        assert self.log_in(page, psu).status_code == 303
        assert self.approve(page, self.choices(page)).headers["Location"] == BACK
        return str(answer.json["consentId"])

    def accounts(self, consent: str) -> list[dict[str, Any]]:
        return list(self.call("GET", "/v1/accounts?withBalance=true", consent).json["accounts"])

    def pages(self, consent: str, account: str, status: str = "both", since: str = SINCE, **call: Any) -> list[Any]:
        """All pages of a transaction list."""
        href = f"/v1/accounts/{account}/transactions?bookingStatus={status}&dateFrom={since}"
        pages: list[Any] = []
        while href:
            answer = self.call("GET", href, consent, **call)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json["transactions"])
            href = pages[-1]["_links"].get("next", {}).get("href")
            assert len(pages) <= 200
        return pages

    def control(self, method: str, path: str, body: Any = None) -> TestResponse:
        headers = {"Authorization": "Bearer control"}
        more = {} if body is None else {"json": body}
        return self.client.open(f"/_control{path}", method=method, headers=headers, **more)

    def truth(self, account: str) -> Any:
        return self.control("GET", f"/truth/{account}").json


def code_of(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an error answer."""
    return answer.status_code, answer.json["tppMessages"][0]["code"]
