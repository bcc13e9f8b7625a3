"""Sentences of rooms and connectors in the reader's language: none is forgotten, and all show up on pages."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation
from tests.hub.pages.conftest import World, browser

import nostro
from nostro.connectors import errors
from nostro.hub.linking import problems
from nostro.hub.linking.models import Authorisation
from nostro.web.said import said

SOURCES = Path(nostro.__file__).parent
#: What only operators read, in a terminal, or programs.
NOT_ON_PAGES = ("hub/api", "management", "migrations", "directory/routes.py", "vendors/services.py", "listening.py")
RAISING = {
    *("Problem", "Forbidden", "Decision", "Decoupled", "bank_problem", "protocol_error"),
    *("set_account_health", "set_connection_health", "wait"),
    *(name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)),
}
NAMED = {"what", "why", "what_to_do", "reason", "next_action"}
#: Not shown: the word of a health that pages write themselves, and what an operation says of itself.
ELSEWHERE = {"Disconnected."}


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        # Any value will do, where it is a name or a number.
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (text for value in node.values for text in _texts(value))


def _raised(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if name in RAISING or name == "__init__" or name.lower().endswith("problem"):
            for given in (*node.args, *(each.value for each in node.keywords if each.arg in NAMED)):
                yield from _texts(given)


def _files() -> list[Path]:
    found = [*(SOURCES / "hub").rglob("*.py"), *(SOURCES / "connectors").rglob("*.py")]
    found += [SOURCES / "web" / name for name in ("errors.py", "once.py")]
    return sorted(each for each in found if not any(part in each.as_posix() for part in NOT_ON_PAGES))


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_every_sentence_that_a_person_is_told_is_in_dutch(path: Path) -> None:
    with translation.override("nl"):
        missing = {text for text in _raised(path) if re.match("[A-Z]", text) and said(text) == text}
    assert missing <= ELSEWHERE


def test_in_english_and_for_words_of_a_bank_nothing_changes() -> None:
    with translation.override("en"):
        assert said("The code was wrong.") == "The code was wrong."
    with translation.override("nl"):
        assert said("Geen saldo 100%(x)s beschikbaar") == "Geen saldo 100%(x)s beschikbaar"
        assert said("") == ""
        assert said("The code was wrong. " * 60) == "The code was wrong. " * 60  # longer than any of ours


def test_sentences_with_values_and_several_in_one() -> None:
    with translation.override("nl"):
        assert said("KBC cannot be linked yet.") == "KBC kan nog niet worden gekoppeld."
        both = said("Paused after 3 failed runs. The bank cannot be reached.")
        assert both == "Gepauzeerd na 3 mislukte lezingen. De bank is niet bereikbaar."
        assert said("The code was wrong. Tik de cijfers in.") == "De code was fout. Tik de cijfers in."
        assert said("100% sure cannot be used here.") == "100% sure kan hier niet worden gebruikt."


def dutch(world: World, address: str, status: int = 200) -> str:
    world.owner.locale = "nl"
    world.owner.save()
    answer = browser(world.owner).get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_why_a_bank_did_not_agree_is_told_in_dutch(world: World) -> None:
    reason = errors.CredentialsInvalid().reason
    Authorisation.objects.update(status="failed", error_reason=reason, error_code="PSU_CREDENTIALS_INVALID")
    shown = dutch(world, reverse("hub:at_the_bank", args=[world.authorisation.id]))
    assert "De bank weigerde de aanmelding." in shown and reason not in shown


def test_a_refusal_and_a_page_that_does_not_exist_are_told_in_dutch(world: World) -> None:
    shown = dutch(world, f"{reverse('hub:link_return')}?state=made-up", status=400)
    assert "Dit antwoord van een bank hoort bij geen autorisatie die Nostro kent." in shown
    assert problems.unknown_state().what not in shown
    missing = dutch(world, reverse("hub:payment", args=[world.account.id]), status=404)
    assert "Dit bestaat niet, of u mag het niet zien" in missing


def test_the_state_of_an_account_is_told_in_dutch(world: World) -> None:
    type(world.connection).objects.update(health="degraded", health_reason="The bank did not show all accounts.")
    shown = dutch(world, reverse("hub:account", args=[world.account.id]))
    assert "De bank toonde niet alle rekeningen." in shown
