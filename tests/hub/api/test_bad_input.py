"""Whatever arrives: never a 5xx, never HTML, always a JSON error with a request id (hub-api.md 6)."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub.api.client import BASE, Caller, Reply
from tests.hub.api.conftest import Street

from nostro.hub.api import request as requests


def check(reply: Reply) -> Reply:
    assert reply.status < 500, reply.body
    document = json.loads(reply.body)
    assert isinstance(document, dict)
    assert ("errors" in document) == (reply.status >= 400)
    assert reply.headers["content-type"] in ("application/json; charset=utf-8", "application/vnd.api+json")
    uuid.UUID(reply.headers["ibanity-request-id"])
    return reply


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "POST", "OPTIONS", "TRACE", "PROPFIND", "get", ""])
def test_other_verbs_on_known_paths_are_405(street: Street, verb: str) -> None:
    for target in ("/accounts", f"/accounts/{street.account.id}/transactions", "/webhooks", "/"):
        reply = check(street.caller.call(verb, target, {"data": {}}))
        assert (reply.status, reply.code) == (405, "methodNotAllowed") and "GET" in reply.headers["allow"]


def test_head_is_get_without_a_body(street: Street) -> None:
    reply = street.caller.call("HEAD", "/accounts")
    assert reply.status == 200 and reply.body == b"" and int(reply.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "target",
    ["/accounts/x/y/z", "/oauth2", "/oauth2/authorise", "/xs2a", "/xs2a/customer", "/sandbox",
     "/ponto-connect/webhooks", "/ponto-connect/nothing", "/mee", "/accounts/a/b",
     "/users/" + "x" * 5000, "/" + "accounts/" * 500],
)  # fmt: skip
def test_unknown_paths_are_404_json(street: Street, target: str) -> None:
    reply = check(street.caller.get(target))
    assert (reply.status, reply.code) == (404, "resourceNotFound")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b"\xff\xfe\xfa", b"null", b"[]", b'"x"', b"1e999", b'{"data":null}', b'{"data":[]}',
     b'{"data":{"attributes":[]}}', b"[" * 100_000, b'{"a":' * 50_000, b'{"data":{"attributes":{"subtype":1e9999}}}',
     b"\x00" * 100, b'{"data":{"attributes":{"resourceType":"\\ud800"}}}', b"{}" * 3],
)  # fmt: skip
def test_bodies_that_cannot_be_read_are_400(street: Street, body: bytes) -> None:
    for content_type in ("application/json", "text/html", ""):
        reply = check(
            street.caller.send(
                "POST",
                "/synchronizations",
                body,
                authorization=f"Bearer {street.caller.token}",
                content_type=content_type,
            )
        )
        assert (reply.status, reply.code) == (400, "validationError")


def test_bodies_over_the_limit_are_400_however_they_announce_themselves(street: Street) -> None:
    headers = {"authorization": f"Bearer {street.caller.token}"}
    large = b" " * (requests.MAX_BODY_BYTES + 1)
    assert check(street.caller.send("POST", "/synchronizations", large, **headers)).code == "validationError"
    for length in ("99999999999999999999999999", "-1", "x", "1_0", "٣"):
        reply = street.caller.send("POST", "/synchronizations", b"{}", **headers, content_length=length)
        assert check(reply).code == "validationError"
    environ = {"wsgi.input": io.BytesIO(large), "wsgi.input_terminated": True}
    with pytest.raises(requests.ApiError):
        requests.read_body(environ)
    assert requests.read_body({"wsgi.input": io.BytesIO(b"{}"), "wsgi.input_terminated": True}) == b"{}"


def test_bodies_of_get_and_delete_are_ignored(street: Street) -> None:
    for body in (b"{}", b"{broken", b"\xff"):
        headers = {"authorization": f"Bearer {street.caller.token}", "content_type": "application/json"}
        assert street.caller.send("GET", "/accounts", body, **headers).status == 200
    assert street.caller.send("DELETE", f"/accounts/{street.account.id}", b"{", **headers).status == 200


def test_too_many_and_too_long_parameters_are_400(street: Street) -> None:
    assert check(street.caller.get("/accounts?" + "a=1&" * 101)).code == "validationError"
    assert check(street.caller.get("/accounts?a=" + "x" * 9000)).code == "validationError"


ODD = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "\x00",
            "%00",
            "%",
            "%ff",
            "%C3%28",
            "../..",
            "'",
            '"',
            "\\",
            "[]",
            "\ud800",
            "٣",
            "a" * 3000,
            str(uuid.uuid4()),
        ]
    ),
)


def wire(text: str) -> str:
    """What WSGI would hand over: bytes seen as Latin-1."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    verb=st.sampled_from(["GET", "POST", "DELETE", "HEAD", "PUT"]),
    path=st.lists(
        st.one_of(st.sampled_from(["accounts", "transactions", "synchronizations", "financial-institutions",
                                   "oauth2", "token", "ponto-connect", "pending-transactions", "OWN"]), ODD),
        min_size=1, max_size=5),
    query=st.dictionaries(st.one_of(st.sampled_from(["limit", "after", "before", "page[after]", "filter[name][like]",
                                                     "filter[country][in]", "grant_type"]), ODD), ODD, max_size=4),
    headers=st.dictionaries(st.sampled_from(["accept", "host", "ibanity_idempotency_key", "digest", "signature",
                                             "x_forwarded_host", "content_type"]), ODD, max_size=3),
    body=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: json.dumps(text).encode())),
)  # fmt: skip
def test_random_requests_are_answered_in_json(
    street: Street, verb: str, path: list[str], query: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    first = (
        path[0]
        if path[0] in {"accounts", "synchronizations", "financial-institutions", "oauth2", "ponto-connect"}
        else "accounts"
    )
    segments = [str(street.account.id) if part == "OWN" else part for part in [first, *path[1:]]]
    target = wire("/" + "/".join(segments).replace("?", ""))
    raw_query = wire("&".join(f"{name}={value}" for name, value in query.items()))
    given_headers = {name: wire(value) for name, value in headers.items()}
    reply = street.caller.send(
        verb, f"{target}?{raw_query}", body, authorization=f"Bearer {street.caller.token}", **given_headers
    )
    assert reply.status < 500, reply.body
    if verb != "HEAD":
        check(reply)


# --- routing and headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/accounts", "/accounts/", "//accounts", "/accounts//", "///accounts///"])
def test_slashes_are_collapsed_without_redirect(street: Street, path: str) -> None:
    reply = street.caller.get(path)
    assert reply.status == 200 and reply.json["links"]["first"] == f"{BASE}/accounts"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
        ("image/png", "application/json; charset=utf-8"),
        ("text/html", "application/json; charset=utf-8"),
        ("application/vnd.api+json", "application/vnd.api+json"),
        ("application/vnd.api+json;version=2", "application/vnd.api+json"),
    ],
)
def test_media_type_follows_accept_except_for_oauth_and_discovery(street: Street, accept: str, media: str) -> None:
    assert street.caller.get("/accounts", accept=accept).headers["content-type"] == media
    assert street.caller.get("/nothing/at/all/x", accept=accept).status in {200, 404}
    assert street.caller.get("/", accept=accept).headers["content-type"] == "application/json; charset=utf-8"


def test_authenticated_answers_are_not_cached(street: Street) -> None:
    assert street.caller.get("/accounts").headers["cache-control"] == "no-store"
    assert "cache-control" not in street.caller.send("GET", "/financial-institutions").headers


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("headers", "html"),
    [
        ({"accept": BROWSER}, True),
        ({"accept": "text/html"}, True),
        ({"accept": "application/json, text/html;q=0.5"}, False),
        ({"accept": "text/html;q=0.5, application/json"}, False),
        ({"accept": "*/*"}, False),
        ({}, False),
        ({"accept": BROWSER, "authorization": "Bearer"}, False),
        ({"accept": "text/html;q=oops"}, False),
    ],
)
@pytest.mark.django_db
def test_root_is_a_page_only_for_browsers(headers: dict[str, str], html: bool) -> None:
    reply = Caller().send("GET", "/", **headers)
    assert reply.status == 200 and (reply.body == b"<html>Django</html>") is html


@pytest.mark.django_db
def test_everything_else_goes_to_django() -> None:
    for target in ("/hub/", "/books/", "/health", "/ready", "/static/x.css"):
        assert Caller().send("GET", target).body == b"<html>Django</html>"
    assert Caller().send("GET", "/nobody-knows", accept=BROWSER).body == b"<html>Django</html>"
    assert check(Caller().send("GET", "/nobody-knows", accept="application/json")).code == "resourceNotFound"
    assert Caller().send("GET", "/hub/", authorization="Bearer x").body == b"<html>Django</html>"


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("hub.example.org", "https", "https://hub.example.org"),
        ("HUB.example.org:443", "https", "https://hub.example.org"),
        ("hub.example.org", "http", "https://hub.example.org"),  # TLS ends at a proxy that does not say so
        ("10.0.0.5:8080", "http", "http://10.0.0.5:8080"),
        ("evil.example", "https", "https://hub.example.org"),
        ("hub.example.org:8443", "https", "https://hub.example.org"),
        ("[::1", "http", "https://hub.example.org"),
        ("", "http", "https://hub.example.org"),
    ],
)
@pytest.mark.django_db
def test_links_use_the_configured_address_by_which_the_caller_came(
    settings: Any, host: str, scheme: str, expected: str
) -> None:
    settings.PUBLIC_URLS = ["https://hub.example.org", "http://10.0.0.5:8080"]
    environ: dict[str, Any] = {"HTTP_HOST": host, "wsgi.url_scheme": scheme}
    assert requests.public_url(environ) == expected


# --- the database is away -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_broken_connection_is_replaced_and_a_missing_database_is_503(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
    other.close()
    assert street.caller.get("/accounts").status == 200

    def refuse() -> None:
        raise OperationalError("no server")

    connection.close()
    monkeypatch.setattr(connection, "connect", refuse)
    reply = street.caller.get("/accounts")
    assert (reply.status, reply.code) == (503, "serviceUnavailable") and reply.headers["retry-after"] == "5"
    assert street.caller.log_in().status == 503
    assert street.caller.send("GET", "/").status == 200
    monkeypatch.undo()
    assert street.caller.get("/accounts").status == 401  # the failed login left no token


def test_pages_that_cannot_be_read_stop_the_start_and_not_a_request(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.there_is_no_such_module"
    with pytest.raises(ModuleNotFoundError):
        Caller()
