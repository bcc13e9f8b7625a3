"""Bank files of a journal in the browser, without JavaScript."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House
from tests.books.pages.files import ROWS
from tests.hub.files.factories import camt, statement

from nostro.books.files import working
from nostro.books.files.models import JournalFile
from nostro.books.journals.models import Line


def test_from_the_form_to_the_lines_and_back(house: House, browser: Client) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": house.journal.id})
    data = camt(statement(ROWS, iban=house.journal.account_number))
    browser.post(address, {"uploads": [SimpleUploadedFile("October.xml", data)]})
    file = JournalFile.objects.get()
    page = reverse("books:journal_file", kwargs={"file_id": file.pk})
    assert "Reading" in browser.get(page).content.decode()
    working.work(file.pk)
    told = browser.get(page).content.decode()
    assert "This file would bring 2 lines" in told
    assert "<b>Coffee" not in told
    before = Line.objects.filter(status="posted").count()
    browser.post(page)
    working.work(file.pk)
    assert "This file brought 2 lines" in browser.get(page).content.decode()
    assert Line.objects.filter(status="posted").count() == before + 2
    assert "October.xml" in browser.get(address).content.decode()
    browser.post(reverse("books:undo_file", kwargs={"file_id": file.pk}))
    assert "Undone" in browser.get(page).content.decode()
    assert Line.objects.filter(status="posted").count() == before


def test_a_file_that_cannot_be_used_says_why(house: House, browser: Client) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": house.journal.id})
    browser.post(address, {"uploads": [SimpleUploadedFile("a.pdf", b"%PDF-1.7")]})
    file = JournalFile.objects.get()
    working.work(file.pk)
    told = browser.get(reverse("books:journal_file", kwargs={"file_id": file.pk})).content.decode()
    assert "a PDF is not a statement file" in told
    browser.post(reverse("books:discard_file", kwargs={"file_id": file.pk}))
    assert JournalFile.objects.get().status == "discarded"
