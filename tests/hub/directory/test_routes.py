"""What an operator does with banks and the routes to them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from tests.http.servers import QuietHandler, http_server

from nostro.cli import banks
from nostro.hub.directory.models import Institution, Route
from nostro.hub.directory.routes import RouteWish, add_institution, find_institution, set_route
from nostro.hub.directory.services import load_directory
from nostro.web.errors import Problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("installed")]
URL = "https://xs2a.bank.example/psd2"


def test_a_route_is_made_and_changed(bank: Institution) -> None:
    route, is_new = set_route(bank, RouteWish(base_url=f"{URL}/v1/", profile={"headers": {"X-Key": "k"}}))
    assert (is_new, route.base_url, route.consent_days) == (True, URL, 180)
    wish = RouteWish(profile={"headers": None, "mutual_tls": True}, consent_days=90, enabled=False)
    same, is_new = set_route(bank, wish)
    assert (is_new, same.pk, same.base_url) == (False, route.pk, URL)
    assert (same.profile, same.consent_days, same.enabled) == ({"mutual_tls": True}, 90, False)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (RouteWish(), "needs the address"),
        (RouteWish(base_url="http://bank.example"), "must begin with https"),
        (RouteWish(base_url="https://user:password@bank.example"), "must begin with https"),
        (RouteWish(base_url="https://[bank"), "must begin with https"),
        (RouteWish(base_url=f"{URL}?a=1"), "must begin with https"),
        (RouteWish(base_url=URL, connector="telepathy"), "no connector 'telepathy'"),
        (RouteWish(base_url=URL, profile={"mutual_tsl": True}), "has no mutual_tsl"),
        (RouteWish(base_url=URL, profile={"mutual_tls": "yes"}), "wrong value for 'mutual_tls'"),
        (RouteWish(base_url=URL, profile={"frequency_per_day": 0}), "frequency_per_day must be"),
        (RouteWish(base_url=URL, profile={"frequency_per_day": True}), "frequency_per_day must be"),
        (RouteWish(base_url=URL, consent_days=0), "no number of days"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused(bank: Institution, wish: RouteWish, said: str) -> None:
    with pytest.raises(Problem, match=said):
        set_route(bank, wish)
    assert not Route.objects.filter(institution=bank).exists()


@pytest.mark.parametrize("text", ["RICEBEBB", "RICEBEBBXXX", "rice bank", "Rice  Bank"])
def test_a_bank_is_found(bank: Institution, text: str) -> None:
    assert find_institution(text) == bank
    assert find_institution(str(bank.pk)) == bank


def test_a_bank_that_is_not_clear_is_asked_about(bank: Institution) -> None:
    other, _ = add_institution("Rice Bank Retail", "RICEBEBB", "BE")
    with pytest.raises(Problem) as caught:
        find_institution("RICEBEBB")
    assert str(bank.pk) in caught.value.what_to_do
    assert str(other.pk) in caught.value.what_to_do
    with pytest.raises(Problem, match="No bank is listed"):
        find_institution("Rice")


@pytest.mark.parametrize("given", [("", "", "BE"), ("Bank", "", "BEL"), ("Bank", "RICE", "BE")])
def test_a_bank_with_faulty_data_is_not_listed(given: tuple[str, str, str]) -> None:
    with pytest.raises(Problem, match="not complete"):
        add_institution(*given)


def test_a_bank_of_the_operator_stays_when_the_registry_is_loaded(bank: Institution) -> None:
    load_directory()
    bank.refresh_from_db()
    assert not bank.deprecated
    assert add_institution("Rice Bank", "RICEBEBBXXX", "BE") == (bank, False)


# --- the commands


def test_the_commands_tell_what_they_did(bank: Institution, capsys: pytest.CaptureFixture[str]) -> None:
    wish = RouteWish(base_url=URL, profile=banks.settings_of(["sign_requests=true", "oauth_client_id=PSDBE-1"], []))
    assert banks.reach("RICEBEBB", lambda: wish) == 0
    assert banks.list_banks("rice") == 0
    assert banks.list_banks("") == 0
    told = capsys.readouterr().out
    assert f"New route to Rice Bank: berlin_group at {URL}" in told
    assert 'oauth_client_id = "PSDBE-1"' in told
    assert "sign_requests = true" in told


def test_a_fault_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert banks.reach("Nobody", RouteWish) == 2
    told = capsys.readouterr().err
    assert "No bank is listed as 'Nobody'" in told
    assert "→ Search it with" in told
    with pytest.raises(ValueError, match="key=value"):
        banks.settings_of(["mutual_tls"], [])


def _answering(status: int, code: str) -> type[QuietHandler]:
    class Bank(QuietHandler):
        def do_GET(self) -> None:
            body = {"tppMessages": [{"category": "ERROR", "code": code}]}
            self.answer(status, json.dumps(body).encode(), Content_Type="application/json")

    return Bank


@pytest.mark.parametrize(
    ("status", "code", "exit_status", "said"),
    [
        (403, "CONSENT_UNKNOWN", 0, "lets this installation in"),
        (401, "CERTIFICATE_INVALID", 1, "HTTP 401, CERTIFICATE_INVALID"),
        (503, "SERVICE_UNAVAILABLE", 1, "HTTP 503"),
    ],
    ids=["let_in", "certificate", "down"],
)
def test_a_check_says_what_the_banks_answer_means(
    bank: Institution,
    settings: Any,
    capsys: pytest.CaptureFixture[str],
    status: int,
    code: str,
    exit_status: int,
    said: str,
) -> None:
    settings.OUTGOING_ALLOW_LOOPBACK = True
    with http_server(_answering(status, code)) as server:
        set_route(bank, RouteWish(base_url=f"http://127.0.0.1:{server.server_port}"))
        assert banks.check(str(bank.pk)) == exit_status
    assert said in capsys.readouterr().out.replace("\n", " ")


def test_ids_that_nobody_has_are_unknown() -> None:
    with pytest.raises(Problem, match="No bank is listed"):
        find_institution(str(uuid.uuid4()))
