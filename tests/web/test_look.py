"""The look as a whole: colours that can be read, templates without inline style, and a style guide with every block."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template import engines
from django.template.loader import get_template

import nostro

ROOT = Path(nostro.__file__).parent
STYLESHEET = (ROOT / "web/static/web/nostro.css").read_text()
TEMPLATES = sorted(path for path in ROOT.rglob("templates/**/*") if path.suffix in {".html", ".svg"})
BLOCKS = sorted((ROOT / "web/templates/web/blocks").glob("*.html"))


def tokens(selector: str) -> dict[str, str]:
    body = STYLESHEET.split(selector + " {", 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", body))


LIGHT = tokens(":root")
DARK = tokens(':root[data-theme="dark"]')


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


GROUNDS = ["paper", "sheet", "act-ground", "good-ground", "warn-ground", "bad-ground"]
PAIRS = (
    [("ink", ground) for ground in GROUNDS]
    + [("ink-2", ground) for ground in ("paper", "sheet", "act-ground")]
    + [("act", ground) for ground in GROUNDS]
    + [
        (tone, ground)
        for tone in ("good", "warn", "bad")
        for ground in ("paper", "sheet", f"{tone}-ground", "act-ground")
    ]
    + [("act-ink", "act"), ("sheet", "bad")]
)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_every_colour_of_text_can_be_read_on_its_grounds(theme, text, ground):
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_edges_of_controls_can_be_seen(theme):
    assert contrast(theme["line-2"], theme["sheet"]) >= 3


def test_dark_by_choice_and_dark_by_the_system_are_the_same():
    assert tokens(':root:not([data-theme="light"])') == DARK


def test_the_stylesheet_uses_no_colour_but_its_tokens():
    after = STYLESHEET.split("/* --- Ground", 1)[1]
    # What dims the page behind a dialog, and the paper under a picture that a bank's device must read.
    allowed = {"rgb(20 24 28 / 45%)", "#fff"}
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\([^)]*\)|hsl\([^)]*\)", after)) <= allowed
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLESHEET))
    assert used <= set(LIGHT), "a token that is used is defined"


def test_sizes_of_text_are_the_five_of_the_look():
    sizes = {LIGHT[name] for name in ("text-s", "text-m", "text-l", "text-xl", "text-answer")}
    assert sizes == {f"{px / 16:g}rem" for px in (13, 15, 18, 24, 34)}


@pytest.mark.parametrize("path", TEMPLATES, ids=[str(path.relative_to(ROOT)) for path in TEMPLATES])
def test_no_template_has_inline_style_script_or_handler(path):
    source = path.read_text()
    assert not re.search(r"\sstyle\s*=", source), "no inline style"
    assert "<style" not in source
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", source), "no inline handler"
    assert "javascript:" not in source
    for script in re.findall(r"<script\b[^>]*>", source):
        assert "src=" in script or "application/json" in script, "no inline script"


@pytest.mark.parametrize("path", BLOCKS, ids=[path.stem for path in BLOCKS])
def test_every_block_can_be_loaded_and_is_told_about(path):
    get_template(f"web/blocks/{path.name}")


def test_the_tags_of_the_library_are_all_in_the_notes_for_builders():
    from nostro.web.templatetags.nostro import register

    notes = (ROOT.parents[1] / "docs/contributing/pages.md").read_text()
    assert [
        name
        for name in register.tags
        if not name.startswith("end") and f"{{% {name}" not in notes and f"`{name}`" not in notes
    ] == []


class Outline(HTMLParser):
    """Collects what good manners ask of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def outline(html: str) -> Outline:
    parsed = Outline()
    parsed.feed(html)
    return parsed


@pytest.mark.parametrize("address", ["/look", "/", "/people/login/", "/people/signup/", "/nowhere"])
@pytest.mark.django_db
def test_a_page_has_one_heading_landmarks_labels_and_little_weight(client, address):
    html = client.get(address, headers={"accept": "text/html"}).content.decode()
    page = outline(html)
    assert len(page.all("h1")) == 1 and len(page.all("main")) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert any(attrs.get("class") == "skip-link" and attrs["href"] == "#main" for attrs in page.all("a"))
    labelled = {attrs.get("for") for attrs in page.all("label")}
    for field in [*page.all("input"), *page.all("select"), *page.all("textarea")]:
        assert field.get("type") in {"hidden", "radio"} or field.get("id") in labelled or field.get("aria-label")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids)), "an id stands once"
    assert not [attrs for _, attrs in page.tags if "style" in attrs or any(name.startswith("on") for name in attrs)]
    assert len(html.encode()) + len(STYLESHEET.encode()) < 150_000


def test_the_style_guide_shows_the_three_currencies_and_is_gone_without_a_sandbox(client, settings):
    html = client.get("/look").content.decode()
    assert all(currency in html for currency in ("EUR", "JPY", "KWD"))
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html
    settings.SANDBOX_ENABLED = False
    assert client.get("/look").status_code == 404


def test_form_fields_tie_label_help_and_error_together():
    from nostro.web.look import LookForm

    html = (
        engines["django"]
        .from_string("{% load nostro %}{% field form.name %}{{ form }}")
        .render({"form": LookForm({"name": "<b>"})})
    )
    assert 'aria-describedby="id_name_helptext"' in html and '<label for="id_name">' in html
    assert 'value="&lt;b&gt;"' in html, "what was typed is kept"
    assert 'id="id_country_error"' in html and 'aria-invalid="true"' in html
