"""Journeys: a real Chromium in front of a whole installation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from pytest_django import DjangoDbBlocker
from tests.database import template
from tests.house import RunningHouse

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[RunningHouse]:
    """A running installation on the server that the tests use. Nobody is known in it.

    Its tables are there already: that they are made at the first start is seen by tests/cli.
    """
    server_url = os.environ["DATABASE_URL"]
    with django_db_blocker.unblock():
        migrated = template(server_url)
    running = RunningHouse(tmp_path_factory.mktemp("house"), server_url, migrated)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def beside_a_browser() -> Iterator[None]:
    """A thread of the live server that keeps its connection keeps the test database from being dropped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if executable is None:
        pytest.skip("no Chromium: install the package chromium to run the journeys")
    # The browser's driver keeps an event loop running in this process until the end, and Django would refuse its
    # database to every test that comes after a journey on the same worker. Nothing here is asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="Europe/Brussels")
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def watched(context: BrowserContext) -> list[str]:
    """What went wrong in the browser meanwhile: script errors, refusals of the content policy, answers of 500."""
    troubles: list[str] = []
    context.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    context.on("response", lambda answer: troubles.append(answer.url) if answer.status >= 500 else None)
    context.on("weberror", lambda error: troubles.append(str(error.error)))
    return troubles


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the journeys are kept: ``build/screenshots`` in the checkout."""
    directory = Path(__file__).resolve().parents[2] / "build" / "screenshots"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
