"""The payments of a batch are shown at the line that the bank booked for them (formats.md 2.7)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.files.steps import IBAN, imported
from tests.books.pages.conftest import signed_in
from tests.hub.files.factories import entry, statement

from nostro.books.companies.models import Company
from nostro.books.files import services
from nostro.books.journals.line_parts import batch_of
from nostro.books.journals.models import Journal, Line, LineParts
from nostro.books.journals.services import create_journal
from nostro.formats import Detail
from nostro.formats.parts import parts_of
from nostro.people.models import User

pytestmark = pytest.mark.django_db


def part(index: int, amount: str, name: str) -> Detail:
    message = (f"Wages <b>{name}</b>",)
    return Detail(index, Decimal(amount), "EUR", creditor_name=name, remittance_information_unstructured=message)


PARTS = (part(1, "-500.00", "An"), part(2, "-300.00", "Jan"))
WAGES = entry(
    "-812.50", 10, "Salaries", details=PARTS, batch_indicator=True, batch_number_of_transactions=2, fee=Decimal("12.50")
)


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def test_a_batch_is_one_line_and_its_page_lists_the_parts(owner: User, stranger: User, journal: Journal) -> None:
    imported(owner, journal, statement([WAGES]))
    line = Line.objects.get(journal=journal)
    batch = batch_of(line)
    assert batch is not None
    sums = parts_of(batch)
    assert sums is not None
    assert (line.amount, sums.total, sums.difference) == (Decimal("-812.50"), Decimal(-800), Decimal("-12.50"))
    url = reverse("books:line", args=[line.id])
    page = signed_in(owner).get(url).content.decode()
    assert "Parts of the batch" in page and "Wages &lt;b&gt;Jan&lt;/b&gt;" in page and "<b>Jan" not in page
    neighbour: Client = signed_in(stranger)
    assert neighbour.get(url).status_code == 404


def test_a_known_line_whose_parts_were_not_known_gains_them(owner: User, journal: Journal) -> None:
    imported(owner, journal, statement([WAGES]))
    line = Line.objects.get(journal=journal)
    LineParts.objects.all().delete()  # as a line that came before parts were kept
    imported(owner, journal, statement([WAGES]))
    assert Line.objects.get(journal=journal) == line
    batch = batch_of(line)
    assert batch is not None and len(batch.details) == 2


def test_parts_go_with_the_last_file_that_shows_the_line(owner: User, journal: Journal) -> None:
    first, second = (imported(owner, journal, statement([WAGES])) for _ in range(2))
    assert LineParts.objects.count() == 1
    services.undo(owner, first.pk, NOW)
    assert LineParts.objects.count() == 1
    services.undo(owner, second.pk, NOW)
    assert (LineParts.objects.count(), Line.objects.filter(status="posted").count()) == (0, 0)
