"""Walks through a bank's login and approval pages the way a person does: reads the form, fills it in, sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

MAX_PAGES = 8
#: What a person knows: the sandbox bank's password and code are printed on its pages.
PASSWORD = "sandbox"  # noqa: S105 - the sandbox bank's public password
CODE = "123456"


@dataclass
class Form:
    """One HTML form: where it goes and what it holds. ``buttons`` are (name, value, label)."""

    action: str
    fields: list[tuple[str, str, str]] = field(default_factory=list)  # name, type, value
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms and tag == "input" and given.get("name"):
            self.forms[-1].fields.append((given["name"], given.get("type", "text"), given.get("value", "")))
        elif self.forms and tag == "button" and given.get("name"):
            self.forms[-1].buttons.append((given["name"], given.get("value", "")))


def approve(url: str, psu: str, stop_at: str) -> str:
    """Log in as ``psu``, approve all accounts, and return the address the bank sends the browser back to.

    ``stop_at`` is the beginning of that address. Raises ``RuntimeError`` when the bank never sends the browser back.
    """
    with httpx.Client(timeout=30, follow_redirects=False) as browser:
        response = browser.get(url)
        for _ in range(MAX_PAGES):
            if response.is_redirect:
                target = urljoin(str(response.url), response.headers["Location"])
                if target.startswith(stop_at):
                    return target
                response = browser.get(target)
                continue
            response.raise_for_status()
            form = _first_form(response.text)
            response = browser.post(urljoin(str(response.url), form.action), data=_fill_in(form, psu))
    raise RuntimeError("the bank did not send the browser back")


def _first_form(html: str) -> Form:
    reader = _Forms()
    reader.feed(html)
    if not reader.forms:
        raise RuntimeError("the bank shows a page without a form")
    return reader.forms[0]


def _fill_in(form: Form, psu: str) -> dict[str, str | list[str]]:
    """Every box is ticked, every known field filled, and the first button pressed."""
    answers: dict[str, str | list[str]] = {}
    for name, kind, value in form.fields:
        if kind == "checkbox":
            ticked = answers.setdefault(name, [])
            assert isinstance(ticked, list)
            ticked.append(value)
        elif kind == "password":
            answers[name] = PASSWORD
        elif kind == "hidden":
            answers[name] = value
        else:
            answers[name] = CODE if "code" in name.lower() or "otp" in name.lower() else (value or psu)
    return {**answers, **dict(form.buttons[:1])}
