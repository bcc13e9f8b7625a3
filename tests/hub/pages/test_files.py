"""Importing, undoing and exporting files in the browser, without JavaScript."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.hub.files.factories import IBANS, NOW, camt, entry, statement
from tests.hub.pages.conftest import World, browser
from tests.hub.pages.imports import ROWS, make_import

from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.files import working
from nostro.hub.files.models import FileAccount, FileImport, StagedRow


@pytest.fixture
def client(world: World) -> Client:
    return browser(world.owner)


@pytest.fixture
def account(world: World) -> Account:
    Account.objects.filter(pk=world.account.pk).update(reference=IBANS[3], covered_from=None, covered_to=None)
    world.account.refresh_from_db()
    return world.account


def upload(client: Client, address: str, *files: tuple[str, bytes]) -> str:
    response = client.post(address, {"uploads": [SimpleUploadedFile(name, data) for name, data in files]}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def page(client: Client, file: FileImport) -> str:
    response = client.get(reverse("hub:file", kwargs={"file_id": file.pk}))
    assert response.status_code == 200
    return response.content.decode()


def test_from_the_form_to_the_rows_and_back(world: World, account: Account, client: Client) -> None:
    before = Transaction.objects.filter(account=account, removed_at=None).count()
    address = reverse("hub:account_files", kwargs={"account_id": account.pk})
    told = upload(client, address, ("October.xml", camt(statement(ROWS, iban=IBANS[3]))))
    file = FileImport.objects.get()
    assert "Waiting for its turn" in told
    working.read_file(file.pk)
    told = page(client, file)
    assert "This file would bring 2 transactions" in told
    assert "CAMT.053" in told
    assert "1,000.00" in told
    client.post(reverse("hub:file", kwargs={"file_id": file.pk}))
    assert "Importing" in page(client, file)
    working.store_file(file.pk)
    assert "This file brought 2 transactions" in page(client, file)
    assert "October.xml" in client.get(address).content.decode()
    client.post(reverse("hub:undo_file", kwargs={"file_id": file.pk}))
    assert "Undone" in page(client, file)
    assert Transaction.objects.filter(account=account, removed_at=None).count() == before


def test_several_files_are_listed_with_their_states(world: World, client: Client) -> None:
    address = reverse("hub:files", kwargs={"organization_id": world.organization.pk, "mode": "sandbox"})
    good = camt(statement(ROWS, iban=IBANS[1]))
    told = upload(client, address, ("a.xml", good), ("b.pdf", b"%PDF-1.7"))
    assert "2 files are being read." in told
    for file in FileImport.objects.all():
        working.read_file(file.pk)
    told = client.get(address).content.decode()
    assert "Waits for you" in told
    assert "Cannot be used" in told
    failed = FileImport.objects.get(status="failed")
    assert "a PDF is not a statement file" in page(client, failed)
    client.post(reverse("hub:discard_file", kwargs={"file_id": failed.pk}))
    assert "Discarded" in page(client, failed)


def test_a_form_without_a_file_says_so(account: Account, client: Client) -> None:
    response = client.post(reverse("hub:account_files", kwargs={"account_id": account.pk}))
    assert "This field is required" in response.content.decode()


def test_an_unknown_account_is_asked_about_and_the_answer_is_kept(world: World, client: Client) -> None:
    address = reverse("hub:files", kwargs={"organization_id": world.organization.pk, "mode": "sandbox"})
    upload(client, address, ("a.xml", camt(statement(ROWS, iban=IBANS[1]))))
    file = FileImport.objects.get()
    working.read_file(file.pk)
    asked = FileAccount.objects.get(file=file)
    assert "This account is not known yet. What is it?" in page(client, file)
    where = reverse("hub:file", kwargs={"file_id": file.pk})
    wrong = client.post(where, {f"decision_{asked.pk}": "create", f"bank_{asked.pk}": "<nobody>"})
    assert wrong.status_code in {302, 400}
    if wrong.status_code == 400:
        assert "&lt;nobody&gt;" in wrong.content.decode()
        client.post(where, {f"decision_{asked.pk}": "create", f"bank_{asked.pk}": world.institution.name})
    working.store_file(file.pk)
    added = Account.objects.get(reference=IBANS[1])
    told = client.get(reverse("hub:account", kwargs={"account_id": added.pk})).content.decode()
    assert "From files" in told
    assert "Synchronize now" not in told


def test_held_rows_and_wrong_balances_are_shown_with_their_place(
    world: World, account: Account, client: Client
) -> None:
    make_import(world.owner, account, data=camt(statement(ROWS, iban=IBANS[3])), imported=True)
    other = camt(statement([entry("-3.50", 10, "Something else"), ROWS[1]], iban=IBANS[3], first=8, last=13))
    file = make_import(world.owner, account, data=other.replace(b"976.50", b"977.50"))
    assert StagedRow.objects.get(file=file, held="alike").number == 1
    told = page(client, file)
    assert "It looks like one that is stored:" in told
    assert "F-BALANCE" in told
    assert "Import all as stated" in told
    refused = client.post(reverse("hub:file", kwargs={"file_id": file.pk}))
    assert refused.status_code == 400
    assert "The balances of this file do not add up." in refused.content.decode()


def test_text_of_a_file_is_escaped(world: World, account: Account, client: Client) -> None:
    hostile = entry("-1.00", 10, "<script>alert(1)</script>", creditor_name="<b>Bold</b>")
    file = make_import(world.owner, account, data=camt(statement([hostile], iban=IBANS[3])))
    told = page(client, file)
    assert "<script>alert" not in told
    assert "&lt;b&gt;Bold&lt;/b&gt;" in told


def test_a_period_is_exported(account: Account, client: Client) -> None:
    Transaction.objects.filter(account=account).delete()
    account.current_balance, account.synchronized_at = Decimal("10.00"), NOW
    account.save()
    address = reverse("hub:export", kwargs={"account_id": account.pk})
    query = {"format": "camt.053", "date_from": "2026-10-01", "date_to": "2026-10-31"}
    told = client.get(address, query).content.decode()
    assert "Download file" in told
    response = client.get(address, {**query, "download": "1"})
    assert b"".join(response.streaming_content).count(b"<Bal>") == 2  # type: ignore[attr-defined]
    assert response["Content-Disposition"].endswith('_2026-10-01_2026-10-31.xml"')
    refused = client.get(address, {**query, "date_to": "2026-09-01", "download": "1"})
    assert "The period ends before it begins." in refused.content.decode()
