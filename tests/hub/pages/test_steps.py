"""What a person types or chooses for a bank: every step as a page, and every way to take it twice or wrongly."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser

from nostro.connectors.contract import (
    Challenge,
    CredentialField,
    NeedCredentials,
    PasteToken,
    ScaMethod,
    SelectScaMethod,
)
from nostro.hub.directory.models import Institution
from nostro.hub.linking.models import Authorisation, Connection, Consent
from nostro.hub.linking.states import put_step
from nostro.hub.organizations.models import Membership

LATER = dt.datetime.now(dt.UTC) + dt.timedelta(hours=9)
PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.fixture
def membership(db: None) -> Membership:
    return factories.membership()


def _page(name: str, authorisation: Authorisation) -> str:
    return reverse(f"hub:{name}", kwargs={"authorisation_id": authorisation.id})


def _text(response: Any) -> str:
    text: str = response.content.decode()
    return text


def _start(client: Client, membership: Membership, bank: Institution, psu_id: str) -> str:
    share = reverse(
        "hub:share",
        kwargs={"organization_id": membership.organization_id, "mode": "sandbox", "institution_id": bank.id},
    )
    return _text(client.post(share, {"psu_id": psu_id}, follow=True))


def _send(client: Client, page: str, **typed: str) -> str:
    """Fill in the form of the page and send it."""
    action = re.search(r'action="([^"]+/answer/)"', page)
    step = re.search(r'name="step" value="(\d+)"', page)
    assert action and step, page
    return _text(client.post(action[1], {"step": step[1], **typed}, follow=True))


def test_password_method_and_code_are_typed_here(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    page = _start(client, membership, test_bank, "user_mfa_embedded")
    assert 'type="password"' in page
    methods = _send(client, page, password="sandbox")
    assert methods.count('name="scaMethodId"') == 3
    # The back button shows the form of the password again; what it sends goes nowhere.
    assert "answered already" in _send(client, page, password="wrong")
    challenge = _send(client, methods, scaMethodId="photo")
    assert 'src="data:image/png;base64,' in challenge
    # Reloaded, by another process for all the page knows.
    assert 'name="code"' in _text(client.get(_page("at_the_bank", Authorisation.objects.get())))
    assert "digits only" in _send(client, challenge, code="abc")
    wrong = _send(client, challenge, code="000000")
    assert "The code was wrong." in wrong
    assert "Which accounts do you want here?" in _send(client, wrong, code="123456")


def test_a_wrong_password_ends_it_with_a_sentence(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    ended = _send(client, _start(client, membership, test_bank, "user_mfa_embedded"), password="wrong")
    assert "Nothing was linked" in ended
    assert "PSU_CREDENTIALS_INVALID" in ended
    assert not Connection.objects.filter(removed_at=None).exists()


def test_two_wrong_codes_end_it_with_a_sentence(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    page = _send(client, _start(client, membership, test_bank, "user_mfa_embedded"), password="sandbox")
    page = _send(client, page, scaMethodId="sms")
    for _ in range(2):
        page = _send(client, page, code="000000")
    assert "Nothing was linked" in page
    assert "The code was wrong." in page


def test_cancelling_in_the_middle_leaves_nothing(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    _start(client, membership, test_bank, "user_mfa_embedded")
    authorisation = Authorisation.objects.get()
    assert "Nothing was linked." in _text(client.post(_page("cancel_link", authorisation), follow=True))
    assert not Connection.objects.filter(removed_at=None).exists()
    assert not Consent.objects.exists()


def _shown(world: World, step: Any) -> str:
    put_step(world.authorisation, step, dt.datetime.now(dt.UTC))
    world.authorisation.save()
    return _text(browser(world.owner).get(_page("at_the_bank", world.authorisation)))


STEPS = {
    "method": (
        SelectScaMethod((ScaMethod("1", "SMS_OTP", "<b>Text</b> message"), ScaMethod("2", "PUSH", "App")), LATER, {}),
        ["&lt;b&gt;Text&lt;/b&gt; message", "How do you want to confirm?"],
    ),
    "challenge": (
        Challenge(
            "Type it", LATER, {}, html="<p>Words<script>x</script></p>", image_png=PNG, flicker_code="11048",
            otp_format="integer", otp_max_length=6, additional_information="Check the <i>amount</i>.",
        ),
        ["Type it", "Words", "data:image/png;base64,iVBOR", "11048", 'maxlength="6"', "Check the &lt;i&gt;amount"],
    ),
    "credentials": (
        NeedCredentials((CredentialField("psuId", "Login"), CredentialField("pin", "Secret <PIN>", True)), LATER, {}),
        ['name="psuId" type="text"', 'name="pin" type="password"', "Secret &lt;PIN&gt;"],
    ),
    "token": (
        PasteToken("https://bank.example/token", LATER, {}, pattern="[A-Z]{4}"),
        ['href="https://bank.example/token"', 'name="token"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_each_step_has_a_page_with_all_that_the_bank_sent_as_text(world: World, name: str) -> None:
    step, wanted = STEPS[name]
    page = _shown(world, step)
    for part in wanted:
        assert part in page
    assert "<script>x" not in page


WRONG = {
    "method": ("method", {"scaMethodId": "3"}, "Choose one of the ways"),
    "no-method": ("method", {}, "Choose how you confirm."),
    "letters": ("challenge", {"code": "12a456"}, "digits only"),
    "long": ("challenge", {"code": "1234567"}, "at most 6 characters"),
    "empty": ("challenge", {"code": "  "}, "Type the code"),
    "half": ("credentials", {"psuId": "ann"}, "Fill in every field."),
    "token": ("token", {"token": "abc"}, "does not look as the bank expects it"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_right_is_not_sent_to_the_bank(world: World, name: str) -> None:
    step, typed, said = WRONG[name]
    page = _shown(world, STEPS[step][0])
    assert said in _send(browser(world.owner), page, **typed)
    world.authorisation.refresh_from_db()
    assert (world.authorisation.status, world.authorisation.asked_at) == ("open", None)


def test_a_step_whose_time_is_over_says_so(world: World) -> None:
    page = _shown(world, STEPS["challenge"][0])
    Authorisation.objects.update(expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert "The time for this step has run out." in _send(browser(world.owner), page, code="123456")
