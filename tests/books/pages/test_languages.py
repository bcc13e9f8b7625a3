"""The Books in Dutch: no text of a page, form, mail or refusal is missing, and figures and days follow the language."""

from __future__ import annotations

import ast
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation.template import templatize
from tests.books.conftest import NOW
from tests.books.pages.conftest import House

import nostro.books.pages
from nostro.books.hub_client.catalogue import CATALOGUE
from nostro.books.hub_client.errors import HubError
from nostro.books.links.failures import record_failure
from nostro.people.models import User
from nostro.web.said import said, templates

BOOKS = Path(nostro.books.pages.__file__).parents[1]
CATALOGUE_OF_TEXTS = BOOKS.parent / "locale" / "nl" / "LC_MESSAGES" / "django.po"
#: What each function's arguments are: plain, with plural, with context.
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
#: The API speaks English to programs; migrations keep the words of their time.
ENGLISH = {"api", "migrations"}
FILES = sorted(
    path
    for kind in ("*.html", "*.py")
    for path in BOOKS.rglob(kind)
    if not ENGLISH & set(path.relative_to(BOOKS).parts) and not path.name.startswith("test_")
)
ROOMS = [path for path in FILES if path.suffix == ".py"]


def catalogue() -> Catalog:
    with CATALOGUE_OF_TEXTS.open("rb") as file:
        return read_po(file, domain="django")


@pytest.fixture(scope="module")
def dutch() -> set[tuple[object, str | None]]:
    """The messages with all their texts."""
    return {
        (message.id, message.context)
        for message in catalogue()
        if message.id and all([message.string] if isinstance(message.string, str) else message.string)
    }


def marked(path: Path) -> Iterator[tuple[object, str | None]]:
    """What a file marks for translation."""
    source = path.read_text()
    if path.suffix == ".html":
        source = "\n".join(line.strip() for line in templatize(source).splitlines())
    for _line, message, _comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
        if message:
            yield message, context


def raised(path: Path) -> Iterator[ast.expr]:
    """The sentences of the problems that a room raises."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Problem":
            yield from node.args[:1]
            yield from (each.value for each in node.keywords if each.arg in {"what", "why", "what_to_do"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(BOOKS)))
def test_every_text_is_in_dutch(path: Path, dutch: set[tuple[object, str | None]]) -> None:
    assert not set(marked(path)) - dutch


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.relative_to(BOOKS)))
def test_every_refusal_is_in_dutch(path: Path, dutch: set[tuple[object, str | None]]) -> None:
    """A fixed sentence is a message; one with values has a template of the same words."""
    known = {text for text, _context in dutch}
    shapes = {re.sub(r"%\(\w+\)s", "\0", template) for template in templates()}
    for sentence in raised(path):
        if isinstance(sentence, ast.Constant) and sentence.value:
            assert sentence.value in known
        elif isinstance(sentence, ast.JoinedStr):
            words = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in sentence.values)
            assert words in shapes


def test_every_failure_and_every_template_is_in_dutch(dutch: set[tuple[object, str | None]]) -> None:
    known = {text for text, _context in dutch}
    wanted = {text for kind in CATALOGUE.values() for text in (kind.sentence, kind.remedy)}
    assert not (wanted | templates()) - known


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("12 new", "nl", "12 nieuw"),
        ("12 new", "en", "12 new"),
        ("Sales are locked until 2026-10-31.", "nl", "Verkopen zijn afgesloten tot 2026-10-31."),
        ("The code BNK1 is taken.", "nl", "De code BNK1 is bezet."),
        ("not allowed before 14:05 UTC", "nl", "niet toegestaan vóór 14:05 UTC"),
        ("What a bank says", "nl", "What a bank says"),
        ("The code %(n)s is taken.", "nl", "De code %(n)s is bezet."),
        ("", "nl", ""),
    ],
)
def test_a_sentence_with_values_is_said_in_the_readers_language(text: str, language: str, expected: str) -> None:
    with translation.override(language):
        assert said(text) == expected


@pytest.fixture
def reader(owner: User, browser: Client) -> Client:
    owner.locale = "nl"
    owner.save()
    return browser


def shown(reader: Client, name: str, key: object) -> str:
    page = html.unescape(reader.get(reverse(f"books:{name}", args=[key])).content.decode())
    assert '<html lang="nl"' in page
    return page


def test_a_person_who_reads_dutch_sees_the_books_in_dutch(house: House, reader: Client) -> None:
    page = shown(reader, "company", house.company.id)
    for text in ("Kloppen bank en boekhouding met elkaar?", "Klopt met de bank", "4 nieuw", "1.071,00", "11 nov 2026"):
        assert text in page
    journal = shown(reader, "journal", house.journal.id)
    for text in ("Saldo in de boekhouding, berekend", "Afgeletterd", "100,00"):
        assert text in journal


def test_a_failure_and_a_refusal_are_told_in_dutch(house: House, reader: Client) -> None:
    record_failure(house.connection, house.link.online_account, HubError("H-CREDENTIALS", "x"), now=NOW)
    page = shown(reader, "connection", house.connection.id)
    for text in ("De Hub weigert de Client ID en de Secret ID.", "Toegangsgegevens vernieuwen", "Details kopiëren"):
        assert text in page
    refused = reader.post(reverse("books:accept_change", args=[house.line("-50").id]))
    assert refused.status_code == 400
    assert "Geen wijziging wacht op een beslissing." in refused.content.decode()


def test_what_is_typed_the_dutch_way_is_read(house: House, reader: Client) -> None:
    typed = {"date": "2026-11-10", "amount": "-1.234,50", "label": "Huur"}
    assert reader.post(reverse("books:add_line", args=[house.journal.id]), typed).status_code == 302
    assert house.line("-1234.50").label == "Huur"
