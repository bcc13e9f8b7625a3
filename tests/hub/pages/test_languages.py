"""The Hub in Dutch: nothing is forgotten, and the compiled catalogue is that of the texts."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.urls import reverse
from tests.hub.pages.conftest import World, browser

import nostro.hub.pages

MESSAGES = Path(nostro.hub.pages.__file__).parents[2] / "locale" / "nl" / "LC_MESSAGES"
TEMPLATES = sorted((Path(nostro.hub.pages.__file__).parent / "templates").rglob("*.html"))


def _catalogue() -> Catalog:
    with (MESSAGES / "django.po").open("rb") as file:
        return read_po(file, domain="django")


def _pairs(catalogue: Catalog) -> dict[tuple[str, str | None], object]:
    return {(str(message.id), message.context): message.string for message in catalogue if message.id}


def test_the_compiled_catalogue_holds_exactly_the_texts() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, _catalogue())
    with (MESSAGES / "django.mo").open("rb") as file:
        assert _pairs(read_mo(file)) == _pairs(read_mo(io.BytesIO(compiled.getvalue())))


def test_no_text_is_empty_and_all_keep_their_places() -> None:
    for message in _catalogue():
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, tuple | list) else [message.id]
        texts = message.string if isinstance(message.string, tuple | list) else [message.string]
        places = set(re.findall(r"%\(\w+\)s", originals[-1]))
        for text in texts:
            assert text, message.id
            assert set(re.findall(r"%\(\w+\)s", text)) == places, message.id


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_template_is_in_dutch(template: Path) -> None:
    known = {message.id for message in _catalogue() if isinstance(message.id, str)}
    source = template.read_text()
    used = re.findall(r"""\{% translate (?:"([^"]+)"|'([^']+)')""", source)
    missing = {double or single for double, single in used} - known
    assert not missing


def test_a_person_who_reads_dutch_sees_the_hub_in_dutch(world: World) -> None:
    world.owner.locale = "nl"
    world.owner.save()
    client = browser(world.owner)
    address = reverse("hub:accounts", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    page = html.unescape(client.get(address).content.decode())
    assert '<html lang="nl"' in page
    assert "Hoeveel hebben we?" in page
    assert "How much do we have?" not in page
    assert "1.234,50" in page
