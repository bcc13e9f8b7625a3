"""Headers, errors, health, figures, theme, logs."""

from __future__ import annotations

import importlib
import json
import logging

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from nostro.web import shared_urls, views
from nostro.web.errors import Forbidden, NotFound, Problem
from nostro.web.logging import mask_event, masked

pytestmark = pytest.mark.django_db
HTML = {"accept": "text/html"}


def raise_problem(request):
    raise Problem(
        "The file is empty.", why="It has no lines.", what_to_do="Choose another.", code="fileEmpty", field="file"
    )


def raise_not_found(request):
    raise NotFound("account")


def raise_forbidden(request):
    raise Forbidden()


def raise_mistake(request):
    raise RuntimeError("secret detail of the machine")


def form(request):
    return HttpResponse("sent")


urlpatterns = [
    *shared_urls.urlpatterns,
    path("problem", raise_problem),
    path("not-found", raise_not_found),
    path("forbidden", raise_forbidden),
    path("mistake", raise_mistake),
    path("form", form),
]
handler400, handler403, handler404 = shared_urls.handler400, shared_urls.handler403, shared_urls.handler404
handler429, handler500 = shared_urls.handler429, shared_urls.handler500


@pytest.fixture(autouse=True)
def _addresses(settings, _alone) -> None:
    settings.ROOT_URLCONF = __name__


def test_the_policy_allows_nothing_inline_and_no_other_origin(client):
    answer = client.get("/")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert (answer["X-Content-Type-Options"], answer["X-Frame-Options"]) == ("nosniff", "DENY")
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("url", "secure", "seconds"), [("https://nostro.example", True, 31_536_000), ("http://127.0.0.1:8080", False, 0)]
)
def test_cookies_are_secure_and_tls_is_insisted_on_where_there_is_tls(monkeypatch, url, secure, seconds):
    import nostro.web.settings as module

    monkeypatch.setenv("NOSTRO_PUBLIC_URLS", url)
    try:
        fresh = importlib.reload(module)
        assert fresh.SESSION_COOKIE_SECURE is fresh.CSRF_COOKIE_SECURE is secure
        assert seconds == fresh.SECURE_HSTS_SECONDS
        assert fresh.SESSION_COOKIE_HTTPONLY and fresh.CSRF_COOKIE_HTTPONLY
    finally:
        monkeypatch.undo()
        importlib.reload(module)


def test_strict_transport_is_announced_over_tls(client, settings):
    settings.SECURE_HSTS_SECONDS = 31_536_000
    fresh = Client()  # middleware reads the setting when it is built
    assert fresh.get("/", secure=True)["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in fresh.get("/")


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/problem", 400, "fileEmpty"),
        ("/not-found", 404, "resourceNotFound"),
        ("/forbidden", 403, "forbidden"),
        ("/nowhere", 404, "resourceNotFound"),
        ("/mistake", 500, "internalError"),
    ],
)
def test_an_error_is_told_as_page_as_fragment_and_as_json(address, status, code):
    client = Client(raise_request_exception=False)
    page = client.get(address, headers={**HTML, "x-correlation-id": "abcdef-123456"})
    assert page.status_code == status
    text = page.content.decode()
    assert "<html" in text and code in text and "abcdef-123456" in text and "secret detail" not in text

    fragment = client.get(address, headers={**HTML, "hx-request": "true"})
    assert fragment.status_code == status
    assert "<html" not in fragment.content.decode() and code in fragment.content.decode()

    answer = client.get(address, headers={"accept": "application/json"})
    assert answer.status_code == status and answer.json()["code"] == code
    assert answer.json()["correlationId"] == answer["X-Correlation-ID"]


def test_a_problem_says_what_why_and_what_to_do(client):
    answer = client.get("/problem", headers={"accept": "application/json"}).json()
    answer.pop("correlationId")
    assert answer == {
        "code": "fileEmpty",
        "what": "The file is empty.",
        "why": "It has no lines.",
        "whatToDo": "Choose another.",
        "field": "file",
    }


def test_a_form_without_its_token_is_refused_kindly():
    answer = Client(enforce_csrf_checks=True).post("/form", headers=HTML)
    assert answer.status_code == 403 and "This form is no longer valid." in answer.content.decode()


def test_the_page_of_a_mistake_is_plain_text_when_even_the_page_fails(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no templates")

    monkeypatch.setattr(views, "problem_response", fail)
    answer = views.server_error(RequestFactory().get("/"))
    assert answer.status_code == 500 and answer.content.startswith(b"Nostro made a mistake.")


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space and more", "<script>alert(1)</script>"])
def test_an_odd_correlation_id_is_replaced(client, given):
    assert client.get("/health", headers={"x-correlation-id": given})["X-Correlation-ID"] != given


def test_health_and_readiness(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}


def test_the_home_page_says_what_nostro_is(client):
    html = client.get("/").content.decode()
    assert (
        "Every bank account" in html
        and "/people/signup/" in html
        and "!" not in html.split("<main")[1].split("</main")[0]
    )


@pytest.mark.parametrize(
    ("remote", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.0.0.7", {}, 403),
        ("127.0.0.1", {"x-forwarded-for": "8.8.8.8"}, 403),
        ("10.0.0.7", {"authorization": "Bearer right-token"}, 200),
        ("10.0.0.7", {"authorization": "Bearer wrong"}, 403),
        ("10.0.0.7", {"authorization": "Bearer "}, 403),
        ("", {}, 403),
    ],
)
def test_figures_are_for_this_machine_or_with_the_token(client, settings, remote, headers, status):
    settings.METRICS_TOKEN = "right-token"
    client.get("/health")
    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=remote)
    assert answer.status_code == status
    if status == 200:
        assert b'nostro_http_requests_total{method="GET",route="health",status="200"}' in answer.content


def test_without_a_token_set_no_token_opens_the_figures(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": "Bearer "}, REMOTE_ADDR="10.0.0.7").status_code == 403


def test_light_or_dark_is_remembered_without_a_script(client):
    answer = client.post("/theme", {"theme": "dark", "next": "/look?x=1"})
    assert answer["Location"] == "/look?x=1"
    assert '<html lang="en" dir="ltr" data-theme="dark">' in client.get("/").content.decode()
    client.post("/theme", {"theme": ""})
    assert "data-theme" not in client.get("/").content.decode()
    client.cookies["nostro_theme"] = '"><script>'
    assert "data-theme" not in client.get("/").content.decode()


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_theme_form_leads_nowhere_else(client, elsewhere):
    assert client.post("/theme", {"theme": "dark", "next": elsewhere})["Location"] == "/"


def test_one_line_is_logged_per_request_without_query_or_secret(client, caplog):
    with caplog.at_level(logging.INFO, logger="nostro.web.requests"):
        client.get("/look?token=abcdefghijklmnop", headers={"x-correlation-id": "abcdef-123456"})
        client.get("/people/confirm-email/SECRETKEY:1abc/")
    lines = [record.msg for record in caplog.records if record.name == "nostro.web.requests"]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/look", 200),
        ("GET", "/people/confirm-email/…/", 200),
    ]
    assert lines[0]["correlation_id"] == "abcdef-123456" and lines[0]["ms"] > 0


def test_the_request_that_django_adds_to_its_lines_is_left_out(rf):
    event = {"event": "Not Found: /x", "request": rf.get("/x?token=abcdefghijklmnop"), "status_code": 404}
    assert mask_event(None, "warning", event) == {"event": "Not Found: /x", "status_code": 404}


def test_secrets_are_masked_by_name_and_by_form():
    event = {
        "account": "BE68539007547034",
        "Authorization": "Bearer abc",
        "nested": {"client_secret": "s", "ibans": ["NL91ABNA0417164300"]},
        "count": 3,
    }
    text = json.dumps(masked(event))
    assert "539007547034" not in text and "Bearer" not in text and "0417164300" not in text and '"s"' not in text
    assert masked(event)["count"] == 3
