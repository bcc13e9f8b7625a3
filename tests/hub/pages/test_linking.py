"""Adding an account through the pages, with the real sandbox bank, and everything that goes wrong on the way."""

from __future__ import annotations

import datetime as dt
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.linking.bank import Person, free_port, running_bank
from tests.hub.pages.conftest import World, browser, make_authorisation

from nostro.connectors.contract import Decoupled
from nostro.hub.accounts.models import Account
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking.models import Authorisation, Connection, Consent
from nostro.hub.linking.states import checksum, put_step
from nostro.hub.organizations.models import Membership
from nostro.hub.sync.models import Synchronization

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FORM_KEY = "0192f0c1-0000-7000-8000-000000000001"


@pytest.fixture
def membership(db: None) -> Membership:
    return factories.membership()


def _share(membership: Membership, bank: Institution, mode: str = "sandbox") -> str:
    return reverse(
        "hub:share",
        kwargs={"organization_id": membership.organization_id, "mode": mode, "institution_id": bank.id},
    )


def _ask(client: Client, membership: Membership, bank: Institution) -> tuple[Authorisation, str]:
    """Steps 2 and 3: ask for the consent; returns the authorisation and the bank's address on its page."""
    response = client.post(_share(membership, bank), {"form_key": FORM_KEY}, follow=True)
    assert response.status_code == 200, response.content.decode()
    authorisation = Authorisation.objects.get()
    found = re.search(r'href="([^"]+)" rel="noreferrer"', response.content.decode())
    assert found, response.content.decode()
    return authorisation, found[1].replace("&amp;", "&")


def _page(name: str, authorisation: Authorisation) -> str:
    return reverse(f"hub:{name}", kwargs={"authorisation_id": authorisation.id})


def _text(response: Any) -> str:
    text: str = response.content.decode()
    return text


def test_the_whole_way_from_the_search_to_the_first_import(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    find = reverse("hub:find_bank", kwargs={"organization_id": membership.organization_id, "mode": "sandbox"})
    assert _share(membership, test_bank) in _text(client.get(find))
    assert "180 days, then you renew" in _text(client.get(_share(membership, test_bank)))

    authorisation, address = _ask(client, membership, test_bank)
    returned = client.get(reverse("hub:link_return"), Person().approve(address), follow=True)
    page = _text(returned)
    assert "Which accounts do you want here?" in page
    offered = list(Account.objects.filter(connection_id=authorisation.connection_id))
    assert page.count('name="accounts"') == len(offered) == page.count(" checked") == 2

    done = client.post(_page("choose_accounts", authorisation), {"accounts": [str(offered[0].id)]}, follow=True)
    assert "What has arrived?" in _text(done)
    assert "Waiting for its turn" in _text(done)
    assert Synchronization.objects.get().account_id == offered[0].id

    run = Synchronization.objects.get()
    run.status, run.created_count, run.finished_at = "success", 1982, factories.NOW
    run.save()
    live = client.get(_page("first_import", authorisation), headers={"hx-request": "true"})
    assert "1,982 new" in _text(live)
    assert "hx-trigger" not in _text(live), "what has ended is not asked for again"


def test_a_replayed_callback_is_told_and_changes_nothing(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    values = Person().approve(address)
    client.get(reverse("hub:link_return"), values)
    again = client.get(reverse("hub:link_return"), values)
    assert again.status_code == 400
    assert "This answer of the bank was used already." in _text(again)
    assert "stateUsed" in _text(again)
    assert "Ask the bank again" not in _text(again)
    authorisation.refresh_from_db()
    assert authorisation.status == "choosing"


def test_turning_back_at_the_bank_is_told_and_leaves_nothing(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    response = client.get(reverse("hub:link_return"), Person().deny(address), follow=True)
    page = _text(response)
    assert "Nothing was linked" in page
    assert "Start again" in page
    authorisation.refresh_from_db()
    assert authorisation.status in {"cancelled", "failed"}
    assert not Account.objects.exists()
    assert not Consent.objects.filter(is_current=True).exists()


def test_cancelling_here_is_harmless_also_twice(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    for _ in range(2):
        response = client.post(_page("cancel_link", authorisation), follow=True)
        assert "Nothing was linked. You can start again at any time." in _text(response)
    assert "This authorisation was cancelled." in _text(client.get(_page("at_the_bank", authorisation)))
    late = client.get(reverse("hub:link_return"), Person().approve(address))
    assert "This authorisation was cancelled." in _text(late)
    assert not Account.objects.exists()


def test_an_expired_authorisation_says_so(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    values = Person().approve(address)
    Authorisation.objects.update(expires_at=LONG_AGO)
    page = _text(client.get(_page("at_the_bank", authorisation)))
    assert "The time for this step has run out." in page
    assert address not in page
    late = client.get(reverse("hub:link_return"), values)
    assert late.status_code == 400
    assert "stateExpired" in _text(late)
    assert "The time for this step has run out." in _text(client.get(_page("at_the_bank", authorisation)))


def test_accounts_not_chosen_in_time_are_not_a_trap(world: World) -> None:
    late = make_authorisation(world.connection, world.owner, status="choosing", expires_at=LONG_AGO)
    client = browser(world.owner)
    response = client.post(_page("choose_accounts", late), {"accounts": [str(world.account.id)]}, follow=True)
    assert "The time for this step has run out." in _text(response)


def test_choosing_no_account_is_told_and_keeps_what_was_chosen(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    client.get(reverse("hub:link_return"), Person().approve(address))
    response = client.post(_page("choose_accounts", authorisation), {"accounts": ["nonsense"]})
    assert "No account was chosen." in _text(response)
    assert " checked" not in _text(response)
    assert not Synchronization.objects.exists()


def test_choosing_twice_imports_once(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    client.get(reverse("hub:link_return"), Person().approve(address))
    wanted = [str(each) for each in Account.objects.values_list("id", flat=True)]
    for _ in range(2):
        response = client.post(_page("choose_accounts", authorisation), {"accounts": wanted}, follow=True)
        assert "What has arrived?" in _text(response)
    assert Synchronization.objects.count() == len(wanted) == 2


def test_a_bank_that_is_down_is_told_and_nothing_is_left_behind(membership: Membership) -> None:
    bank = factories.institution(name="Closed Bank", is_sandbox=True)
    Route.objects.filter(institution=bank).update(base_url=f"http://127.0.0.1:{free_port()}")
    response = browser(membership.user).post(_share(membership, bank), {"form_key": FORM_KEY})
    page = _text(response)
    assert "The bank did not accept the request." in page
    assert "Reference" in page
    assert "Ask the bank for consent" in page, "it can be tried again from here"
    assert not Connection.objects.exists()
    assert not Authorisation.objects.exists()


def test_a_bank_that_goes_down_during_the_approval_can_be_asked_again(membership: Membership, tmp_path: Path) -> None:
    client = browser(membership.user)
    bank = factories.institution(name="Falling Bank", is_sandbox=True)
    with running_bank(tmp_path) as address:
        Route.objects.filter(institution=bank).update(base_url=address)
        authorisation, at_the_bank = _ask(client, membership, bank)
        values = Person().approve(at_the_bank)
    response = client.get(reverse("hub:link_return"), values)
    assert "The bank could not be asked whether it agreed." in _text(response)
    assert "Ask the bank again" in _text(response)
    authorisation.refresh_from_db()
    assert authorisation.status == "open", "the same answer may be given again"
    assert not Account.objects.exists()


def test_a_bank_without_a_way_to_it_says_so_before_anything_is_asked(membership: Membership) -> None:
    bank = factories.institution(name="Far Bank", is_sandbox=True)
    bank.routes.all().delete()
    client = browser(membership.user)
    assert "This bank cannot be linked yet." in _text(client.get(_share(membership, bank)))
    response = client.post(_share(membership, bank), {"form_key": FORM_KEY})
    assert "noRoute" in _text(response)
    assert not Authorisation.objects.exists()


def test_an_unknown_institution_is_not_found(membership: Membership, world: World) -> None:
    address = _share(membership, world.institution).replace(str(world.institution.id), FORM_KEY)
    assert browser(membership.user).get(address).status_code == 404
    assert browser(membership.user).post(address).status_code == 404


def test_a_test_bank_is_not_linked_among_live_accounts(membership: Membership, world: World) -> None:
    address = _share(membership, world.institution, mode="live")
    page = _text(browser(membership.user).post(address, {"form_key": FORM_KEY}))
    assert "Switch between Live and Sandbox" in page
    assert not Authorisation.objects.exclude(id=world.authorisation.id).exists()


def test_a_live_account_needs_billing_information_first(membership: Membership) -> None:
    bank = factories.institution(name="Real Bank")
    address = _share(membership, bank, mode="live")
    client = browser(membership.user)
    page = _text(client.get(address))
    assert "Billing information is needed first." in page
    assert "Ask the bank for consent" not in page
    billing = reverse("hub:billing", kwargs={"organization_id": membership.organization_id})
    assert f"{billing}?next={address}" in page
    assert "billingIncomplete" in _text(client.post(address, {"form_key": FORM_KEY}))
    assert not Authorisation.objects.exists()


# --- the bank has not decided yet -----------------------------------------------------------------------------


def _waiting(world: World, message: str = "Confirm in the app of Ghent.") -> Authorisation:
    """An authorisation as the connector leaves it while the bank has not confirmed."""
    until = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    step = Decoupled(message, 3, until, {"consentId": "c-1"})
    authorisation = world.authorisation
    put_step(authorisation, step, dt.datetime.now(dt.UTC))
    authorisation.save()
    return authorisation


def test_while_the_bank_has_not_confirmed_the_page_waits_and_asks_by_itself(world: World) -> None:
    authorisation = _waiting(world)
    page = _text(browser(world.owner).get(_page("at_the_bank", authorisation)))
    assert "Confirm in the app of Ghent." in page
    assert 'hx-trigger="submit, load delay:3s"' in page
    assert "Ask the bank now" in page
    assert "Cancel" in page


def test_a_consent_that_is_still_received_after_the_return_is_waited_for(
    membership: Membership, test_bank: Institution
) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    response = _come_back_early(client, authorisation)
    assert "Has the bank confirmed?" in _text(response)
    authorisation.refresh_from_db()
    assert (authorisation.status, authorisation.step) == ("open", "Decoupled")

    live = client.post(_page("ask_bank", authorisation), headers={"hx-request": "true"})
    assert 'id="waiting"' in _text(live)
    assert "<h1" not in _text(live)

    Person().approve(address)
    # The bank is asked at most once a second.
    Authorisation.objects.update(asked_at=LONG_AGO)
    asked = client.post(_page("ask_bank", authorisation), headers={"hx-request": "true"})
    assert asked["HX-Redirect"] == _page("at_the_bank", authorisation)
    assert "Which accounts do you want here?" in _text(client.get(asked["HX-Redirect"], follow=True))


def _come_back_early(client: Client, authorisation: Authorisation) -> Any:
    """Return from the bank before it was told anything. Only the bank knows the handle, so the test puts its own."""
    handle = "known to this test only"
    Authorisation.objects.filter(id=authorisation.id).update(state_checksum=checksum(handle))
    return client.get(reverse("hub:link_return"), {"state": handle}, follow=True)


def test_asking_without_a_script_leads_back_to_the_page_that_waits(world: World) -> None:
    authorisation = _waiting(world)
    Route.objects.filter(institution=world.institution).update(base_url=f"http://127.0.0.1:{free_port()}")
    response = browser(world.owner).post(_page("ask_bank", authorisation))
    page = _text(response)
    assert "The bank could not be asked whether it agreed." in page
    assert "Ask the bank now" in page
    authorisation.refresh_from_db()
    assert authorisation.status == "open"


def test_waiting_ends_when_its_time_is_over(world: World) -> None:
    authorisation = _waiting(world)
    Authorisation.objects.update(expires_at=LONG_AGO)
    client = browser(world.owner)
    asked = client.post(_page("ask_bank", authorisation), headers={"hx-request": "true"})
    assert asked["HX-Redirect"] == _page("at_the_bank", authorisation)
    page = _text(client.get(asked["HX-Redirect"]))
    assert "Nothing was linked" in page
    assert "ScaTimeout" in page


def test_a_hostile_message_of_a_bank_is_text(world: World) -> None:
    authorisation = _waiting(world, "<script>alert(1)</script>")
    page = _text(browser(world.owner).get(_page("at_the_bank", authorisation)))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


# --- renewal and the end ----------------------------------------------------------------------------------------


def test_renewing_swaps_the_consent_and_says_so(membership: Membership, test_bank: Institution) -> None:
    client = browser(membership.user)
    authorisation, address = _ask(client, membership, test_bank)
    client.get(reverse("hub:link_return"), Person().approve(address))
    wanted = [str(each) for each in Account.objects.values_list("id", flat=True)]
    client.post(_page("choose_accounts", authorisation), {"accounts": wanted})

    renew = reverse("hub:renew", kwargs={"connection_id": authorisation.connection_id})
    pages = [_text(client.post(renew, {"form_key": FORM_KEY[:-1] + "2"}, follow=True)) for _ in range(2)]
    assert Authorisation.objects.filter(purpose="renew").count() == 1, "two clicks are one renewal"
    assert "The present consent stays in use until the new one works." in pages[0]
    found = re.search(r'href="([^"]+)" rel="noreferrer"', pages[1])
    assert found
    response = client.get(reverse("hub:link_return"), Person().approve(found[1].replace("&amp;", "&")), follow=True)
    assert "The consent is renewed." in _text(response)
    assert 'class="steps"' not in _text(response)


def test_disconnecting_twice_is_once(world: World) -> None:
    client = browser(world.owner)
    address = reverse("hub:disconnect", kwargs={"connection_id": world.connection.id})
    for _ in range(2):
        assert "The bank is disconnected." in _text(client.post(address, follow=True))
    world.connection.refresh_from_db()
    assert world.connection.removed_at is not None
    page = _text(client.get(reverse("hub:account", kwargs={"account_id": world.account.id})))
    assert "This account is no longer read." in page
    assert "Synchronize now" not in page
    refused = client.post(reverse("hub:synchronize", kwargs={"account_id": world.account.id}))
    assert refused.status_code == 400


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_ask_the_bank_once(bank_address: str) -> None:
    membership = factories.membership()
    bank = factories.institution(name="Nostro Test Bank", is_sandbox=True)
    Route.objects.filter(institution=bank).update(base_url=bank_address)
    clients = [browser(membership.user) for _ in range(2)]
    start, places = threading.Barrier(2), []

    def click(client: Client) -> None:
        start.wait(10)
        places.append(client.post(_share(membership, bank), {"form_key": FORM_KEY})["Location"])
        connections.close_all()

    threads = [threading.Thread(target=click, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    authorisation = Authorisation.objects.get()
    assert places == [_page("at_the_bank", authorisation)] * 2
