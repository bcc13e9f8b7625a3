"""Strong customer authentication at the service: decoupled and embedded, and which way a consent takes."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.customer import NOT_OK, Customer, code_of
from werkzeug.test import TestResponse

from nostro.sandbox.sca.png import mosaic

NO_BROWSER = {"TPP-Redirect-URI": "", "TPP-Nok-Redirect-URI": ""}


def _ask(customer: Customer, psu: str = "", **headers: str) -> TestResponse:
    named = {"PSU-ID": psu} if psu else {}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return customer.ask(headers={**named, **sent})


def _status(customer: Customer, consent: str) -> str:
    return str(customer.call("GET", f"/v1/consents/{consent}/status").json["consentStatus"])


def _pass(customer: Customer, seconds: int) -> None:
    customer.control("POST", "/clock", {"advance": seconds})


# --- which way --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("psu", "redirect", "decoupled", "approach"),
    [
        ("user_good", "", "", "REDIRECT"),
        ("user_good", "true", "true", "REDIRECT"),
        ("user_good", "", "true", "DECOUPLED"),
        ("user_good", "false", "true", "DECOUPLED"),
        ("user_good", "false", "", "EMBEDDED"),
        ("user_good", "FALSE", "false", "EMBEDDED"),
        ("user_mfa_decoupled", "true", "false", "DECOUPLED"),
        ("user_mfa_embedded", "true", "false", "EMBEDDED"),
    ],
)
def test_the_customer_decides_and_then_the_service(
    customer: Customer, psu: str, redirect: str, decoupled: str, approach: str
) -> None:
    answer = _ask(customer, psu, TPP_Redirect_Preferred=redirect, TPP_Decoupled_Preferred=decoupled)
    assert answer.status_code == 201
    assert answer.headers["ASPSP-SCA-Approach"] == approach
    links = answer.json["_links"].keys() - {"self", "status"}
    expected = {
        "REDIRECT": {"scaRedirect", "scaStatus"},
        "DECOUPLED": {"scaStatus"},
        "EMBEDDED": {"startAuthorisationWithPsuAuthentication"},
    }
    assert links == expected[approach]


def test_only_a_browser_that_leaves_needs_a_way_back(customer: Customer) -> None:
    assert code_of(_ask(customer, "user_good", **NO_BROWSER)) == (400, "FORMAT_ERROR")
    for psu in ("user_mfa_decoupled", "user_mfa_embedded"):
        assert _ask(customer, psu, **NO_BROWSER).status_code == 201


def test_an_authorisation_without_a_page_has_none(customer: Customer) -> None:
    answer = _ask(customer, "user_mfa_decoupled")
    authorisation = answer.json["_links"]["scaStatus"]["href"].rsplit("/", 1)[1]
    assert customer.client.get(f"/sca/{authorisation}").status_code == 404


# --- decoupled --------------------------------------------------------------------------------------------------------


def test_the_app_approves_after_ten_seconds(customer: Customer) -> None:
    answer = _ask(customer, "user_mfa_decoupled")
    consent, status = answer.json["consentId"], answer.json["_links"]["scaStatus"]["href"]
    assert "app of Nostro Test Bank" in answer.json["psuMessage"]
    waiting = customer.call("GET", status).json
    assert (waiting["scaStatus"], waiting["psuMessage"]) == ("started", answer.json["psuMessage"])
    _pass(customer, 9)
    assert _status(customer, consent) == "received"
    _pass(customer, 1)
    assert customer.call("GET", status).json == {"scaStatus": "finalised"}
    assert _status(customer, consent) == "valid"
    assert len(customer.accounts(consent)) == 2


def test_a_leap_of_the_clock_leaves_things_in_their_order(customer: Customer) -> None:
    """The approval came within its five minutes, so a clock that leaps a day finds it done."""
    answer = _ask(customer, "user_mfa_decoupled", TPP_Decoupled_Preferred="true")
    _pass(customer, 86_400)
    assert _status(customer, answer.json["consentId"]) == "valid"


def test_who_denies_in_the_app_or_does_nothing_shares_nothing(customer: Customer) -> None:
    denied, ignored = (_ask(customer, "user_mfa_decoupled").json for _ in range(2))
    links = [answer["_links"]["scaStatus"]["href"] for answer in (denied, ignored)]
    for link, verdict in zip(links, ("deny", "ignore"), strict=True):
        customer.control("POST", f"/authorisations/{link.rsplit('/', 1)[1]}", {verdict: True})
    _pass(customer, 299)
    assert [customer.call("GET", link).json["scaStatus"] for link in links] == ["failed", "started"]
    _pass(customer, 1)
    assert [customer.call("GET", link).json["scaStatus"] for link in links] == ["failed", "failed"]
    assert [_status(customer, answer["consentId"]) for answer in (denied, ignored)] == ["rejected", "received"]


def test_the_app_of_user_cancel_denies(customer: Customer) -> None:
    answer = _ask(customer, "user_cancel", TPP_Decoupled_Preferred="true")
    _pass(customer, 10)
    assert _status(customer, answer.json["consentId"]) == "rejected"


def test_the_customer_may_be_named_when_the_authorisation_starts_or_later(customer: Customer) -> None:
    first = _ask(customer, TPP_Decoupled_Preferred="true")
    start = first.json["_links"]["startAuthorisationWithPsuIdentification"]["href"]
    started = customer.call("POST", start, headers={"PSU-ID": "user_good"})
    assert (started.status_code, started.json["scaStatus"]) == (201, "started")
    assert started.headers["ASPSP-SCA-Approach"] == "DECOUPLED"

    second = _ask(customer, TPP_Decoupled_Preferred="true")
    opened = customer.call("POST", second.json["_links"]["startAuthorisationWithPsuIdentification"]["href"])
    assert opened.json["scaStatus"] == "received"
    here = opened.json["_links"]["updatePsuIdentification"]["href"]
    assert code_of(customer.call("PUT", here, json={})) == (401, "PSU_CREDENTIALS_INVALID")
    told = customer.call("PUT", here, json={}, headers={"PSU-ID": "user_good"})
    assert (told.json["scaStatus"], told.json["_links"].keys()) == ("started", {"scaStatus"})
    _pass(customer, 10)
    assert [_status(customer, answer.json["consentId"]) for answer in (first, second)] == ["valid", "valid"]


# --- embedded ---------------------------------------------------------------------------------------------------------


def _start(customer: Customer, body: Any = None, psu: str = "user_mfa_embedded") -> tuple[str, TestResponse]:
    answer = _ask(customer, psu)
    href = answer.json["_links"]["startAuthorisationWithPsuAuthentication"]["href"]
    more = {} if body is None else {"json": body}
    return answer.json["consentId"], customer.call("POST", href, **more)


def _password(password: str = "sandbox") -> dict[str, Any]:
    return {"psuData": {"password": password}}


def _chosen(customer: Customer, method: str = "sms") -> tuple[str, str]:
    """Consent and address of an authorisation that waits for the code."""
    consent, started = _start(customer, _password())
    here = started.json["_links"]["selectAuthenticationMethod"]["href"]
    customer.call("PUT", here, json={"authenticationMethodId": method})
    return consent, here


def test_password_method_and_code_lead_to_a_valid_consent(customer: Customer) -> None:
    consent, started = _start(customer, _password())
    assert (started.status_code, started.json["scaStatus"]) == (201, "psuAuthenticated")
    methods = {m["authenticationType"]: m["authenticationMethodId"] for m in started.json["scaMethods"]}
    assert methods.keys() == {"SMS_OTP", "PHOTO_OTP", "PUSH_OTP"}
    here = started.json["_links"]["selectAuthenticationMethod"]["href"]
    for kind, method in methods.items():
        chosen = customer.call("PUT", here, json={"authenticationMethodId": method}).json
        assert chosen["scaStatus"] == "scaMethodSelected"
        assert chosen["chosenScaMethod"]["authenticationType"] == kind
        challenge = chosen["challengeData"]
        assert (challenge["otpMaxLength"], challenge["otpFormat"]) == (6, "integer")
        assert ("image" in challenge) == (kind == "PHOTO_OTP")
    ended = customer.call("PUT", chosen["_links"]["authoriseTransaction"]["href"], json=_code("123456"))
    assert (ended.status_code, ended.json["scaStatus"]) == (200, "finalised")
    assert _status(customer, consent) == "valid"
    assert len(customer.accounts(consent)) == 2
    assert code_of(customer.call("PUT", here, json=_code("123456"))) == (409, "STATUS_INVALID")


def _code(code: str) -> dict[str, str]:
    return {"scaAuthenticationData": code}


def test_the_password_may_come_in_a_step_of_its_own(customer: Customer) -> None:
    consent, started = _start(customer)
    assert started.json["scaStatus"] == "psuIdentified"
    here = started.json["_links"]["updatePsuAuthentication"]["href"]
    told = customer.call("PUT", here, json=_password())
    assert told.json["scaStatus"] == "psuAuthenticated"
    assert told.headers["ASPSP-SCA-Approach"] == "EMBEDDED"
    customer.call("PUT", here, json={"authenticationMethodId": "push"})
    customer.call("PUT", here, json=_code("123456"))
    assert _status(customer, consent) == "valid"


def test_a_wrong_code_may_be_corrected_once(customer: Customer) -> None:
    consent, here = _chosen(customer)
    wrong = customer.call("PUT", here, json=_code("000000"))
    assert code_of(wrong) == (401, "PSU_CREDENTIALS_INVALID")
    assert wrong.json["_links"]["authoriseTransaction"] == {"href": here}
    assert customer.call("PUT", here, json=_code("123456")).json["scaStatus"] == "finalised"
    assert _status(customer, consent) == "valid"

    consent, here = _chosen(customer)
    customer.call("PUT", here, json=_code("000000"))
    last = customer.call("PUT", here, json=_code("111111"))
    assert (code_of(last), "_links" in last.json) == ((401, "PSU_CREDENTIALS_INVALID"), False)
    assert customer.call("GET", here).json == {"scaStatus": "failed"}
    assert _status(customer, consent) == "rejected"


def test_a_wrong_password_is_one_attempt_in_the_log_and_ends_nothing_but_itself(customer: Customer) -> None:
    consent, refused = _start(customer, _password("wrong"))
    assert code_of(refused) == (401, "PSU_CREDENTIALS_INVALID")
    attempts = [r for r in customer.control("GET", "/log").json["records"] if r["path"].endswith("/authorisations")]
    assert [r["status"] for r in attempts] == [401]
    again = customer.call("POST", f"/v1/consents/{consent}/authorisations", json=_password())
    assert again.json["scaStatus"] == "psuAuthenticated"


def test_three_wrong_passwords_in_one_authorisation_reject_the_consent(customer: Customer) -> None:
    consent, started = _start(customer)
    here = started.json["_links"]["updatePsuAuthentication"]["href"]
    answers = [customer.call("PUT", here, json=_password("wrong")) for _ in range(3)]
    assert ["_links" in answer.json for answer in answers] == [True, True, False]
    assert _status(customer, consent) == "rejected"


def test_a_consent_has_a_limited_number_of_authorisations(customer: Customer) -> None:
    consent, _ = _start(customer, _password("wrong"))
    path = f"/v1/consents/{consent}/authorisations"
    codes = [customer.call("POST", path, json=_password("wrong")).status_code for _ in range(20)]
    assert codes == [401] * 19 + [409]


def test_steps_out_of_order_and_unknown_methods_are_refused(customer: Customer) -> None:
    _, started = _start(customer)
    here = started.json["_links"]["updatePsuAuthentication"]["href"]
    assert code_of(customer.call("PUT", here, json=_code("123456"))) == (409, "STATUS_INVALID")
    assert code_of(customer.call("PUT", here, json={"authenticationMethodId": "sms"})) == (409, "STATUS_INVALID")
    customer.call("PUT", here, json=_password())
    for method in ("fax", 7, None):
        refused = customer.call("PUT", here, json={"authenticationMethodId": method})
        assert code_of(refused) == (400, "SCA_METHOD_UNKNOWN")


@pytest.mark.parametrize(
    "body",
    [{}, {"psuData": "sandbox"}, {"psuData": {"encryptedPassword": "x"}}, {"psuData": {"password": 1}},
     {"psuData": {"password": ""}}, {"psuData": {"password": "x" * 101}}, {"scaAuthenticationData": None}],
)  # fmt: skip
def test_wrong_bodies_are_refused(customer: Customer, body: Any) -> None:
    _, started = _start(customer)
    here = started.json["_links"]["updatePsuAuthentication"]["href"]
    assert code_of(customer.call("PUT", here, json=body)) == (400, "FORMAT_ERROR")


def test_the_customer_of_an_embedded_approval_must_be_named(customer: Customer) -> None:
    answer = _ask(customer, TPP_Redirect_Preferred="false")
    href = answer.json["_links"]["startAuthorisationWithPsuAuthentication"]["href"]
    assert code_of(customer.call("POST", href, json=_password())) == (400, "FORMAT_ERROR")
    named = customer.call("POST", href, json=_password(), headers={"PSU-ID": "user_good"})
    assert named.json["scaStatus"] == "psuAuthenticated"
    nobody = customer.call("POST", href, json=_password(), headers={"PSU-ID": "nobody"})
    assert code_of(nobody) == (401, "PSU_CREDENTIALS_INVALID")


def test_user_cancel_is_refused_after_the_code(customer: Customer) -> None:
    answer = _ask(customer, "user_cancel", TPP_Redirect_Preferred="false")
    href = answer.json["_links"]["startAuthorisationWithPsuAuthentication"]["href"]
    here = customer.call("POST", href, json=_password()).json["_links"]["scaStatus"]["href"]
    customer.call("PUT", here, json={"authenticationMethodId": "sms"})
    assert customer.call("PUT", here, json=_code("123456")).json["scaStatus"] == "failed"
    assert _status(customer, answer.json["consentId"]) == "rejected"


def test_no_secret_is_written_anywhere(customer: Customer, tmp_path: Path) -> None:
    customer.call("PUT", _chosen(customer)[1], json=_code("654321"))
    _start(customer, _password("my-real-password"))
    log = customer.control("GET", "/log").data
    stored = b"".join(file.read_bytes() for file in (tmp_path / "bank").iterdir())
    for secret in (b"my-real-password", b"654321"):
        assert secret not in log
        assert secret not in stored


def test_the_picture_is_a_png_that_every_reader_can_read() -> None:
    picture = mosaic("one")
    assert picture == mosaic("one") != mosaic("two")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    kinds, at, pixels = [], 8, b""
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        assert struct.unpack(">I", picture[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + data),)
        kinds.append(kind)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[:10])
        if kind == b"IDAT":
            pixels = zlib.decompress(data)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    assert (width, height, depth, colour) == (162, 162, 8, 0)
    assert len(pixels) == height * (width + 1)
    assert len(base64.b64encode(picture)) < 512 * 1024


def test_a_redirect_has_no_steps_to_put(customer: Customer) -> None:
    answer = customer.ask()
    here = answer.json["_links"]["scaStatus"]["href"]
    assert code_of(customer.call("PUT", here, json=_code("123456"))) == (409, "STATUS_INVALID")
    page = customer.page_of(answer)
    customer.client.post(page, data={"act": "deny"})
    assert customer.client.get(page).headers["Location"] == NOT_OK
