"""Saying what the columns of a table mean, without JavaScript; it is remembered, and refused to others."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.hub.files.factories import IBANS, NOW, Upload, archive, camt, entry, statement
from tests.hub.pages.conftest import World, browser

from nostro.core.ids import new_id
from nostro.hub.accounts.models import Account
from nostro.hub.files import services, working
from nostro.hub.files.models import FileImport, StagedRow, TableMapping
from nostro.hub.organizations.models import Membership

TABLE = """Dag;Tekst;Geld;Stand;Wie
12/11/2026;koffie en koek;-2,40;997,60;CAFÉ
13/11/2026;brood en wijn;-3,40;994,20;BAKKER
"""


@pytest.fixture
def client(world: World) -> Client:
    return browser(world.owner)


@pytest.fixture
def account(world: World) -> Account:
    Account.objects.filter(pk=world.account.pk).update(reference=IBANS[3], covered_from=None, covered_to=None)
    world.account.refresh_from_db()
    return world.account


def handed_in(world: World, data: bytes, account: Account | None = None, name: str = "table.csv") -> FileImport:
    [file] = services.hand_in(
        world.owner, world.organization, [Upload(data, name)], is_sandbox=True, now=NOW, account=account
    )
    return read(file)


def read(file: FileImport) -> FileImport:
    working.read_file(file.pk, clock=lambda: NOW)
    file.refresh_from_db()
    return file


def address(file: FileImport, view: str = "file_reading") -> str:
    return reverse(f"hub:{view}", kwargs={"file_id": file.pk})


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content[:500]
    return str(response.content.decode())


ROLES = {
    "column_0": "booking_date", "column_1": "description", "column_2": "amount", "column_3": "balance",
    "column_4": "counterparty_name", "sign": "signed", "remember": "on",
}  # fmt: skip


def test_columns_are_asked_shown_answered_and_remembered(world: World, account: Account, client: Client) -> None:
    file = handed_in(world, TABLE.encode("cp1252"), account)
    assert file.status == "asking"
    told = text(client.get(address(file, "file")))
    assert "Needs an answer" in told and address(file) in told
    form = text(client.get(address(file)))
    assert "CAFÉ" in form and "koffie en koek" in form
    assert "Proved" in form  # what is guessed fits the balances
    shown = text(client.post(address(file), {**ROLES, "preview": "1"}))
    assert "BAKKER" in shown and '<option value="counterparty_name" selected>' in shown
    file.refresh_from_db()
    assert file.status == "asking" and not StagedRow.objects.exists() and not TableMapping.objects.exists()

    assert client.post(address(file), {**ROLES, "read": "1"}).status_code == 302
    assert read(file).status == "waiting"
    assert [row.counterpart_name for row in StagedRow.objects.order_by("number")] == ["CAFÉ", "BAKKER"]
    assert "counterparty_name" in text(client.get(address(file, "mapping_file")))
    # The next table of this kind needs no answer; another one does.
    assert handed_in(world, TABLE.replace("12/11", "11/11").encode("cp1252"), account).status == "waiting"
    assert handed_in(world, TABLE.replace("Wie", "Wat").encode("cp1252"), account).status == "asking"


def test_without_a_word_about_remembering_nothing_is_kept(world: World, account: Account, client: Client) -> None:
    file = handed_in(world, TABLE.encode(), account)
    client.post(address(file), {**{k: v for k, v in ROLES.items() if k != "remember"}, "read": "1"})
    assert read(file).status == "waiting"
    assert not TableMapping.objects.exists()


def test_a_mapping_has_versions_and_the_newest_counts(world: World, account: Account, client: Client) -> None:
    for roles in (ROLES, {**ROLES, "column_4": ""}, {**ROLES, "column_4": ""}):
        file = handed_in(world, TABLE.encode() + b"\n" * TableMapping.objects.count(), account)
        client.post(address(file), {**roles, "read": "1"})
        read(file)
    assert list(TableMapping.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
    newest = handed_in(world, TABLE.encode(), account)
    assert "counterparty_name" not in str(newest.answers["mapping"])


def test_another_encoding_is_tried_and_remembered_with_the_mapping(
    world: World, account: Account, client: Client
) -> None:
    file = handed_in(world, TABLE.encode("cp850"), account)
    wrong = text(client.post(address(file), {**ROLES, "encoding": "cp1252", "preview": "1"}))
    assert "CAFÉ" not in wrong
    assert "CAFÉ" in text(client.post(address(file), {**ROLES, "encoding": "cp850", "preview": "1"}))
    client.post(address(file), {**ROLES, "encoding": "cp850", "read": "1"})
    assert read(file).encoding  # it was read
    assert StagedRow.objects.filter(counterpart_name="CAFÉ").count() == 1
    assert handed_in(world, TABLE.encode("cp850"), account).answers["encoding"] == "cp850"


def test_an_answer_that_cannot_be_used_says_why(world: World, account: Account, client: Client) -> None:
    file = handed_in(world, TABLE.encode(), account)
    told = text(client.post(address(file), {**ROLES, "column_2": "", "read": "1"}), 400)
    assert "no column is mapped to amount" in told.lower()
    hostile = {**ROLES, "column_4": "nonsense", "sign": "x", "encoding": "rot13", "decimal": "'", "preview": "1"}
    assert "nonsense" not in text(client.post(address(file), hostile))
    file.refresh_from_db()
    assert file.status == "asking"


def test_an_account_is_named_where_the_table_does_not(world: World, account: Account, client: Client) -> None:
    file = handed_in(world, TABLE.encode())
    assert "koffie" in text(client.post(address(file), {**ROLES, "currency": "EUR", "preview": "1"}))
    client.post(address(file), {**ROLES, "account": " ".join(IBANS[3]), "currency": "eur", "read": "1"})
    assert read(file).status == "waiting"
    assert file.accounts.get().account == account
    # The account is of this file; the mapping is remembered without it.
    following = handed_in(world, TABLE.encode() + b"\n")
    assert following.status == "asking" and following.problems[0]["code"] == "F-ACCOUNT"


def test_a_file_that_is_no_table_is_read_in_another_way(world: World, account: Account, client: Client) -> None:
    rows = [entry("-3.50", 10, "Café"), entry("5.00", 11, reversal=True)]
    data = camt(statement(rows, iban=IBANS[3]))
    file = handed_in(world, data, account, "a.xml")
    assert "Read it in another way" in text(client.get(address(file, "file")))
    assert "Turn the sign of reversals" in text(client.get(address(file)))
    client.post(address(file), {"turn_reversals": "on"})
    read(file)
    assert file.quarantined and StagedRow.objects.filter(amount="-5.00").count() == 1
    client.post(address(file), {})
    assert not read(file).quarantined and not file.problems
    assert "may be" in text(client.post(address(file), {"encoding": "nope"})).lower() or file.status == "waiting"


def test_strangers_and_members_are_refused(world: World, account: Account, client: Client) -> None:
    file = handed_in(world, TABLE.encode(), account)
    for stranger in (world.neighbour,):
        assert browser(stranger).get(address(file)).status_code == 404
        assert browser(stranger).post(address(file), {**ROLES, "read": "1"}).status_code == 404
    assert client.get(reverse("hub:file_reading", kwargs={"file_id": new_id()})).status_code == 404
    Membership.objects.filter(user=world.owner).update(role="member")
    assert client.post(address(file), {**ROLES, "read": "1"}).status_code == 403
    assert client.get(address(file, "mapping_file")).status_code == 403
    file.refresh_from_db()
    assert file.status == "asking"


def test_a_file_that_is_imported_is_not_read_again(world: World, account: Account, client: Client) -> None:
    file = handed_in(world, camt(statement([entry()], iban=IBANS[3])), account, "a.xml")
    services.confirm(world.owner, file.pk, {}, NOW)
    assert client.get(address(file)).status_code == 302
    assert client.post(address(file), {}).status_code == 302
    file.refresh_from_db()
    assert file.status == "importing"


def test_one_answer_is_enough_for_all_tables_alike_of_an_archive(
    world: World, account: Account, client: Client
) -> None:
    other = TABLE.replace("Dag", "Jour")
    packed = archive(a_csv=TABLE.encode(), b_csv=TABLE.replace("2,40", "2,50").encode(), c_csv=other.encode())
    whole = handed_in(world, packed, account, "year.zip")
    members = [read(each) for each in FileImport.objects.filter(archive=whole).order_by("id")]
    assert [each.status for each in members] == ["asking"] * 3

    client.post(address(members[0]), {**ROLES, "read": "1"})
    for each in members:
        each.refresh_from_db()
    assert [each.status for each in members] == ["received", "received", "asking"]
    assert [read(each).status for each in members[:2]] == ["waiting", "waiting"]
